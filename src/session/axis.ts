/*
 * Puts a transport's media time on the session's axis. Media time counts samples from the first one; the session's clock
 * counts from its opening. Nothing arrives before it was spoken, so the earliest arrival seen fixes the offset: network
 * jitter then never moves a timestamp. Clocks of two machines drift apart, so the offset also follows, slowly, when
 * everything has been late for a while.
 */
import type { Millis } from "../base/time.ts";

/** How long every frame must be late before the axis follows, ms. */
const PATIENCE: Millis = 2_000;
/** How late is late, ms: above the jitter of an ordinary network. */
const LATE: Millis = 120;
/** Nothing came for this long: what is late after it was not held up by the network, ms. */
const BREAK: Millis = 400;

/** Maps one transport's media time to session time. */
export class Axis {
  #offset: Millis | undefined;
  #lateSince: Millis | undefined;
  #leastLate: Millis = 0;
  #arrived: Millis = 0;

  /** Session time of a frame that starts at `at` (media time) and lasts `duration`, arriving at `now` (session time). */
  place(at: Millis, duration: Millis, now: Millis): Millis {
    // A transport that has no time for a frame tells nothing about the offset.
    if (!Number.isFinite(at)) return now - duration;
    const lateness = this.#offset === undefined ? -1 : now - (at + duration + this.#offset);
    const broken = now - this.#arrived > BREAK && lateness > LATE;
    this.#arrived = now;
    if (lateness < 0 || broken) {
      this.#offset = now - (at + duration);
      this.#lateSince = undefined;
    } else if (lateness > LATE) {
      if (this.#lateSince === undefined) {
        this.#lateSince = now;
        this.#leastLate = lateness;
      }
      this.#leastLate = Math.min(this.#leastLate, lateness);
      if (now - this.#lateSince > PATIENCE) {
        this.#offset = (this.#offset ?? 0) + this.#leastLate;
        this.#lateSince = undefined;
      }
    } else {
      this.#lateSince = undefined;
    }
    return at + (this.#offset ?? 0);
  }
}
