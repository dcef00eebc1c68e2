import type { Millis } from "../../base/time.ts";

/** When a word is spoken, ms. */
export interface TimedWord {
  readonly text: string;
  readonly from: Millis;
  readonly to: Millis;
}

interface Span {
  readonly from: Millis;
  readonly to: Millis;
}

/**
 * Spreads the words of `text` over the stretches of speech between pauses, by the number of their characters. Flite
 * gives exact times for phones, not for words: right to about one word, which is what shortening a transcript needs.
 * Where clauses and stretches match one to one, each clause keeps to its own.
 */
export function timedWords(text: string, parts: readonly Span[]): readonly TimedWord[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0 || parts.length === 0) return [];
  const clauses = clausesOf(words);
  if (clauses.length === parts.length) return clauses.flatMap((clause, i) => spread(clause, parts.slice(i, i + 1)));
  return spread(words, parts);
}

function clausesOf(words: readonly string[]): readonly (readonly string[])[] {
  const clauses: string[][] = [[]];
  for (const word of words) {
    clauses.at(-1)?.push(word);
    if (/[,;:.!?\u2026]["')\]]*$/.test(word)) clauses.push([]);
  }
  return clauses.filter((clause) => clause.length > 0);
}

/** One axis of speech without its pauses, then back to real time. */
function spread(words: readonly string[], parts: readonly Span[]): readonly TimedWord[] {
  const total = parts.reduce((sum, part) => sum + part.to - part.from, 0);
  const weights = words.map(weightOf);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let done = 0;
  return words.map((text, i) => {
    const from = realTime((done / all) * total, parts, false);
    done += weights[i] ?? 0;
    return { text, from: Math.round(from), to: Math.round(realTime((done / all) * total, parts, true)) };
  });
}

/** A digit is a word of its own when spoken; a mark alone is silent but needs a place. */
function weightOf(word: string): number {
  const digits = word.match(/\d/g)?.length ?? 0;
  const letters = word.match(/[^\d\W]/g)?.length ?? 0;
  return Math.max(0.1, letters + 3.5 * digits);
}

function realTime(spoken: Millis, parts: readonly Span[], end: boolean): Millis {
  let left = spoken;
  for (const { from, to } of parts) {
    const length = to - from;
    if (end ? left <= length + 1e-6 : left < length - 1e-6) return from + left;
    left -= length;
  }
  return parts.at(-1)?.to ?? 0;
}
