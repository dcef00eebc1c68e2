/*
 * Runs a stream as a program: prints where it is, and ends politely on Ctrl-C or SIGTERM.
 */
import type { VoiceServer } from "./server.ts";
import type { LaunchOptions, Stream } from "./stream.ts";

export interface ServeOptions extends LaunchOptions {
  /** Runs after the last call has ended: what the handler's parts need to let go. */
  readonly onClose?: () => Promise<void>;
}

/** How long a polite end may take before the process ends anyway, ms. */
const PATIENCE = 5_000;

/** Serves until the process is told to stop; a second signal ends it at once. Answers the exit code. */
export async function serveUntilStopped<In>(stream: Stream<In>, options: ServeOptions = {}): Promise<number> {
  const server = await stream.launch(options);
  // Whoever waits for this line may stop us the moment they read it.
  const end = stopped(server, options.onClose);
  process.stdout.write(`${stream.name} is ready at ${server.url} (${stream.parts})\n`);
  return await end;
}

function stopped(server: VoiceServer, onClose: () => Promise<void> = () => Promise.resolve()): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) process.exit(130);
      asked = true;
      process.stdout.write("\nHanging up. Press Ctrl-C again to end at once.\n");
      const force = setTimeout(() => process.exit(1), PATIENCE);
      const end = (code: number): void => {
        clearTimeout(force);
        process.off("SIGINT", stop);
        process.off("SIGTERM", stop);
        resolve(code);
      };
      server
        .close()
        .then(onClose)
        .then(
          () => end(0),
          (error: unknown) => {
            process.stderr.write(`${String(error)}\n`);
            end(1);
          },
        );
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
