/*
 * What a provider counts, as units that do not overlap. Providers report cached tokens among the input tokens; counting
 * them twice is the classic error, so `text-in` and `audio-in` are what was not cached. Reasoning is inside output text.
 * Cached pictures have no price of their own and stay pictures.
 */
import { isRecord } from "../protocol/openai/complaint.ts";

export interface RealtimeUsage {
  readonly model: string;
  readonly units: Readonly<Partial<Record<RealtimeUnit, number>>>;
  /** The provider finished without saying what it used: the cost is unknown, not nothing. */
  readonly unknown?: true;
}

export type RealtimeUnit = `${"text" | "audio"}-${"in" | "cached" | "out"}` | "image-in" | "seconds";

/** The usage of a finished response. Without counts it is unknown. */
export function usageOfResponse(model: string, usage: unknown): RealtimeUsage {
  if (!isRecord(usage)) return { model, units: {}, unknown: true };
  const input = record(usage["input_token_details"]);
  const output = record(usage["output_token_details"]);
  const image = count(input["image_tokens"]);
  const audioIn = count(input["audio_tokens"]);
  const cached = record(input["cached_tokens_details"]);
  const audioOut = count(output["audio_tokens"]);
  // What is counted only as a sum is text: the cheapest kind that is certain to be there.
  const textIn = given(input["text_tokens"]) ?? Math.max(0, count(usage["input_tokens"]) - audioIn - image);
  const textOut = given(output["text_tokens"]) ?? Math.max(0, count(usage["output_tokens"]) - audioOut);
  const cachedSum = count(input["cached_tokens"]);
  // Cached tokens without details are taken from text first, whose discount is the smallest: that never understates.
  const textCached = Math.min(given(cached["text_tokens"]) ?? cachedSum, textIn);
  const audioCached = Math.min(given(cached["audio_tokens"]) ?? Math.max(0, cachedSum - textCached), audioIn);
  return {
    model,
    units: positive({
      "text-in": textIn - textCached,
      "text-cached": textCached,
      "text-out": textOut,
      "audio-in": audioIn - audioCached,
      "audio-cached": audioCached,
      "audio-out": audioOut,
      "image-in": image,
    }),
  };
}

/** The usage of a transcription: seconds, or tokens. Undefined when the provider says nothing, which many do. */
export function usageOfTranscription(model: string, usage: unknown): RealtimeUsage | undefined {
  if (!isRecord(usage)) return undefined;
  if (usage["type"] === "duration") return { model, units: positive({ seconds: count(usage["seconds"]) }) };
  const input = record(usage["input_token_details"]);
  const audio = count(input["audio_tokens"]);
  return {
    model,
    units: positive({
      "text-in": given(input["text_tokens"]) ?? Math.max(0, count(usage["input_tokens"]) - audio),
      "audio-in": audio,
      "text-out": count(usage["output_tokens"]),
    }),
  };
}

function positive(units: Partial<Record<RealtimeUnit, number>>): Partial<Record<RealtimeUnit, number>> {
  return Object.fromEntries(Object.entries(units).filter(([, amount]) => amount > 0));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function given(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function count(value: unknown): number {
  return given(value) ?? 0;
}
