/*
 * What callers are expected to say, and whether they said it. The embedded recogniser listens for the same phrases that
 * the rules answer, so both understand the same things.
 */
import { VoiceError } from "../base/errors.ts";
import { phraseGraph, type PhraseGraph } from "./phrase-graph.ts";
import { parsePhraseSyntax, type PhraseSlot } from "./phrase-syntax.ts";
import { amountFrom, digitsFrom, plainWords, readingsOf, wordsIn } from "./spoken-words.ts";

/** A phrase that was read once and can be matched many times. */
export interface Phrase {
  /** As it was written. */
  readonly text: string;
  /** Its words as they are written, for recognisers. */
  readonly graph: PhraseGraph;
  /** The same with contractions opened, for comparing. */
  readonly plain: PhraseGraph;
}

export interface PhraseMatch {
  /** Which of the phrases; the first one that fits. */
  readonly index: number;
  /** What the slots hold: digits and numbers as numerals ("1234", "25"), items as they were written in the phrase. */
  readonly slots: Readonly<Record<string, string>>;
}

/** How far words have come in a set of phrases. */
export interface PhraseProgress {
  /** The words are a whole phrase. */
  readonly complete: boolean;
  /** Some phrase goes on from here. */
  readonly more: boolean;
}

/** Said around a phrase without changing it. */
const POLITE = new Set([
  "please",
  "thanks",
  "thank",
  "you",
  "um",
  "uh",
  "er",
  "hi",
  "hello",
  "hey",
  "well",
  "so",
  "ok",
  "and",
]);

/**
 * Reads a phrase: words, `[optional]`, `(a|b)`, and slots: `<digits>`, `<number>`, `<weekday>`, `<month>`, `<ordinal>`,
 * `<name:a|b|c>`, `<name:weekday>`. Case and punctuation do not matter.
 * Throws VoiceError `config` when it is malformed, or when it could be said without a word.
 */
export function parsePhrase(text: string): Phrase {
  const root = parsePhraseSyntax(text.trim());
  const plain = phraseGraph(root, plainWords);
  if (closure(plain, [{ state: plain.start, trail: undefined }]).some(({ state }) => state === plain.end)) {
    throw new VoiceError("config", `phrase "${text}" must have at least one word that is not optional`);
  }
  return { text, graph: phraseGraph(root), plain };
}

/** All words of a phrase, each once. */
export function phraseWords({ graph }: Phrase): readonly string[] {
  return [...new Set(graph.arcs.flatMap((arcs) => arcs.flatMap(({ word }) => word ?? [])))];
}

/**
 * The first phrase that `text` says, wholly: case, punctuation, contractions and "5" for "five" do not matter; polite
 * words around it do not either.
 */
export function matchPhrase(phrases: readonly Phrase[], text: string): PhraseMatch | undefined {
  const whole = wordsIn(text);
  const bare = withoutPolite(whole);
  for (const words of bare.length > 0 && bare.length < whole.length ? [whole, bare] : [whole]) {
    for (const [index, { plain }] of phrases.entries()) {
      const end = walk(plain, words).find(({ state }) => state === plain.end);
      if (end !== undefined) return { index, slots: slotsFrom(end.trail) };
    }
  }
  return undefined;
}

/** Whether `text` is a whole phrase and whether one goes on from it; undefined when no phrase begins like this. */
export function phraseProgress(phrases: readonly Phrase[], text: string): PhraseProgress | undefined {
  const words = wordsIn(text);
  if (words.length === 0) return undefined;
  let begun = false;
  let complete = false;
  let more = false;
  for (const { plain } of phrases) {
    const reached = walk(plain, words);
    begun ||= reached.length > 0;
    complete ||= reached.some(({ state }) => state === plain.end);
    more ||= reached.some(({ state }) => plain.arcs[state]?.some(({ word }) => word !== undefined) === true);
  }
  return begun ? { complete, more } : undefined;
}

/** How likely the caller has finished, 0 to 1, from where the words stand; undefined when no phrase begins like this. */
export function likelyEndOf(progress: PhraseProgress | undefined): number | undefined {
  if (progress === undefined) return undefined;
  if (!progress.complete) return 0.1;
  return progress.more ? 0.7 : 0.95;
}

/** What led to a place, newest first: a word, or the beginning or end of a slot. */
interface Trail {
  readonly word: string | undefined;
  readonly slot: PhraseSlot | undefined;
  readonly opens: boolean;
  readonly before: Trail | undefined;
}
interface Place {
  readonly state: number;
  readonly trail: Trail | undefined;
}

/**
 * The places after all words, in order of preference. A numeral may be an amount or digits, so each word is walked in
 * all its readings; each state is kept once, so the time is states times words.
 */
function walk(graph: PhraseGraph, words: readonly string[]): readonly Place[] {
  let places = closure(graph, [{ state: graph.start, trail: undefined }]);
  for (const word of words) {
    const ways = readingsOf(word).flatMap((reading) => reading.reduce((from, one) => step(graph, from, one), places));
    if (ways.length === 0) return ways;
    places = ways;
  }
  return places;
}

function step(graph: PhraseGraph, places: readonly Place[], word: string): readonly Place[] {
  const next: Place[] = [];
  for (const { state, trail: before } of places) {
    for (const arc of graph.arcs[state] ?? []) {
      if (arc.word === word) next.push({ state: arc.to, trail: { word, slot: undefined, opens: false, before } });
    }
  }
  return closure(graph, next);
}

/** Follows the arcs that say nothing. */
function closure(graph: PhraseGraph, from: readonly Place[]): readonly Place[] {
  const seen = new Set<number>();
  const places: Place[] = [];
  const stack = from.toReversed();
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    if (seen.has(place.state)) continue;
    seen.add(place.state);
    places.push(place);
    const before = place.trail;
    for (const { to, word, slot, opens = false } of graph.arcs[place.state]?.toReversed() ?? []) {
      if (word !== undefined) continue;
      stack.push({ state: to, trail: slot === undefined ? before : { word, slot, opens, before } });
    }
  }
  return places;
}

/** Walks back from the end, collecting the words of every slot between its end and its beginning. */
function slotsFrom(last: Trail | undefined): Readonly<Record<string, string>> {
  const slots = new Map<string, string>();
  let words: string[] = [];
  for (let trail = last; trail !== undefined; trail = trail.before) {
    if (trail.word !== undefined) words.push(trail.word);
    else if (!trail.opens) words = [];
    else if (trail.slot !== undefined && !slots.has(trail.slot.name)) {
      slots.set(trail.slot.name, valueOf(trail.slot, words.toReversed()));
    }
  }
  return Object.fromEntries(slots);
}

function valueOf({ means, items }: PhraseSlot, words: readonly string[]): string {
  if (means === "digits") return digitsFrom(words);
  const said = words.join(" ");
  if (means === "amount") return String(amountFrom(words) ?? said);
  return (
    items.find(
      (item) =>
        wordsIn(item)
          .flatMap((word) => readingsOf(word)[0] ?? [word])
          .join(" ") === said,
    ) ?? said
  );
}

function withoutPolite(words: readonly string[]): readonly string[] {
  const polite = (word: string) => POLITE.has(word);
  const first = words.findIndex((word) => !polite(word));
  const last = words.findLastIndex((word) => !polite(word));
  return first < 0 ? [] : words.slice(first, last + 1);
}
