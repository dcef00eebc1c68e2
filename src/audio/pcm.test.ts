import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  aggregate,
  bytesToInt16,
  float32ToInt16,
  int16ToBytes,
  int16ToFloat32,
  monoToStereo,
  SampleJoiner,
  stereoToMono,
} from "./pcm.ts";

describe("int16 and float32", () => {
  it("gives back every int16 value after a round trip", () => {
    const all = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
    expect(float32ToInt16(int16ToFloat32(all))).toEqual(all);
  });

  it.each([
    [0, 0],
    [0.5, 16384],
    [-0.5, -16384],
    [1, 32767],
    [-1, -32768],
    [1.5, 32767],
    [-1.5, -32768],
    [Number.POSITIVE_INFINITY, 32767],
    [Number.NEGATIVE_INFINITY, -32768],
    [Number.NaN, 0],
  ])("turns %f into %i", (float, int) => {
    expect(float32ToInt16(Float32Array.of(float))[0]).toBe(int);
  });

  it("writes into the caller's buffer and returns the part written", () => {
    const buffer = new Float32Array(4);
    const out = int16ToFloat32(Int16Array.of(16384, -16384), buffer);
    expect(out.buffer).toBe(buffer.buffer);
    expect([...out]).toEqual([0.5, -0.5]);
    expect(() => float32ToInt16(new Float32Array(5), new Int16Array(4))).toThrow("into must hold 5 samples, got 4");
  });
});

describe("samples and bytes", () => {
  it("writes the low byte first", () => {
    expect([...int16ToBytes(Int16Array.of(1, -2, 0x1234))]).toEqual([1, 0, 0xfe, 0xff, 0x34, 0x12]);
  });

  it("looks at aligned bytes without copying them", () => {
    const bytes = Uint8Array.of(0, 0, 1, 0, 0xff, 0x7f);
    const samples = bytesToInt16(bytes.subarray(2));
    expect([...samples]).toEqual([1, 32767]);
    expect(samples.buffer).toBe(bytes.buffer);
    expect(int16ToBytes(samples).buffer).toBe(bytes.buffer);
  });

  it("copies bytes on an odd address", () => {
    const bytes = Uint8Array.of(9, 0xfe, 0xff, 0, 0x80);
    expect([...bytesToInt16(bytes.subarray(1))]).toEqual([-2, -32768]);
  });

  it("leaves an odd byte at the end out", () => {
    expect([...bytesToInt16(Uint8Array.of(1, 0, 7))]).toEqual([1]);
    expect(bytesToInt16(Uint8Array.of(7)).length).toBe(0);
  });
});

describe("channels", () => {
  it("mixes stereo to the mean, without overflow", () => {
    expect([...stereoToMono(Int16Array.of(100, 200, 32767, 32767, -32768, -32768, 32767, -32767))]).toEqual([
      150, 32767, -32768, 0,
    ]);
  });

  it("drops half a pair", () => {
    expect([...stereoToMono(Int16Array.of(4, 6, 8))]).toEqual([5]);
  });

  it("puts mono on both sides, and mixing takes it back", () => {
    const mono = Int16Array.of(1, -1, 32767, -32768);
    expect([...monoToStereo(Int16Array.of(3, 4))]).toEqual([3, 3, 4, 4]);
    expect(stereoToMono(monoToStereo(mono))).toEqual(mono);
  });
});

describe("joining bytes that are cut anywhere", () => {
  it("gives the same samples for every way to cut them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(40), { maxLength: 12 }), (bytes, cuts) => {
        const joiner = new SampleJoiner();
        const out: number[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          out.push(...joiner.push(bytes.subarray(at, at + cut)));
          at = Math.min(bytes.length, at + cut);
        }
        expect(out).toEqual([...bytesToInt16(bytes.slice())]);
        expect(joiner.odd).toBe(bytes.length % 2 === 1);
      }),
    );
  });

  it("forgets the odd byte on reset", () => {
    const joiner = new SampleJoiner();
    joiner.push(Uint8Array.of(5));
    joiner.reset();
    expect([...joiner.push(Uint8Array.of(1, 0))]).toEqual([1]);
  });

  it("reads a whole stream and yields no empty pieces", async () => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1);
      yield Uint8Array.of();
      yield Uint8Array.of(0, 2);
      yield Uint8Array.of(0, 3);
    }
    const pieces: number[][] = [];
    for await (const samples of aggregate(chunks())) pieces.push([...samples]);
    expect(pieces).toEqual([[1], [2]]);
  });
});
