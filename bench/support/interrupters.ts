/*
 * Callers who talk over an agent that always talks, and how long it goes on. Each says a sentence that begins sharply, at
 * a random moment of the agent's sound and at a random place within a frame; what they hear meanwhile is room tone.
 *
 *   onset                 the first frame with a voiced sample is sent
 *   left                  the last piece of sound came (on loopback: left the server)
 *   heard                 its last sample was played, or thrown away by a player that was told to; with Opus also the rest
 *                         of what the codec looked ahead, 6.5 ms that come with the silence
 */
import { rmsOf } from "../../src/audio/level.ts";
import { resample } from "../../src/audio/resample.ts";
import { spoken } from "../../src/testing/speech.ts";
import { answer } from "./child.ts";
import { dial, type Line, type LineKind, type Piece } from "./lines.ts";

export interface InterruptJob {
  readonly kind: LineKind;
  readonly url: string;
  readonly callers: number;
  readonly times: number;
  readonly seed: number;
  readonly onset: Onset;
}

/** How the sentences begin: with a vowel or a sonorant, or with a breath or a hiss that grows into a voice. */
export type Onset = "sharp" | "soft";

export interface InterruptFigures {
  readonly left: readonly number[];
  readonly heard: readonly number[];
  /** The agent went on, or came back before the sentence was over. */
  readonly missed: number;
  /** There was nothing to interrupt. */
  readonly silent: number;
}

const SENTENCES: Readonly<Record<Onset, readonly (readonly [voice: string, text: string])[]>> = {
  sharp: [
    ["slt", "wait i have another question"],
    ["rms", "no that is not what i asked"],
    ["awb", "actually can you say that again"],
    ["kal", "excuse me one moment please"],
  ],
  soft: [
    ["slt", "hold on a moment please"],
    ["rms", "stop please that is enough"],
    ["awb", "sorry can you say that again"],
    ["kal", "hello are you still there"],
  ],
};
const RATE = 48_000;
const FRAME = 20;
/** The first sample this loud is the onset. */
const LOUD = 1_500;
/** Speech at the level of a headset, RMS, full scale 1. */
const SPEECH = 0.07;
/** Room tone, RMS: -60 dBFS. */
const ROOM = 0.001;
/** No sound for this long: the agent has stopped, ms. */
const STOPPED = 250;
/** The agent was heard this short a time before the onset, ms. */
const TALKING = 400;
/** A lone frame this long after the others is the codec's, ms. */
const RING = 40;

function sentences(onset: Onset): readonly Int16Array[] {
  return SENTENCES[onset].map(([voice, text]) => {
    const { samples } = spoken(text, { voice, rate: RATE, leadMs: 0, tailMs: 0 });
    const loud = samples.subarray(
      Math.max(
        0,
        samples.findIndex((sample) => Math.abs(sample) > LOUD),
      ),
    );
    const gain = SPEECH / rmsOf(loud);
    return loud.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * gain))));
  });
}

/** A generator of numbers from 0 to 1 that can be repeated. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function interrupt(job: InterruptJob): Promise<InterruptFigures> {
  const figures = { left: [] as number[], heard: [] as number[], missed: 0, silent: 0 };
  const speech = sentences(job.onset);
  await Promise.all(
    Array.from({ length: job.callers }, async (_, index) => {
      const random = dice(job.seed * 1_000 + index * 77 + 1);
      const line = await dial(job.kind, job.url);
      for (let i = 0; i < job.times; i++) {
        const words = speech[Math.floor(random() * speech.length)] ?? new Int16Array(0);
        // The agent answers half a second after a sentence; its first 250 ms are no time to interrupt it.
        const leadMs = 1_400 + 900 * random();
        const lead = Math.round((leadMs * RATE) / 1000);
        const all = new Int16Array(lead + words.length + (700 * RATE) / 1000);
        for (let k = 0; k < all.length; k++) all[k] = Math.round((random() - 0.5) * ROOM * Math.sqrt(12) * 32_768);
        for (let k = 0; k < words.length; k++) all[lead + k]! += words[k]!;
        line.take();
        const began = await line.say(resample(all, RATE, line.rate));
        const onset = began + Math.floor(leadMs / FRAME) * FRAME;
        measure(line.take(), onset, line, figures);
      }
      await line.hangUp();
    }),
  );
  return figures;
}

function measure(
  pieces: readonly Piece[],
  onset: number,
  line: Line,
  figures: { left: number[]; heard: number[]; missed: number; silent: number },
): void {
  const before = pieces.findLastIndex(({ at }) => at <= onset);
  const talking = pieces[before];
  if (talking === undefined || talking.at < onset - TALKING) {
    figures.silent += 1;
    return;
  }
  let last = before;
  while (last + 1 < pieces.length && pieces[last + 1]!.at - pieces[last]!.at < STOPPED) last += 1;
  const final = pieces[last]!;
  if (last === pieces.length - 1 && final.at - onset > 1_000) {
    figures.missed += 1;
    return;
  }
  const rung = line.rings && last > 0 && final.at - pieces[last - 1]!.at > RING;
  figures.left.push((rung ? pieces[last - 1]! : final).at - onset);
  // A hold throws away what waits; a clear before the last piece was followed by more sound.
  figures.heard.push(Math.min(final.until, Math.max(final.at, line.clearedAfter(final.at - FRAME))) - onset);
}

answer({ interrupt: (job) => interrupt(job as InterruptJob) });
