import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchPhrase, parsePhrase } from "../../agents/phrase.ts";
import { grammarOf, type Grammar } from "./grammar.ts";

/** Whether the grammar accepts these words, the way the engine walks it: one silent step at most, and only at the end. */
function accepts({ start, end, transitions }: Grammar, words: readonly string[]): boolean {
  let states = new Set([start]);
  for (const word of words) {
    states = new Set(transitions.filter((one) => one.word === word && states.has(one.from)).map(({ to }) => to));
  }
  return transitions.some(({ from, to, word }) => word === "" && to === end && states.has(from));
}

const grammar = (...phrases: string[]) => grammarOf(phrases.map((phrase) => parsePhrase(phrase)));

describe("grammarOf", () => {
  it.each([
    ["how many days [do I have] left", "how many days left", true],
    ["how many days [do I have] left", "how many days do i have left", true],
    ["how many days [do I have] left", "how many days do left", false],
    ["(sick|vacation) days", "sick days", true],
    ["(sick|vacation) days", "sick vacation days", false],
    ["number <digits>", "number four two two", true],
    ["number <digits>", "number", false],
    ["[[very] good] morning", "very good morning", true],
    ["[[very] good] morning", "very morning", false],
  ])("%s: %s is %s", (phrase, words, wanted) => {
    expect(accepts(grammar("something else", phrase), words.split(" "))).toBe(wanted);
  });

  it("gives all phrases the same prior", () => {
    const { transitions, start } = grammar("yes", "no", "one two", "three");
    expect(transitions.filter(({ from }) => from === start).map(({ logp }) => Math.exp(logp))).toEqual([
      0.25, 0.25, 0.25, 0.25,
    ]);
  });

  it("leaves no state with more than a whole probability", () => {
    const { transitions, numStates } = grammar("a [b [c]] (d|e|[f] g) <digits> [h]", "a <x:weekday>");
    for (let state = 0; state < numStates; state++) {
      const sum = transitions.filter(({ from }) => from === state).reduce((all, { logp }) => all + Math.exp(logp), 0);
      expect(sum).toBeLessThanOrEqual(1 + 1e-9);
    }
  });

  it("accepts what the matcher accepts", () => {
    const part = fc.constantFrom("red", "[red]", "(red|blue)", "[(red|blue) blue]", "<x:red|blue red>");
    const words = fc.array(fc.constantFrom("go", "red", "blue"), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), words, (parts, said) => {
        const phrase = parsePhrase(["go", ...parts].join(" "));
        expect(accepts(grammarOf([phrase]), said)).toBe(matchPhrase([phrase], said.join(" ")) !== undefined);
      }),
      { numRuns: 500 },
    );
  });
});
