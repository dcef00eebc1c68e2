/*
 * What can be told from a recording: where somebody speaks, and how high their voice is.
 */
import { type AudioFrame, durationOf, monoFrame } from "../../src/audio/frame.ts";
import { levelOf } from "../../src/audio/level.ts";

/** What counts as a voice, dBFS. Codec noise stays below. */
const AUDIBLE = -50;
const STEP_MS = 10;
/** Range in which people's voices lie, Hz. */
const LOWEST = 70;
const HIGHEST = 350;
/** Correlation of a voiced stretch with itself one period later. */
const VOICED = 0.6;

/** A stretch of speech: ms from the beginning of the recording. */
export interface Utterance {
  readonly from: number;
  readonly to: number;
  readonly audio: AudioFrame;
}

/** Whether something is heard, for each 10 ms. */
function audible(recording: AudioFrame): readonly boolean[] {
  const step = (recording.rate * STEP_MS) / 1_000;
  return Array.from(
    { length: Math.floor(recording.samples.length / step) },
    (_, i) => levelOf(recording.samples.subarray(i * step, (i + 1) * step)) > AUDIBLE,
  );
}

/** Cuts a recording where nobody speaks for `pauseMs`. A little quiet is left around each utterance. */
export function utterances(recording: AudioFrame, pauseMs = 600): readonly Utterance[] {
  const found: { from: number; to: number }[] = [];
  for (const [i, loud] of audible(recording).entries()) {
    if (!loud) continue;
    const last = found.at(-1);
    if (last !== undefined && i * STEP_MS - last.to < pauseMs) last.to = (i + 1) * STEP_MS;
    else found.push({ from: i * STEP_MS, to: (i + 1) * STEP_MS });
  }
  return found.map(({ from, to }) => ({ from, to, audio: part(recording, from - 200, to + 200) }));
}

/** A part of a recording, ms. */
export function part({ samples, rate }: AudioFrame, from: number, to: number): AudioFrame {
  const at = (ms: number): number => Math.round((Math.max(0, ms) * rate) / 1_000);
  return monoFrame(samples.slice(at(from), at(to)), rate);
}

/** Whether the recording is silent all along. */
export function isSilent(recording: AudioFrame): boolean {
  return !audible(recording).includes(true);
}

/**
 * The median fundamental frequency of a voice, Hz: the lag at which 40 ms look most like themselves, found by normalised
 * autocorrelation. Throws when nothing voiced is there.
 */
export function pitchOf(voice: AudioFrame): number {
  const { samples, rate } = voice;
  const size = Math.round(rate * 0.04);
  const longest = Math.floor(rate / LOWEST);
  const found: number[] = [];
  for (let at = 0; at + size + longest < samples.length; at += Math.round(rate * 0.02)) {
    if (levelOf(samples.subarray(at, at + size)) < AUDIBLE + 15) continue;
    const lag = periodOf(samples, at, size, Math.ceil(rate / HIGHEST), longest);
    if (lag !== undefined) found.push(rate / lag);
  }
  const median = found.sort((a, b) => a - b)[found.length >> 1];
  if (median === undefined) throw new RangeError(`nothing voiced in ${durationOf(voice)} ms`);
  return median;
}

/** The shortest lag that is nearly as good as the best one: a multiple of a period fits as well as the period. */
function periodOf(
  samples: Int16Array,
  at: number,
  size: number,
  shortest: number,
  longest: number,
): number | undefined {
  const fits: number[] = [];
  for (let lag = shortest; lag <= longest; lag++) {
    let both = 0;
    let here = 0;
    let there = 0;
    for (let i = at; i < at + size; i++) {
      const a = samples[i] ?? 0;
      const b = samples[i + lag] ?? 0;
      both += a * b;
      here += a * a;
      there += b * b;
    }
    fits.push(both / Math.sqrt(here * there + 1));
  }
  const best = Math.max(...fits);
  if (best < VOICED) return undefined;
  const first = fits.findIndex((fit, i) => fit > best * 0.92 && fit >= (fits[i - 1] ?? 0) && fit >= (fits[i + 1] ?? 0));
  return first < 0 ? undefined : first + shortest;
}
