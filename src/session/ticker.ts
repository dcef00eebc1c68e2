/*
 * The media clock of a process. Every talking session is served once in 20 ms; sessions are spread over five phases of
 * 4 ms, so that they neither wake the process one by one nor all at once. Stopped while nobody talks.
 */
import type { Clock, Millis } from "../base/time.ts";

/** Period of the media clock, ms: one frame of audio. */
export const TICK: Millis = 20;

const PHASES = 5;
const PHASE: Millis = TICK / PHASES;

/** Runs tasks every 20 ms without drift. */
export class Ticker {
  readonly #clock: Clock;
  readonly #phases: Set<(now: Millis) => void>[] = Array.from({ length: PHASES }, () => new Set());
  readonly #onFault: (error: unknown) => void;
  #running = 0;
  #slot = 0;
  #cancel: (() => void) | undefined;

  /** `onFault` gets what a task throws; the others are served all the same. */
  constructor(clock: Clock, onFault: (error: unknown) => void) {
    this.#clock = clock;
    this.#onFault = onFault;
  }

  /** Serves `task` every 20 ms, the first time 16 to 20 ms from now. The result stops it. */
  start(task: (now: Millis) => void): () => void {
    const slot = Math.floor(this.#clock.now() / PHASE);
    const phase = this.#phases[slot % PHASES];
    if (phase === undefined) throw new RangeError(`the clock must not be negative, got ${this.#clock.now()}`);
    phase.add(task);
    this.#running += 1;
    if (this.#cancel === undefined) {
      this.#slot = slot;
      this.#arm();
    }
    return () => {
      if (!phase.delete(task)) return;
      this.#running -= 1;
      if (this.#running === 0) {
        this.#cancel?.();
        this.#cancel = undefined;
      }
    };
  }

  /** How many tasks are served. */
  get running(): number {
    return this.#running;
  }

  #arm(): void {
    let slot = this.#slot + 1;
    while ((this.#phases[slot % PHASES]?.size ?? 0) === 0) slot += 1;
    // After a stall the missed rounds are left out: each task sends what is due by the time it is given.
    const current = Math.floor(this.#clock.now() / PHASE);
    if (slot < current) slot += Math.floor((current - slot) / PHASES) * PHASES;
    this.#slot = slot;
    this.#cancel = this.#clock.at(slot * PHASE, () => this.#run());
  }

  #run(): void {
    const now = this.#clock.now();
    this.#cancel = undefined;
    for (const task of this.#phases[this.#slot % PHASES] ?? []) {
      try {
        task(now);
      } catch (error) {
        this.#onFault(error);
      }
    }
    // A task may have stopped the last one and started another, which has set the timer already.
    if (this.#running > 0 && this.#cancel === undefined) this.#arm();
  }
}
