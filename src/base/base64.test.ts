import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeMulaw } from "../audio/g711.ts";
import {
  base64Length,
  decodeBase64,
  decodeBase64Into,
  decodeBase64Samples,
  decodedLength,
  encodeBase64,
  writeBase64,
} from "./base64.ts";

describe("base64", () => {
  it("writes what Buffer writes, for bytes of any length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(base64Length(bytes.length)).toBe(encodeBase64(bytes).length);
      }),
      { numRuns: 2000 },
    );
  });

  it("encodes more than the arguments of one call can hold", () => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i * 7);
    expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
  });

  it("reads back what it wrote, with or without padding", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        const text = encodeBase64(bytes);
        expect(decodeBase64(text)).toEqual(bytes);
        expect(decodeBase64(text.replace(/=+$/, ""))).toEqual(bytes);
        expect(decodedLength(text)).toBe(bytes.length);
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses every text with a character that is not base64", () => {
    const wrong = fc.constantFrom("-", "_", " ", "\n", "=", "é", "\u{141}", "\u0000", "\u007f", "\uffff");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 60 }), wrong, fc.nat(), (bytes, letter, place) => {
        const text = encodeBase64(bytes).replace(/=+$/, "");
        const at = place % (text.length - 1);
        expect(decodeBase64(text.slice(0, at) + letter + text.slice(at + 1))).toBeUndefined();
      }),
      { numRuns: 5000 },
    );
  });

  it.each(["A", "AAAAA", "=", "====", "AA=A", "A===", "AAAA="])(
    "refuses %s, whose length or padding cannot be",
    (text) => {
      expect(decodeBase64(text)).toBeUndefined();
    },
  );

  it("takes the empty text for no bytes", () => {
    expect(decodeBase64("")).toEqual(new Uint8Array(0));
  });

  it("says so when the bytes do not fit", () => {
    expect(decodeBase64Into("AAAA", new Uint8Array(2))).toBe(-1);
    expect(decodeBase64Into("AAAA", new Uint8Array(9))).toBe(3);
    expect(() => writeBase64(new Uint8Array(3), new Uint8Array(8), 5)).toThrow(RangeError);
  });

  it("decodes µ-law straight to samples", () => {
    const table = decodeMulaw(Uint8Array.from({ length: 256 }, (_, byte) => byte));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(decodeBase64Samples(encodeBase64(bytes), table)).toEqual(decodeMulaw(bytes));
      }),
    );
    expect(decodeBase64Samples("A*AA", table)).toBeUndefined();
  });
});
