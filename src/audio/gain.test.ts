import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Gain } from "./gain.ts";

const loud = (length: number): Int16Array => new Int16Array(length).fill(10000);

describe("a gain", () => {
  it("passes the same array on while nothing is to be done", () => {
    const gain = new Gain(24000);
    const frame = loud(480);
    expect(gain.apply(frame)).toBe(frame);
  });

  it("ducks by 12 dB within 20 ms and stays there", () => {
    const gain = new Gain(24000);
    gain.duck();
    const first = gain.apply(loud(480));
    expect(first[0]).toBe(10000);
    expect(first[240]).toBeCloseTo((10000 + 2512) / 2, -1);
    expect(gain.value).toBeCloseTo(0.2512, 4);
    expect([...new Set(gain.apply(loud(480)))]).toEqual([2512]);
  });

  it("comes back within 60 ms and is then out of the way", () => {
    const gain = new Gain(24000);
    gain.duck();
    gain.apply(loud(480));
    gain.unduck();
    gain.apply(loud(960));
    expect(gain.value).toBeCloseTo(0.2512 + (1 - 0.2512) * (2 / 3), 3);
    gain.apply(loud(480));
    const frame = loud(480);
    expect(gain.apply(frame)).toBe(frame);
  });

  it("fades out to silence and in from silence within 20 ms", () => {
    const gain = new Gain(8000);
    gain.fadeOut();
    const out = gain.apply(loud(160));
    expect(out[0]).toBe(10000);
    expect(Math.abs(out[159]!)).toBeLessThan(100);
    expect(gain.apply(loud(160)).every((x) => x === 0)).toBe(true);
    gain.fadeIn();
    const back = gain.apply(loud(160));
    expect(back[0]).toBe(0);
    expect(back[159]).toBeGreaterThan(9900);
  });

  it("never jumps when a ramp is turned around half-way", () => {
    const gain = new Gain(24000);
    const heard: number[] = [];
    gain.duck();
    heard.push(...gain.apply(loud(200)));
    gain.unduck();
    heard.push(...gain.apply(loud(100)));
    gain.fadeOut();
    heard.push(...gain.apply(loud(600)));
    for (let i = 1; i < heard.length; i++) expect(Math.abs(heard[i]! - heard[i - 1]!)).toBeLessThanOrEqual(22);
  });

  it("gives the same result however the audio is cut", () => {
    const run = (cuts: readonly number[]): number[] => {
      const gain = new Gain(24000);
      gain.ramp(0.3, 30);
      return cuts.flatMap((cut) => [...gain.apply(loud(cut))]);
    };
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 10 }), (cuts) => {
        expect(run(cuts)).toEqual(run([cuts.reduce((sum, n) => sum + n, 0)]));
      }),
    );
  });

  it("clips above full scale and leaves its input alone", () => {
    const gain = new Gain(24000);
    gain.ramp(4, 0);
    const frame = Int16Array.of(30000, -30000, 100);
    expect([...gain.apply(frame)]).toEqual([32767, -32768, 400]);
    expect([...frame]).toEqual([30000, -30000, 100]);
  });

  it("is at full volume after reset", () => {
    const gain = new Gain(24000);
    gain.fadeOut();
    gain.reset();
    expect(gain.idle).toBe(true);
  });

  it("refuses factors and rates that make no sense", () => {
    for (const factor of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => new Gain(24000).ramp(factor, 20)).toThrow(RangeError);
    expect(() => new Gain(0)).toThrow(RangeError);
  });
});
