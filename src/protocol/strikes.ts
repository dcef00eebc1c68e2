import type { Millis } from "../base/time.ts";

/** Counts what a peer does wrong. It is out after `limit` faults within `windowMs`: by default 50 in 10 s. */
export class Strikes {
  readonly #limit: number;
  readonly #window: Millis;
  #since: Millis = Number.NEGATIVE_INFINITY;
  #count = 0;
  #total = 0;

  constructor({ limit = 50, windowMs = 10_000 }: { readonly limit?: number; readonly windowMs?: Millis } = {}) {
    this.#limit = limit;
    this.#window = windowMs;
  }

  /** All faults so far. */
  get total(): number {
    return this.#total;
  }

  /** One more fault at `now`; answers whether the peer is out. A window begins with its first fault. */
  add(now: Millis): boolean {
    if (now - this.#since > this.#window) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count += 1;
    this.#total += 1;
    return this.#count >= this.#limit;
  }
}
