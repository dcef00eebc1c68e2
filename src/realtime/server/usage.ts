/*
 * Tokens as the service counts and bills them, so that code which reckons with money runs offline. Published rates: a
 * caller's audio is 1 token per 100 ms, the agent's 1 per 50 ms, and the whole conversation is billed again as input of
 * every response. Text is reckoned at 4 characters a token.
 */
import type { Millis } from "../../base/time.ts";
import type { ResponseUsage, TokenCounts, TranscriptionUsage } from "../../protocol/openai/server-events.ts";
import type { Ask } from "./effects.ts";
import type { Entry } from "./conversation.ts";

const CALLER_TOKEN: Millis = 100;
const AGENT_TOKEN: Millis = 50;
const CHARACTERS = 4;
/** An image of usual size at `detail: auto`: taste, no rate is published. */
const IMAGE_TOKENS = 765;

export function textTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS);
}

export function spokenTokens(ms: Millis): number {
  return Math.ceil(ms / AGENT_TOKEN);
}

/** What one line of the conversation costs each time it is read. */
export function tokensOf({ item, audioMs, heardMs, text }: Entry): TokenCounts {
  if (item.type === "function_call") return { ...none, text_tokens: textTokens(item.name + item.arguments) };
  if (item.type === "function_call_output") return { ...none, text_tokens: textTokens(item.output) };
  if (item.type !== "message") return none;
  const images = item.role === "user" ? item.content.filter((part) => part.type === "input_image").length : 0;
  const per = item.role === "assistant" ? AGENT_TOKEN : CALLER_TOKEN;
  return {
    text_tokens: audioMs > 0 ? 0 : textTokens(text),
    audio_tokens: Math.ceil((heardMs ?? audioMs) / per),
    image_tokens: images * IMAGE_TOKENS,
  };
}

/** What a response reads: instructions, tools and conversation. */
export function inputOf(
  { instructions, tools }: Pick<Ask, "instructions" | "tools">,
  entries: readonly Entry[],
): TokenCounts {
  const fixed = textTokens(instructions) + (tools.length === 0 ? 0 : textTokens(JSON.stringify(tools)));
  return entries.reduce((sum, entry) => add(sum, tokensOf(entry)), { ...none, text_tokens: fixed });
}

export function totalOf({ text_tokens, audio_tokens, image_tokens }: TokenCounts): number {
  return text_tokens + audio_tokens + image_tokens;
}

/** `cached`: what of the input the response before has read already. */
export function usageOf(
  input: TokenCounts,
  cached: TokenCounts,
  output: { readonly text_tokens: number; readonly audio_tokens: number },
): ResponseUsage {
  const known: TokenCounts = {
    text_tokens: Math.min(input.text_tokens, cached.text_tokens),
    audio_tokens: Math.min(input.audio_tokens, cached.audio_tokens),
    image_tokens: Math.min(input.image_tokens, cached.image_tokens),
  };
  const inputs = totalOf(input);
  const outputs = output.text_tokens + output.audio_tokens;
  return {
    total_tokens: inputs + outputs,
    input_tokens: inputs,
    output_tokens: outputs,
    input_token_details: { ...input, cached_tokens: totalOf(known), cached_tokens_details: known },
    output_token_details: output,
  };
}

/** What recognising an utterance costs. */
export function transcriptionUsage(ms: Millis, transcript: string): TranscriptionUsage {
  const audio = Math.ceil(ms / CALLER_TOKEN);
  const text = textTokens(transcript);
  return {
    type: "tokens",
    input_tokens: audio,
    output_tokens: text,
    total_tokens: audio + text,
    input_token_details: { audio_tokens: audio, text_tokens: 0 },
  };
}

export const none: TokenCounts = { text_tokens: 0, audio_tokens: 0, image_tokens: 0 };

function add(a: TokenCounts, b: TokenCounts): TokenCounts {
  return {
    text_tokens: a.text_tokens + b.text_tokens,
    audio_tokens: a.audio_tokens + b.audio_tokens,
    image_tokens: a.image_tokens + b.image_tokens,
  };
}
