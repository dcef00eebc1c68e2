import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { speakable } from "./speakable.ts";

describe("speakable", () => {
  it.each([
    ["You have **eleven** days _left_.", "You have eleven days left."],
    ["# Summary\nYou have *two* days", "Summary. You have two days"],
    ["- milk\n- [x] eggs\n1. bread", "milk. eggs. bread"],
    ["> quoted text", "quoted text"],
    ["Use `npm start` now", "Use npm start now"],
    ["Before\n```js\nlet a = 1;\n```\nafter", "Before. after"],
    ["See [the handbook](https://example.com/x?y=1) first.", "See the handbook first."],
    ["![a chart](x.png) shows it", "a chart shows it"],
    ["Go to https://www.example.com/path?q=1. Then call.", "Go to example dot com. Then call."],
    ["Go to <https://docs.example.org>", "Go to docs dot example dot org"],
    ["Visit www.example.com today", "Visit example dot com today"],
    ["Write to john.doe@example.co.uk!", "Write to john dot doe at example dot co dot uk!"],
    ["Great! 🎉👍🏽 Done 🇩🇪", "Great! Done"],
    ["“Yes” — it’s fine…", '"Yes", it\'s fine...'],
    ["5–10 days", "5-10 days"],
    ["R&D and P & L", "R and D and P and L"],
    ["It costs €12.50 or 3 £, not 1 €.", "It costs 12.50 euros or 3 pounds, not 1 euro."],
    ["$12.50 stays", "$12.50 stays"],
    ["| Day | Hours |\n|---|---|\n| Mon | 8 |", "Day, Hours. Mon, 8."],
    ["a\n\n---\n\nb", "a. b"],
    ["snake_case_name stays, 2 * 3 * 4 too", "snake_case_name stays, 2 3 4 too"],
    ["2.", "2."],
    ["21°C outside", "21 degrees Celsius outside"],
    ["<b>bold</b> and 3 < 4", "bold and 3 < 4"],
    ["I have .5 litres", "I have .5 litres"],
    ["naïve café 東京", "naïve café 東京"],
    ["", ""],
    ["🎉", ""],
    ["...", "..."],
  ])("turns %j into %j", (text, wanted) => {
    expect(speakable(text)).toBe(wanted);
  });

  it("says a word in place of code when told to", () => {
    expect(speakable("Run this:\n```\nrm x\n```", { code: "code omitted" })).toBe("Run this: code omitted.");
  });

  it("leaves plain sentences alone", () => {
    const plain = "Dr. Smith's room is on the 3rd floor, isn't it? Yes: 10:45 a.m. works; see you!";
    expect(speakable(plain)).toBe(plain);
  });

  it("never throws, gives one line, and finds nothing more to do in its own result's marks", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const out = speakable(text);
        expect(out).not.toMatch(/[\n\r\t*`\u{1f300}-\u{1faff}]/u);
        expect(out).toBe(out.trim());
      }),
    );
  });

  it("needs time in proportion to the text, whatever it is made of", () => {
    for (const unit of [
      "*",
      "`",
      "[",
      "![",
      "<",
      "_a",
      "a@",
      "~~",
      "|",
      "\n- ",
      "€",
      "a.",
      "http://",
      "```\n",
      "<!--",
      "# #",
      "(",
    ]) {
      const before = performance.now();
      speakable(unit.repeat(20_000 / unit.length));
      expect(performance.now() - before, JSON.stringify(unit)).toBeLessThan(1500);
    }
  });
});
