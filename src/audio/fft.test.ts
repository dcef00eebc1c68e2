import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hann, RealFft } from "./fft.ts";

/** The definition, term by term. */
function slowMagnitudes(samples: readonly number[]): number[] {
  const size = samples.length;
  return Array.from({ length: size / 2 + 1 }, (_, k) => {
    let re = 0;
    let im = 0;
    samples.forEach((x, n) => {
      re += x * Math.cos((2 * Math.PI * k * n) / size);
      im -= x * Math.sin((2 * Math.PI * k * n) / size);
    });
    return Math.hypot(re, im);
  });
}

describe("the magnitude spectrum", () => {
  it.each([4, 8, 128, 256, 1024])("of %i samples is what the definition gives", (size) => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: size, maxLength: size }),
        (samples) => {
          const fft = new RealFft(size);
          const out = new Float64Array(fft.bins);
          fft.magnitudes(Float64Array.from(samples), 0, out, 0);
          slowMagnitudes(samples).forEach((magnitude, k) => expect(out[k]).toBeCloseTo(magnitude, 9));
        },
      ),
      { numRuns: 5 },
    );
  });

  it("has its peak where the tone is, and applies the window", () => {
    const fft = new RealFft(256, hann(256));
    const out = new Float32Array(fft.bins);
    fft.magnitudes(
      Float32Array.from({ length: 256 }, (_, i) => Math.sin((2 * Math.PI * 20 * i) / 256)),
      0,
      out,
      0,
    );
    expect(out.indexOf(Math.max(...out))).toBe(20);
    expect(out[20]).toBeCloseTo(64, 4);
    expect(out[19]).toBeCloseTo(32, 4);
    expect(out[40]).toBeCloseTo(0, 4);
  });

  it("is read from and written to the middle of larger arrays", () => {
    const samples = new Float32Array(20).fill(9);
    samples.set([1, 0, 0, 0, 0, 0, 0, 0], 7);
    const out = new Float32Array(10);
    new RealFft(8).magnitudes(samples, 7, out, 3);
    expect([...out]).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 0, 0]);
  });

  it("refuses sizes that are no power of two and places that do not exist", () => {
    for (const size of [0, 2, 100, 131072, 8.5]) expect(() => new RealFft(size)).toThrow(RangeError);
    expect(() => new RealFft(8, new Float64Array(7))).toThrow("window must have 8 factors, got 7");
    const fft = new RealFft(8);
    expect(() => fft.magnitudes(new Float32Array(8), 1, new Float32Array(5), 0)).toThrow(RangeError);
    expect(() => fft.magnitudes(new Float32Array(8), 0, new Float32Array(5), 1)).toThrow(RangeError);
  });
});
