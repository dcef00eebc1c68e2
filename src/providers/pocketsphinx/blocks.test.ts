import { describe, expect, it } from "vitest";
import { monoFrame, type AudioFrame } from "../../audio/frame.ts";
import { BlockMaker } from "./blocks.ts";

/** `ms` of a 500 Hz tone. */
function tone(rate: number, ms: number): Int16Array {
  return Int16Array.from({ length: (rate * ms) / 1000 }, (_, i) =>
    Math.round(10_000 * Math.sin((2 * Math.PI * 500 * i) / rate)),
  );
}

function all(frames: readonly AudioFrame[]): readonly Int16Array[] {
  const maker = new BlockMaker(16_000);
  return [...frames.flatMap((frame) => maker.push(frame) ?? []), maker.end()];
}

describe("blocks", () => {
  it("are at least 100 ms, but for the last one", () => {
    const frames = Array.from({ length: 13 }, () => monoFrame(tone(16_000, 20), 16_000));
    expect(all(frames).map((block) => block.length)).toEqual([1600, 1600, 960]);
  });

  it.each([8000, 24_000, 48_000])("bring %d Hz to 16 kHz without losing time", (rate) => {
    const blocks = all(Array.from({ length: 50 }, () => monoFrame(tone(rate, 20), rate)));
    expect(blocks.reduce((sum, block) => sum + block.length, 0)).toBe(16_000);
  });

  it("mix two channels into one", () => {
    const stereo: AudioFrame = {
      kind: "audio",
      samples: Int16Array.of(100, 300, -200, 200),
      rate: 16_000,
      channels: 2,
      at: 0,
    };
    expect(all([stereo])).toEqual([Int16Array.of(200, 0)]);
  });

  it("go on when the rate changes on the way", () => {
    const length = all([monoFrame(tone(16_000, 100), 16_000), monoFrame(tone(48_000, 100), 48_000)]).reduce(
      (sum, block) => sum + block.length,
      0,
    );
    expect(length).toBe(3200);
  });

  it("are the receiver's own, never the sender's samples", () => {
    const samples = tone(16_000, 100);
    const [block] = all([monoFrame(samples, 16_000)]);
    expect(block?.buffer).not.toBe(samples.buffer);
  });

  it("are empty at the end of nothing", () => {
    expect(all([])).toEqual([new Int16Array(0)]);
  });
});
