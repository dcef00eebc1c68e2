/*
 * Collects what the caller said. Frames are kept by reference in a pre-roll until an utterance opens, then in the utterance,
 * and joined once when it is taken:
 *
 *   ... dropped | pre-roll ............ | prefixMs | onset ........... now
 *                 kept while closed      <--------- utterance ---------->
 */
import { type AudioFrame, concat, durationOf, monoFrame } from "../audio/frame.ts";
import type { Millis } from "../base/time.ts";

/**
 * How long after its onset an utterance may be opened without losing its head: speech is confirmed after 64 ms, over our
 * first syllables after `graceMs`, and what follows a turn that was too long only when the reply begins.
 */
const LATEST_OPEN: Millis = 2_000;

export interface UtteranceOptions {
  /** Hz of every frame. */
  readonly rate: number;
  /** Audio kept from before the onset. */
  readonly prefixMs: Millis;
  /** Audio kept at most, pre-roll included; what is said later is dropped and counted. */
  readonly maxTurnMs: Millis;
}

export interface Utterance {
  readonly open: boolean;
  /** Ms that were dropped because an utterance was longer than `maxTurnMs`. */
  readonly dropped: Millis;
  /** The microphone, always, in order. Throws RangeError for frames that are not mono at `rate`. */
  push(frame: AudioFrame): void;
  /** An utterance begins at `onset`, in the past. Nothing happens when one is open. */
  begin(onset: Millis): void;
  /** All of it so far as one frame, empty when none is open. It goes on. */
  peek(): AudioFrame;
  /** All of it as one frame, empty when none is open; it is closed, its end is the next one's pre-roll. */
  take(): AudioFrame;
  /** It was nothing: forget it, but keep the pre-roll. */
  drop(): void;
}

export function createUtterance({ rate, prefixMs, maxTurnMs }: UtteranceOptions): Utterance {
  const preroll: AudioFrame[] = [];
  let head = 0;
  let kept: AudioFrame[] | undefined;
  let length: Millis = 0;
  let dropped: Millis = 0;

  /** Forgets what lies before `from`. The list is compacted now and then, not at every frame. */
  const forget = (from: Millis): void => {
    for (let frame = preroll[head]; frame !== undefined && endOf(frame) <= from; frame = preroll[head]) head++;
    if (head > 64 && head * 2 > preroll.length) {
      preroll.splice(0, head);
      head = 0;
    }
  };
  const keep = (frame: AudioFrame): void => {
    if (kept === undefined) return;
    const ms = durationOf(frame);
    if (length + ms > maxTurnMs) {
      dropped += ms;
      return;
    }
    kept.push(frame);
    length += ms;
  };
  const joined = (): AudioFrame =>
    kept === undefined || kept.length === 0 ? monoFrame(new Int16Array(0), rate) : concat(kept, rate);

  return {
    get open() {
      return kept !== undefined;
    },
    get dropped() {
      return dropped;
    },
    push(frame) {
      if (frame.rate !== rate || frame.channels !== 1) {
        throw new RangeError(`frame must be mono at ${rate} Hz, got ${frame.channels} channels at ${frame.rate} Hz`);
      }
      preroll.push(frame);
      forget(endOf(frame) - prefixMs - LATEST_OPEN);
      keep(frame);
    },
    begin(onset) {
      if (kept !== undefined) return;
      kept = [];
      length = 0;
      const from = onset - prefixMs;
      for (let index = head; index < preroll.length; index++) {
        const frame = preroll[index];
        if (frame !== undefined && endOf(frame) > from) keep(frame);
      }
    },
    peek: joined,
    take() {
      const audio = joined();
      kept = undefined;
      return audio;
    },
    drop() {
      kept = undefined;
    },
  };
}

function endOf(frame: AudioFrame): Millis {
  return frame.at + durationOf(frame);
}
