/*
 * Which mind answers, from what is at hand: a model that was named and a server for it, else everything on this machine.
 */
import type { Llm, Stt, Tts } from "../agents/types.ts";
import { VoiceError } from "../base/errors.ts";
import { pipeline } from "../engines/pipeline/index.ts";
import { openai } from "../providers/openai/index.ts";
import { repromptOf } from "../providers/rules/index.ts";
import { type Embedded, embedded, type EmbeddedOptions, STEADY } from "./embedded.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface ChooseOptions extends EmbeddedOptions {
  /** Where the choice is looked up. Default: the environment of the process. */
  readonly env?: Environment;
}

/**
 * `OPENAI_MODEL` with `OPENAI_BASE_URL` or `OPENAI_API_KEY`: that model answers. `OPENAI_STT_MODEL` and `OPENAI_TTS_MODEL`
 * replace recogniser and voice too. Otherwise the embedded parts. `describe` says which. Fails as `embedded` does, and
 * with VoiceError `config` for a model without a server.
 */
export async function choose({ env = process.env, ...options }: ChooseOptions): Promise<Embedded> {
  const chosen = chosenFrom(env);
  const own = await embedded(options);
  if (chosen === undefined) return own;
  const { model, llm, stt = own.stt, tts = own.tts } = chosen;
  const steadyMs = stt === own.stt ? STEADY : 0;
  return {
    ...own,
    engine: pipeline({ stt, llm, tts, reprompt: repromptOf(options.book), model, steadyMs }),
    stt,
    tts,
    describe: ["Silero v6", chosen.stt?.name ?? "grammar recogniser", model, chosen.tts?.name ?? "Flite"].join(" · "),
  };
}

/** What replaces the embedded parts; undefined: nothing. Throws as `choose` does. */
export function chosenFrom(
  env: Environment,
):
  | { readonly model: string; readonly llm: Llm; readonly stt: Stt | undefined; readonly tts: Tts | undefined }
  | undefined {
  const of = (name: string): string | undefined => env[`OPENAI_${name}`] || undefined;
  const [model, baseUrl, apiKey, sttModel, ttsModel] = ["MODEL", "BASE_URL", "API_KEY", "STT_MODEL", "TTS_MODEL"].map(
    of,
  );
  if (model === undefined) return undefined;
  if (baseUrl === undefined && apiKey === undefined) {
    throw new VoiceError(
      "config",
      "OPENAI_MODEL needs a server: set OPENAI_BASE_URL, or OPENAI_API_KEY for OpenAI's own",
    );
  }
  const { llm, stt, tts } = openai({
    baseUrl: baseUrl ?? "https://api.openai.com/v1",
    apiKey,
    model,
    stt: sttModel === undefined ? undefined : { model: sttModel },
    tts: ttsModel === undefined ? undefined : { model: ttsModel },
  });
  return { model, llm, stt: sttModel === undefined ? undefined : stt, tts: ttsModel === undefined ? undefined : tts };
}
