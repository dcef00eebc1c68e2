/*
 * One recogniser with its grammars. A stretch is decoded along the phrases as it comes; at its end the same audio is
 * decoded once more along a loop of all phones. Where the phrases explain the audio much worse than free phones do,
 * something else was said.
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

/** A set of phrases, ready for any recogniser. */
export interface Vocabulary {
  readonly key: string;
  readonly grammar: Grammar;
  readonly words: readonly Pronunciation[];
}

/** Throws VoiceError `config` for malformed phrases and for words that cannot be pronounced. */
export async function vocabularyOf(phrases: readonly string[], dictionary: Dictionary): Promise<Vocabulary> {
  const parsed = phrases.map((phrase) => parsePhrase(phrase));
  const words = await dictionary.pronounce(new Set(parsed.flatMap(phraseWords)));
  return { key: phrases.join("\n"), grammar: grammarOf(parsed), words };
}

/** What a stretch turned out to be. */
export interface Judgement {
  readonly text: string;
  /** How much worse than free phones the phrase explains the audio, per frame of 10 ms; 0 is perfect, -Infinity none. */
  readonly fit: number;
}

/** One native recogniser, about 3 MB. */
export class Decoder {
  readonly #module: NativeModule;
  readonly #native: NativeRecognizer;
  readonly #audio: NativeList<number>;
  readonly #grammars = new Map<string, number>();
  readonly #loop: number;
  #heard: Int16Array[] = [];

  constructor(module: NativeModule) {
    this.#module = module;
    const config = new module.Config();
    for (const option of OPTIONS) config.push_back(option);
    this.#native = new module.Recognizer(config);
    config.delete();
    this.#audio = new module.AudioBuffer();
    this.#addWords(PHONES.map((phone) => [`+${phone}+`, phone]));
    const logp = -Math.log(PHONES.length + 1);
    this.#loop = this.#addGrammar({
      start: 0,
      end: 1,
      numStates: 2,
      transitions: [
        ...PHONES.map((phone) => ({ from: 0, to: 0, logp, word: `+${phone}+` })),
        { from: 0, to: 1, logp, word: "" },
      ],
    });
  }

  /** How many sets of phrases it holds; the engine cannot forget one. */
  get grammars(): number {
    return this.#grammars.size;
  }

  knows(key: string): boolean {
    return this.#grammars.has(key);
  }

  /** Begins a stretch along these phrases. */
  begin(vocabulary: Vocabulary): void {
    let id = this.#grammars.get(vocabulary.key);
    if (id === undefined) {
      this.#addWords(vocabulary.words.filter(([word]) => this.#native.lookupWord(word) === ""));
      this.#check(vocabulary);
      id = this.#addGrammar(vocabulary.grammar);
      this.#grammars.set(vocabulary.key, id);
    }
    this.#heard = [];
    this.#must(this.#native.switchSearch(id), "switch to a grammar");
    this.#must(this.#native.start(), "start");
  }

  /** Hears 16 kHz samples and says what it understands so far. */
  hear(samples: Int16Array): string {
    if (samples.length > 0) {
      this.#heard.push(samples);
      this.#process(samples);
    }
    return this.#native.getHyp();
  }

  /** Ends the stretch. */
  end(): Judgement {
    this.#must(this.#native.stop(), "stop");
    const text = this.#native.getHyp();
    const phrase = this.#score();
    if (text === "" || phrase.frames === 0) {
      this.#heard = [];
      return { text: "", fit: Number.NEGATIVE_INFINITY };
    }
    this.#must(this.#native.switchSearch(this.#loop), "switch to the phones");
    this.#must(this.#native.start(), "start");
    for (const samples of this.#heard) this.#process(samples);
    this.#heard = [];
    this.#must(this.#native.stop(), "stop");
    return { text, fit: (phrase.score - this.#score().score) / phrase.frames };
  }

  /** Ends the stretch without asking what it was. */
  abandon(): void {
    this.#heard = [];
    this.#must(this.#native.stop(), "stop");
  }

  delete(): void {
    this.#audio.delete();
    this.#native.delete();
  }

  #process(samples: Int16Array): void {
    const audio = this.#audio;
    for (let at = 0; at < samples.length; at += BLOCK) {
      const length = Math.min(BLOCK, samples.length - at);
      if (audio.size() !== length) audio.resize(length, 0);
      for (let i = 0; i < length; i++) audio.set(i, samples[at + i] ?? 0);
      this.#must(this.#native.process(audio), "process audio");
    }
  }

  /** Sum of the acoustic scores of all segments, and the frames that are words. */
  #score(): { readonly score: number; readonly frames: number } {
    const segments = new this.#module.Segmentation();
    this.#native.getHypseg(segments);
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

  #addWords(words: readonly Pronunciation[]): void {
    if (words.length === 0) return;
    const list = new this.#module.VectorWords();
    for (const word of words) list.push_back(word);
    const result = this.#native.addWords(list);
    list.delete();
    this.#must(result, "add words");
  }

  /** The engine takes a word it does not know for silence, without a sound: so this must not happen. */
  #check({ grammar }: Vocabulary): void {
    for (const { word } of grammar.transitions) {
      if (word === "" || this.#native.lookupWord(word) !== "") continue;
      throw new VoiceError("config", `phrases: the recogniser does not know the word "${word}"`);
    }
  }

  #addGrammar({ transitions, ...shape }: Grammar): number {
    const list = new this.#module.VectorTransitions();
    const ids = new this.#module.Integers();
    for (const { logp, ...arc } of transitions) list.push_back({ ...arc, logp: Math.round(logp / LOG_BASE) });
    const result = this.#native.addGrammar(ids, { ...shape, transitions: list });
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
