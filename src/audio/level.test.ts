import { describe, expect, it } from "vitest";
import { fromDecibels, levelOf, peakOf, rmsOf, SILENCE_DB, toDecibels } from "./level.ts";

const sine = Int16Array.from({ length: 4800 }, (_, i) => Math.round(32767 * Math.sin((2 * Math.PI * i) / 48)));

describe("levels", () => {
  it("measure a full-scale sine as -3.01 dBFS and a full-scale square as 0", () => {
    expect(levelOf(sine)).toBeCloseTo(-3.01, 2);
    expect(levelOf(new Int16Array(100).fill(-32768))).toBe(0);
  });

  it("measure half the amplitude 6 dB lower", () => {
    expect(levelOf(sine.map((x) => x / 2)) - levelOf(sine)).toBeCloseTo(-6.02, 1);
  });

  it("find the peak on both sides", () => {
    expect(peakOf(Int16Array.of(3, -32768, 100))).toBe(1);
    expect(peakOf(Int16Array.of(3, 16384, -100))).toBe(0.5);
  });

  it("have a finite floor for silence and for nothing at all", () => {
    expect(levelOf(new Int16Array(480))).toBe(SILENCE_DB);
    expect(levelOf(new Int16Array(0))).toBe(SILENCE_DB);
    expect(rmsOf(new Int16Array(0))).toBe(0);
    expect(peakOf(new Int16Array(0))).toBe(0);
    expect(toDecibels(0)).toBe(SILENCE_DB);
  });

  it("go from decibels to amplitudes and back", () => {
    expect(fromDecibels(-12)).toBeCloseTo(0.2512, 4);
    for (const db of [-60, -6, 0, 6]) expect(toDecibels(fromDecibels(db))).toBeCloseTo(db, 10);
  });
});
