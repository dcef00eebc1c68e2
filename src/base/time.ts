/** Monotonic milliseconds. Inside a session they count from its opening. Never wall time. */
export type Millis = number;

/** Milliseconds since 1970 UTC: for people, databases and tokens, never for deadlines. */
export type Epoch = number;

/** The only source of time. Production reads it from the machine; tests advance it by hand. */
export interface Clock {
  /** Monotonic time, with fractions. */
  now(): Millis;
  wall(): Epoch;
  /**
   * Runs `task` once, at or shortly after `at` on this clock, never before this call has returned. The result cancels it.
   */
  at(at: Millis, task: () => void): () => void;
}

/** A point in time with its reason, so that a timer can be printed. */
export interface Deadline {
  readonly at: Millis;
  readonly why: string;
}

/** The earliest of several deadlines; of two at the same time the one named first. */
export function soonest(...deadlines: readonly (Deadline | undefined)[]): Deadline | undefined {
  let best: Deadline | undefined;
  for (const deadline of deadlines) {
    if (deadline !== undefined && (best === undefined || deadline.at < best.at)) best = deadline;
  }
  return best;
}

/** The same clock, counting from the moment of this call. */
export function startingNow(clock: Clock): Clock {
  const origin = clock.now();
  return {
    now: () => clock.now() - origin,
    wall: () => clock.wall(),
    at: (at, task) => clock.at(at + origin, task),
  };
}
