/* Calls in virtual time whose caller is as likely to be speaking as the test says. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type AudioFrame, monoFrame } from "../../src/audio/frame.ts";
import { silentLog } from "../../src/base/log.ts";
import { noMeters } from "../../src/base/meters.ts";
import type { Millis } from "../../src/base/time.ts";
import { Calls, type CallsOptions } from "../../src/session/calls.ts";
import type { Handler, Session } from "../../src/session/types.ts";
import type { TurnEvent } from "../../src/turn/events.ts";
import { LoopbackCall, type LoopbackOptions } from "../../src/testing/call.ts";
import { VirtualClock } from "../../src/testing/clock.ts";
import type { DetectorMaker } from "../../src/vad/detector.ts";

export const RATE = 16_000;

/** Answers with the level of a window: `voice` says how likely speech is. */
export const levelDetector: DetectorMaker = () => ({
  rate: RATE,
  window: 512,
  push(samples) {
    let sum = 0;
    for (const sample of samples) sum += Math.abs(sample);
    return Math.min(1, (sum / samples.length) * 2);
  },
  reset() {},
});

/** Speech of this likelihood, 0 to 1. */
export const voice = (ms: Millis, likelihood = 0.95): AudioFrame =>
  monoFrame(new Int16Array((RATE * ms) / 1000).fill(Math.round(likelihood * 16_384)), RATE);

/** Our own voice. */
export const answer = (ms: Millis): AudioFrame => monoFrame(new Int16Array((RATE * ms) / 1000).fill(5_000), RATE);

export interface Talk<In> {
  readonly clock: VirtualClock;
  readonly calls: Calls<In>;
  dial(options?: Partial<LoopbackOptions>): Promise<{
    readonly call: LoopbackCall;
    readonly session: Session<In>;
    /** Every decision about turns so far. */
    readonly decided: TurnEvent[];
  }>;
}

/** Answers calls with `handler`. */
export function talk<In = unknown>(handler: Handler<In>, options: Partial<CallsOptions<In>> = {}): Talk<In> {
  const clock = new VirtualClock();
  const random = (bytes: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(bytes));
  const platform = { clock, log: silentLog, meters: noMeters, random };
  const calls = new Calls(handler, { platform, detector: levelDetector, ...options });
  return {
    clock,
    calls,
    dial: async (loopback = {}) => {
      const call = new LoopbackCall({ clock, can: { rate: RATE }, ...loopback });
      const session = await calls.answer(call);
      const decided: TurnEvent[] = [];
      session.on("turn", (event) => decided.push(event));
      return { call, session, decided };
    },
  };
}

/** Bytes that live after a collection of garbage. */
export function liveBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

let gc: (() => void) | undefined;
function collect(): void {
  if (gc === undefined) {
    setFlagsFromString("--expose-gc");
    const found: unknown = runInNewContext("gc");
    if (typeof found !== "function") throw new TypeError("the collector cannot be called");
    gc = () => void found();
  }
  gc();
}
