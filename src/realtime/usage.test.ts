import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { usageOfResponse, usageOfTranscription } from "./usage.ts";

const details = (text: number, audio: number, cached: number, cachedText?: number, cachedAudio?: number) => ({
  input_token_details: {
    text_tokens: text,
    audio_tokens: audio,
    image_tokens: 0,
    cached_tokens: cached,
    ...(cachedText !== undefined && { cached_tokens_details: { text_tokens: cachedText, audio_tokens: cachedAudio } }),
  },
  output_token_details: { text_tokens: 80, audio_tokens: 240 },
});

describe("what a provider counts", () => {
  it("takes cached tokens out of the input they are part of", () => {
    expect(usageOfResponse("m", details(500, 600, 400, 400, 0)).units).toEqual({
      "text-in": 100,
      "text-cached": 400,
      "text-out": 80,
      "audio-in": 600,
      "audio-out": 240,
    });
  });

  it("takes cached tokens without details from text first", () => {
    expect(usageOfResponse("m", details(500, 600, 700)).units).toMatchObject({
      "text-cached": 500,
      "audio-cached": 200,
      "audio-in": 400,
    });
  });

  it("reads sums where there are no details", () => {
    expect(usageOfResponse("m", { input_tokens: 30, output_tokens: 12 }).units).toEqual({
      "text-in": 30,
      "text-out": 12,
    });
  });

  it.each([[null], [undefined], ["many"], [[]]])("does not take %j for nothing used", (usage) => {
    expect(usageOfResponse("m", usage)).toEqual({ model: "m", units: {}, unknown: true });
  });

  it.each([
    [{ type: "duration", seconds: 3.5 }, { seconds: 3.5 }],
    [
      { type: "tokens", input_tokens: 20, output_tokens: 4, input_token_details: { audio_tokens: 14, text_tokens: 6 } },
      { "text-in": 6, "audio-in": 14, "text-out": 4 },
    ],
    [
      { type: "tokens", input_tokens: 20, output_tokens: 4 },
      { "text-in": 20, "text-out": 4 },
    ],
  ])("reads a transcription's %j", (usage, units) => {
    expect(usageOfTranscription("t", usage)?.units).toEqual(units);
  });

  it("says nothing about a transcription that says nothing", () => {
    expect(usageOfTranscription("t", undefined)).toBeUndefined();
  });

  it("never throws, and never counts below zero or twice, whatever it is given", () => {
    fc.assert(
      fc.property(fc.anything(), fc.nat(), fc.nat(), fc.nat(), (junk, text, audio, cached) => {
        for (const usage of [
          junk,
          { ...details(text, audio, cached), output_token_details: junk },
          { input_token_details: junk },
        ]) {
          const { units } = usageOfResponse("m", usage);
          expect(Object.values(units).every((amount) => amount > 0)).toBe(true);
          usageOfTranscription("m", usage);
        }
        const { units } = usageOfResponse("m", details(text, audio, cached));
        const sum =
          (units["text-in"] ?? 0) +
          (units["text-cached"] ?? 0) +
          (units["audio-in"] ?? 0) +
          (units["audio-cached"] ?? 0);
        expect(sum).toBe(text + audio);
      }),
    );
  });
});
