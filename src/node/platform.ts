import { randomBytes } from "node:crypto";
import type { Log } from "../base/log.ts";
import { MemoryMeters, type Meters } from "../base/meters.ts";
import type { Platform } from "../base/platform.ts";
import type { Clock } from "../base/time.ts";
import { createClock } from "./clock.ts";
import { createLog } from "./log.ts";

export interface NodePlatformOptions {
  /** Default: one timer over all deadlines; what a task throws is logged. */
  readonly clock?: Clock;
  /** Default: pino at level info on standard error. */
  readonly log?: Log;
  /** Default: kept in memory, to be read by `/metrics`. */
  readonly meters?: Meters;
}

/** The outside world as Node gives it. Make one per process. */
export function nodePlatform({
  log = createLog(),
  meters = new MemoryMeters(),
  clock,
}: NodePlatformOptions = {}): Platform {
  return {
    clock: clock ?? createClock({ onFault: (error) => log.error("a timed task threw", { error }) }),
    log,
    meters,
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
  };
}
