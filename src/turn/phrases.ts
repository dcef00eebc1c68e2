/*
 * How likely is it that somebody who has said these words has finished? A cheap judge for every pause: it looks at how the
 * words end. "I want to" goes on, "I want to go home" may be over. One lexicon per language; rules are tried from the top.
 */
import { wordsOf } from "./words.ts";

/** The words of one language that tell. Phrases are written as `wordsOf` does. */
export interface Phrases {
  /** Whole answers of up to three words. */
  readonly closed: readonly string[];
  readonly greetings: readonly string[];
  /** Fillers, conjunctions, articles, possessives: never the last word of a sentence. */
  readonly open: readonly string[];
  readonly prepositions: readonly string[];
  /** Auxiliaries and verbs that want an object. */
  readonly verbs: readonly string[];
  /** Short answers that end in such a verb and are complete: "yes I do". */
  readonly shortAnswer: RegExp;
  readonly subjects: readonly string[];
  readonly questions: readonly string[];
  readonly inverted: readonly string[];
  /** Beginnings that promise more when nothing follows. */
  readonly openers: readonly string[];
  /** A word for a digit or number, or digits: more may come. */
  readonly number: RegExp;
  /** Prepositions that also end sentences: "come in". */
  readonly ambiguous: readonly string[];
}

export const englishPhrases: Phrases = {
  closed: split("yes|no|yeah|yep|ok|okay|sure|thanks|thank|you|please|right|correct|exactly|goodbye|bye|nope"),
  greetings: split("hi|hello|hey|good morning|good afternoon|good evening"),
  open: split(
    "um|uh|er|erm|hmm|like|so|well|and|but|or|because|if|when|while|although|that|which|who|than|until|unless|" +
      "a|an|the|my|your|her|our|their|some|any",
  ),
  prepositions: split("of|to|for|with|at|from|by|about|into|between|without|during"),
  verbs: split(
    "is|are|was|were|am|will|would|can|could|should|have|has|had|do|does|did|i'm|it's|i'll|i've|i'd|you're|we're|they're|" +
      "don't|want|need|gonna|says|said|told",
  ),
  shortAnswer:
    /^(?:(?:yes|no|yeah|sure) )?(?:i|you|he|she|it|we|they|that) (?:is|are|was|were|am|do|does|did|can|could|will|would|should|have|has|had|don't)$/,
  subjects: split("i|you|he|she|it|we|they"),
  questions: split("what|what's|where|where's|when|who|who's|whom|whose|why|how|how's|which"),
  inverted: split(
    "is|are|was|were|do|does|did|can|could|will|would|should|shall|have|has|may|isn't|aren't|don't|can't",
  ),
  openers: split(
    "i think|i guess|i mean|the thing is|let me see|is it possible|do you have|can you tell me|i was wondering|" +
      "could you tell me|i would like|i'd like",
  ),
  number:
    /^(?:\p{N}+|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|double|triple)$/u,
  ambiguous: split("in|on|over|up|down|off|out|this|his"),
};

export interface PhraseOptions {
  readonly phrases?: Phrases;
  /** The recogniser sets full stops and question marks reliably. Default false. */
  readonly punctuates?: boolean;
}

/** Likelihood, 0 to 1, that the caller has finished after these words; `undefined` without words: no opinion. */
export function likelyEnd(
  text: string,
  { phrases = englishPhrases, punctuates = false }: PhraseOptions = {},
): number | undefined {
  const words = wordsOf(text);
  if (words.length === 0) return undefined;
  const p = judge(words, phrases);
  if (!punctuates) return p;
  if (/[?!.]["')\]]*$/.test(text.trim()) && !/(?:\.\.|\u2026)$/.test(text.trim())) return Math.max(p, 0.85);
  return /(?:,|\u2026|\.\.|-)$/.test(text.trim()) ? Math.min(p, 0.1) : p;
}

/** Whether the words end in something that cannot be the end, so that no other judge may say it is: it is capped at 0.3. */
export function endsOpen(text: string, phrases: Phrases = englishPhrases): boolean {
  const last = wordsOf(text).at(-1);
  return last !== undefined && (phrases.open.includes(last) || phrases.prepositions.includes(last));
}

/** What the agent is waiting for, which changes what an end looks like. */
export type Collecting = { readonly kind: "digits"; readonly expect: number } | { readonly kind: "spelled" };

/** Shifts a likelihood while something is being collected: half a telephone number is never the end. */
export function whileCollecting(p: number, text: string, collecting: Collecting): number {
  if (collecting.kind === "spelled") return Math.min(p, 0.3);
  const count = digitsIn(text);
  return count < collecting.expect ? Math.min(p, 0.1) : Math.max(p, 0.95);
}

function judge(words: readonly string[], phrases: Phrases): number {
  const text = words.join(" ");
  const first = words[0] ?? "";
  const last = words.at(-1) ?? "";
  const count = words.length;
  const asks = phrases.questions.includes(first) || phrases.inverted.includes(first);
  if (phrases.greetings.includes(text)) return 0.6;
  if (count <= 3 && words.every((word) => phrases.closed.includes(word))) return 0.92;
  if (phrases.open.includes(last)) return 0.05;
  if (phrases.prepositions.includes(last)) return 0.08;
  if (phrases.verbs.includes(last)) return count <= 3 && phrases.shortAnswer.test(text) ? 0.8 : 0.08;
  if (phrases.subjects.includes(last) && !asks) return endsWithObject(words, phrases) ? 0.65 : 0.1;
  if (phrases.openers.includes(text)) return 0.1;
  if (phrases.number.test(last)) return 0.3;
  if (phrases.ambiguous.includes(last)) return 0.4;
  if (asks && count >= 4) return 0.9;
  if (count <= 2) return 0.5;
  return count <= 4 ? 0.65 : 0.78;
}

/** "You" and "it" are objects as well: "I like it", "see you". After a verb or preposition they may end a sentence. */
function endsWithObject(words: readonly string[], phrases: Phrases): boolean {
  const last = words.at(-1);
  const before = words.at(-2);
  if ((last !== "it" && last !== "you") || before === undefined) return false;
  return phrases.prepositions.includes(before) || (!phrases.open.includes(before) && words.length >= 3);
}

const teens = new Set(["ten", "eleven", "twelve"]);

/** Digits said or written: "four two" and "42" are two, "double five" is two, "fifteen" and "twenty" are two. */
function digitsIn(text: string): number {
  let count = 0;
  let times = 1;
  for (const word of wordsOf(text)) {
    if (word === "double" || word === "triple") times = word === "double" ? 2 : 3;
    else {
      if (/^\p{N}+$/u.test(word)) count += word.length * times;
      else if (/^(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)$/.test(word)) count += times;
      else if (teens.has(word) || /(?:teen|ty)$/.test(word)) count += 2;
      times = 1;
    }
  }
  return count;
}

function split(list: string): readonly string[] {
  return list.split("|");
}
