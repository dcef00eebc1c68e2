import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Resampler, type ResamplerQuality, resample } from "./resample.ts";

const ratios = [
  [48000, 24000],
  [24000, 48000],
  [48000, 16000],
  [16000, 48000],
  [24000, 16000],
  [16000, 24000],
  [24000, 8000],
  [8000, 24000],
  [8000, 48000],
  [8000, 16000],
  [44100, 16000],
  [22050, 16000],
  [22050, 24000],
  [44100, 48000],
  [11025, 48000],
  [48000, 44100],
] as const;

/** The float result for a float input fed in chunks of this size, with flush. */
function run(
  input: Float32Array,
  from: number,
  to: number,
  quality: ResamplerQuality = "voice",
  chunk = 480,
): Float32Array {
  const resampler = new Resampler(from, to, { quality });
  const output = new Float32Array(Math.ceil((input.length * to) / from) + 8);
  let written = 0;
  for (let at = 0; at < input.length; at += chunk) {
    written += resampler.push(input.subarray(at, at + chunk), output.subarray(written));
  }
  written += resampler.flush(output.subarray(written));
  return output.subarray(0, written);
}

function tone(hz: number, rate: number, seconds = 0.5): Float32Array {
  return Float32Array.from({ length: rate * seconds }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rate));
}

/** The middle 60 %: away from where the tone begins and ends abruptly. */
function middle(samples: Float32Array): Float32Array {
  return samples.subarray(Math.floor(samples.length * 0.2), Math.floor(samples.length * 0.8));
}

/** The best-fitting sine of this frequency: its amplitude, its power in these samples, and the power of what it leaves. */
function fit(samples: Float32Array, hz: number, rate: number): { amplitude: number; signal: number; rest: number } {
  let ss = 0;
  let cc = 0;
  let sc = 0;
  let xs = 0;
  let xc = 0;
  let xx = 0;
  for (let i = 0; i < samples.length; i++) {
    const angle = (2 * Math.PI * hz * i) / rate;
    const s = Math.sin(angle);
    const c = Math.cos(angle);
    const x = samples[i]!;
    ss += s * s;
    cc += c * c;
    sc += s * c;
    xs += x * s;
    xc += x * c;
    xx += x * x;
  }
  const det = ss * cc - sc * sc;
  const a = (xs * cc - xc * sc) / det;
  const b = (xc * ss - xs * sc) / det;
  const signal = (a * a * ss + 2 * a * b * sc + b * b * cc) / samples.length;
  return { amplitude: Math.hypot(a, b), signal, rest: Math.max(1e-30, xx / samples.length - signal) };
}

const snr = (samples: Float32Array, hz: number, rate: number): number => {
  const { signal, rest } = fit(middle(samples), hz, rate);
  return 10 * Math.log10(signal / rest);
};
const gain = (samples: Float32Array, hz: number, rate: number): number =>
  20 * Math.log10(fit(middle(samples), hz, rate).amplitude / 0.5);
const power = (samples: Float32Array): number =>
  middle(samples).reduce((sum, v) => sum + v * v, 0) / middle(samples).length;

describe("the quality of resampled audio", () => {
  it.each([
    ["voice", 1000, 85],
    ["voice", 7000, 75],
    ["hq", 1000, 110],
    ["hq", 7000, 110],
  ] as const)("%s keeps a tone of %i Hz clean to %i dB from 48 to 24 kHz and back", (quality, hz, least) => {
    const back = run(run(tone(hz, 48000), 48000, 24000, quality), 24000, 48000, quality);
    expect(snr(back, hz, 48000)).toBeGreaterThanOrEqual(least);
  });

  it.each([
    ["voice", 85],
    ["hq", 110],
  ] as const)("%s keeps 1 kHz clean to %i dB from 24 to 8 kHz and back", (quality, least) => {
    const back = run(run(tone(1000, 24000), 24000, 8000, quality), 8000, 24000, quality);
    expect(snr(back, 1000, 24000)).toBeGreaterThanOrEqual(least);
  });

  it.each([
    ["voice", -60],
    ["hq", -100],
  ] as const)("%s leaves at most %i dB of tones above the new Nyquist frequency", (quality, most) => {
    for (const hz of [12500, 14000, 17000, 20000, 23000]) {
      const alias = 10 * Math.log10(power(run(tone(hz, 48000), 48000, 24000, quality)) / 0.125);
      expect(alias, `${hz} Hz`).toBeLessThanOrEqual(most);
    }
  });

  it.each([
    ["voice", -60],
    ["hq", -100],
  ] as const)("%s leaves at most %i dB of mirror images when the rate goes up", (quality, most) => {
    for (const hz of [500, 2000, 3300]) {
      const { signal, rest } = fit(middle(run(tone(hz, 8000), 8000, 24000, quality)), hz, 24000);
      expect(10 * Math.log10(rest / signal), `${hz} Hz`).toBeLessThanOrEqual(most);
    }
  });

  it.each([
    ["voice", 0.85],
    ["hq", 0.9],
  ] as const)("%s is flat within 0.02 dB up to %f of the slower side's Nyquist frequency", (quality, pass) => {
    for (const [from, to] of ratios) {
      const edge = (pass * Math.min(from, to)) / 2;
      for (const share of [0.02, 0.2, 0.5, 0.8, 0.95, 1]) {
        const hz = edge * share;
        expect(
          Math.abs(gain(run(tone(hz, from), from, to, quality), hz, to)),
          `${from} to ${to}, ${hz} Hz`,
        ).toBeLessThanOrEqual(0.02);
      }
    }
  });

  it("keeps a constant exactly, in every phase", () => {
    for (const [from, to] of ratios) {
      const output = run(new Float32Array(from / 10).fill(0.5), from, to);
      for (const value of middle(output)) expect(value).toBeCloseTo(0.5, 6);
    }
  });

  it("shifts nothing: output 0 lies on input 0", () => {
    const input = tone(440, 48000);
    const output = run(input, 48000, 24000);
    for (let i = 200; i < 5000; i++) expect(Math.abs(output[i]! - input[2 * i]!)).toBeLessThan(1e-4);
  });

  it("clamps what overshoots full scale and does not wrap", () => {
    const square = Int16Array.from({ length: 9600 }, (_, i) => (i % 96 < 48 ? 32767 : -32768));
    const output = resample(square, 48000, 24000);
    for (let i = 100; i < output.length - 100; i++) {
      if (i % 48 > 4 && i % 48 < 20) expect(output[i]).toBeGreaterThan(20000);
      if (i % 48 > 28 && i % 48 < 44) expect(output[i]).toBeLessThan(-20000);
    }
  });
});

describe("a resampler on a stream", () => {
  it("gives the same bits however the input is cut", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ratios),
        fc.constantFrom("voice" as const, "hq" as const),
        fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 12 }),
        ([from, to], quality, cuts) => {
          const total = cuts.reduce((sum, n) => sum + n, 0);
          const input = Int16Array.from({ length: total }, (_, i) => 20000 * Math.sin(i * i * 0.37));
          const whole = resample(input, from, to, { quality });
          const resampler = new Resampler(from, to, { quality });
          const parts: number[] = [];
          let at = 0;
          for (const cut of cuts) {
            parts.push(...resampler.process(input.subarray(at, at + cut)));
            at += cut;
          }
          const rest = new Int16Array(resampler.flushLength);
          resampler.flush(rest);
          parts.push(...rest);
          expect(parts.length).toBe(Math.ceil((total * to) / from));
          expect(Int16Array.from(parts)).toEqual(whole);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([1, 37, 480, 960])("gives the same floats in chunks of %i", (chunk) => {
    const input = Float32Array.from({ length: 4800 }, (_, i) => Math.sin(i * i * 0.37));
    for (const [from, to] of ratios)
      expect(run(input, from, to, "voice", chunk)).toEqual(run(input, from, to, "voice", 4800));
  });

  it("gives floats from -1 to 1 for int16 samples", () => {
    const resampler = new Resampler(48000, 16000);
    const output = new Float32Array(2000);
    const written = resampler.push(new Int16Array(4800).fill(16384), output);
    expect(output[written - 1]).toBeCloseTo(0.5, 6);
  });

  it("says beforehand how many samples it will write", () => {
    for (const [from, to] of ratios) {
      const resampler = new Resampler(from, to);
      const output = new Float32Array(9000);
      for (const size of [0, 1, 160, 7, 480, 1024, 3]) {
        const promised = resampler.outputLength(size);
        expect(resampler.push(new Float32Array(size), output)).toBe(promised);
      }
      const promised = resampler.flushLength;
      expect(resampler.flush(output)).toBe(promised);
    }
  });

  it("begins anew after reset and after flush", () => {
    const input = Int16Array.from({ length: 960 }, (_, i) => 9000 * Math.sin(i));
    const resampler = new Resampler(48000, 24000);
    const first = resampler.process(input);
    resampler.process(input);
    resampler.reset();
    expect(resampler.process(input)).toEqual(first);
    resampler.flush(new Int16Array(resampler.flushLength));
    expect(resampler.process(input)).toEqual(first);
  });

  it("looks ahead about 1 ms from 48 to 24 kHz and 3 ms from 24 to 8 kHz", () => {
    expect(new Resampler(48000, 24000).lookAheadMs).toBeCloseTo(1.02, 1);
    expect(new Resampler(24000, 8000).lookAheadMs).toBeCloseTo(3.06, 1);
    expect(new Resampler(48000, 24000, { quality: "hq" }).lookAheadMs).toBeCloseTo(2.4, 1);
  });

  it("hands equal rates through untouched", () => {
    const resampler = new Resampler(24000, 24000);
    const input = Int16Array.of(1, -2, 32767);
    expect(resampler.process(input)).toBe(input);
    expect(resample(input, 8000, 8000)).toBe(input);
    expect(resampler.lookAheadMs).toBe(0);
    const floats = new Float32Array(3);
    expect(resampler.push(input, floats)).toBe(3);
    expect(floats[1]).toBe(-2 / 32768);
    expect(resampler.flush(floats)).toBe(0);
  });

  it("survives long downsampling steps and an empty stream", () => {
    const input = Int16Array.from({ length: 4000 }, (_, i) => 9000 * Math.sin(i / 50));
    expect(resample(input, 192000, 8000).length).toBe(Math.ceil(4000 / 24));
    expect(resample(new Int16Array(0), 48000, 24000).length).toBe(0);
    expect(resample(Int16Array.of(5), 8000, 48000).length).toBe(6);
  });

  it("treats NaN and infinity in float input as a fault of the source that passes", () => {
    const resampler = new Resampler(48000, 24000);
    const output = new Int16Array(960);
    resampler.push(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY), output);
    for (let i = 0; i < 5; i++) resampler.push(new Float32Array(480).fill(0.25), output);
    expect(output[200]).toBe(8192);
  });

  it("refuses an output that is too small, before it has taken anything", () => {
    const resampler = new Resampler(48000, 24000);
    const input = new Int16Array(960);
    expect(() => resampler.push(input, new Int16Array(10))).toThrow(/must hold \d+ samples, got 10/);
    expect(resampler.push(input, new Int16Array(500))).toBe(new Resampler(48000, 24000).outputLength(960));
  });

  it("refuses rates that are not positive whole numbers, and ratios that would need a huge table", () => {
    for (const rate of [0, -1, 44100.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new Resampler(rate, 16000)).toThrow(RangeError);
      expect(() => new Resampler(16000, rate)).toThrow(RangeError);
    }
    expect(() => new Resampler(48001, 47999)).toThrow(/ratio of small whole numbers/);
  });
});
