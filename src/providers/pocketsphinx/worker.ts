/*
 * Many stretches of speech on a few decoders. The engine's heap is fixed and nothing in it is ever given back, so what
 * goes in is counted. When all decoders are taken a stretch is kept and decoded at its end, in one go: its final words
 * come a little later, partial ones not at all. A worker whose heap is nearly full ends as soon as nobody speaks, and
 * the pool starts a new one.
 */
import { workerData } from "node:worker_threads";
import { VoiceError } from "../../base/errors.ts";
import { serveJobs } from "../../node/workers.ts";
import { Decoder, DECODER_MB, vocabularyOf, type Vocabulary } from "./decoder.ts";
import { Dictionary } from "./dictionary.ts";
import { loadEngine, type NativeModule } from "./engine.ts";
import { SpeechGate } from "./speech-gate.ts";

export interface RecognizerPaths {
  readonly script: string;
  readonly dictionary: string;
  readonly flite: string | undefined;
}

export type RecognizerJob =
  | { readonly do: "open"; readonly id: number; readonly phrases: readonly string[] }
  | { readonly do: "hear"; readonly id: number; readonly samples: Int16Array<ArrayBuffer> }
  | { readonly do: "end"; readonly id: number; readonly samples: Int16Array<ArrayBuffer> }
  | { readonly do: "drop"; readonly id: number };

export interface Recognized {
  readonly text: string;
  /** See `Judgement`; only at the end. */
  readonly fit?: number;
  /** Ms of loud sound. */
  readonly voiced: number;
}

/** More than these speak at the same time rarely; each takes room that phrases need. */
const MOST_DECODERS = 8;
/** Of the engine's 96 MB; the rest is the acoustic model and what a stretch needs while it lasts. */
const HEAP_MB = 80;
/** From here on the worker ends when it can. */
const WORN_MB = 60;
const MOST_VOCABULARIES = 64;

interface Stretch {
  readonly gate: SpeechGate;
  readonly vocabulary: Vocabulary;
  decoder: Decoder | undefined;
  /** Audio that waits for a recogniser. */
  readonly kept: Int16Array[];
}

function isPaths(value: unknown): value is RecognizerPaths {
  return typeof value === "object" && value !== null && "script" in value && "dictionary" in value;
}
const paths: unknown = workerData;
if (!isPaths(paths)) throw new VoiceError("bug", "the recogniser's worker must be given the paths of its files");

const engine = loadEngine(paths.script);
const dictionary = new Dictionary(paths.dictionary, paths.flite);
const vocabularies = new Map<string, Promise<Vocabulary>>();
const stretches = new Map<number, Stretch>();
const idle: Decoder[] = [];
let decoders = 0;
let heap = 0;

serveJobs<RecognizerJob, Recognized>(async (job) => {
  switch (job.do) {
    case "open":
      return open(job.id, job.phrases);
    case "hear":
      return hear(stretchOf(job.id), job.samples);
    case "end":
      return end(job.id, job.samples).finally(leaveWhenWorn);
    case "drop":
      return drop(job.id);
  }
});

async function open(id: number, phrases: readonly string[]): Promise<Recognized> {
  const module = await engine;
  const vocabulary = await vocabularyFor(phrases);
  // One decoder always stays free for stretches that were kept.
  const free = idle.length + MOST_DECODERS - decoders;
  const decoder = free > 1 ? take(module, vocabulary) : undefined;
  stretches.set(id, { gate: new SpeechGate(), vocabulary, decoder, kept: [] });
  return { text: "", voiced: 0 };
}

/**
 * A decoder that has begun to listen for these phrases: one that knows them, else a new one, else one that can learn
 * them. None when all are taken or the heap is full.
 */
function take(module: NativeModule, vocabulary: Vocabulary): Decoder | undefined {
  const known = idle.findIndex((one) => one.knows(vocabulary));
  const decoder = known >= 0 ? idle.splice(known, 1)[0] : untaught(module, vocabulary.megabytes);
  if (decoder === undefined) return undefined;
  try {
    decoder.begin(vocabulary);
    return decoder;
  } catch (error) {
    idle.push(decoder);
    throw error;
  }
}

function untaught(module: NativeModule, megabytes: number): Decoder | undefined {
  if (decoders < MOST_DECODERS && heap + DECODER_MB + megabytes <= HEAP_MB) {
    decoders += 1;
    heap += DECODER_MB + megabytes;
    return new Decoder(module);
  }
  if (idle.length === 0 || heap + megabytes > HEAP_MB) return undefined;
  heap += megabytes;
  return idle.shift();
}

async function vocabularyFor(phrases: readonly string[]): Promise<Vocabulary> {
  const key = phrases.join("\n");
  const known = vocabularies.get(key);
  if (known !== undefined) return known;
  const made = vocabularyOf(phrases, dictionary);
  vocabularies.set(key, made);
  made.catch(() => vocabularies.delete(key));
  const [oldest] = vocabularies.keys();
  if (vocabularies.size > MOST_VOCABULARIES && oldest !== undefined) vocabularies.delete(oldest);
  return made;
}

function hear(stretch: Stretch, samples: Int16Array): Recognized {
  const { gate, decoder, kept } = stretch;
  const speech = gate.push(samples);
  if (decoder === undefined && speech.length > 0) kept.push(speech);
  return { text: decoder?.hear(speech) ?? "", voiced: gate.voiced };
}

async function end(id: number, samples: Int16Array): Promise<Recognized> {
  const stretch = stretchOf(id);
  stretches.delete(id);
  hear(stretch, samples);
  const { gate, kept } = stretch;
  const decoder = stretch.decoder ?? take(await engine, stretch.vocabulary);
  if (decoder === undefined) throw new VoiceError("overloaded", "the recogniser has no room for more phrases");
  for (const speech of [...kept, gate.end()]) decoder.hear(speech);
  const judgement = decoder.end();
  idle.push(decoder);
  return { ...judgement, voiced: gate.voiced };
}

function drop(id: number): Recognized {
  const decoder = stretches.get(id)?.decoder;
  stretches.delete(id);
  if (decoder !== undefined) {
    decoder.abandon();
    idle.push(decoder);
  }
  return { text: "", voiced: 0 };
}

/** Who asks for a stretch right now is told that the worker ended, and asks again. */
function leaveWhenWorn(): void {
  if (heap > WORN_MB && stretches.size === 0) setImmediate(() => process.exit());
}

function stretchOf(id: number): Stretch {
  const stretch = stretches.get(id);
  if (stretch === undefined) throw new VoiceError("bug", `the recogniser has no stretch ${id}`);
  return stretch;
}
