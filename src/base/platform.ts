import type { Log } from "./log.ts";
import type { Meters } from "./meters.ts";
import type { Clock } from "./time.ts";

/** All that the core borrows from the outside world. Whoever brings the transport brings the platform. */
export interface Platform {
  readonly clock: Clock;
  readonly log: Log;
  readonly meters: Meters;
  /** This many bytes that nobody can guess. */
  random(bytes: number): Uint8Array;
}
