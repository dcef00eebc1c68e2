/*
 * Which mind answers, from what is at hand: a model that was named and a server for it, else everything on this machine.
 */
import { VoiceError } from "../base/errors.ts";
import { pipeline } from "../engines/pipeline/index.ts";
import { openai } from "../providers/openai/index.ts";
import { repromptOf } from "../providers/rules/index.ts";
import { type Embedded, embedded, type EmbeddedOptions, STEADY } from "./embedded.ts";

export interface ChooseOptions extends EmbeddedOptions {
  /** Where the choice is looked up. Default: the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * `OPENAI_MODEL` with `OPENAI_BASE_URL` or `OPENAI_API_KEY`: that model answers. `OPENAI_STT_MODEL` and `OPENAI_TTS_MODEL`
 * replace recogniser and voice too. Otherwise the embedded parts. `describe` says which. Fails as `embedded` does, and
 * with VoiceError `config` for a model without a server.
 */
export async function choose({ env = process.env, ...options }: ChooseOptions): Promise<Embedded> {
  const own = await embedded(options);
  const set = (name: string): string | undefined => env[name] || undefined;
  const [model, baseUrl, apiKey] = [set("OPENAI_MODEL"), set("OPENAI_BASE_URL"), set("OPENAI_API_KEY")];
  if (model === undefined) return own;
  if (baseUrl === undefined && apiKey === undefined) {
    throw new VoiceError(
      "config",
      "OPENAI_MODEL needs a server: set OPENAI_BASE_URL, or OPENAI_API_KEY for OpenAI's own",
    );
  }
  const [sttModel, ttsModel] = [set("OPENAI_STT_MODEL"), set("OPENAI_TTS_MODEL")];
  const service = openai({
    baseUrl: baseUrl ?? "https://api.openai.com/v1",
    apiKey,
    model,
    ...(sttModel !== undefined && { stt: { model: sttModel } }),
    ...(ttsModel !== undefined && { tts: { model: ttsModel } }),
  });
  const stt = sttModel === undefined ? own.stt : service.stt;
  const tts = ttsModel === undefined ? own.tts : service.tts;
  const steadyMs = stt === own.stt ? STEADY : 0;
  return {
    ...own,
    engine: pipeline({ stt, llm: service.llm, tts, reprompt: repromptOf(options.book), model, steadyMs }),
    stt,
    tts,
    describe: `Silero v6 · ${sttModel ?? "grammar recogniser"} · ${model} · ${ttsModel ?? "Flite"}`,
  };
}
