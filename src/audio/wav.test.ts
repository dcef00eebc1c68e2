import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../base/errors.ts";
import { readWav, type Wav, wavHeader, writeWav } from "./wav.ts";

function read(bytes: Uint8Array): Wav {
  const wav = readWav(bytes);
  if (isFault(wav)) throw new Error(wav.why);
  return wav;
}

/** A file from its chunks: id and payload, padded to even length. */
function file(...chunks: readonly (readonly [string, ArrayLike<number>])[]): Uint8Array {
  const bytes: number[] = ascii("RIFF\0\0\0\0WAVE");
  for (const [id, payload] of chunks) {
    const size = payload.length;
    bytes.push(...ascii(id), size & 255, (size >> 8) & 255, (size >> 16) & 255, size >>> 24);
    bytes.push(...Array.from(payload), ...(size % 2 === 1 ? [0] : []));
  }
  return Uint8Array.from(bytes);
}

const ascii = (text: string): number[] => Array.from(text, (c) => c.charCodeAt(0));

function fmt(tag: number, channels: number, rate: number, bits: number, extra: readonly number[] = []): number[] {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint16(0, tag, true);
  view.setUint16(2, channels, true);
  view.setUint32(4, rate, true);
  view.setUint32(8, (rate * channels * bits) / 8, true);
  view.setUint16(12, (channels * bits) / 8, true);
  view.setUint16(14, bits, true);
  return [...new Uint8Array(view.buffer), ...extra];
}

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const doubles = (...values: number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);

describe("a WAV file", () => {
  it("gives back what was written", () => {
    fc.assert(
      fc.property(
        fc.int16Array({ maxLength: 100 }),
        fc.constantFrom(8000, 44100),
        fc.constantFrom(1 as const, 2 as const),
        (data, rate, channels) => {
          const samples = data.subarray(0, data.length - (data.length % channels));
          expect(read(writeWav(samples, rate, channels))).toEqual({ rate, channels, samples });
        },
      ),
    );
  });

  it("has a header that says its lengths", () => {
    const view = new DataView(writeWav(new Int16Array(10), 24000, 2).buffer);
    expect([view.getUint32(4, true), view.getUint32(40, true)]).toEqual([56, 20]);
    expect([view.getUint32(24, true), view.getUint32(28, true), view.getUint16(32, true)]).toEqual([24000, 96000, 4]);
  });

  it("may be a stream whose length is not known yet", () => {
    const header = wavHeader(8000);
    expect(new DataView(header.buffer).getUint32(40, true)).toBe(0xffffffff);
    expect([...read(Uint8Array.from([...header, 1, 0, 2, 0])).samples]).toEqual([1, 2]);
  });

  it("may carry chunks we do not know, of odd length too", () => {
    const bytes = file(
      ["JUNK", [1, 2, 3]],
      ["fmt ", fmt(1, 1, 16000, 16)],
      ["LIST", [9]],
      ["data", [5, 0, 6, 0]],
      ["id3 ", [1]],
    );
    expect(read(bytes)).toEqual({ rate: 16000, channels: 1, samples: Int16Array.of(5, 6) });
  });

  it.each([
    ["8 bits unsigned", fmt(1, 1, 8000, 8), [0, 128, 255], [-32768, 0, 32512]],
    ["16 bits", fmt(1, 1, 8000, 16), [0xff, 0x7f, 0, 0x80], [32767, -32768]],
    ["24 bits", fmt(1, 1, 8000, 24), [0xff, 0xff, 0x7f, 0, 0, 0x80, 0, 1, 0], [32767, -32768, 1]],
    ["32 bits", fmt(1, 1, 8000, 32), [0, 0, 0xff, 0x7f, 0, 0, 0, 0x80], [32767, -32768]],
    ["float", fmt(3, 1, 8000, 32), floats(0.5, -1, 1.5, Number.NaN), [16384, -32768, 32767, 0]],
    ["double", fmt(3, 1, 8000, 64), doubles(0.5, -2), [16384, -32768]],
    ["µ-law", fmt(7, 1, 8000, 8), [0xff, 0x00], [0, -32124]],
    ["A-law", fmt(6, 1, 8000, 8), [0xd5, 0x2a], [8, -32256]],
    [
      "extensible",
      fmt(0xfffe, 1, 8000, 16, [22, 0, 16, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113]),
      [7, 0],
      [7],
    ],
  ] as const)("may hold samples as %s", (_name, format, data, samples) => {
    expect([...read(file(["fmt ", format], ["data", data])).samples]).toEqual([...samples]);
  });

  it("gives whole samples of what is there when it is cut off", () => {
    const whole = writeWav(Int16Array.of(1, 2, 3, 4), 8000, 2);
    expect([...read(whole.subarray(0, whole.length - 1)).samples]).toEqual([1, 2]);
  });

  it("is read from the middle of a larger buffer, on an odd address", () => {
    const bytes = new Uint8Array(100);
    bytes.set(writeWav(Int16Array.of(1, 2), 8000), 3);
    expect([...read(bytes.subarray(3, 51)).samples]).toEqual([1, 2]);
  });

  it.each([
    ["nothing", new Uint8Array(0), "RIFF WAVE"],
    ["another file", Uint8Array.from({ length: 60 }, (_, i) => i), "RIFF WAVE"],
    ["no format", file(["data", [1, 0]]), "fmt chunk before"],
    ["no chunks", file(), "fmt chunk, found none"],
    ["no data", file(["fmt ", fmt(1, 1, 8000, 16)]), "data chunk, found none"],
    ["a short format", file(["fmt ", [1, 0]]), "at least 16 bytes, got 2"],
    ["six channels", file(["fmt ", fmt(1, 6, 8000, 16)]), "1 or 2 channels, got 6"],
    ["no rate", file(["fmt ", fmt(1, 1, 0, 16)]), "rate above 0"],
    ["MP3 inside", file(["fmt ", fmt(85, 1, 8000, 16)]), "got format 85"],
    ["12 bits", file(["fmt ", fmt(1, 1, 8000, 12)]), "12 bits"],
  ])("is refused with a reason when it holds %s", (_name, bytes, why) => {
    const wav = readWav(bytes);
    if (!isFault(wav)) throw new Error("expected a fault");
    expect(wav.fault).toBe("bad-message");
    expect(wav.why).toContain(why);
  });

  it("never throws, whatever the bytes say", () => {
    const good = writeWav(
      Int16Array.from({ length: 20 }, (_, i) => i),
      8000,
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(good.length),
        (edits, length) => {
          const bytes = good.slice(0, length);
          for (const [at, value] of edits) if (at < length) bytes[at] = value;
          const wav = readWav(bytes);
          expect(isFault(wav) || wav.samples.length <= 84).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
