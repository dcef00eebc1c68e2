import type { Millis } from "../base/time.ts";

/**
 * A loudspeaker that only keeps time: audio is played in the order in which it came, in real time, after a short
 * prebuffer whenever it had run dry. All times are those of the clock that is passed in.
 */
export class Speaker {
  readonly #prebuffer: Millis;
  /** Ms ever given to it, less what was taken back. */
  #given: Millis = 0;
  /** What was played before the present stretch of sound, and when that stretch began. */
  #before: Millis = 0;
  #since: Millis = 0;
  #gaps = 0;

  constructor(prebufferMs: Millis = 0) {
    this.#prebuffer = prebufferMs;
  }

  /** How often sound began after silence. */
  get stretches(): number {
    return this.#gaps;
  }

  /** Takes audio that came at `now`. Answers when its first sample is played. */
  push(ms: Millis, now: Millis): Millis {
    if (this.played(now) >= this.#given) {
      this.#before = this.#given;
      this.#since = now + this.#prebuffer;
      this.#gaps += 1;
    }
    const at = this.#since + this.#given - this.#before;
    this.#given += ms;
    return at;
  }

  /** Ms played so far. */
  played(now: Millis): Millis {
    return Math.min(this.#given, this.#before + Math.max(0, now - this.#since));
  }

  /** Ms that wait to be played. */
  waiting(now: Millis): Millis {
    return this.#given - this.played(now);
  }

  /** When everything given so far will have been played; in the past when nothing waits. */
  get emptyAt(): Millis {
    return this.#since + this.#given - this.#before;
  }

  /** Silence at once. Answers how many ms are not played any more. */
  clear(now: Millis): Millis {
    const dropped = this.waiting(now);
    this.#given -= dropped;
    this.#before = this.#given;
    this.#since = now;
    return dropped;
  }
}
