import { describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { VoiceError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { noMeters } from "../../src/base/meters.ts";
import { Calls, type CallsOptions } from "../../src/session/calls.ts";
import type { Handler } from "../../src/session/types.ts";
import { LoopbackCall } from "../../src/testing/call.ts";
import { VirtualClock } from "../../src/testing/clock.ts";

const RATE = 8_000;
/** A second of samples that count up, so that the place in it can be read off. */
const ramp = monoFrame(
  Int16Array.from({ length: RATE }, (_, i) => i),
  RATE,
  0,
  "a",
);

async function setUp(handler: Handler, options: Partial<CallsOptions<unknown>> = {}) {
  const clock = new VirtualClock();
  const random = (bytes: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(bytes));
  const calls = new Calls(handler, { platform: { clock, log: silentLog, meters: noMeters, random }, ...options });
  const first = new LoopbackCall({ clock, can: { rate: RATE, lead: 100 } });
  const session = await calls.answer(first);
  return { clock, calls, first, session };
}

const lost = new VoiceError("connection-lost", "no answer to consent checks");

describe("a call whose line is lost", () => {
  it("goes on over a new transport where the caller stopped hearing it, with the same handler", async () => {
    let starts = 0;
    const { clock, calls, first, session } = await setUp(async (live) => {
      starts += 1;
      live.send(ramp);
      await new Promise<void>((resolve) => live.signal.addEventListener("abort", () => resolve()));
    });
    await clock.advance(400);
    first.lose(lost);
    expect(session.state).toBe("away");
    await clock.advance(10_000);
    expect(first.heardAudio().length * 20).toBeLessThanOrEqual(520);
    const second = new LoopbackCall({ clock, can: { rate: RATE, lead: 100 } });
    const moved: string[] = [];
    session.on("moved", ({ transport }) => moved.push(transport));
    calls.move(session.id, second);
    await clock.advance(2_000);
    const resumedAt = second.heardAudio()[0]?.samples[159] ?? 0;
    expect(Math.abs(resumedAt - 0.4 * RATE)).toBeLessThanOrEqual(0.15 * RATE);
    expect(second.heardAudio().at(-1)?.samples.at(-1)).toBeGreaterThan(7_000);
    expect([starts, moved, session.state]).toEqual([1, ["loopback"], "live"]);
  });

  it("goes on over a transport of another rate", async () => {
    const { clock, calls, first, session } = await setUp(async (live) => {
      live.send(ramp);
      await new Promise<void>((resolve) => live.signal.addEventListener("abort", () => resolve()));
    });
    await clock.advance(200);
    first.lose(lost);
    const second = new LoopbackCall({ clock, can: { rate: 16_000 } });
    calls.move(session.id, second);
    await clock.advance(2_000);
    const ms = second.heardAudio().length * 20;
    expect(ms).toBeGreaterThanOrEqual(700);
    expect(ms).toBeLessThanOrEqual(940);
    expect(second.heardAudio()[0]?.rate).toBe(16_000);
  });

  it("ends when nobody comes back in time, and gives its slot back", async () => {
    const { clock, calls, first, session } = await setUp(() => new Promise(() => {}), {
      awayMs: 60_000,
      concurrencyLimit: 1,
    });
    first.lose(lost);
    await clock.advance(59_000);
    expect(session.state).toBe("away");
    await clock.advance(5_000);
    expect(session.state).toBe("closed");
    expect(calls.sessions.size).toBe(0);
    expect(clock.pending).toBe(0);
    await calls.reserve("next");
  });

  it("hears nothing more from a transport that was replaced", async () => {
    let frames = 0;
    const { clock, calls, first, session } = await setUp((live) => {
      live.tap(() => {
        frames += 1;
      });
      return new Promise(() => {});
    });
    await first.listen(100);
    const second = new LoopbackCall({ clock, can: { rate: RATE } });
    calls.move(session.id, second);
    expect(first.isClosed).toBe(true);
    const before = frames;
    await first.listen(100);
    expect(frames).toBe(before);
    await second.listen(100);
    expect(frames).toBe(before + 5);
    expect(session.state).toBe("live");
  });

  it("can be ended while the caller is away", async () => {
    const { clock, calls, first, session } = await setUp(() => new Promise(() => {}));
    first.lose(lost);
    void session.close();
    await clock.advance(3_000);
    expect(session.state).toBe("closed");
    expect(calls.sessions.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("refuses a transport for a call that is over", async () => {
    const { clock, calls } = await setUp(() => Promise.resolve());
    await clock.advance(3_000);
    const late = new LoopbackCall({ clock });
    expect(() => calls.move("ses_gone", late)).toThrow(expect.objectContaining({ code: "unknown-session" }));
    expect(late.isClosed).toBe(true);
  });
});
