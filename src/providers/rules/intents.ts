/*
 * Finds out what the caller wants. Phrases are matched as a whole, so that what is not expected is not understood, rather
 * than taken for something else; what people put around a wish when they type is taken off first.
 */
import { matchPhrase, parsePhrase, type Phrase } from "../../agents/phrase.ts";
import type { Rule } from "./index.ts";

/** What was found: the rule, and what its slots hold. */
export interface Intent {
  readonly rule: Rule;
  readonly slots: Readonly<Record<string, string>>;
}

/** Said around a wish without changing it. Longest first, so that none hides another. */
const OPENINGS: readonly string[] = [
  "could you please tell me",
  "can you please tell me",
  "would you please tell me",
  "do you happen to know",
  "i would like to know",
  "i'd like to know",
  "i was wondering",
  "i want to know",
  "could you tell me",
  "would you tell me",
  "can you tell me",
  "please tell me",
  "may i ask",
  "can i ask",
  "could you please",
  "would you please",
  "can you please",
  "i just want to know",
  "do you know",
  "tell me",
  "could you",
  "would you",
  "can you",
  "excuse me",
  "good morning",
  "good afternoon",
  "good evening",
  "i have a question",
  "actually",
  "please",
  "okay",
  "ok",
  "um",
  "uh",
  "so",
  "and",
  "but",
  "then",
  "hi",
  "hey",
  "hello",
  "there",
  "now",
];
const CLOSINGS: readonly string[] = [
  "thank you very much",
  "thanks a lot",
  "thank you",
  "for me",
  "thanks",
  "please",
  "right now",
  "then",
  "now",
  "again",
];

/** The intents of one agent. Phrases are read once. Throws VoiceError `config` for one that is malformed. */
export class Intents {
  readonly #phrases: Phrase[] = [];
  readonly #rules: Rule[] = [];

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      for (const text of rule.phrases) {
        this.#phrases.push(parsePhrase(text));
        this.#rules.push(rule);
      }
    }
  }

  /** What a text asks for; undefined when it is none of what is known. */
  find(text: string): Intent | undefined {
    for (const candidate of readings(text)) {
      const match = matchPhrase(this.#phrases, candidate);
      const rule = match === undefined ? undefined : this.#rules[match.index];
      if (match !== undefined && rule !== undefined) return { rule, slots: match.slots };
    }
    return undefined;
  }
}

/** The text as it is, its sentences one by one, then each with one polite part less at a time. */
function* readings(text: string): Generator<string> {
  const sentences = text.split(/[.!?\n]+(?:\s|$)/).map((part) => part.trim());
  for (const start of [text, ...sentences.toReversed()]) {
    let words = start
      .toLowerCase()
      .replace(/[,;:]/g, " ")
      .replace(/[.!?]+$/, "")
      .replace(/\s+/g, " ")
      .trim();
    if (words === "") continue;
    yield words;
    yield direct(words);
    for (;;) {
      const opening = OPENINGS.find((one) => words.startsWith(`${one} `));
      const closing = CLOSINGS.find((one) => words.endsWith(` ${one}`));
      if (opening !== undefined) words = words.slice(opening.length + 1);
      else if (closing !== undefined) words = words.slice(0, -closing.length - 1);
      else break;
      yield words;
      yield direct(words);
    }
  }
}

/** A question as it is asked, from one that is told: "tell me how many days I have" asks "how many days do I have". */
function direct(words: string): string {
  return words.replace(/^((?:how|what|when|where|which|why)\b.*?) (i|you|we|they) /, "$1 do $2 ");
}
