import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { timedWords } from "./words.ts";

describe("timedWords", () => {
  it("spreads words by their length", () => {
    expect(timedWords("aa bbbb", [{ from: 100, to: 700 }])).toEqual([
      { text: "aa", from: 100, to: 300 },
      { text: "bbbb", from: 300, to: 700 },
    ]);
  });

  it("keeps each clause to its own stretch of speech", () => {
    const words = timedWords("Hello there, friend.", [
      { from: 0, to: 500 },
      { from: 700, to: 900 },
    ]);
    expect(words.at(1)).toMatchObject({ text: "there,", to: 500 });
    expect(words.at(2)).toEqual({ text: "friend.", from: 700, to: 900 });
  });

  it("steps over pauses that no mark announces", () => {
    const words = timedWords("one two six ten", [
      { from: 0, to: 300 },
      { from: 500, to: 800 },
    ]);
    expect(words.map(({ from }) => from)).toEqual([0, 150, 500, 650]);
    expect(words.at(1)?.to).toBe(300);
  });

  it("gives nothing for no words or no speech", () => {
    expect(timedWords("", [{ from: 0, to: 1 }])).toEqual([]);
    expect(timedWords("word", [])).toEqual([]);
  });

  it("never goes back in time and stays inside the speech", () => {
    const span = fc.tuple(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 0, max: 300 }));
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z0-9,.-]{1,9}$/), { minLength: 1 }),
        fc.array(span, { minLength: 1, maxLength: 5 }),
        (words, spans) => {
          let at = 0;
          const parts = spans.map(([length, gap]) => {
            const from = at + gap;
            at = from + length;
            return { from, to: at };
          });
          let before = 0;
          const timed = timedWords(words.join(" "), parts);
          expect(timed.map(({ text }) => text)).toEqual(words);
          for (const { from, to } of timed) {
            expect(from).toBeGreaterThanOrEqual(before);
            expect(to).toBeGreaterThanOrEqual(from);
            before = from;
          }
          expect(timed.at(-1)?.to).toBeLessThanOrEqual(at);
        },
      ),
    );
  });
});
