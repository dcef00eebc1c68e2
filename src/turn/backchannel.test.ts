import { describe, expect, it } from "vitest";
import { isYesNoQuestion, overlapKindOf } from "./backchannel.ts";

describe("words over our voice", () => {
  it.each([
    ["", "none"],
    ["...", "none"],
    ["Mm-hm.", "backchannel"],
    ["uh-huh", "backchannel"],
    ["yeah", "backchannel"],
    ["I see", "backchannel"],
    ["got it!", "backchannel"],
    ["yeah yeah yeah", "content"],
    ["stop", "stop-only"],
    ["Wait, hold on", "stop-only"],
    ["please stop", "stop-only"],
    ["no", "stop-only"],
    ["stop telling me that", "stop"],
    ["hold on a second", "stop"],
    ["actually I meant Friday", "stop"],
    ["Sorry?", "stop"],
    ["no no not that one", "stop"],
    ["stopping at Bern", "content"],
    ["what about Friday", "content"],
    ["right side please", "content"],
    ["\u00dcber morgen", "content"],
  ])("%j are %s", (text, kind) => {
    expect(overlapKindOf(text)).toBe(kind);
  });

  it.each([
    ["yes", "content"],
    ["okay", "content"],
    ["no", "content"],
    ["right, sure", "content"],
    ["mm-hm", "backchannel"],
    ["no no", "stop"],
    ["stop", "stop-only"],
  ])("%j after a yes/no question are %s", (text, kind) => {
    expect(overlapKindOf(text, true)).toBe(kind);
  });

  it("are judged by the list of the language", () => {
    const german = {
      stop: ["halt"],
      stopOnly: ["halt"],
      backchannel: ["ja", "genau"],
      answers: ["ja", "nein"],
      inverted: ["soll"],
    };
    expect(["genau", "halt", "halt mal kurz", "yeah"].map((text) => overlapKindOf(text, false, german))).toEqual([
      "backchannel",
      "stop-only",
      "stop",
      "content",
    ]);
    expect(isYesNoQuestion("Soll ich buchen?", german)).toBe(true);
  });
});

describe("a yes/no question", () => {
  it.each([
    ["Shall I book it?", true],
    ["I found two. Do you want the first one?", true],
    ["And is that all?", true],
    ["It is at nine, okay?", true],
    ["When do you leave?", false],
    ["Do tell me more.", false],
    ["", false],
    ["?", false],
  ])("%j: %s", (text, asked) => {
    expect(isYesNoQuestion(text)).toBe(asked);
  });
});
