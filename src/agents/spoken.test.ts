import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { monoFrame } from "../audio/frame.ts";
import { SpokenLine, SpokenLines } from "./spoken.ts";
import type { Spoken } from "./types.ts";

const audio = (ms: number, rest: Pick<Spoken, "text" | "words"> = {}): Spoken => ({
  ...monoFrame(new Int16Array(ms * 16), 16_000),
  ...rest,
});

describe("a spoken line", () => {
  it("counts the words that had ended, to within 80 ms, where their times are known", () => {
    const line = new SpokenLine("itm_1", "Ada");
    const words = [
      { text: "Good", from: 0, to: 300 },
      { text: "morning", from: 320, to: 800 },
      { text: "Sam.", from: 850, to: 1_200 },
    ];
    line.audio(audio(1_300, { text: "Good morning Sam.", words }));
    const heard = (ms: number): string => line.text.slice(0, line.heardChars(ms));
    expect([0, 200, 230, 700, 720, 1_100, 1_130].map(heard)).toEqual([
      "",
      "",
      "Good",
      "Good",
      "Good morning",
      "Good morning",
      "Good morning Sam.",
    ]);
  });

  it("spreads words over their piece where they are not", () => {
    const line = new SpokenLine("itm_1", "Ada");
    line.audio(audio(1_000, { text: "one two three four" }));
    line.audio(audio(1_000));
    line.audio(audio(1_000, { text: "five six" }));
    expect(line.text).toBe("one two three four five six");
    expect(line.text.slice(0, line.heardChars(1_000))).toBe("one two");
    expect(line.text.slice(0, line.heardChars(2_000))).toBe("one two three four");
    expect(line.heardChars(3_000)).toBe(line.text.length);
  });

  it("falls back on proportion when an engine tells no pieces, or others than it says", () => {
    const plain = new SpokenLine("itm_1", "Ada");
    plain.text = "one two three four";
    plain.audio(audio(2_000));
    expect(plain.text.slice(0, plain.heardChars(1_000))).toBe("one two");
    const odd = new SpokenLine("itm_2", "Ada");
    odd.text = "1 2 3 4";
    odd.audio(audio(2_000, { text: "one two three four" }));
    expect(odd.text.slice(0, odd.heardChars(1_000))).toBe("1 2");
  });

  it("never goes back, and ends with everything", () => {
    const piece = fc.record({ text: fc.lorem({ maxCount: 6 }), ms: fc.integer({ min: 20, max: 3_000 }) });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
        const line = new SpokenLine("itm_1", "Ada");
        for (const { text, ms } of pieces) line.audio(audio(ms, { text }));
        let last = 0;
        for (let ms = 0; ms <= line.produced; ms += 40) {
          const chars = line.heardChars(ms);
          expect(chars).toBeGreaterThanOrEqual(last);
          last = chars;
        }
        expect(line.heardChars(line.produced)).toBe(line.text.length);
      }),
    );
  });
});

describe("spoken lines", () => {
  function threeLines(): SpokenLines {
    const lines = new SpokenLines();
    for (const id of ["a", "b", "c"]) lines.line(id, "Ada").audio(audio(1_000, { text: `line ${id} here` }));
    return lines;
  }

  it("are cut at the line being heard: those before were heard, those after were not", () => {
    expect(threeLines().cut({ item: "b", played: 500, dropped: 1_500, exact: true })).toEqual([
      { id: "b", agent: "Ada", heard: "line b", unheard: "here" },
      { id: "c", agent: "Ada", heard: "", unheard: "line c here" },
    ]);
  });

  it("are not cut when nothing was left to hear", () => {
    expect(threeLines().cut({ item: "c", played: 1_000, dropped: 0, exact: true })).toEqual([]);
    expect(threeLines().cut({ item: undefined, played: 0, dropped: 0, exact: true })).toEqual([]);
  });

  it("lose a line that has words and no sound yet", () => {
    const lines = threeLines();
    lines.line("d", "Ben").text = "not a sound";
    expect(lines.cut({ item: "c", played: 1_000, dropped: 0, exact: true })).toEqual([
      { id: "d", agent: "Ben", heard: "", unheard: "not a sound" },
    ]);
  });
});
