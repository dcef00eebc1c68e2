import { describe, expect, it } from "vitest";
import { firstLoud, lastLoud, meterOf, NoiseFloor, rmsOf } from "./levels.ts";

const RATE = 44_100;

/** A tone of this amplitude from `fromMs` to `toMs` in 100 ms of silence. */
function tone(amplitude: number, fromMs: number, toMs: number): Float32Array {
  const samples = new Float32Array(RATE / 10);
  for (let i = Math.round((fromMs * RATE) / 1000); i < Math.round((toMs * RATE) / 1000); i++) {
    samples[i] = amplitude * Math.sin((2 * Math.PI * 300 * i) / RATE);
  }
  return samples;
}

describe("loudness", () => {
  it("is the root mean square of the stretch that is asked for", () => {
    expect(rmsOf(tone(0.5, 0, 100))).toBeCloseTo(0.5 / Math.SQRT2, 3);
    expect(rmsOf(tone(0.5, 0, 50), RATE / 20)).toBe(0);
    expect(rmsOf(new Float32Array(0))).toBe(0);
  });

  it("fills the meter from -60 to -12 dBFS", () => {
    expect(meterOf(0)).toBe(0);
    expect(meterOf(0.001)).toBe(0);
    expect(meterOf(10 ** (-36 / 20))).toBeCloseTo(0.5, 3);
    expect(meterOf(1)).toBe(1);
  });
});

describe("the moments of a voice", () => {
  it("are its end and its beginning, within one block of 10 ms", () => {
    const samples = tone(0.3, 20, 60);
    expect(lastLoud(samples, 0, RATE, 0.01)).toBeGreaterThanOrEqual(30);
    expect(lastLoud(samples, 0, RATE, 0.01)).toBeLessThanOrEqual(40);
    expect(firstLoud(samples, 0, RATE, 0.01)).toBeGreaterThanOrEqual(79);
    expect(firstLoud(samples, 0, RATE, 0.01)).toBeLessThanOrEqual(90);
  });

  it("are not found in silence, in what is too quiet, nor before the stretch that is new", () => {
    expect(lastLoud(new Float32Array(4_410), 0, RATE, 0.01)).toBeUndefined();
    expect(firstLoud(tone(0.005, 0, 100), 0, RATE, 0.01)).toBeUndefined();
    expect(firstLoud(tone(0.3, 0, 40), Math.round(RATE * 0.05), RATE, 0.01)).toBeUndefined();
    expect(lastLoud(tone(0.3, 0, 40), Math.round(RATE * 0.05), RATE, 0.01)).toBeUndefined();
  });
});

describe("the noise of a room", () => {
  const listen = (floor: NoiseFloor, rms: number, ms: number): void => {
    for (let t = 0; t < ms; t += 20) floor.push(rms, 20);
  };

  it("never lifts the threshold of a quiet room above -45 dBFS, however quiet it is", () => {
    const floor = new NoiseFloor();
    listen(floor, 0.00001, 5_000);
    expect(floor.threshold).toBeCloseTo(0.0056, 4);
  });

  it("is learnt, so that a fan is not taken for a voice", () => {
    const floor = new NoiseFloor();
    listen(floor, 0.01, 10_000);
    expect(floor.threshold).toBeGreaterThan(0.03);
  });

  it("is hardly lifted by a sentence", () => {
    const floor = new NoiseFloor();
    listen(floor, 0.002, 5_000);
    const before = floor.threshold;
    listen(floor, 0.2, 2_000);
    expect(floor.threshold).toBeLessThan(before * 2.1);
    listen(floor, 0.002, 100);
    expect(floor.threshold).toBeCloseTo(before, 4);
  });
});
