/*
 * Serves the realtime protocol on this machine, with the embedded parts behind it: no key, no download.
 */
import { parseArgs } from "node:util";
import { createRealtimeServer } from "../realtime-server/index.ts";
import { nodePlatform } from "../node/platform.ts";
import { createLog } from "../node/log.ts";

const usage = "Usage: repartee realtime-server [--port N] [--host ADDRESS] [--key KEY] [--origin ORIGIN]";

/** `repartee realtime-server`. Runs until Ctrl-C; answers the exit code. */
export async function realtimeServer(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      port: { type: "string", default: "8080" },
      host: { type: "string", default: "127.0.0.1" },
      key: { type: "string" },
      origin: { type: "string", multiple: true },
    },
  });
  const { host, key, origin = [] } = values;
  const port = Number(values.port);
  if (positionals.length > 0 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    console.error(usage);
    return 2;
  }
  if (key === undefined && !["127.0.0.1", "localhost", "::1"].includes(host)) {
    console.error(`On ${host} everybody in reach could call: say which key is needed with --key.`);
    return 2;
  }
  const server = await createRealtimeServer({
    origins: origin,
    platform: nodePlatform({ log: createLog({ level: "warn" }) }),
    ...(key !== undefined && { authorize: (given: string | undefined) => given === key }),
  });
  const { url } = await server.listen({ port, host });
  console.log(`The realtime protocol is served at ${url} (embedded recogniser, rules and voice).`);
  console.log(`  WebSocket  ${url.replace(/^http/, "ws")}/realtime?model=repartee`);
  console.log(`  WebRTC     POST ${url}/realtime/calls`);
  await stopped();
  await server.close();
  return 0;
}

/** Settles on Ctrl-C or SIGTERM; a second one ends the process at once. */
function stopped(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
