import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { piecesOf } from "./pieces.ts";

describe("piecesOf", () => {
  it("keeps the text of the transcript beside what is read", () => {
    expect(piecesOf("You have **11** days.")).toEqual([{ text: "You have **11** days.", spoken: "You have 11 days." }]);
  });

  it.each(["", "  ", "...", "🎉", "---", "東京"])("finds nothing to say in %j", (text) => {
    expect(piecesOf(text)).toEqual([]);
  });

  it("cuts long text at a sentence end, else at a clause mark, else at a blank", () => {
    const sentence = "This sentence has exactly six words.";
    const long = piecesOf(Array.from({ length: 12 }, () => sentence).join(" "));
    expect(long.every(({ text }) => text.endsWith("words.") && text.length <= 220)).toBe(true);
    const clauses = piecesOf(Array.from({ length: 40 }, () => "one two three").join(", "));
    expect(clauses.slice(0, -1).every(({ text }) => text.endsWith(","))).toBe(true);
    const blanks = piecesOf(Array.from({ length: 100 }, () => "word").join(" "));
    expect(blanks.every(({ text }) => /^word( word)*$/.test(text))).toBe(true);
  });

  it("cuts a word of 3,000 letters, which would hold up flite for seconds", () => {
    const pieces = piecesOf("a".repeat(3000));
    expect(pieces.every(({ spoken }) => spoken.length <= 220)).toBe(true);
    expect(pieces.map(({ spoken }) => spoken).join("")).toBe("a".repeat(3000));
  });

  it("cuts again what grows when it is written out", () => {
    const pieces = piecesOf(Array.from({ length: 12 }, () => "555-123-4567").join(" "));
    expect(Math.max(...pieces.map(({ spoken }) => spoken.length))).toBeLessThanOrEqual(220);
  });

  it("loses no word of the transcript", () => {
    const word = fc.stringMatching(/^[a-z]{1,12}[,.]?$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 120 }), (words) => {
        const text = words.join(" ");
        expect(
          piecesOf(text)
            .map((piece) => piece.text)
            .join(" "),
        ).toBe(text);
      }),
    );
  });
});
