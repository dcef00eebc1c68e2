/*
 * Keeps every session of a process from running against a provider that is down: after five failures within 30 s nobody
 * tries for 15 s, then one may.
 */
import type { Millis } from "../../base/time.ts";

const FAILURES = 5;
const WINDOW: Millis = 30_000;
const PAUSE: Millis = 15_000;

/** One provider and key. */
export class Breaker {
  #failures: readonly Millis[] = [];
  #openUntil: Millis = Number.NEGATIVE_INFINITY;

  /** Whether an attempt may be made now; the one after a pause is a probe, and others wait for how it ends. */
  allows(now: Millis): boolean {
    if (now < this.#openUntil) return false;
    if (this.#openUntil > Number.NEGATIVE_INFINITY) this.#openUntil = now + PAUSE;
    return true;
  }

  failed(now: Millis): void {
    this.#failures = [...this.#failures.filter((at) => now - at < WINDOW), now];
    if (this.#failures.length >= FAILURES) this.#openUntil = now + PAUSE;
  }

  succeeded(): void {
    this.#failures = [];
    this.#openUntil = Number.NEGATIVE_INFINITY;
  }
}
