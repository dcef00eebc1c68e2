/*
 * Serves one file: whatever it exports as `stream`, or as its default a Stream or a handler. A file that has a server of
 * its own, and exports it as its default, is only told about.
 */
import { once } from "node:events";
import { Server } from "node:http";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { VoiceError } from "../base/errors.ts";
import { serveUntilStopped } from "../server/serve.ts";
import { Stream } from "../server/stream.ts";

/** `repartee dev FILE`. Runs until Ctrl-C; answers the exit code. */
export async function dev(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { port: { type: "string" }, host: { type: "string" } },
  });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) {
    console.error("Usage: repartee dev FILE [--port N] [--host ADDRESS]");
    return 2;
  }
  // The file may launch its stream itself: it reads the same two variables.
  if (values.port !== undefined) process.env["PORT"] = values.port;
  if (values.host !== undefined) process.env["HOST"] = values.host;
  const loaded = await load(file);
  return loaded instanceof Server ? await tell(basename(file), loaded) : await serveUntilStopped(loaded);
}

/** Its server belongs to the file: it ends with the process, or when the file ends it. */
async function tell(name: string, server: Server): Promise<number> {
  if (!server.listening) await once(server, "listening");
  const address = server.address();
  if (typeof address === "object" && address !== null)
    console.log(`${name} is ready at http://localhost:${address.port}`);
  await once(server, "close");
  return 0;
}

async function load(file: string): Promise<Stream | Server> {
  const module: unknown = await import(pathToFileURL(resolve(file)).href);
  const exported = typeof module === "object" && module !== null ? (module as Readonly<Record<string, unknown>>) : {};
  const found = exported["stream"] ?? exported["default"];
  if (found instanceof Stream || found instanceof Server) return found;
  if (typeof found === "function") return new Stream(found as ConstructorParameters<typeof Stream>[0]);
  throw new VoiceError(
    "config",
    `${file} must export a Stream as "stream" or "default", or a handler or an http.Server as "default"`,
  );
}
