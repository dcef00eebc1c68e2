import { describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { VoiceError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { MemoryMeters } from "../../src/base/meters.ts";
import { Calls, type CallsOptions } from "../../src/session/calls.ts";
import type { Handler, Output } from "../../src/session/types.ts";
import { LoopbackCall, type LoopbackOptions } from "../../src/testing/call.ts";
import { VirtualClock } from "../../src/testing/clock.ts";

const RATE = 8_000;
const sound = (ms: number): Output => monoFrame(new Int16Array((RATE * ms) / 1000).fill(4_000), RATE);

function setUp(handler: Handler, options: Partial<CallsOptions<unknown>> = {}) {
  const clock = new VirtualClock();
  const platform = {
    clock,
    log: silentLog,
    meters: new MemoryMeters(),
    random: (bytes: number) => globalThis.crypto.getRandomValues(new Uint8Array(bytes)),
  };
  const calls = new Calls(handler, { platform, ...options });
  const dial = async (loopback: Partial<LoopbackOptions> = {}) => {
    const call = new LoopbackCall({ clock, can: { rate: RATE }, ...loopback });
    const session = await calls.answer(call);
    return { call, session };
  };
  return { clock, calls, dial };
}

/** Listens until the end, and says which end it was. */
function listener(seen: string[]): Handler {
  return async function* (session) {
    try {
      for await (const frame of session.audio) if (frame.samples.length === 0) yield sound(20);
    } finally {
      seen.push("finally");
    }
  };
}

describe("a session", () => {
  it.each<[string, (it: Awaited<ReturnType<ReturnType<typeof setUp>["dial"]>>, calls: Calls) => void]>([
    ["the caller hangs up", ({ call }) => call.hangUp()],
    ["the page says stop", ({ call }) => call.message({ type: "stop" })],
    ["the server closes it", ({ session }) => void session.close(new VoiceError("closed", "kicked"))],
    ["the server shuts down", (_, calls) => void calls.close()],
    ["the connection is lost", ({ call }) => call.hangUp(new VoiceError("connection-lost", "no consent"))],
  ])("runs the handler's finally exactly once when %s", async (_, end) => {
    const seen: string[] = [];
    const { clock, calls, dial } = setUp(listener(seen));
    const line = await dial();
    await line.call.listen(100);
    end(line, calls);
    await clock.advance(3_000);
    expect(seen).toEqual(["finally"]);
    expect(line.session.state).toBe("closed");
    expect(calls.sessions.size).toBe(0);
    expect(line.call.isClosed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it("plays what is queued before it hangs up when the handler returns", async () => {
    const { clock, dial } = setUp(async function* () {
      yield sound(600);
    });
    const { call, session } = await dial();
    await clock.advance(400);
    expect(call.isClosed).toBe(false);
    await clock.advance(1_000);
    expect(call.heardAudio().length * 20).toBe(600);
    expect(session.state).toBe("closed");
    expect(call.eventsOf("end_stream")).toEqual([
      { type: "end_stream", data: { reason: "handler", message: "Stream closed" } },
    ]);
  });

  it("limits the farewell", async () => {
    const { clock, dial } = setUp(
      (session) => {
        session.send(sound(60_000));
        return Promise.resolve();
      },
      { farewellMs: 10_000 },
    );
    const { session } = await dial();
    await clock.advance(9_900);
    expect(session.state).toBe("live");
    await clock.advance(200);
    expect(session.state).toBe("closed");
  });

  it.each(["before the loop", "in the loop", "in finally"])("ends alone when its handler throws %s", async (where) => {
    const broken: Handler = async function* () {
      if (where === "before the loop") throw new Error("broken");
      try {
        yield sound(20);
        if (where === "in the loop") throw new Error("broken");
      } finally {
        if (where === "in finally") await Promise.reject(new Error("broken"));
      }
    };
    let first = true;
    const seen: string[] = [];
    const { clock, calls, dial } = setUp((session) => {
      const handler = first ? broken : listener(seen);
      first = false;
      return handler(session);
    });
    const bad = await dial();
    const good = await dial();
    await clock.advance(3_000);
    expect(bad.session.state).toBe("closed");
    expect(bad.call.eventsOf("error")).toHaveLength(1);
    expect(bad.call.eventsOf("error")[0]?.data.code).toBe("agent-error");
    expect(bad.call.eventsOf("error")[0]?.message).not.toContain("broken");
    expect(good.session.state).toBe("live");
    expect(calls.sessions.size).toBe(1);
  });

  it("shows the caller a message that was meant for them", async () => {
    const { clock, dial } = setUp(() =>
      Promise.reject(new VoiceError("budget", "No minutes left this month.", { expose: true })),
    );
    const { call } = await dial();
    await clock.advance(2_000);
    expect(call.eventsOf("error")).toEqual([
      { type: "error", message: "No minutes left this month.", data: { code: "budget", fatal: false } },
    ]);
  });

  it("ends although the handler awaits something that never comes", async () => {
    const { clock, calls, dial } = setUp(async function* () {
      yield sound(20);
      await new Promise(() => {});
    });
    const { call, session } = await dial();
    await clock.advance(100);
    call.hangUp();
    await clock.advance(4_000);
    expect(session.state).toBe("closed");
    expect(calls.sessions.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("ends although the transport never says that it is closed", async () => {
    const { clock, calls, dial } = setUp(listener([]));
    const { session } = await dial({ hangs: true });
    let done = false;
    void session.close().then(() => {
      done = true;
    });
    await clock.advance(4_000);
    expect(done).toBe(true);
    expect(calls.sessions.size).toBe(0);
  });

  it("gives every caller of close the same promise, and emits closed once", async () => {
    const { clock, dial } = setUp(listener([]));
    const { session } = await dial();
    let closed = 0;
    session.on("closed", () => {
      closed += 1;
    });
    expect(session.close()).toBe(session.close("another reason"));
    await clock.advance(3_000);
    expect(closed).toBe(1);
  });

  it("does not let a listener that throws stop media", async () => {
    const { dial } = setUp(listener([]));
    const { call, session } = await dial();
    let frames = 0;
    session.tap(() => {
      throw new Error("broken tap");
    });
    session.tap(() => {
      frames += 1;
    });
    await call.listen(100);
    expect(frames).toBe(5);
  });

  it("drops the oldest audio of a reader that is too slow, and keeps five seconds", async () => {
    const got: number[] = [];
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { dial } = setUp(async (session) => {
      const iterator = session.audio[Symbol.asyncIterator]();
      await iterator.next();
      await gate;
      for (let i = 0; i < 250; i++) got.push((await iterator.next()).value?.at ?? -1);
      finish();
    });
    const { call } = await dial();
    await call.listen(12_000);
    release();
    await finished;
    expect(got).toHaveLength(250);
    expect(got[0]).toBe(7_000);
  });
});

describe("the calls of a handler", () => {
  it("refuses the caller above the limit and admits the next when one leaves", async () => {
    const { clock, calls, dial } = setUp(listener([]), { concurrencyLimit: 2 });
    const one = await dial();
    await dial();
    await expect(dial()).rejects.toMatchObject({ code: "concurrency-limit", meta: { limit: 2 } });
    one.call.hangUp();
    await clock.advance(3_000);
    await dial();
    expect(calls.sessions.size).toBe(2);
  });

  it("refuses an id that is alive and leaves its owner alone", async () => {
    const { clock, calls } = setUp(listener([]));
    const first = new LoopbackCall({ clock, can: { rate: RATE } });
    const session = await calls.answer(first, { alias: "k3x9q" });
    const second = new LoopbackCall({ clock, can: { rate: RATE } });
    await expect(calls.answer(second, { alias: "k3x9q" })).rejects.toMatchObject({ code: "session-exists" });
    expect(second.isClosed).toBe(true);
    expect(calls.get("k3x9q")).toBe(session);
    expect(session.state).toBe("live");
  });

  it("announces the time limit and then ends the call", async () => {
    const { clock, dial } = setUp(listener([]), { timeLimitMs: 60_000 });
    const { call, session } = await dial();
    await clock.advance(31_000);
    expect(call.eventsOf("warning")).toHaveLength(1);
    await clock.advance(32_000);
    expect(session.state).toBe("closed");
    expect(call.eventsOf("end_stream")[0]?.data.reason).toBe("time_limit");
    expect(clock.pending).toBe(0);
  });

  it("takes no new calls while it shuts down", async () => {
    const { clock, calls, dial } = setUp(listener([]));
    await dial();
    void calls.close();
    await expect(dial()).rejects.toMatchObject({ code: "draining" });
    await clock.advance(3_000);
    expect(calls.sessions.size).toBe(0);
  });

  it("leaves nothing behind after a thousand calls", async () => {
    const { clock, calls, dial } = setUp(listener([]), { concurrencyLimit: 10 });
    for (let i = 0; i < 1_000; i++) {
      const { call } = await dial();
      await call.listen(40);
      call.hangUp();
      await clock.advance(20);
    }
    await clock.advance(5_000);
    expect(calls.sessions.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("sets inputs from outside and tells the handler", async () => {
    const seen: unknown[] = [];
    const { clock, calls } = setUp(async (session) => {
      session.on("inputs", (inputs) => seen.push(inputs));
      await new Promise<void>((resolve) => session.signal.addEventListener("abort", () => resolve()));
    });
    await calls.answer(new LoopbackCall({ clock, can: { rate: RATE } }), { alias: "a" });
    await clock.advance(1);
    calls.setInputs("a", { tone: 440 });
    expect(seen).toEqual([{ tone: 440 }]);
    expect(() => calls.setInputs("nobody", {})).toThrow(expect.objectContaining({ code: "unknown-session" }));
  });

  it("goes on with the latest inputs when a page does not answer", async () => {
    const got: unknown[] = [];
    const { clock, calls } = setUp(async (session) => {
      got.push(await session.requestInputs({ timeoutMs: 1_000 }));
    });
    const call = new LoopbackCall({ clock, can: { rate: RATE } });
    await calls.answer(call);
    await clock.advance(900);
    expect(got).toEqual([]);
    await clock.advance(200);
    expect(got).toEqual([{}]);
    expect(call.eventsOf("send_input")).toHaveLength(1);
  });
});

describe("the direction of media", () => {
  it("drops our voice, but not our messages, when the caller only sends", async () => {
    const { clock, calls } = setUp(
      async function* () {
        yield sound(200);
        yield { kind: "message", name: "caption", data: "hello" };
        await new Promise(() => {});
      },
      { mode: "send" },
    );
    const call = new LoopbackCall({ clock, can: { rate: RATE } });
    await calls.answer(call);
    await clock.advance(500);
    expect(call.sent.map(({ output }) => output.kind)).toEqual(["message"]);
  });

  it("hears nothing when the caller only listens", async () => {
    let frames = 0;
    const { clock, calls } = setUp(
      (session) => {
        session.tap(() => {
          frames += 1;
        });
        return new Promise(() => {});
      },
      { mode: "receive" },
    );
    const call = new LoopbackCall({ clock, can: { rate: RATE } });
    await calls.answer(call);
    await call.listen(200);
    expect(frames).toBe(0);
  });
});
