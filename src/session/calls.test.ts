import { describe, expect, it } from "vitest";
import { silentLog } from "../base/log.ts";
import { MemoryMeters } from "../base/meters.ts";
import { LoopbackCall } from "../testing/call.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Calls, type CallsOptions } from "./calls.ts";
import type { Handler } from "./types.ts";

function setUp(handler: unknown, options: Partial<CallsOptions<unknown>> = {}) {
  const clock = new VirtualClock();
  const random = (bytes: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(bytes));
  const platform = { clock, log: silentLog, meters: new MemoryMeters(), random };
  return { clock, calls: new Calls(handler as Handler, { platform, ...options }) };
}

const nobody: Handler = () => Promise.resolve();

describe("the options of calls", () => {
  it.each<[Partial<CallsOptions<unknown>>, RegExp]>([
    [{ concurrencyLimit: 0 }, /concurrencyLimit must be .* got 0/],
    [{ concurrencyLimit: Number.NaN }, /concurrencyLimit must be .* got NaN/],
    [{ concurrencyLimit: 1.5 }, /concurrencyLimit must be .* got 1.5/],
    [{ timeLimitMs: -1 }, /timeLimitMs must be above 0, got -1/],
    [{ timeLimitMs: 0 }, /timeLimitMs must be above 0, got 0/],
    [{ timeLimitMs: Number.NaN }, /timeLimitMs must be above 0, got NaN/],
    [{ awayMs: -5 }, /awayMs must be 0 or more, got -5/],
    [{ farewellMs: Number.NaN }, /farewellMs must be 0 or more, got NaN/],
    [{ rate: 0 }, /rate must be .* got 0/],
    [{ rate: 16_000.5 }, /rate must be .* got 16000.5/],
    [{ mode: "both" as never }, /mode must be "send-receive", "send" or "receive", got "both"/],
  ])("are refused at once when they make no sense: %o", (options, why) => {
    expect(() => setUp(nobody, options)).toThrow(why);
    expect(() => setUp(nobody, options)).toThrow(RangeError);
  });

  it("need a handler that is a function", () => {
    expect(() => setUp({})).toThrow(/a handler is a function of the session, got object/);
  });
});

describe("a handler", () => {
  it.each<[string, unknown, RegExp]>([
    ["a plain generator", function* () {}, /must be an async generator/],
    ["a number", () => 3, /got number/],
    ["nothing", () => undefined, /got undefined/],
  ])("that answers %s ends its call with a clear error", async (_, handler, why) => {
    const { clock, calls } = setUp(handler);
    const call = new LoopbackCall({ clock });
    const session = await calls.answer(call);
    await clock.advance(3_000);
    expect(session.state).toBe("closed");
    expect(call.eventsOf("error")[0]?.data.code).toBe("agent-error");
    expect(String((call.closedWith as Error).message)).toMatch(why);
  });
});

describe("inputs that nobody declared", () => {
  it("are bounded", async () => {
    const { calls } = setUp(() => new Promise(() => {}));
    const call = new LoopbackCall({ clock: calls.platform.clock });
    const session = await calls.answer(call);
    for (let i = 0; i < 256; i++) calls.setInputs(session.id, { [`key${i}`]: i });
    expect(() => calls.setInputs(session.id, { more: 1 })).toThrow(/a call may have 256 inputs, got 257/);
    calls.setInputs(session.id, { key0: "new" });
    expect(Object.keys(session.inputs as object)).toHaveLength(256);
    call.message({ type: "inputs", values: { more: 1 } });
    expect(call.eventsOf("warning")[0]?.data.code).toBe("too-large");
  });
});

describe("a place that is kept", () => {
  it("leaves nothing behind when it is given back", async () => {
    const { calls } = setUp(nobody, { concurrencyLimit: 1 });
    const slot = await calls.reserve("page");
    await expect(calls.reserve("page")).rejects.toMatchObject({ code: "session-exists" });
    await slot.release();
    const again = await calls.reserve("page");
    calls.post("page", { a: 1 });
    await again.release();
    expect(() => calls.post("page", { a: 1 })).toThrow(/there is no session page/);
  });
});
