/* Lines A of docs/acceptance.md that no other test proves: tails, greetings, idleness, channels. */
import { afterEach, describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { rmsOf } from "../../src/audio/level.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Clock } from "../../src/base/time.ts";
import { createClock } from "../../src/node/clock.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { receiveEmit } from "../../src/session/receive-emit.ts";
import { replyOnPause } from "../../src/session/reply-on-pause.ts";
import type { Handler, Output } from "../../src/session/types.ts";
import { webrtcCaller } from "../../src/testing/caller.ts";
import { Phone } from "../../src/testing/phone.ts";
import { SocketCaller } from "../../src/testing/socket-caller.ts";
import { AUTH, lines, playedMs, tone } from "../fixtures/lines.ts";
import { serveStream, type StreamServer, until, wait } from "../fixtures/stream-server.ts";

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
