import { describe, expect, it } from "vitest";
import { type AudioFrame, monoFrame } from "../audio/frame.ts";
import { VoiceError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { MemoryMeters } from "../base/meters.ts";
import { LoopbackCall } from "../testing/call.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Calls, type CallsOptions } from "./calls.ts";
import type { Handler, Output, Session, Transport, TransportCan } from "./types.ts";

const RATE = 8_000;
const can: Partial<TransportCan> = { rate: RATE, lead: 100 };
const sound = (ms: number, item?: string): AudioFrame =>
  monoFrame(new Int16Array((RATE * ms) / 1000).fill(4_000), RATE, 0, item);

/** Stays on the line until somebody hangs up. */
const waits: Handler = (session) => new Promise((resolve) => session.signal.addEventListener("abort", () => resolve()));

function setUp(handler: Handler = waits, options: Partial<CallsOptions<unknown>> = {}) {
  const clock = new VirtualClock();
  const random = (bytes: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(bytes));
  const platform = { clock, log: silentLog, meters: new MemoryMeters(), random };
  const calls = new Calls(handler, { platform, concurrencyLimit: 1, ...options });
  return { clock, calls };
}

async function dial(handler?: Handler) {
  const { clock, calls } = setUp(handler);
  const call = new LoopbackCall({ clock, can });
  const session = await calls.answer(call);
  return { clock, calls, call, session };
}

const lost = new VoiceError("connection-lost", "no answer to consent checks");

describe("a session's listeners", () => {
  it("may throw on an error without being told of their own error again", async () => {
    const { session } = await dial();
    let told = 0;
    session.on("error", () => {
      told += 1;
      throw new Error("the listener's own");
    });
    session.tap(() => {
      throw new Error("a tap's");
    });
    session.on("heard", () => {
      throw new Error("another listener's");
    });
    session.interrupt();
    expect(told).toBe(1);
    expect(session.state).toBe("live");
  });
});

describe("a listener of errors", () => {
  it("may tell the page of them, also over a line that takes nothing", async () => {
    const { call, session } = await dial();
    let told = 0;
    session.on("error", () => {
      told += 1;
      session.warn("something failed");
    });
    call.tell = () => {
      throw new Error("the socket is gone");
    };
    session.warn("hello");
    session.warn("hello again");
    expect(told).toBe(2);
  });
});

describe("what a session is given to send", () => {
  const wrong: readonly [string, unknown, RegExp][] = [
    ["nothing", undefined, /an output is .* got undefined/],
    ["null", null, /got null/],
    ["a bare Int16Array", new Int16Array(160), /got an Int16Array/],
    ["a string", "hello", /got a string/],
    ["an unknown kind", { kind: "sound" }, /kind must be "audio", "video" or "message", got "sound"/],
    [
      "samples as numbers",
      { kind: "audio", samples: [1, 2], rate: RATE, channels: 1, at: 0 },
      /samples must be an Int16Array, got an Array/,
    ],
    [
      "float samples",
      { kind: "audio", samples: new Float32Array(8), rate: RATE, channels: 1, at: 0 },
      /got a Float32Array/,
    ],
    ["a rate of 0", { ...sound(20), rate: 0 }, /rate must be a whole number from 1000 to 384000 Hz, got 0/],
    ["a rate that is no number", { ...sound(20), rate: Number.NaN }, /got NaN/],
    ["no rate", { kind: "audio", samples: new Int16Array(8), channels: 1 }, /got undefined/],
    ["half a rate", { ...sound(20), rate: 22_050.5 }, /got 22050.5/],
    ["three channels", { ...sound(20), channels: 3 }, /channels must be 1 or 2, got 3/],
    [
      "half a stereo sample",
      { ...sound(20), samples: new Int16Array(3), channels: 2 },
      /two channels must have an even number of samples, got 3/,
    ],
    ["a message without a name", { kind: "message", data: 1 }, /name must be a string, got undefined/],
  ];

  it.each(wrong)("is refused with what was expected and what came: %s", async (_, output, why) => {
    const { session } = await dial();
    expect(() => session.send(output as Output)).toThrow(why);
    expect(session.state).toBe("live");
  });

  it.each(wrong)("ends only its own call when a handler yields it: %s", async (_, output) => {
    const seen: unknown[] = [];
    const { clock, calls, call, session } = await dial(async function* (live) {
      live.on("error", (error) => seen.push(error.cause));
      try {
        yield output as Output;
      } finally {
        seen.push("finally");
      }
    });
    await clock.advance(3_000);
    expect(seen).toEqual([expect.any(Error), "finally"]);
    expect(session.state).toBe("closed");
    expect(call.eventsOf("error")[0]?.data.code).toBe("agent-error");
    expect([calls.sessions.size, clock.pending]).toEqual([0, 0]);
  });

  it("may be a message that JSON cannot say: it is lost, and an error is told", async () => {
    const { clock, calls } = setUp();
    const call = new LoopbackCall({ clock, can });
    const send = call.send.bind(call);
    call.send = (output) => {
      if (output.kind === "message") JSON.stringify(output.data);
      send(output);
    };
    const session = await calls.answer(call);
    const errors: string[] = [];
    session.on("error", (error) => errors.push(error.message));
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    session.send(sound(200));
    session.send({ kind: "message", name: "cyclic", data: cyclic });
    session.send({ kind: "message", name: "next", data: 1 });
    await clock.advance(500);
    expect(errors).toEqual([expect.stringContaining("circular")]);
    expect(call.sent.at(-1)?.output).toMatchObject({ name: "next" });
  });
});

describe("a session whose transport fails", () => {
  it("gives its place back when the transport cannot be opened", async () => {
    const { clock, calls } = setUp();
    const broken = new LoopbackCall({ clock, can });
    broken.open = () => {
      throw new Error("no socket");
    };
    await expect(calls.answer(broken)).rejects.toThrow("no socket");
    await clock.advance(5_000);
    expect([calls.sessions.size, clock.pending]).toEqual([0, 0]);
    const next = await calls.answer(new LoopbackCall({ clock, can }));
    expect(next.state).toBe("live");
  });

  it.each(["tell", "close", "clear"] as const)("ends, and gives its place back, when %s throws", async (step) => {
    const { clock, calls } = setUp();
    const call: Transport = new LoopbackCall({ clock, can });
    const session = await calls.answer(call);
    session.send(sound(500));
    call[step] = () => {
      throw new Error("the socket is gone");
    };
    void session.close();
    await clock.advance(5_000);
    expect(session.state).toBe("closed");
    expect([calls.sessions.size, clock.pending]).toEqual([0, 0]);
  });

  it("ends when its handler fails and the page cannot even be told", async () => {
    const rejections: unknown[] = [];
    const note = (error: unknown): void => void rejections.push(error);
    process.on("unhandledRejection", note);
    const { clock, calls } = setUp(() => Promise.reject(new Error("the handler's own")));
    const call = new LoopbackCall({ clock, can });
    call.tell = () => {
      throw new Error("the socket is gone");
    };
    const session = await calls.answer(call);
    await clock.advance(3_000);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect([session.state, calls.sessions.size, rejections]).toEqual(["closed", 0, []]);
  });

  it("waits for its caller when the transport it moved to was dead already", async () => {
    const { clock, calls, call, session } = await dial();
    session.send(sound(2_000, "a"));
    await clock.advance(300);
    call.lose(lost);
    const dead = new LoopbackCall({ clock, can });
    dead.open = (sink) => sink.closed(lost, true);
    calls.move(session.id, dead);
    expect(session.state).toBe("away");
    await clock.advance(5_000);
    const third = new LoopbackCall({ clock, can });
    calls.move(session.id, third);
    await clock.advance(4_000);
    expect(third.heardAudio().length * 20).toBeGreaterThanOrEqual(1_700);
  });
});

describe("a session that is away", () => {
  async function away(): Promise<{
    clock: VirtualClock;
    calls: Calls;
    session: Session;
    back: () => Promise<LoopbackCall>;
  }> {
    const { clock, calls, call, session } = await dial();
    await clock.advance(100);
    call.lose(lost);
    const back = async (): Promise<LoopbackCall> => {
      const next = new LoopbackCall({ clock, can });
      calls.move(session.id, next);
      await clock.advance(3_000);
      return next;
    };
    return { clock, calls, session, back };
  }

  it("keeps messages for the way back", async () => {
    const { clock, session, back } = await away();
    session.send({ kind: "message", name: "note", data: 1 });
    await clock.advance(1_000);
    session.send(sound(100));
    session.send({ kind: "message", name: "note", data: 2 });
    const next = await back();
    expect(next.sent.flatMap(({ output }) => (output.kind === "message" ? [output.data] : [output.kind]))).toEqual([
      1,
      ...Array.from({ length: 5 }, () => "audio"),
      2,
    ]);
  });

  it("still keeps our voice for the way back after it was taken back once", async () => {
    const { clock, session, back } = await away();
    session.send(sound(500));
    session.interrupt();
    session.send(sound(300));
    await clock.advance(2_000);
    expect((await back()).heardAudio().length * 20).toBe(300);
  });
});

describe("asking for inputs", () => {
  it("answers at once when the call is over", async () => {
    const { clock, session } = await dial();
    await session.close();
    let answered = false;
    void session.requestInputs({ timeoutMs: 60_000 }).then(() => {
      answered = true;
    });
    await clock.advance(0);
    expect([answered, clock.pending]).toEqual([true, 0]);
  });

  it("refuses a time that is none", async () => {
    const { session } = await dial();
    await expect(session.requestInputs({ timeoutMs: Number.NaN })).rejects.toThrow(
      /timeoutMs must be 0 or more, got NaN/,
    );
  });
});

describe("the microphone of a session", () => {
  it("gives each of two readers every frame", async () => {
    const seen: number[] = [0, 0];
    const { call, session } = await dial();
    for (const reader of [0, 1]) {
      void (async () => {
        for await (const frame of session.audio) seen[reader] = (seen[reader] ?? 0) + frame.samples.length;
      })();
    }
    await call.listen(1_000);
    await session.close();
    expect(seen).toEqual([RATE, RATE]);
  });
});
