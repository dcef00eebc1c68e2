/*
 * What handlers may yield and sessions be given. Only the shape is checked, in a few comparisons per frame; what is wrong
 * throws with what was expected and what came, in the stack of whoever sent it.
 */
import type { Output } from "./types.ts";

/** Slower is no audio, faster is what no codec has, Hz. */
const SLOWEST = 1_000;
const FASTEST = 384_000;

/** Throws TypeError or RangeError for what is no output. */
export function checkOutput(value: unknown): asserts value is Output {
  if (!isObject(value) || !("kind" in value)) {
    throw new TypeError(
      `an output is an audio frame, a video frame or a message: an object with a kind, got ${nameOf(value)}`,
    );
  }
  switch (value.kind) {
    case "audio":
      return checkAudio(value);
    case "message":
      if (!("name" in value) || typeof value.name !== "string") {
        throw new TypeError(
          `a message's name must be a string, got ${"name" in value ? nameOf(value.name) : "undefined"}`,
        );
      }
      return;
    case "video":
      if (!("data" in value) || !(value.data instanceof Uint8Array))
        throw new TypeError("a video frame's data must be a Uint8Array");
      return;
    default:
      throw new TypeError(
        `an output's kind must be "audio", "video" or "message", got ${JSON.stringify(value.kind) ?? "undefined"}`,
      );
  }
}

function checkAudio(
  frame: Readonly<Partial<Record<"samples" | "rate" | "channels", unknown>> & Record<"kind", unknown>>,
): void {
  const { samples, rate, channels } = frame;
  if (!(samples instanceof Int16Array))
    throw new TypeError(`an audio frame's samples must be an Int16Array, got ${nameOf(samples)}`);
  if (typeof rate !== "number" || !Number.isInteger(rate) || rate < SLOWEST || rate > FASTEST) {
    throw new RangeError(
      `an audio frame's rate must be a whole number from ${SLOWEST} to ${FASTEST} Hz, got ${String(rate)}`,
    );
  }
  if (channels !== 1 && channels !== 2)
    throw new RangeError(`an audio frame's channels must be 1 or 2, got ${String(channels)}`);
  if (channels === 2 && samples.length % 2 === 1) {
    throw new RangeError(`a frame of two channels must have an even number of samples, got ${samples.length}`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** What a wrong value is, for people: `an Int16Array`, `a string`, `null`. */
function nameOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  const name = isObject(value) ? value.constructor?.name || "Object" : typeof value;
  return `${/^[AEIOU]/i.test(name) ? "an" : "a"} ${name}`;
}
