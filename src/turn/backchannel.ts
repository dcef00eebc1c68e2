/*
 * What words over our voice mean: "stop" takes the floor, "mm-hm" leaves it with us, all else is content. One word list per
 * language; a list of another language has the same shape.
 */
import { wordsOf } from "./words.ts";

/** `stop-only`: nothing but the wish that we stop; it gets silence for an answer. */
export type OverlapKind = "none" | "stop" | "stop-only" | "backchannel" | "content";

/** The words of one language, as `wordsOf` writes them. */
export interface OverlapWords {
  /** Phrases that take the floor when they come first. */
  readonly stop: readonly string[];
  /** Up to four words, all from here, ask for nothing but silence. */
  readonly stopOnly: readonly string[];
  /** Up to two words, all from here, mean "go on". */
  readonly backchannel: readonly string[];
  /** Words that are an answer after a yes/no question of ours. */
  readonly answers: readonly string[];
  /** First words of yes/no questions. */
  readonly inverted: readonly string[];
}

export const englishOverlap: OverlapWords = {
  stop: split("stop|wait|hold on|hang on|no no|no wait|excuse me|sorry|pause|quiet|enough|cancel|actually"),
  stopOnly: split("stop|wait|hold|on|hang|no|quiet|enough|cancel|pause|please"),
  backchannel: split(
    "mm|hm|mhm|mmhm|uh|huh|hmm|yeah|yep|yes|okay|ok|right|sure|i|see|got|it|cool|good|great|aha|oh|really",
  ),
  answers: split("yes|yeah|yep|no|okay|ok|right|sure"),
  inverted: split(
    "is|are|am|was|were|do|does|did|can|could|will|would|shall|should|may|have|has|had|isn't|aren't|don't|doesn't|didn't|can't|won't",
  ),
};

/** What these words over our voice mean. `asked`: our last sentence was a yes/no question. */
export function overlapKindOf(text: string, asked = false, list: OverlapWords = englishOverlap): OverlapKind {
  const words = wordsOf(text);
  if (words.length === 0) return "none";
  if (asked && words.some((word) => list.answers.includes(word))) {
    return startsWith(words, list.stop) ? "stop" : "content";
  }
  if (words.length <= 4 && words.every((word) => list.stopOnly.includes(word))) return "stop-only";
  if (startsWith(words, list.stop)) return "stop";
  if (words.length <= 2 && words.every((word) => list.backchannel.includes(word))) return "backchannel";
  return "content";
}

/** Whether what we just said ends with a question that yes or no answers. */
export function isYesNoQuestion(text: string, list: OverlapWords = englishOverlap): boolean {
  const trimmed = text.trim();
  if (!trimmed.endsWith("?")) return false;
  const last =
    trimmed
      .slice(0, -1)
      .split(/[.!?,;:]\s+/)
      .at(-1) ?? "";
  const words = wordsOf(last);
  const first = words[0] === "and" || words[0] === "so" || words[0] === "or" ? words[1] : words[0];
  // "Right?", "Okay?": a tag of one or two words asks for a yes as well.
  return first !== undefined && (list.inverted.includes(first) || words.every((word) => list.answers.includes(word)));
}

function startsWith(words: readonly string[], phrases: readonly string[]): boolean {
  const text = `${words.join(" ")} `;
  return phrases.some((phrase) => text.startsWith(`${phrase} `));
}

function split(list: string): readonly string[] {
  return list.split("|");
}
