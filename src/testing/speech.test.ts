import { describe, expect, it } from "vitest";
import { durationOf } from "../audio/frame.ts";
import { levelOf } from "../audio/level.ts";
import { framesOf, recognise, spoken } from "./speech.ts";

const PHRASES = ["how many vacation days do I have", "book <day:weekday> off", "yes", "no"];

describe("spoken fixtures", () => {
  it("are read back by the test recogniser at every rate", async () => {
    for (const rate of [8000, 16_000, 24_000, 48_000]) {
      expect(await recognise(spoken("How many vacation days do I have?", { rate }), PHRASES), `${rate} Hz`).toBe(
        "how many vacation days do i have",
      );
    }
  });

  it("are read back in every voice, with noise 30 dB below", async () => {
    for (const voice of ["slt", "rms", "awb"]) {
      expect(await recognise(spoken("Book Friday off.", { voice, noiseDb: 30 }), PHRASES), voice).toBe(
        "book friday off",
      );
    }
  });

  it("are not read back as something else", async () => {
    expect(await recognise(spoken("The weather is lovely in the mountains."), PHRASES)).toBe("");
    expect(await recognise(spoken("", { leadMs: 500 }), PHRASES)).toBe("");
  });

  it("have quiet of the wanted length around them", () => {
    const { samples, rate } = spoken("Yes.", { leadMs: 500, tailMs: 400 });
    expect(levelOf(samples.subarray(0, rate / 2))).toBeLessThan(-100);
    expect(levelOf(samples.subarray(samples.length - 0.4 * rate))).toBeLessThan(-100);
    expect(levelOf(samples.subarray(rate / 2, rate))).toBeGreaterThan(-35);
  });

  it("have noise of the wanted level, the same for the same seed", () => {
    const quiet = (seed: number) => spoken("Yes.", { noiseDb: 20, seed }).samples.subarray(0, 4800);
    expect(levelOf(quiet(1))).toBeGreaterThan(-50);
    expect(levelOf(quiet(1))).toBeLessThan(-35);
    expect(quiet(1)).toEqual(quiet(1));
    expect(quiet(2)).not.toEqual(quiet(1));
  });

  it("are cut into frames of 20 ms without losing a sample", () => {
    const whole = spoken("Yes.", { rate: 24_000 });
    const frames = framesOf(whole);
    expect(frames.slice(0, -1).every((frame) => durationOf(frame) === 20)).toBe(true);
    expect(frames.reduce((sum, frame) => sum + frame.samples.length, 0)).toBe(whole.samples.length);
    expect(frames[3]?.at).toBeCloseTo(60);
  });
});
