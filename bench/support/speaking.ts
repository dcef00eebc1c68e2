/*
 * What the benchmarks of a conversation need: speech whose first and last sample are sound, when the first and the last
 * sound of the agent came, and quantiles.
 */
import { spawnSync } from "node:child_process";
import { type AudioFrame, durationOf, monoFrame } from "../../src/audio/frame.ts";
import { levelOf } from "../../src/audio/level.ts";
import type { Caller, HeardFrame } from "../../src/testing/caller.ts";
import { spoken } from "../../src/testing/speech.ts";

/** What counts as speech in what is said, dBFS over 2 ms: the quiet around flite's words lies below. */
const SOUND = -45;
/** What counts as heard, dBFS over 2 ms: codec noise stays below. */
const AUDIBLE = -50;
const STEP_MS = 2;

export interface TrimOptions {
  readonly voice: string;
  readonly rate: number;
  /** Where quiet is added to fill whole frames of 20 ms. */
  readonly pad: "before" | "after";
}

/** Speech without quiet before its first and after its last sound. */
export function trimmed(text: string, { voice, rate, pad }: TrimOptions): AudioFrame {
  const { samples } = spoken(text, { voice, rate, leadMs: 0, tailMs: 0 });
  const step = (rate * STEP_MS) / 1_000;
  const loud = Array.from(
    { length: Math.floor(samples.length / step) },
    (_, i) => levelOf(samples.subarray(i * step, (i + 1) * step)) > SOUND,
  );
  const sound = samples.subarray(loud.indexOf(true) * step, (loud.lastIndexOf(true) + 1) * step);
  const frame = rate / 50;
  const all = new Int16Array(Math.ceil(sound.length / frame) * frame);
  all.set(sound, pad === "before" ? all.length - sound.length : 0);
  return monoFrame(all, rate);
}

/** When the first audible sample came after `since`, ms on the caller's clock; undefined when none did. */
export function firstHeard(heard: readonly HeardFrame[], since: number): number | undefined {
  for (const { at, frame } of heard) {
    const offset = at < since ? undefined : audibleAt(frame);
    if (offset !== undefined) return at + offset;
  }
  return undefined;
}

/**
 * When the last packet with an audible sample came between two times. What a jitter buffer makes up does not count, nor
 * does the packet after a pause: silence, in which the codec ends with the few ms that it had looked ahead.
 */
export function lastArrived(heard: readonly HeardFrame[], since: number, until: number): number | undefined {
  const within = heard.filter(({ at }) => at >= since && at <= until);
  const isAfterPause = (index: number): boolean => {
    const [before, one] = [within[index - 1], within[index]];
    return before !== undefined && one !== undefined && one.frame.at - before.frame.at > durationOf(before.frame) + 10;
  };
  return within.findLast(
    ({ frame, concealed }, index) => !concealed && !isAfterPause(index) && audibleAt(frame) !== undefined,
  )?.at;
}

/** Ms into a frame at which its first audible sample stands; undefined when it has none. */
function audibleAt({ samples, rate }: AudioFrame): number | undefined {
  const step = (rate * STEP_MS) / 1_000;
  for (let at = 0; at + step <= samples.length; at += step) {
    if (levelOf(samples.subarray(at, at + step)) > AUDIBLE) return (at / rate) * 1_000;
  }
  return undefined;
}

/** Waits until nothing has been heard for `ms`. */
export async function quiet(caller: Caller, ms: number): Promise<void> {
  await caller.until(() => caller.quietFor >= ms, { timeoutMs: 30_000, what: "quiet" });
}

/** The value below which a share of all values lies; nearest rank. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

export interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly most: number;
}

/** Median, 95th percentile and the largest, rounded to 0.1. */
export function spread(values: readonly number[]): Spread {
  const round = (value: number): number => Math.round(value * 10) / 10;
  return {
    median: round(quantile(values, 0.5)),
    p95: round(quantile(values, 0.95)),
    most: round(Math.max(...values)),
  };
}

/** Keeps this process, with all its threads, on one core, where the machine has `taskset`. */
export function pin(core: number): void {
  spawnSync("taskset", ["-acp", String(core), String(process.pid)], { stdio: "ignore" });
}
