import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  amountFrom,
  cardinalWords,
  digitsFrom,
  digitWords,
  ordinalWords,
  readingsOf,
  wordsIn,
} from "./spoken-words.ts";

describe("wordsIn", () => {
  it.each([
    ["Hello, world!", ["hello", "world"]],
    ["It\u2019s the boss's, the bosses'", ["it's", "the", "boss's", "the", "bosses"]],
    ["10:45 a.m.", ["10", "45", "a", "m"]],
    ["$12 and 1,250", ["12", "dollars", "and", "1250"]],
    ["50% of R&D", ["50", "percent", "of", "r", "and", "d"]],
    ["forty-two", ["forty", "two"]],
    ["Ärger, café", ["ärger", "café"]],
    ["🎉 ...", []],
  ])("finds the words of %j", (text, words) => {
    expect(wordsIn(text)).toEqual(words);
  });
});

describe("numbers", () => {
  it("are written out and read back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9999 }), (n) => {
        expect(amountFrom(cardinalWords(n))).toBe(n);
        expect(digitsFrom(digitWords(String(n)))).toBe(String(n));
      }),
    );
  });

  it("have more than one reading where people differ", () => {
    expect(readingsOf("5")).toEqual([["five"]]);
    expect(readingsOf("42")).toEqual([
      ["forty", "two"],
      ["four", "two"],
    ]);
    expect(readingsOf("042")).toEqual([["zero", "four", "two"]]);
    expect(readingsOf("1999")).toContainEqual(["nineteen", "ninety", "nine"]);
    expect(readingsOf("123456")).toEqual([["one", "two", "three", "four", "five", "six"]]);
    expect(readingsOf("21st")).toEqual([["twenty", "first"]]);
  });

  it("have ordinals", () => {
    expect([1, 12, 20, 22, 30].map((n) => ordinalWords(n).join(" "))).toEqual([
      "first",
      "twelfth",
      "twentieth",
      "twenty second",
      "thirtieth",
    ]);
  });

  it("are none where the words are none", () => {
    expect(amountFrom([])).toBeUndefined();
    expect(amountFrom(["lots"])).toBeUndefined();
  });
});
