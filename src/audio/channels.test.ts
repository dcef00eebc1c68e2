import { describe, expect, it } from "vitest";
import { mixedDown, resamplerFor, StereoResampler, withChannels } from "./channels.ts";
import { monoFrame } from "./frame.ts";
import { Resampler } from "./resample.ts";

const pair = (left: Int16Array, right: Int16Array): Int16Array =>
  Int16Array.from({ length: left.length * 2 }, (_, i) => (i % 2 === 0 ? left : right)[i >> 1] ?? 0);
const wave = (length: number, step: number): Int16Array =>
  Int16Array.from({ length }, (_, i) => 9_000 * Math.sin(i * step));

describe("channels", () => {
  it("are left alone where there is nothing to do", () => {
    const samples = Int16Array.of(1, 2);
    expect(withChannels(samples, 1, 1)).toBe(samples);
    expect(withChannels(samples, 2, 2)).toBe(samples);
    const frame = monoFrame(samples, 8_000);
    expect(mixedDown(frame)).toBe(frame);
  });

  it("are doubled and mixed", () => {
    expect([...withChannels(Int16Array.of(3, 4), 1, 2)]).toEqual([3, 3, 4, 4]);
    expect([...withChannels(Int16Array.of(2, 4, -6, 6), 2, 1)]).toEqual([3, 0]);
    const stereo = { kind: "audio", samples: Int16Array.of(2, 4), rate: 8_000, channels: 2, at: 7, item: "a" } as const;
    expect(mixedDown(stereo)).toEqual(monoFrame(Int16Array.of(3), 8_000, 7, "a"));
  });

  it("are resampled as each would be alone, however the stream is cut, flush included", () => {
    const [left, right] = [wave(960, 0.05), wave(960, 0.11)];
    const both = pair(left, right);
    const stereo = new StereoResampler(24_000, 16_000);
    const pieces = [both.subarray(0, 334), both.subarray(334, 336), both.subarray(336)].map((piece) =>
      stereo.process(piece),
    );
    const rest = new Int16Array(stereo.flushLength);
    expect(stereo.flush(rest)).toBe(rest.length);
    const alone = (samples: Int16Array): number[] => {
      const mono = new Resampler(24_000, 16_000);
      const head = mono.process(samples);
      const tail = new Int16Array(mono.flushLength);
      mono.flush(tail);
      return [...head, ...tail];
    };
    const all = [...pieces, rest].flatMap((piece) => [...piece]);
    expect(all.filter((_, i) => i % 2 === 0)).toEqual(alone(left));
    expect(all.filter((_, i) => i % 2 === 1)).toEqual(alone(right));
    expect(resamplerFor(2, 24_000, 16_000).from).toBe(24_000);
  });
});
