/*
 * How long a silence must be before the caller has finished. The likelier the end, the shorter the wait; callers who pause
 * long inside their turns are given more of it.
 *
 *   delay(p) = clamp(minMs + (maxMs - minMs) * (1 - p)^curve + (1 - p) * max(0, usual - 400), minMs, maxMs) + patience
 */
import type { Millis } from "../base/time.ts";
import type { Adaptive } from "./policy.ts";

/** Where the caller's usual pause starts, in ms: nothing is added before it has grown beyond this. */
export const USUAL_PAUSE = 400;

/** Longer pauses say nothing about a habit: the caller was doing something else. */
const LONGEST_HABIT = 3_000;

/** Ms of silence after the end of speech, rounded up. `p`: how likely it is that the caller has finished, 0 to 1. */
export function delayFor(
  p: number,
  { minMs, maxMs, curve }: Adaptive,
  usual: Millis = USUAL_PAUSE,
  patience: Millis = 0,
): Millis {
  const doubt = 1 - Math.min(1, Math.max(0, p));
  const wait = minMs + (maxMs - minMs) * doubt ** curve + doubt * Math.max(0, usual - USUAL_PAUSE);
  return Math.ceil(Math.min(maxMs, Math.max(minMs, wait)) + patience);
}

/** The caller's usual pause after one more pause inside a turn: a moving average of about ten. */
export function learnPause(usual: Millis, pause: Millis): Millis {
  return 0.9 * usual + 0.1 * Math.min(LONGEST_HABIT, Math.max(0, pause));
}
