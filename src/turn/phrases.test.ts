import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { englishPhrases, endsOpen, likelyEnd, whileCollecting } from "./phrases.ts";

describe("the likelihood that somebody has finished after", () => {
  it.each([
    ["", undefined],
    ["-", undefined],
    ["Yes.", 0.92],
    ["thank you", 0.92],
    ["no thanks goodbye", 0.92],
    ["hello", 0.6],
    ["I would like um", 0.05],
    ["I want to go home because", 0.05],
    ["book me the", 0.05],
    ["I want to go to", 0.08],
    ["my sister said", 0.08],
    ["the weather is", 0.08],
    ["yes I do", 0.8],
    ["it is", 0.8],
    ["and then I", 0.1],
    ["I think", 0.1],
    ["can you tell me", 0.1],
    ["do you have", 0.08],
    ["I was wondering", 0.1],
    ["my number is four two", 0.3],
    ["it is in room 42", 0.3],
    ["please turn it on", 0.4],
    ["what time is it now", 0.9],
    ["can you book a table", 0.9],
    ["blue", 0.5],
    ["a big house", 0.65],
    ["I would rather go home tomorrow morning", 0.78],
  ])("%j is %s", (text, p) => {
    expect(likelyEnd(text)).toBe(p);
  });

  it.each([
    ["I want to go home.", 0.85],
    ["Blue?", 0.85],
    ["What time is it now?", 0.9],
    ["I want to go home,", 0.1],
    ["I want to go home...", 0.1],
    ["I want to go home\u2026", 0.1],
    ["I want to go home -", 0.1],
    ["I want to go home", 0.78],
  ])("%j, from a recogniser that punctuates, is %s", (text, p) => {
    expect(likelyEnd(text, { punctuates: true })).toBe(p);
  });

  it("an object that looks like a subject may be the end", () => {
    expect(likelyEnd("I already have it")).toBe(0.65);
    expect(likelyEnd("and because it")).toBe(0.1);
  });

  it("words of another language is judged by its own list", () => {
    const german = { ...englishPhrases, open: ["und", "weil"], closed: ["ja", "nein"] };
    expect(likelyEnd("ich komme nicht weil", { phrases: german })).toBe(0.05);
    expect(likelyEnd("ja", { phrases: german })).toBe(0.92);
  });

  it("anything at all is a likelihood, or no opinion without words", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.boolean(), (text, punctuates) => {
        const p = likelyEnd(text, { punctuates });
        if (p !== undefined) expect(p > 0 && p < 1).toBe(true);
      }),
    );
  });
});

describe("while something is collected", () => {
  it.each([
    ["four two", 5, 0.1],
    ["four two double five one", 5, 0.95],
    ["my code is 42551", 5, 0.95],
    ["fifteen twenty", 4, 0.95],
    ["twelve", 3, 0.1],
  ])("%j of %i digits is %f", (text, expected, p) => {
    expect(whileCollecting(0.5, text, { kind: "digits", expect: expected })).toBe(p);
  });

  it("what is spelled is never quite the end", () => {
    expect(whileCollecting(0.9, "m e y e r", { kind: "spelled" })).toBe(0.3);
  });
});

describe("words that cannot be the end", () => {
  it.each([
    ["I want to go to", true],
    ["and the", true],
    ["well um", true],
    ["I want to go home", false],
    ["", false],
  ])("%j: %s", (text, open) => {
    expect(endsOpen(text)).toBe(open);
  });
});
