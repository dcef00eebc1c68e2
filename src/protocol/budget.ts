import type { Millis } from "../base/time.ts";

/** What one peer may send at once after a stalled link, ms of audio. */
const BURST: Millis = 10_000;
/** How much faster than real time it may send for long. */
const SPEED = 2;
/** Frames a second: one 128-sample quantum of a browser at 48 kHz makes 375. */
const FRAMES = 400;

/** How much audio a peer may send: twice real time, 400 frames a second, and 10 s at once after a stalled link. */
export class MediaBudget {
  #audio: Millis = BURST;
  #frames: number = (FRAMES * BURST) / 1000;
  #at: Millis | undefined;

  /** Whether a frame of this length may be taken at `now`. What may not be taken costs nothing. */
  take(ms: Millis, now: Millis): boolean {
    const passed = now - (this.#at ?? now);
    this.#at = now;
    this.#audio = Math.min(BURST, this.#audio + passed * SPEED);
    this.#frames = Math.min((FRAMES * BURST) / 1000, this.#frames + (passed * FRAMES) / 1000);
    if (ms > this.#audio || this.#frames < 1) return false;
    this.#audio -= ms;
    this.#frames -= 1;
    return true;
  }
}
