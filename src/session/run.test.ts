import { describe, expect, it } from "vitest";
import { type AudioFrame, monoFrame } from "../audio/frame.ts";
import { silentLog } from "../base/log.ts";
import { noMeters } from "../base/meters.ts";
import { LoopbackCall } from "../testing/call.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Calls } from "./calls.ts";
import { receiveEmit } from "./receive-emit.ts";
import type { Handler } from "./types.ts";

const RATE = 8_000;
const FRAMES = 3_000;

/** Whether the frames that a handler sent long ago are still in memory. */
async function keptAfter(make: (next: () => AudioFrame) => Handler): Promise<number> {
  const refs: WeakRef<AudioFrame>[] = [];
  const next = (): AudioFrame => {
    const frame = monoFrame(new Int16Array(RATE / 50).fill(1_000), RATE);
    refs.push(new WeakRef(frame));
    return frame;
  };
  const clock = new VirtualClock();
  const random = (bytes: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(bytes));
  const calls = new Calls(make(next), { platform: { clock, log: silentLog, meters: noMeters, random } });
  const call = new LoopbackCall({ clock, can: { rate: RATE } });
  call.send = () => {};
  const session = await calls.answer(call);
  while (refs.length < FRAMES) await call.listen(1_000);
  // A WeakRef keeps its target alive until the turn of the event loop is over.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  const kept = refs.slice(0, FRAMES / 2).filter((ref) => ref.deref() !== undefined).length;
  await Promise.all([session.close(), clock.advance(3_000)]);
  return kept;
}

/** Node's own collector, also where it was not asked for on the command line. */
function collectGarbage(): void {
  process.getBuiltinModule("v8").setFlagsFromString("--expose-gc");
  const gc: unknown = process.getBuiltinModule("vm").runInNewContext("gc");
  if (typeof gc !== "function") throw new TypeError("no garbage collector at hand");
  gc();
}

describe("a handler that speaks for hours", () => {
  it("leaves none of what was heard long ago in memory", async () => {
    const kept = await keptAfter(
      (next) =>
        async function* (session) {
          for await (const _ of session.audio) yield next();
        },
    );
    expect(kept).toBe(0);
  });

  it("leaves none when it is an object with receive and emit", async () => {
    const kept = await keptAfter((next) => receiveEmit(() => ({ receive() {}, emit: () => Promise.resolve(next()) })));
    expect(kept).toBe(0);
  });
});

describe("a handler that hangs", () => {
  it("is let go of when the caller hangs up, and its late error is not one", async () => {
    const clock = new VirtualClock();
    const random = (bytes: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(bytes));
    let fail: (error: Error) => void = () => {};
    const handler: Handler = async function* () {
      yield monoFrame(new Int16Array(160), RATE);
      await new Promise((_, reject) => {
        fail = reject;
      });
    };
    const calls = new Calls(handler, { platform: { clock, log: silentLog, meters: noMeters, random } });
    const call = new LoopbackCall({ clock, can: { rate: RATE } });
    const session = await calls.answer(call);
    await clock.advance(500);
    call.hangUp();
    await clock.advance(3_000);
    expect([session.state, clock.pending]).toEqual(["closed", 0]);
    fail(new Error("too late"));
    await clock.advance(100);
    expect(calls.sessions.size).toBe(0);
  });
});
