/*
 * Two recognisers on the same audio: one along the phrases, one along a loop of all phones. Where the phrases explain
 * the audio much worse than free phones do, something else was said.
 *
 * Both hear everything at the same time, because each adapts to the channel as it listens: decoding the same audio twice
 * on one recogniser compares scores of different states, and rejects whoever calls from another kind of line.
 */
import { parsePhrase, phraseWords } from "../../agents/phrase.ts";
import { VoiceError } from "../../base/errors.ts";
import { PHONES, type Dictionary, type Pronunciation } from "./dictionary.ts";
import type { NativeList, NativeModule, NativeRecognizer } from "./engine.ts";
import { grammarOf, type Grammar } from "./grammar.ts";

/** Found best for clean and noisy speech: wide beams, and the engine's own noise removal. */
const OPTIONS: readonly Pronunciation[] = [
  ["-logfn", "/dev/null"],
  ["-beam", "1e-80"],
  ["-pbeam", "1e-80"],
  ["-wbeam", "1e-60"],
  ["-remove_noise", "yes"],
];
/** Base of the engine's logarithms. */
const LOG_BASE = Math.log(1.0001);
/** 100 ms at 16 kHz. */
const BLOCK = 1600;
/** A fit from here on needs no second hearing. */
const SURE = -20;

/** A set of phrases, ready for any recogniser. */
export interface Vocabulary {
  readonly key: string;
  readonly grammar: Grammar;
  readonly words: readonly Pronunciation[];
  /** What it takes of the engine's heap in every decoder, in MB (measured). */
  readonly megabytes: number;
}

/** What a decoder takes of the engine's heap without phrases, in MB (measured). */
export const DECODER_MB = 5;

/** Throws VoiceError `config` for malformed phrases and for words that cannot be pronounced. */
export async function vocabularyOf(phrases: readonly string[], dictionary: Dictionary): Promise<Vocabulary> {
  const parsed = phrases.map((phrase) => parsePhrase(phrase));
  const words = await dictionary.pronounce(new Set(parsed.flatMap(phraseWords)));
  const grammar = grammarOf(parsed);
  return { key: phrases.join("\n"), grammar, words, megabytes: 0.2 + 0.003 * grammar.transitions.length };
}

/** What a stretch turned out to be. */
export interface Judgement {
  readonly text: string;
  /** How much worse than free phones the phrase explains the audio, per frame of 10 ms; 0 is perfect, -Infinity none. */
  readonly fit: number;
}

/** A pair of native recognisers. */
export class Decoder {
  readonly #module: NativeModule;
  readonly #phrases: NativeRecognizer;
  readonly #phones: NativeRecognizer;
  readonly #audio: NativeList<number>;
  readonly #grammars = new Map<string, number>();
  /** This stretch so far. */
  #heard: Int16Array[] = [];

  constructor(module: NativeModule) {
    this.#module = module;
    const config = new module.Config();
    for (const option of OPTIONS) config.push_back(option);
    this.#phrases = new module.Recognizer(config);
    this.#phones = new module.Recognizer(config);
    config.delete();
    this.#audio = new module.AudioBuffer();
    this.#addWords(
      this.#phones,
      PHONES.map((phone) => [`+${phone}+`, phone]),
    );
    const logp = -Math.log(PHONES.length + 1);
    this.#addGrammar(this.#phones, {
      start: 0,
      end: 1,
      numStates: 2,
      transitions: [
        ...PHONES.map((phone) => ({ from: 0, to: 0, logp, word: `+${phone}+` })),
        { from: 0, to: 1, logp, word: "" },
      ],
    });
  }

  knows({ key }: Vocabulary): boolean {
    return this.#grammars.has(key);
  }

  /** Begins a stretch along these phrases. Phrases stay in memory for good: the engine cannot forget them. */
  begin(vocabulary: Vocabulary): void {
    let id = this.#grammars.get(vocabulary.key);
    if (id === undefined) {
      this.#addWords(
        this.#phrases,
        vocabulary.words.filter(([word]) => this.#phrases.lookupWord(word) === ""),
      );
      this.#check(vocabulary);
      id = this.#addGrammar(this.#phrases, vocabulary.grammar);
      this.#grammars.set(vocabulary.key, id);
    }
    this.#must(this.#phrases.switchSearch(id), "switch to a grammar");
    for (const native of this.#both) this.#must(native.start(), "start");
  }

  /** Hears 16 kHz samples and says what it understands so far. */
  hear(samples: Int16Array): string {
    this.#heard.push(samples);
    this.#process(samples);
    return this.#phrases.getHyp();
  }

  /**
   * Ends the stretch. Decoders serve one caller after the other and adapt to each while it speaks, so what was not
   * understood well is heard again, and the better understanding counts.
   */
  end(): Judgement {
    const first = this.#judge();
    const again = this.#heard;
    this.#heard = [];
    if (again.length === 0 || first.fit >= SURE) return first;
    for (const native of this.#both) this.#must(native.start(), "start");
    for (const samples of again) this.#process(samples);
    const second = this.#judge();
    return second.fit > first.fit ? second : first;
  }

  /** Ends the stretch without asking what it was. */
  abandon(): void {
    this.#heard = [];
    for (const native of this.#both) this.#must(native.stop(), "stop");
  }

  #judge(): Judgement {
    for (const native of this.#both) this.#must(native.stop(), "stop");
    const text = this.#phrases.getHyp();
    const { score, frames } = this.#score(this.#phrases);
    if (text === "" || frames === 0) return { text: "", fit: Number.NEGATIVE_INFINITY };
    return { text, fit: (score - this.#score(this.#phones).score) / frames };
  }

  #process(samples: Int16Array): void {
    const audio = this.#audio;
    for (let at = 0; at < samples.length; at += BLOCK) {
      const length = Math.min(BLOCK, samples.length - at);
      if (audio.size() !== length) audio.resize(length, 0);
      for (let i = 0; i < length; i++) audio.set(i, samples[at + i] ?? 0);
      for (const native of this.#both) this.#must(native.process(audio), "process audio");
    }
  }

  get #both(): readonly NativeRecognizer[] {
    return [this.#phrases, this.#phones];
  }

  /** Sum of the acoustic scores of all segments, and the frames that are words. */
  #score(native: NativeRecognizer): { readonly score: number; readonly frames: number } {
    const segments = new this.#module.Segmentation();
    native.getHypseg(segments);
    let score = 0;
    let frames = 0;
    for (let i = 0; i < segments.size(); i++) {
      const { word, start, end, ascr } = segments.get(i);
      score += ascr;
      if (!/^(?:<|\(NULL\)|\[|\+\+)/.test(word)) frames += end - start + 1;
    }
    segments.delete();
    return { score, frames };
  }

  #addWords(native: NativeRecognizer, words: readonly Pronunciation[]): void {
    if (words.length === 0) return;
    const list = new this.#module.VectorWords();
    for (const word of words) list.push_back(word);
    const result = native.addWords(list);
    list.delete();
    this.#must(result, "add words");
  }

  /** The engine takes a word it does not know for silence, without a sound: so this must not happen. */
  #check({ grammar }: Vocabulary): void {
    for (const { word } of grammar.transitions) {
      if (word === "" || this.#phrases.lookupWord(word) !== "") continue;
      throw new VoiceError("config", `phrases: the recogniser does not know the word "${word}"`);
    }
  }

  #addGrammar(native: NativeRecognizer, { transitions, ...shape }: Grammar): number {
    const list = new this.#module.VectorTransitions();
    const ids = new this.#module.Integers();
    for (const { logp, ...arc } of transitions) list.push_back({ ...arc, logp: Math.round(logp / LOG_BASE) });
    const result = native.addGrammar(ids, { ...shape, transitions: list });
    const id = ids.size() > 0 ? ids.get(0) : -1;
    list.delete();
    ids.delete();
    this.#must(result, "add a grammar");
    return id;
  }

  #must(result: unknown, what: string): void {
    if (result === this.#module.ReturnType.SUCCESS) return;
    throw new VoiceError("provider-unavailable", `the recogniser could not ${what}`);
  }
}
