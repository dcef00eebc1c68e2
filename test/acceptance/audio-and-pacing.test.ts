/* Lines A of docs/acceptance.md that no other test proves: tails, greetings, idleness, channels. */
import { afterEach, describe, expect, it } from "vitest";
import { type AudioFrame, monoFrame } from "../../src/audio/frame.ts";
import { rmsOf } from "../../src/audio/level.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Clock } from "../../src/base/time.ts";
import { createClock } from "../../src/node/clock.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { receiveEmit } from "../../src/session/receive-emit.ts";
import { replyOnPause } from "../../src/session/reply-on-pause.ts";
import type { Handler, Output } from "../../src/session/types.ts";
import { LoopbackCall } from "../../src/testing/call.ts";
import { webrtcCaller } from "../../src/testing/caller.ts";
import { Phone } from "../../src/testing/phone.ts";
import { SocketCaller } from "../../src/testing/socket-caller.ts";
import { AUTH, lines, playedMs, tone } from "../fixtures/lines.ts";
import { serveStream, type StreamServer, until, wait } from "../fixtures/stream-server.ts";
import { RATE, talk } from "./talk.ts";

let server: StreamServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const soon = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("an interruption", () => {
  it("A3 on WebRTC leaves a tail of at most 60 ms", async () => {
    server = await serveStream(async (session) => {
      session.send(monoFrame(tone(20_000, 24_000), 24_000));
      await until(session);
    });
    const caller = await webrtcCaller(`${server.base}/`);
    const loud = (): number => caller.heard.filter(({ frame }) => rmsOf(frame.samples) > 0.05).length;
    const tails: number[] = [];
    for (let i = 0; i < 5; i++) {
      await caller.until(() => caller.quietFor < 40);
      await soon(300 + i * 7);
      const before = loud();
      server.sessions[0]?.interrupt();
      await soon(400);
      tails.push((loud() - before) * 20);
      server.sessions[0]?.send(monoFrame(tone(20_000, 24_000), 24_000));
    }
    // What was on its way when the decision fell, counted in frames of 20 ms that still sounded.
    expect(tails.sort((a, b) => a - b)[2]).toBeLessThanOrEqual(60);
    await caller.hangUp();
  });

  it("A3 on a WebSocket and on the phone reaches the far end as a clear", async () => {
    server = await serveStream(async (session) => {
      session.send(monoFrame(tone(20_000, 24_000), 24_000));
      await until(session);
    });
    const url = `${server.base.replace("http", "ws")}/websocket/offer`;
    const stock = await new SocketCaller(url, { profile: "fastrtc" }).start();
    const v1 = await new SocketCaller(url).start();
    const call = await new Phone({ webhook: `${server.base}/telephone/incoming`, authToken: AUTH }).call();
    await expect.poll(() => Math.min(stock.audio.length, v1.audio.length, call.received.length)).toBeGreaterThan(0);
    for (const session of server.sessions) session.interrupt();
    await Promise.all([stock.event("clear"), v1.event("clear")]);
    await expect.poll(() => call.clears.length).toBe(1);
    await Promise.all([stock.stop(), v1.stop(), call.hangUp()]);
  });
});

describe.each(Object.entries(lines))("a greeting: %s", (_, dial) => {
  const greeting = monoFrame(tone(400, 24_000), 24_000);
  const ways: readonly (readonly [string, () => Handler])[] = [
    [
      "yielded at once",
      () =>
        async function* (session) {
          yield greeting;
          await until(session);
        },
    ],
    [
      "the start-up of replyOnPause",
      () =>
        replyOnPause(async function* () {}, {
          startup: async function* () {
            yield greeting;
          },
        }),
    ],
    [
      "emitted by an object with a synchronous emit",
      () =>
        receiveEmit(() => {
          const queue: Output[] = [greeting];
          return { receive() {}, emit: () => queue.shift() };
        }),
    ],
  ];
  it.each(ways)("A6 is heard within a second, to its end, when it is %s", async (_way, make) => {
    server = await serveStream(make());
    const line = await dial(server.base);
    const began = performance.now();
    await expect.poll(() => playedMs(line), { timeout: 3_000 }).toBeGreaterThanOrEqual(390);
    const first = line.heard().find(({ samples }) => rmsOf(samples) > 0.05);
    expect((first?.at ?? Number.POSITIVE_INFINITY) - began).toBeLessThan(1_000);
    await line.hangUp();
  });
});

describe("idle sessions", () => {
  it("A7 wake the process no more than 50 times a second, all of them together, and take next to no CPU", async () => {
    const real = createClock();
    // Tasks that are due together run one after the other in one wake-up.
    let wakes = 0;
    let lastAt = 0;
    const counting: Clock = {
      now: () => real.now(),
      wall: () => real.wall(),
      at: (at, task) =>
        real.at(at, () => {
          if (real.now() - lastAt > 2) wakes += 1;
          lastAt = real.now();
          task();
        }),
    };
    // The worst case of the original: an object whose emit has nothing to say, beside a plain one.
    let emits = 0;
    const handlers: readonly Handler[] = [
      wait,
      replyOnPause(async function* () {}),
      receiveEmit(() => ({
        receive() {},
        emit: () => {
          emits += 1;
          return undefined;
        },
      })),
    ];
    let next = 0;
    server = await serveStream((session) => (handlers[next++ % 3] ?? wait)(session), {
      platform: { ...nodePlatform(), log: silentLog, clock: counting },
    });
    const url = `${server.base.replace("http", "ws")}/websocket/offer`;
    const callers = await Promise.all(
      Array.from({ length: 9 }, () => new SocketCaller(url, { profile: "fastrtc" }).start()),
    );
    await expect.poll(() => server?.sessions.length).toBe(9);
    await soon(300);
    const [before, emitted, cpu] = [wakes, emits, process.cpuUsage()];
    await soon(2_000);
    const { user, system } = process.cpuUsage(cpu);
    const share = (user + system) / 1_000 / 2_000;
    // One more may fall into the stretch that is looked at.
    expect((wakes - before) / 2).toBeLessThanOrEqual(51);
    expect((emits - emitted) / 2 / 3).toBeLessThanOrEqual(51);
    // 0.5 % of a core each; the test's own callers are counted along.
    expect(share / 9).toBeLessThanOrEqual(0.005);
    await Promise.all(callers.map((caller) => caller.stop()));
  });
});

describe("stereo", () => {
  /** Left and right of what is loud in interleaved samples: RMS of each. */
  const sides = (samples: Int16Array): readonly [number, number] => [
    rmsOf(samples.filter((_, i) => i % 2 === 0)),
    rmsOf(samples.filter((_, i) => i % 2 === 1)),
  ];
  /** A tone on one side only. */
  const left = (ms: number, rate: number): AudioFrame => {
    const mono = tone(ms, rate);
    return {
      kind: "audio",
      samples: Int16Array.from({ length: mono.length * 2 }, (_, i) => (i % 2 === 0 ? (mono[i >> 1] ?? 0) : 0)),
      rate,
      channels: 2,
      at: 0,
    };
  };
  /** The same over all frames. */
  const loudness = (frames: readonly AudioFrame[]): readonly [number, number] =>
    sides(Int16Array.from(frames.flatMap(({ samples }) => [...samples])));

  it("A8 keeps its channels on WebRTC, both ways, also when it is resampled", async () => {
    const got: AudioFrame[] = [];
    server = await serveStream(
      async (session) => {
        session.tap((frame) => got.push(frame));
        session.send(left(600, 16_000));
        await until(session);
      },
      { audio: { channels: 2 } },
    );
    const caller = await webrtcCaller(`${server.base}/`, { channels: 2 });
    caller.say(left(400, caller.rate));
    await caller.until(() => caller.saying === 0 && caller.heard.length > 35);
    const [sent, heard] = [loudness(got), loudness(caller.heard.map(({ frame }) => frame))];
    for (const [loud, quiet] of [sent, heard]) {
      expect(loud).toBeGreaterThan(0.05);
      // A lossy codec lets a little through to the other side; mixed down, both would be alike.
      expect(quiet).toBeLessThan(loud / 5);
    }
    expect(got.every(({ channels }) => channels === 2)).toBe(true);
    await caller.hangUp();
  });

  it("A8 is mixed down where there is one channel: on a WebSocket, and for a WebRTC caller of a mono stream", async () => {
    const handler: Handler = async (session) => {
      session.send(left(300, 24_000));
      await until(session);
    };
    server = await serveStream(handler, { audio: { channels: 2 } });
    const page = await new SocketCaller(`${server.base.replace("http", "ws")}/websocket/offer`).start();
    await expect.poll(() => page.samples().length).toBeGreaterThanOrEqual(24 * 300);
    // Half of 8000 from the one side and nothing from the other; neither twice as long nor twice as high.
    expect(page.samples().length).toBe(24 * 300);
    expect(Math.max(...page.samples())).toBeGreaterThan(3_900);
    expect(Math.max(...page.samples())).toBeLessThan(4_100);
    await page.stop();
    await server.close();
    server = await serveStream(handler);
    const caller = await webrtcCaller(`${server.base}/`);
    await caller.until(() => caller.heard.length > 10);
    expect(Math.max(...caller.heard.map(({ frame }) => rmsOf(frame.samples)))).toBeLessThan(0.1);
    expect(Math.max(...caller.heard.map(({ frame }) => rmsOf(frame.samples)))).toBeGreaterThan(0.07);
    await caller.hangUp();
  });

  it("A8 goes on in mono when the call moves to a line with one channel", async () => {
    const { calls, clock, dial } = talk(async (session) => {
      session.send(left(1_000, RATE));
      await until(session);
    });
    const { call, session } = await dial({ can: { rate: RATE, channels: 2, lead: 20 } });
    await clock.advance(400);
    expect(call.heardAudio().every(({ channels, samples }) => channels === 2 && samples.length === 640)).toBe(true);
    call.lose();
    const second = new LoopbackCall({ clock, can: { rate: 8_000 } });
    calls.move(session.id, second);
    await clock.advance(1_500);
    expect(second.heardAudio().every(({ channels, samples }) => channels === 1 && samples.length === 160)).toBe(true);
    const ms = (call.heardAudio().length + second.heardAudio().length) * 20;
    expect(Math.abs(ms - 1_000)).toBeLessThanOrEqual(60);
  });
});
