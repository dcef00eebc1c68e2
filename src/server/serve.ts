/*
 * Runs a stream as a program: prints where it is, and ends politely on Ctrl-C or SIGTERM.
 */
import type { VoiceServer } from "./server.ts";
import type { LaunchOptions, Stream } from "./stream.ts";

/** How long a polite end may take before the process ends anyway, ms. */
const PATIENCE = 5_000;

/** Serves until the process is told to stop; a second signal ends it at once. Answers the exit code. */
export async function serveUntilStopped<In>(stream: Stream<In>, options: LaunchOptions = {}): Promise<number> {
  const server = await stream.launch(options);
  process.stdout.write(`${stream.name} is ready at ${server.url} (${stream.parts})\n`);
  return await stopped(server);
}

function stopped(server: VoiceServer): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) process.exit(130);
      asked = true;
      process.stdout.write("\nHanging up. Press Ctrl-C again to end at once.\n");
      const force = setTimeout(() => process.exit(1), PATIENCE);
      void server.close().then(() => {
        clearTimeout(force);
        process.off("SIGINT", stop);
        process.off("SIGTERM", stop);
        resolve(0);
      });
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
