import { createRequire } from "node:module";
import { VoiceError } from "../base/errors.ts";

/**
 * The path of a file of an optional package, looked up from repartee itself. Throws VoiceError `missing-peer` with the
 * command that installs it.
 */
export function findPeer(file: string, what: string): string {
  try {
    return createRequire(import.meta.url).resolve(file);
  } catch (cause) {
    const name = /^(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? file;
    throw new VoiceError("missing-peer", `${what} needs the package ${name}: npm install ${name}`, {
      cause,
      meta: { package: name },
    });
  }
}
