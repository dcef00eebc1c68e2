/*
 * Many stretches of speech on a few recognisers. The engine's heap holds fewer than 40 of them, so when all are taken a
 * stretch is kept and decoded at its end, in one go, on a spare one: the final words come a little later, partial ones
 * not at all.
 */
import { workerData } from "node:worker_threads";
import { VoiceError } from "../../base/errors.ts";
import { serveJobs } from "../../node/workers.ts";
import { Decoder, vocabularyOf, type Vocabulary } from "./decoder.ts";
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

const MOST_DECODERS = 24;
/** A recogniser cannot forget a grammar: after so many it is replaced. */
const MOST_GRAMMARS = 16;
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

serveJobs<RecognizerJob, Recognized>(async (job) => {
  switch (job.do) {
    case "open":
      return open(job.id, job.phrases);
    case "hear":
      return hear(stretchOf(job.id), job.samples);
    case "end":
      return end(job.id, job.samples);
    case "drop":
      return drop(job.id);
  }
});

async function open(id: number, phrases: readonly string[]): Promise<Recognized> {
  const module = await engine;
  const vocabulary = await vocabularyFor(phrases);
  const decoder = decoders < MOST_DECODERS || idle.length > 0 ? take(module, vocabulary) : undefined;
  stretches.set(id, { gate: new SpeechGate(), vocabulary, decoder, kept: [] });
  return { text: "", voiced: 0 };
}

/** A recogniser that has begun to listen for these phrases; one that knows them already is preferred. */
function take(module: NativeModule, vocabulary: Vocabulary): Decoder {
  const known = idle.findIndex((one) => one.knows(vocabulary.key));
  let decoder = known >= 0 ? idle.splice(known, 1)[0] : idle.pop();
  if (decoder === undefined) {
    decoder = new Decoder(module);
    decoders += 1;
  }
  try {
    decoder.begin(vocabulary);
    return decoder;
  } catch (error) {
    retire(decoder);
    throw error;
  }
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
  const { gate, vocabulary, kept } = stretch;
  const decoder = stretch.decoder ?? take(await engine, vocabulary);
  try {
    for (const speech of [...kept, gate.end()]) decoder.hear(speech);
    const judgement = decoder.end();
    rest(decoder);
    return { ...judgement, voiced: gate.voiced };
  } catch (error) {
    retire(decoder);
    throw error;
  }
}

function drop(id: number): Recognized {
  const stretch = stretches.get(id);
  stretches.delete(id);
  if (stretch?.decoder !== undefined) {
    stretch.decoder.abandon();
    rest(stretch.decoder);
  }
  return { text: "", voiced: 0 };
}

function rest(decoder: Decoder): void {
  if (decoder.grammars < MOST_GRAMMARS && decoders <= MOST_DECODERS) idle.push(decoder);
  else retire(decoder);
}

function retire(decoder: Decoder): void {
  decoder.delete();
  decoders -= 1;
}

function stretchOf(id: number): Stretch {
  const stretch = stretches.get(id);
  if (stretch === undefined) throw new VoiceError("bug", `the recogniser has no stretch ${id}`);
  return stretch;
}
