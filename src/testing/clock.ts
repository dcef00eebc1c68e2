import type { Clock, Epoch, Millis } from "../base/time.ts";

interface Timer {
  readonly at: Millis;
  readonly order: number;
  readonly task: () => void;
}

/** A clock that stands still until a test moves it. Timers run in order of time, ties in order of their making. */
export class VirtualClock implements Clock {
  #now: Millis;
  #order = 0;
  #timers: Timer[] = [];
  readonly #epoch: Epoch;

  constructor({ now = 0, epoch = 1_700_000_000_000 }: { readonly now?: Millis; readonly epoch?: Epoch } = {}) {
    this.#now = now;
    this.#epoch = epoch;
  }

  now(): Millis {
    return this.#now;
  }
  wall(): Epoch {
    return this.#epoch + Math.floor(this.#now);
  }

  at(at: Millis, task: () => void): () => void {
    const timer: Timer = { at, order: this.#order++, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** How many timers wait: zero when everything was released. */
  get pending(): number {
    return this.#timers.length;
  }

  /**
   * Moves time by `ms`, running every timer that falls due at its own time. Between timers pending promises settle, so
   * that code which awaits sees time pass as it would in production.
   */
  async advance(ms: Millis): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#next(end);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #next(end: Millis): Timer | undefined {
    let best: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > end) continue;
      if (best === undefined || timer.at < best.at || (timer.at === best.at && timer.order < best.order)) best = timer;
    }
    return best;
  }
}

/** Lets promise chains that need no outside event run to their end. */
export async function settle(turns = 30): Promise<void> {
  for (let i = 0; i < turns; i++) await Promise.resolve();
}
