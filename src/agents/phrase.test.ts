import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { likelyEndOf, matchPhrase, parsePhrase, phraseProgress, phraseWords } from "./phrase.ts";

const phrases = [
  "How (many|much) vacation days do I have [left]?",
  "my number is <digits>",
  "book <day:Monday|Tuesday|the day after> [off]",
  "from <start:weekday> to <end:weekday>",
  "I need <number> days",
  "what's my balance",
  "call extension 42",
  "the <ordinal> of <month>",
  "yes",
  "yes [and [please] tell me (more|(much|far) more)]",
].map(parsePhrase);

describe("matchPhrase", () => {
  it.each([
    ["How many vacation days do I have left?", 0, {}],
    ["how much vacation days do i have", 0, {}],
    ["HOW MANY  vacation, days do I have left!!", 0, {}],
    ["My number is 1234", 1, { digits: "1234" }],
    ["my number is one 2 three oh", 1, { digits: "1230" }],
    ["my number is 0042", 1, { digits: "0042" }],
    ["my number is 123456789", 1, { digits: "123456789" }],
    ["my number is 12 34 56 78 90 11", 1, { digits: "123456789011" }],
    ["book Monday", 2, { day: "Monday" }],
    ["book the day after off", 2, { day: "the day after" }],
    ["From Monday to friday, please.", 3, { start: "Monday", end: "Friday" }],
    ["I need 25 days", 4, { number: "25" }],
    ["I need two hundred and five days", 4, { number: "205" }],
    ["I need twenty days", 4, { number: "20" }],
    ["What is my balance?", 5, {}],
    ["Hi, what\u2019s my balance please", 5, {}],
    ["call extension 42", 6, {}],
    ["call extension forty-two", 6, {}],
    ["call extension four two", 6, {}],
    ["the 3rd of May", 7, { ordinal: "third", month: "May" }],
    ["the twenty first of march", 7, { ordinal: "twenty first", month: "March" }],
    ["Yeah", 8, {}],
    ["yes and tell me far more", 9, {}],
  ])("finds what %j says", (text, index, slots) => {
    expect(matchPhrase(phrases, text)).toEqual({ index, slots });
  });

  it.each([
    "",
    "please",
    "how many",
    "vacation",
    "my number is",
    "my number is bob",
    "book",
    "book Sunday",
    "yes yes",
    "I need lots days",
  ])("finds nothing in %j", (text) => {
    expect(matchPhrase(phrases, text)).toBeUndefined();
  });

  it("gives the first of two phrases that fit", () => {
    const two = ["say <what:hello|good day>", "say hello"].map(parsePhrase);
    expect(matchPhrase(two, "say hello")).toEqual({ index: 0, slots: { what: "hello" } });
    expect(matchPhrase(two.toReversed(), "say hello")).toEqual({ index: 0, slots: {} });
  });

  it("keeps polite words that belong to a phrase", () => {
    expect(matchPhrase([parsePhrase("thank you")], "Thank you.")?.index).toBe(0);
  });

  it("needs time in proportion to a long text, and never throws", () => {
    const loops = [parsePhrase("<digits> [<more:digits>] [[one] one] <digits>")];
    const before = performance.now();
    expect(matchPhrase(loops, "one ".repeat(5000))?.index).toBe(0);
    expect(matchPhrase(loops, "12 ".repeat(500))?.index).toBe(0);
    expect(performance.now() - before).toBeLessThan(2000);
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void matchPhrase(phrases, text)));
  });

  it("matches every sentence that a phrase can make", () => {
    const part = fc.constantFrom(
      ["a day", "a day"],
      ["[really]", ""],
      ["[really]", "really"],
      ["(red|blue)", "blue"],
      ["<n:one|two>", "two"],
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
        const syntax = `start ${parts.map(([source]) => source).join(" ")}`;
        const said = `start ${parts.map(([, words]) => words).join(" ")}`;
        expect(matchPhrase([parsePhrase(syntax)], said)?.index).toBe(0);
      }),
    );
  });
});

describe("parsePhrase", () => {
  it.each([
    ["", "expected words"],
    ["[a]", "must have at least one word that is not optional"],
    ["(a", 'expected a closing ")"'],
    ["a)", 'expected no ")"'],
    ["<colour>", "<colour> to be one of digits, number"],
    ["<digits", 'expected a closing ">"'],
    ["go <>", "expected a slot"],
    ["a|", "expected words"],
    ["...", "expected words"],
  ])("refuses %j and says where", (text, message) => {
    expect(() => parsePhrase(text)).toThrow(
      expect.objectContaining({ code: "config", message: expect.stringContaining(message) }),
    );
  });

  it("lists the words a recogniser needs, numerals written out", () => {
    expect(phraseWords(parsePhrase("What's [my] 401k at 7?")).toSorted()).toEqual([
      "401k",
      "at",
      "my",
      "seven",
      "what's",
    ]);
  });

  it("throws nothing but `config` errors, whatever it reads", () => {
    const syntax = fc.string({ unit: fc.constantFrom(..."a,b, ,[,],(,|,),<,:,>,1".split(",")), maxLength: 30 });
    fc.assert(
      fc.property(syntax, (text) => {
        try {
          parsePhrase(text);
        } catch (error) {
          expect(error).toMatchObject({ name: "VoiceError", code: "config" });
        }
      }),
    );
  });
});

describe("likelyEndOf", () => {
  const likely = (text: string) => likelyEndOf(phraseProgress(phrases, text));

  it.each([
    ["how many", 0.1],
    ["how many vacation days do I have", 0.7],
    ["how many vacation days do I have left", 0.95],
    ["my number is", 0.1],
    ["my number is four", 0.7],
    ["what's my", 0.1],
    ["what is my balance", 0.95],
    ["yes", 0.7],
    ["I need twenty", 0.1],
    ["from Monday to", 0.1],
  ])("knows where %j stands", (text, p) => {
    expect(likely(text)).toBe(p);
  });

  it("has no opinion on words that begin no phrase, nor on none", () => {
    expect(likely("tell me a joke")).toBeUndefined();
    expect(likely("")).toBeUndefined();
    expect(likelyEndOf(phraseProgress([], "yes"))).toBeUndefined();
  });
});
