import { VoiceError } from "../base/errors.ts";
import type { Admission, Slot } from "./types.ts";

/** What a refused caller is told to wait, ms: long enough not to hammer, short enough to get the next free slot. */
const RETRY_AFTER = 2_000;

/** Counts the calls of one process, whatever carries them. `limit` defaults to none. */
export class MemoryAdmission implements Admission {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number = Number.POSITIVE_INFINITY) {
    if (!(limit > 0)) throw new RangeError(`concurrencyLimit must be above 0, got ${limit}`);
    this.#limit = limit;
  }

  get held(): number {
    return this.#held;
  }

  reserve(): Promise<Slot> {
    if (this.#held >= this.#limit) {
      const error = new VoiceError("concurrency-limit", `all ${this.#limit} lines are busy: try again in a moment`, {
        expose: true,
        meta: { limit: this.#limit, retryAfterMs: RETRY_AFTER },
      });
      return Promise.reject(error);
    }
    this.#held += 1;
    let released = false;
    return Promise.resolve({
      renew() {},
      release: () => {
        if (!released) this.#held -= 1;
        released = true;
        return Promise.resolve();
      },
    });
  }
}
