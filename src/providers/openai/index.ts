/* repartee/openai: model, recogniser and voice of any server that speaks OpenAI's HTTP interface. */
import type { Llm, Stt, Tts } from "../../agents/types.ts";
import { endpointOf, type EndpointOptions } from "./endpoint.ts";
import { chatModel, type LlmOptions } from "./llm.ts";
import { type SttOptions, transcriber } from "./stt.ts";
import { speaker, type TtsOptions } from "./tts.ts";

export type { EndpointOptions, Timeouts } from "./endpoint.ts";
export type { LlmOptions } from "./llm.ts";
export type { SttOptions } from "./stt.ts";
export type { TtsOptions } from "./tts.ts";

export interface OpenAiOptions extends EndpointOptions, LlmOptions {
  readonly stt?: SttOptions | undefined;
  readonly tts?: TtsOptions | undefined;
}

/** The three parts of a pipeline at one server. Each is used on its own: a server need not have all of them. */
export interface OpenAi {
  readonly llm: Llm;
  readonly stt: Stt;
  readonly tts: Tts;
}

/**
 * OpenAI, Ollama (`/v1`), llama.cpp, vLLM, LM Studio, Groq, OpenRouter … Nothing is asked before a part is used. The parts
 * fail with VoiceError `provider-auth`, `provider-config`, `provider-limit` (`meta.retryAfterMs`), `provider-unavailable`
 * or `provider-timeout`; keys are in no message. Throws VoiceError `config` for a `baseUrl` that is no address.
 */
export function openai(options: OpenAiOptions): OpenAi {
  const endpoint = endpointOf(options);
  return {
    llm: chatModel(endpoint, options),
    stt: transcriber(endpoint, options.stt),
    tts: speaker(endpoint, options.tts),
  };
}
