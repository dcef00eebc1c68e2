import fc from "fast-check";
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { encodeBase64 } from "../../src/base/base64.ts";
import type { Millis } from "../../src/base/time.ts";
import { ResumeTokens } from "../../src/protocol/resume.ts";
import { readBinaryFrame, writeBinaryFrame } from "../../src/protocol/socket.ts";
import { Calls } from "../../src/session/calls.ts";
import type { Handler, Session } from "../../src/session/types.ts";
import { settle, VirtualClock } from "../../src/testing/clock.ts";
import { answerSocket, type SocketOptions } from "../../src/transports/websocket/index.ts";
import { FakeSocket } from "../fixtures/fake-socket.ts";
import { counted, quietPlatform } from "../fixtures/socket-server.ts";

const AUDIO = { in: ["pcm16/24000"], out: ["pcm16/24000"], binary: true };
const START = { event: "start", websocket_id: "k3x9q" };
const V1 = { ...START, v: 1, audio: AUDIO };

interface Bench {
  readonly clock: VirtualClock;
  readonly calls: Calls;
  readonly sessions: Session[];
  readonly meters: ReturnType<typeof quietPlatform>["meters"];
  join(start?: unknown, options?: SocketOptions): Promise<FakeSocket>;
}

/** Calls in virtual time whose handler keeps every session it gets; by default it waits for the end. */
function bench(
  handler: Handler = (session) => new Promise((resolve) => session.signal.addEventListener("abort", () => resolve())),
): Bench {
  const clock = new VirtualClock({ now: 1_000 });
  const platform = quietPlatform(clock);
  const sessions: Session[] = [];
  const calls = new Calls(
    (session) => {
      sessions.push(session);
      return handler(session);
    },
    { platform, concurrencyLimit: 3 },
  );
  return {
    clock,
    calls,
    sessions,
    meters: platform.meters,
    async join(start, options = {}) {
      const socket = new FakeSocket();
      answerSocket(socket, { calls, options });
      if (start !== undefined) socket.text(start);
      // Codecs and admission are promises, some of them of real modules.
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
      await settle();
      return socket;
    },
  };
}

const media = (samples: number): unknown => ({
  event: "media",
  media: { payload: encodeBase64(new Uint8Array(samples).fill(0xff)) },
});

describe("the handshake", () => {
  it("answers a v1 page with codecs, a server id and the time of its heartbeat, before anything else", async () => {
    const { join, sessions } = bench(async function* () {
      yield monoFrame(new Int16Array(480), 24_000);
    });
    const socket = await join({ ...V1, audio: { ...AUDIO, in: ["vorbis/1", "mulaw/24000", "pcm16/24000"] } });
    expect(socket.json()[0]).toEqual({
      event: "started",
      v: 1,
      id: sessions[0]?.id,
      audio: { in: "mulaw/24000", out: "pcm16/24000", binary: true },
      heartbeatMs: 2_000,
    });
    expect(sessions[0]?.id).toMatch(/^ses_[\w-]{22}$/);
  });

  it("tells a stock page nothing it does not know", async () => {
    const socket = await bench().join(START);
    expect(socket.sent).toEqual([]);
  });

  it("refuses a page with which it has no codec in common, and names its own", async () => {
    const { join, calls } = bench();
    const socket = await join(
      { ...V1, audio: { in: ["flac/48000"], out: ["pcm16/24000"] } },
      { formats: [{ codec: "pcm16", rate: 24_000 }] },
    );
    expect(socket.json()).toEqual([
      { status: "failed", meta: { error: "no_common_codec", supported: ["pcm16/24000"] } },
    ]);
    expect(socket.closedWith?.code).toBe(1003);
    expect(calls.sessions.size).toBe(0);
  });

  it("refuses a websocket_id in use and leaves the session that has it alone", async () => {
    const { join, calls, sessions } = bench();
    const first = await join(START);
    for (const start of [START, V1]) {
      const second = await join(start);
      expect(second.json()).toMatchObject([{ status: "failed", meta: { error: "connection_already_exists" } }]);
      expect(second.closedWith?.code).toBe(1008);
    }
    expect(calls.get("k3x9q")).toBe(sessions[0]);
    expect(sessions[0]?.state).toBe("live");
    expect(first.closedWith).toBeUndefined();
    first.leave(1000);
    await settle();
    await join(START);
    expect(calls.sessions.size).toBe(1);
  });

  it("lets only one of two pages through that start with one id at the same time", async () => {
    const { join, calls } = bench();
    const sockets = await Promise.all([join(V1), join(V1)]);
    expect(calls.sessions.size).toBe(1);
    expect(sockets.filter((socket) => socket.json("failed").length > 0)).toHaveLength(1);
  });

  it("refuses over the limit after start, names it, and admits the next when one leaves", async () => {
    const { join, calls } = bench();
    const sockets = await Promise.all(["a", "b", "c"].map((id) => join({ ...START, websocket_id: id })));
    const fourth = await join({ ...START, websocket_id: "d" });
    expect(fourth.json()).toMatchObject([{ status: "failed", meta: { error: "concurrency_limit_reached", limit: 3 } }]);
    expect(fourth.closedWith?.code).toBe(1013);
    sockets[0]?.leave(1006);
    await settle();
    await join({ ...START, websocket_id: "e" });
    expect(calls.sessions.size).toBe(3);
  });

  it("closes a socket that does not start within 5 s", async () => {
    const { join, clock } = bench();
    const socket = await join();
    await clock.advance(4_999);
    expect(socket.closedWith).toBeUndefined();
    await clock.advance(1);
    expect(socket.closedWith).toEqual({ code: 1008, reason: "setup-timeout" });
  });

  it("leaves nothing behind when a socket closes before start", async () => {
    const { join, clock, calls } = bench();
    (await join()).leave(1006);
    expect(clock.pending).toBe(0);
    expect(calls.sessions.size).toBe(0);
  });

  it("gives the slot back when a page leaves while its ticket is checked", async () => {
    const { join, clock, calls } = bench();
    let answer: (valid: boolean) => void = () => {};
    const socket = await join(V1, { verifyTicket: () => new Promise((resolve) => (answer = resolve)) });
    socket.leave(1006);
    answer(true);
    await clock.advance(10);
    expect(calls.sessions.size).toBe(0);
    expect(clock.pending).toBe(0);
    await Promise.all(["a", "b", "c"].map((id) => calls.reserve(id)));
  });

  it("lets only those in whose ticket is right", async () => {
    const { join, calls } = bench();
    const verifyTicket = (ticket: string | undefined): boolean => ticket === "right";
    for (const start of [V1, { ...V1, ticket: "wrong" }, START]) {
      const socket = await join(start, { verifyTicket });
      expect(socket.json()).toMatchObject([{ status: "failed", meta: { error: "unauthorized" } }]);
      expect(socket.closedWith?.code).toBe(1008);
    }
    await join({ ...V1, ticket: "right" }, { verifyTicket });
    expect(calls.sessions.size).toBe(1);
  });

  it("ignores and counts media before start", async () => {
    const { join, meters, calls } = bench();
    const socket = await join(media(960));
    socket.bytes(
      writeBinaryFrame({ codec: "pcm16", epoch: 0, sequence: 0, payload: new Uint8Array(8) }, new Uint8Array(12)),
    );
    expect(counted(meters, "repartee_socket_ignored_total")).toBe(2);
    expect(calls.sessions.size).toBe(0);
    expect(socket.closedWith).toBeUndefined();
  });

  it("keeps what a page sends right after start, stock µ-law included, until the call is set up", async () => {
    for (const start of [START, V1]) {
      const heard: number[] = [];
      const { calls } = bench((session) => {
        session.tap((frame) => heard.push(frame.samples.length));
        return new Promise(() => {});
      });
      const socket = new FakeSocket();
      answerSocket(socket, { calls });
      socket.text(start);
      socket.text(media(960)); // 20 ms at 48 000 Hz
      socket.text(media(960));
      await new Promise((resolve) => setTimeout(resolve, 5));
      // The resampler keeps a little for look-ahead.
      expect(heard.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(900);
      expect(heard.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(960);
    }
  });

  it("gives the handler inputs, metadata and the wanted agent of a v1 start", async () => {
    const { join, sessions } = bench();
    await join({ ...V1, agent: "Nora", inputs: { voice: "low" }, metadata: { shop: 7 } });
    expect(sessions[0]?.inputs).toEqual({ voice: "low" });
    expect(sessions[0]?.call).toEqual({ agent: "Nora", parameters: { shop: 7 } });
  });
});

describe("a live socket", () => {
  it("answers a ping at once, ahead of held audio, with the time of the server", async () => {
    const { join, clock } = bench();
    const stock = await join(START);
    stock.text({ event: "ping" });
    expect(stock.json()).toEqual([{ event: "pong" }]);
    const v1 = await join({ ...V1, websocket_id: "v" });
    await clock.advance(250);
    v1.text({ event: "ping", t: 17 });
    expect(v1.json("pong")).toEqual([{ event: "pong", t: 17, s: 250 }]);
  });

  it("closes after 30 s in which a stock page neither sent nor answered a ping, and not before", async () => {
    const { join, clock, sessions } = bench();
    const socket = await join(START);
    await clock.advance(20_000);
    expect(socket.pings).toBe(1);
    socket.pong();
    await clock.advance(29_000);
    expect(sessions[0]?.state).toBe("live");
    await clock.advance(1_500);
    expect(socket.terminated).toBe(true);
    expect(sessions[0]?.state).toBe("closed");
    expect(sessions[0]?.signal.reason).toMatchObject({ code: "connection-lost" });
  });

  it("takes a v1 page for lost after two missed pings", async () => {
    const { join, clock, sessions } = bench();
    const socket = await join(V1);
    for (let i = 0; i < 5; i++) {
      await clock.advance(2_000);
      socket.text({ event: "ping", t: i });
    }
    await clock.advance(4_900);
    expect(sessions[0]?.state).toBe("live");
    await clock.advance(200);
    expect(sessions[0]?.state).toBe("closed");
  });

  it("warns once, naming both rates, when audio arrives at another rate than agreed", async () => {
    const { join, clock } = bench();
    const socket = await join(START);
    // A sound card of 44 100 Hz in pieces of 2048 samples.
    for (let i = 0; i < 200; i++) {
      await clock.advance((2_048 / 44_100) * 1_000);
      socket.text(media(2_048));
    }
    expect(socket.json("warning")).toHaveLength(1);
    expect(socket.json("warning")[0]?.["message"]).toMatch(/44100 Hz .* 48000 Hz/);
    expect(socket.json("warning")[0]?.["data"]).toBe(socket.json("warning")[0]?.["message"]);
  });

  it("does not take pauses, jitter and odd sizes for a wrong rate", async () => {
    const { join, clock } = bench();
    const socket = await join(START);
    for (let i = 0; i < 400; i++) {
      const jitter = (i % 5) * 8 - 16;
      await clock.advance(2_048 / 48 + (i % 2 === 0 ? jitter : -jitter));
      if (i % 50 === 49) await clock.advance(700);
      socket.text(media(2_048));
    }
    expect(socket.json("warning")).toEqual([]);
  });

  it("counts a pause in which a page sent nothing on its media time", async () => {
    const at: Millis[] = [];
    const { join, clock } = bench((session) => {
      session.tap((frame) => at.push(frame.at));
      return new Promise(() => {});
    });
    const socket = await join(START, { inputRate: 24_000 });
    for (const pause of [20, 20, 3_000, 20]) {
      await clock.advance(pause);
      socket.text(media(480));
    }
    expect(at.map((one) => Math.round(one - (at[0] ?? 0)))).toEqual([0, 20, 3_020, 3_040]);
  });

  it("closes with 1008 after 50 broken messages in 10 s, and not for 49", async () => {
    const { join, clock, sessions } = bench();
    const socket = await join(START);
    const broken = [
      "{",
      "[]",
      '{"event":"jump"}',
      '{"event":"media"}',
      '{"event":"media","media":{"payload":"%%%%"}}',
      '{"event":"start"}',
    ];
    for (let i = 0; i < 49; i++) socket.text(broken[i % broken.length]);
    await clock.advance(11_000);
    for (let i = 0; i < 49; i++) socket.text(broken[i % broken.length]);
    expect(sessions[0]?.state).toBe("live");
    socket.text("{");
    await settle();
    expect(socket.closedWith?.code).toBe(1008);
    expect(sessions[0]?.state).toBe("closed");
  });

  it("drops what is sent faster than twice real time and ends a page that keeps on", async () => {
    const { join, clock } = bench();
    const socket = await join(START);
    for (let i = 0; i < 10; i++) socket.text(media(48_000)); // 10 s at once: a link that had stalled
    await clock.advance(100);
    expect(socket.closedWith).toBeUndefined();
    for (let i = 0; i < 60; i++) socket.text(media(48_000));
    expect(socket.closedWith?.code).toBe(1008);
  });

  it("passes on what travels beside the media", async () => {
    const { join, sessions } = bench();
    const socket = await join(V1);
    const messages: unknown[] = [];
    sessions[0]?.on("message", (message) => messages.push(message));
    socket.text({ type: "text", data: { text: "hello" } });
    socket.text({ type: "custom", data: { name: "x", value: { __proto__: 1, a: 2 } } });
    socket.text({ type: "from the future" });
    socket.text('{"type":"inputs","data":{"__proto__":{"admin":true}}}');
    expect(messages).toEqual([
      { type: "text", text: "hello" },
      { type: "custom", name: "x", value: { a: 2 } },
    ]);
  });

  it("shows errors and warnings to stock and v1 pages in their own form", async () => {
    const { join, clock, calls } = bench((session) => {
      session.warn("slow down");
      throw new Error("secret");
    });
    const [stock, v1] = [await join(START), await join({ ...V1, websocket_id: "v" })];
    await clock.advance(10);
    expect(stock.json("warning")).toEqual([{ type: "warning", message: "slow down", data: "slow down" }]);
    expect(stock.json("error")[0]?.["message"]).toBe("Something went wrong on the server.");
    expect(stock.json("end_stream")).toEqual([{ type: "end_stream", data: "Stream closed" }]);
    expect(v1.json("warning")).toMatchObject([
      { message: "slow down", data: { code: "warning", fatal: false }, seq: 0 },
    ]);
    expect(v1.json("error")).toMatchObject([{ data: { code: "agent-error" } }]);
    expect(v1.json("end_stream")).toMatchObject([{ data: { reason: "error" } }]);
    expect(stock.closedWith?.code).toBe(1011);
    expect(calls.sessions.size).toBe(0);
  });
});

describe("our voice on a socket", () => {
  const talk: Handler = async (session) => {
    session.send(monoFrame(new Int16Array(24_000 * 3).fill(500), 24_000, 0));
    await new Promise(() => {});
  };
  const framesOf = (socket: FakeSocket): { epoch: number; sequence: number }[] =>
    socket.sent.flatMap((one) => {
      const frame = typeof one === "string" ? undefined : readBinaryFrame(one);
      return frame !== undefined && "epoch" in frame ? [{ epoch: frame.epoch, sequence: frame.sequence }] : [];
    });

  it("is taken back by a new epoch, and the page's report tells what was heard", async () => {
    const { join, clock, sessions } = bench(talk);
    const socket = await join(V1);
    await clock.advance(1_000);
    socket.text({ event: "position", epoch: 0, playedMs: 940, bufferedMs: 200 });
    const before = framesOf(socket).length;
    expect(before * 20).toBeGreaterThanOrEqual(1_160);
    const heard = sessions[0]?.interrupt();
    expect(heard).toMatchObject({ exact: true });
    expect(Math.abs((heard?.played ?? 0) - 940)).toBeLessThanOrEqual(40);
    expect(socket.json("clear")).toEqual([{ event: "clear", epoch: 1 }]);
    // A report about the old epoch that crossed the clear says nothing about the new one.
    socket.text({ event: "position", epoch: 0, playedMs: 1_100, bufferedMs: 0 });
    sessions[0]?.send(monoFrame(new Int16Array(24_000), 24_000));
    await clock.advance(300);
    expect(framesOf(socket).at(-1)).toEqual({ epoch: 1, sequence: framesOf(socket).length - 1 });
    socket.text({ event: "position", epoch: 1, playedMs: 200, bufferedMs: 0 });
    expect(sessions[0]?.interrupt()).toMatchObject({ exact: true, played: 200 });
  });

  it("is never more than 200 ms ahead of the page's ear, whatever the profile, and never behind it", async () => {
    for (const start of [START, V1]) {
      const { join, clock } = bench(talk);
      const socket = await join(start);
      const began = clock.now();
      for (let i = 0; i < 500; i++) {
        const passed = clock.now() - began;
        const sent = framesOf(socket).length * 20 + socket.json("media").length * 100;
        expect(sent - passed).toBeLessThanOrEqual(200);
        // The first 100 ms message of a stock page leaves with the first frames, before it is needed.
        if (passed < 2_900) expect(sent - passed).toBeGreaterThan(0);
        await clock.advance(5);
      }
    }
  });

  it("is marked at the end of an utterance, and the echo of the mark is the last word on what was heard", async () => {
    const { join, clock, sessions } = bench(async (session) => {
      session.send(monoFrame(new Int16Array(4_800), 24_000));
      await new Promise(() => {});
    });
    const socket = await join(V1);
    await clock.advance(100);
    const [mark] = socket.json("mark");
    expect(mark).toEqual({ event: "mark", mark: { name: "0.200" } });
    socket.text(mark);
    expect(sessions[0]?.pending).toBe(0);
  });

  it("stops at once for a stock page, which is told clear and gets none of what waited", async () => {
    const { join, clock, sessions } = bench(talk);
    const socket = await join(START);
    await clock.advance(450);
    sessions[0]?.interrupt();
    const sent = socket.json("media").length;
    await clock.advance(500);
    expect(socket.json("media")).toHaveLength(sent);
    expect(socket.json().at(-1)).toEqual({ event: "clear" });
    expect(sent).toBe(6); // 450 ms and 180 of lead
  });

  it("tells the end only after the last of it was heard", async () => {
    for (const start of [START, V1]) {
      const { join, clock } = bench(async function* () {
        yield monoFrame(new Int16Array(24_000), 24_000);
      });
      const socket = await join(start);
      await clock.advance(950);
      expect(socket.json("end_stream")).toEqual([]);
      await clock.advance(200);
      expect(socket.json("end_stream")).toHaveLength(1);
      expect(socket.closedWith?.code).toBe(1000);
    }
  });

  it("is held back when the link is slow, at most 1 s of it, and the page's position stays right", async () => {
    const { join, clock, meters, sessions } = bench(async (session) => {
      session.send(monoFrame(new Int16Array(24_000 * 20).fill(500), 24_000, 0));
      await new Promise(() => {});
    });
    const socket = await join(V1);
    await clock.advance(1_000);
    socket.bufferedAmount = 20_000; // 400 ms of PCM16 at 24 kHz
    const before = framesOf(socket).length;
    for (let i = 0; i < 3; i++) {
      await clock.advance(1_000);
      socket.text({ event: "ping", t: i });
    }
    expect(framesOf(socket)).toHaveLength(before);
    expect(socket.json("pong")).toHaveLength(3);
    expect(counted(meters, "repartee_audio_dropped_ms_total")).toBe(2_000);
    socket.bufferedAmount = 0;
    await clock.advance(40);
    // The 1000 ms that were held come at once; what the page plays of them lies 2000 ms further on our stream.
    const given = framesOf(socket).length * 20;
    expect(given).toBeGreaterThanOrEqual(before * 20 + 1_000);
    socket.text({ event: "position", epoch: 0, playedMs: before * 20 + 500, bufferedMs: 500 });
    expect(sessions[0]?.interrupt().played).toBe(before * 20 + 2_500);
  });

  it("ends the call when nothing leaves for 5 s", async () => {
    const { join, clock, sessions } = bench(async (session) => {
      session.send(monoFrame(new Int16Array(24_000 * 20).fill(500), 24_000, 0));
      await new Promise(() => {});
    });
    const socket = await join(START);
    socket.bufferedAmount = 200_000;
    await clock.advance(4_900);
    expect(sessions[0]?.state).toBe("live");
    await clock.advance(400);
    expect(sessions[0]?.state).toBe("closed");
    expect(socket.terminated).toBe(true);
  });
});

describe("coming back", () => {
  it("gives a token, finds the session by it once, and refuses every other", async () => {
    const { join, sessions, calls, clock } = bench();
    const tokens = new ResumeTokens({
      random: (bytes) => calls.platform.random(bytes),
      digest: (token) => createHash("sha256").update(token).digest("hex"),
    });
    const options: SocketOptions = { resume: tokens };
    const first = await join(V1, options);
    const [started] = first.json("started");
    expect(started).toMatchObject({ expiresIn: 60, resume: expect.any(String) });
    first.leave(1006);
    await clock.advance(10_000);
    expect(sessions[0]?.state).toBe("away");
    const back = await join({ ...V1, websocket_id: "again", resume: started?.["resume"] }, options);
    expect(sessions).toHaveLength(1);
    expect(sessions[0]?.state).toBe("live");
    expect(back.json("started")).toMatchObject([
      { id: sessions[0]?.id, resume: expect.not.stringMatching(String(started?.["resume"])) },
    ]);
    for (const resume of [started?.["resume"], "invented"]) {
      const again = await join({ ...V1, resume }, options);
      expect(again.json()).toMatchObject([{ status: "failed", meta: { error: "resume_expired" } }]);
    }
    back.text({ event: "stop" });
    await settle();
    expect(sessions[0]?.state).toBe("closed");
    expect(tokens.size).toBe(0);
    const without = await join({ ...V1, resume: "any" });
    expect(without.json()).toMatchObject([{ status: "failed", meta: { error: "resume_expired" } }]);
  });
});

describe("random input", () => {
  const word = fc.constantFrom(
    "event",
    "type",
    "media",
    "start",
    "payload",
    "ping",
    "mark",
    "cleared",
    "position",
    "stop",
    "data",
    "v",
    "websocket_id",
    "audio",
    "text",
    "inputs",
    "__proto__",
  );
  const leaf = fc.oneof(word, fc.integer(), fc.double(), fc.constant(null), fc.boolean(), fc.string());
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.dictionary(word, tie("node"), { maxKeys: 6 }),
      fc.array(tie("node"), { maxLength: 4 }),
    ),
  })).node;
  const message = fc.oneof(
    value.map((one) => JSON.stringify(one)),
    value.map((one) => JSON.stringify(one).slice(0, -1)),
    fc.string({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 300 }),
    fc
      .record({ codec: fc.nat(5), rest: fc.uint8Array({ minLength: 3, maxLength: 300 }) })
      .map(({ codec, rest }) => Uint8Array.of(codec, ...rest)),
    fc
      .record({ event: word, media: value, mark: value, epoch: value, playedMs: value, droppedMs: value, t: value })
      .map((one) => JSON.stringify(one)),
  );

  it("never gets past the readers: 10 000 frames on sockets of every profile, and another call goes on", async () => {
    const { join, sessions, clock } = bench();
    const other = await join({ ...V1, websocket_id: "other" });
    let frames = 0;
    for (const start of [undefined, START, V1, { ...V1, audio: { ...AUDIO, in: ["opus/48000"] } }]) {
      for (const batch of fc.sample(fc.array(message, { minLength: 40, maxLength: 40 }), { numRuns: 63, seed: 7 })) {
        const socket = await join(start);
        for (const one of batch) {
          if (typeof one === "string") socket.text(one);
          else socket.bytes(one);
          frames += 1;
        }
        await clock.advance(1);
        socket.leave(1006);
        other.text({ event: "ping", t: frames });
        await settle();
      }
    }
    expect(frames).toBeGreaterThan(10_000);
    expect(other.json("pong")).toHaveLength(252);
    expect(sessions[0]?.state).toBe("live");
  });
});
