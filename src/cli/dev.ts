/*
 * Serves one file: whatever it exports as `stream`, or as its default a Stream or a handler.
 */
import { resolve } from "node:path";
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
  return await serveUntilStopped(await load(file));
}

async function load(file: string): Promise<Stream> {
  const module: unknown = await import(pathToFileURL(resolve(file)).href);
  const exported = typeof module === "object" && module !== null ? (module as Readonly<Record<string, unknown>>) : {};
  const found = exported["stream"] ?? exported["default"];
  if (found instanceof Stream) return found;
  if (typeof found === "function") return new Stream(found as ConstructorParameters<typeof Stream>[0]);
  throw new VoiceError("config", `${file} must export a Stream as "stream" or "default", or a handler as "default"`);
}
