import { alaw, mulaw } from "alawmulaw";
import { describe, expect, it } from "vitest";
import { ALAW_SILENCE, decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw, MULAW_SILENCE } from "./g711.ts";

const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
const samples = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);

/** Signal to distortion in dB of a 997 Hz sine whose peak has this level. */
function distortion(
  level: number,
  encode: (x: Int16Array) => Uint8Array,
  decode: (b: Uint8Array) => Int16Array,
): number {
  const peak = 32768 * 10 ** (level / 20);
  const input = Int16Array.from({ length: 8000 }, (_, i) =>
    Math.round(peak * Math.sin((2 * Math.PI * 997 * i) / 8000)),
  );
  const output = decode(encode(input));
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < input.length; i++) {
    signal += input[i]! ** 2;
    noise += (input[i]! - output[i]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

describe("µ-law", () => {
  it("decodes all 256 bytes as another implementation does", () => {
    expect(decodeMulaw(bytes)).toEqual(Int16Array.from(bytes, (b) => mulaw.decodeSample(b)));
  });

  it("encodes all 65 536 samples as another implementation does", () => {
    const other = Uint8Array.from(samples, (x) => mulaw.encodeSample(x) & 0xff);
    expect(encodeMulaw(samples)).toEqual(other);
  });

  it("gives every byte back except negative zero, which becomes zero", () => {
    const again = encodeMulaw(decodeMulaw(bytes));
    expect([...again].flatMap((b, i) => (b === i ? [] : [[i, b]]))).toEqual([[0x7f, 0xff]]);
  });

  it("has its silence at 0xff and reaches 32124", () => {
    expect(encodeMulaw(Int16Array.of(0))[0]).toBe(MULAW_SILENCE);
    expect(decodeMulaw(Uint8Array.of(MULAW_SILENCE))[0]).toBe(0);
    expect([Math.min(...decodeMulaw(bytes)), Math.max(...decodeMulaw(bytes))]).toEqual([-32124, 32124]);
  });
});

describe("A-law", () => {
  it("decodes all 256 bytes as another implementation does", () => {
    expect(decodeAlaw(bytes)).toEqual(Int16Array.from(bytes, (b) => alaw.decodeSample(b)));
  });

  it("encodes as another implementation does, but for negative samples on the boundary of two codes", () => {
    const ours = encodeAlaw(samples);
    const different = [...samples].filter((x, i) => ours[i] !== (alaw.encodeSample(x) & 0xff));
    expect(different.length).toBe(127);
    expect(different.every((x) => x < 0 && -x % 16 === 0)).toBe(true);
  });

  it("gives every byte back", () => {
    expect(encodeAlaw(decodeAlaw(bytes))).toEqual(bytes);
  });

  it("has its silence at 0xd5 and reaches 32256", () => {
    expect(encodeAlaw(Int16Array.of(0))[0]).toBe(ALAW_SILENCE);
    expect([Math.min(...decodeAlaw(bytes)), Math.max(...decodeAlaw(bytes))]).toEqual([-32256, 32256]);
  });
});

describe("both laws", () => {
  it.each([
    ["µ-law", encodeMulaw, decodeMulaw],
    ["A-law", encodeAlaw, decodeAlaw],
  ] as const)(
    "%s keeps distortion 33 dB below a tone of 0 to -30 dBFS, as ITU-T G.712 asks of a codec",
    (_name, encode, decode) => {
      for (const level of [-1, -3, -6, -12, -20, -30])
        expect(distortion(level, encode, decode), `${level} dBFS`).toBeGreaterThan(33);
    },
  );

  it.each([
    ["µ-law", encodeMulaw, decodeMulaw],
    ["A-law", encodeAlaw, decodeAlaw],
  ] as const)("%s chooses a code whose neighbors are no better by more than a step", (_name, encode, decode) => {
    const levels = [...decode(bytes)].sort((a, b) => a - b);
    const decoded = decode(encode(samples));
    for (let i = 0; i < samples.length; i += 7) {
      const nearest = levels.reduce((best, level) =>
        Math.abs(level - samples[i]!) < Math.abs(best - samples[i]!) ? level : best,
      );
      expect(Math.abs(levels.indexOf(decoded[i]!) - levels.indexOf(nearest)), `${samples[i]}`).toBeLessThanOrEqual(1);
    }
  });

  it("write into the caller's buffer and refuse one that is too small", () => {
    const into = new Uint8Array(4);
    expect(encodeMulaw(Int16Array.of(1, 2), into)).toBe(into);
    expect(() => encodeAlaw(new Int16Array(5), into)).toThrow("into must hold 5 values, got 4");
    expect(() => decodeMulaw(new Uint8Array(5), new Int16Array(4))).toThrow("into must hold 5 values, got 4");
  });
});
