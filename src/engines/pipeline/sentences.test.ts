import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Pieces, Sentences } from "./sentences.ts";

function sentencesOf(text: string): string[] {
  const splitter = new Sentences();
  const done = splitter.push(text);
  const last = splitter.end();
  return last === undefined ? done : [...done, last];
}

function piecesOf(...deltas: readonly string[]): string[] {
  const pieces = new Pieces();
  return [...deltas.flatMap((delta) => pieces.push(delta)), ...pieces.end()];
}

/** Text with everything in it that makes boundaries hard. */
const hardText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "Dr. ",
        "e.g. ",
        "a.m. ",
        "U.S. ",
        "3.5 ",
        "No. ",
        "1. ",
        "I. ",
        "J. ",
        "Yes! ",
        "...",
        "… ",
        "\n",
        '"',
        ") ",
        ", ",
        "😀",
        " ",
      ),
      fc.lorem({ maxCount: 4 }),
      fc.string({ maxLength: 8, unit: "binary" }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(""));

describe("sentences", () => {
  it.each([
    [
      "Dr. Smith has 3.5 days left. He's at 10 a.m. on Monday! Really? Yes... I think so.",
      ["Dr. Smith has 3.5 days left.", "He's at 10 a.m. on Monday!", "Really?", "Yes...", "I think so."],
    ],
    ["Mr. J. R. Tolkien wrote it. It costs $12.50. OK", ["Mr. J. R. Tolkien wrote it.", "It costs $12.50.", "OK"]],
    [
      'See e.g. the U.S. law. No. 5 is ok. "Stop!" she said.',
      ["See e.g. the U.S. law.", "No. 5 is ok.", '"Stop!" she said.'],
    ],
    ["It is 5 p.m. Call me.", ["It is 5 p.m.", "Call me."]],
    ["So do I. Then we agree. No. That is wrong.", ["So do I.", "Then we agree.", "No.", "That is wrong."]],
    ["1. First open it. 2. Then close it.", ["1. First open it.", "2. Then close it."]],
    ["A title\nThen a line\nand its end.", ["A title", "Then a line\nand its end."]],
    ["Well… maybe not. See www.example.com for more.", ["Well… maybe not.", "See www.example.com for more."]],
    ['He said "Go." Then he left.', ['He said "Go."', "Then he left."]],
  ])("cuts %j where a reader would", (text, expected) => {
    expect(sentencesOf(text)).toEqual(expected);
  });

  it("takes a silence of the model for the end of a sentence, but not after an abbreviation", () => {
    const splitter = new Sentences();
    splitter.push("It is done.");
    expect(splitter.pause()).toBe("It is done.");
    splitter.push("I saw Dr.");
    expect(splitter.pause()).toBeUndefined();
    expect(splitter.push(" Who went home. N")).toEqual(["I saw Dr. Who went home."]);
  });
});

describe("pieces", () => {
  it("speaks a first word at once and joins short sentences later", () => {
    expect(piecesOf("Sure. Yes. No. It is on the second floor, next to the lift. Bye.")).toEqual([
      "Sure.",
      "Yes. No. It is on the second floor, next to the lift.",
      "Bye.",
    ]);
  });

  it("cuts a long first sentence at a clause after four words", () => {
    const [first] = piecesOf(
      "As far as I can see from here, there are twelve days of vacation left for you this year.",
    );
    expect(first).toBe("As far as I can see from here,");
  });

  it("waits for the first sentence when it has no clause", () => {
    const text = "There are exactly twelve whole days of vacation left for you to take before the end of this year.";
    expect(piecesOf(text)).toEqual([text]);
  });

  it("never makes a piece longer than 220 characters", () => {
    fc.assert(
      fc.property(
        fc.oneof(hardText, fc.string({ minLength: 200, maxLength: 900 }), fc.constant("a".repeat(3000))),
        (text) => {
          for (const piece of piecesOf(text)) expect(piece.length).toBeLessThanOrEqual(220);
        },
      ),
    );
  });

  it("does not depend on how the text is cut into deltas", () => {
    fc.assert(
      fc.property(hardText, fc.array(fc.nat(30)), (text, cuts) => {
        const deltas: string[] = [];
        let rest = text;
        for (const cut of cuts) {
          deltas.push(rest.slice(0, cut));
          rest = rest.slice(cut);
        }
        expect(piecesOf(...deltas, rest)).toEqual(piecesOf(text));
      }),
      { numRuns: 500 },
    );
  });

  it("loses nothing but white space", () => {
    fc.assert(
      fc.property(hardText, (text) => {
        expect(piecesOf(text).join("").replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
      }),
      { numRuns: 500 },
    );
  });
});
