import { afterAll, describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { levelOf } from "../../src/audio/level.ts";
import { Calls } from "../../src/session/calls.ts";
import type { Handler } from "../../src/session/types.ts";
import { SocketCaller, type SocketCallerOptions } from "../../src/testing/socket-caller.ts";
import { answerSocket, type SocketOptions } from "../../src/transports/websocket/index.ts";
import { quietPlatform, serveSockets, type TestServer } from "../fixtures/socket-server.ts";

const servers: TestServer[] = [];
afterAll(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(handler: Handler, options: SocketOptions = {}): Promise<{ url: string; calls: Calls }> {
  const calls = new Calls(handler, { platform: quietPlatform() });
  const server = await serveSockets((socket) => answerSocket(socket, { calls, options }));
  servers.push(server);
  return { url: server.url, calls };
}

const echo: Handler = async (session) => {
  for await (const frame of session.audio) session.send(frame);
};

/** What a page's player waits for before it begins, ms. */
const PREBUFFER = 60;
/**
 * 200 ms of lead, which `websocket-wire` checks to the millisecond in virtual time; here callers and server share one busy
 * process, so that a first message that is delivered late makes all others look early.
 */
const AHEAD = 260;

const tone = (rate: number, ms: number): Int16Array =>
  Int16Array.from({ length: (rate * ms) / 1000 }, (_, i) => Math.sin((2 * Math.PI * 440 * i) / rate) * 12_000);

/** Zero crossings per second over 2: the frequency of a pure tone. */
function pitchOf(samples: Int16Array, rate: number): number {
  let crossings = 0;
  for (let i = 1; i < samples.length; i++) if ((samples[i - 1] ?? 0) < 0 !== (samples[i] ?? 0) < 0) crossings += 1;
  return crossings / 2 / (samples.length / rate);
}

describe("a caller on a WebSocket", () => {
  const profiles: [string, SocketCallerOptions][] = [
    ["stock µ-law 48 → 24 kHz", { profile: "fastrtc" }],
    ["stock µ-law 24 kHz both ways", { profile: "fastrtc", inputRate: 24_000 }],
    ["v1 PCM16 binary", {}],
    ["v1 PCM16 in JSON", { binary: false }],
    ["v1 µ-law binary", { formats: ["mulaw/24000"] }],
    ["v1 Opus", { formats: ["opus/48000"] }],
    ["v1 PCM16 at 16 kHz", { formats: ["pcm16/16000"] }],
  ];
  it.concurrent.each(profiles)("hears themselves: %s", async (_, options) => {
    const { url } = await serve(echo, options.inputRate === undefined ? {} : { inputRate: options.inputRate });
    const caller = await new SocketCaller(url, options).start();
    await caller.speak(monoFrame(tone(caller.inRate, 800), caller.inRate));
    await caller.until(caller.clock.now() + 400);
    await caller.stop();
    const heard = caller.samples();
    expect((heard.length / caller.outRate) * 1000).toBeGreaterThan(750);
    expect((heard.length / caller.outRate) * 1000).toBeLessThan(900);
    const middle = heard.subarray(heard.length / 4, (heard.length * 3) / 4);
    expect(pitchOf(middle, caller.outRate)).toBeGreaterThan(435);
    expect(pitchOf(middle, caller.outRate)).toBeLessThan(445);
    // 12 000 of peak is -11.7 dBFS RMS; codecs and resampling may cost a decibel.
    expect(levelOf(middle)).toBeGreaterThan(-12.7);
  });

  it.concurrent("gets 100 ms a message as a stock page, and the rest of an utterance when it is over", async () => {
    const { url } = await serve(async function* () {
      yield monoFrame(tone(24_000, 540), 24_000);
      await new Promise((resolve) => setTimeout(resolve, 900));
    });
    const caller = await new SocketCaller(url, { profile: "fastrtc" }).start();
    await caller.closed;
    expect(caller.audio.map(({ samples }) => samples.length / 24)).toEqual([100, 100, 100, 100, 100, 40]);
  });

  it.concurrent.each([5, 10, 20, 100, 1_000])(
    "plays in real time without a gap when the handler yields %d ms at a time",
    async (size) => {
      const { url } = await serve(async function* () {
        const all = tone(24_000, 2_000);
        for (let at = 0; at < all.length; at += size * 24) yield monoFrame(all.subarray(at, at + size * 24), 24_000);
      });
      const callers = (["v1", "fastrtc"] as const).map(
        (profile) => new SocketCaller(url, { profile, prebufferMs: PREBUFFER }),
      );
      await Promise.all(callers.map((caller) => caller.start()));
      await Promise.all(callers.map((caller) => caller.closed));
      for (const caller of callers) {
        const [first, last] = [caller.audio[0], caller.audio.at(-1)];
        expect(caller.samples().length / 24).toBe(2_000);
        expect(caller.speaker.stretches).toBe(1);
        for (const { at, playsAt } of caller.audio) expect(playsAt - PREBUFFER - at).toBeLessThanOrEqual(AHEAD);
        // The last 20 ms leave 180 ms before they are due, give or take a tick of the media clock and a busy machine.
        expect((last?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(1_760);
        expect((last?.at ?? 0) - (first?.at ?? 0)).toBeLessThan(1_920);
      }
    },
  );

  it.concurrent("never has more than 200 ms in advance when the handler yields a minute at once", async () => {
    const { url, calls } = await serve(async function* () {
      yield monoFrame(tone(24_000, 60_000), 24_000);
    });
    for (const profile of ["v1", "fastrtc"] as const) {
      const caller = await new SocketCaller(url, { profile, prebufferMs: PREBUFFER }).start();
      await caller.until(caller.clock.now() + 1_000);
      expect(caller.samples().length / 24).toBeGreaterThan(900);
      for (const { at, playsAt } of caller.audio) expect(playsAt - PREBUFFER - at).toBeLessThanOrEqual(AHEAD);
      caller.vanish();
    }
    await calls.close();
  });

  it.concurrent("hears a greeting that is yielded at once", async () => {
    const { url } = await serve(async function* () {
      yield monoFrame(tone(24_000, 200), 24_000);
    });
    for (const profile of ["v1", "fastrtc"] as const) {
      const caller = await new SocketCaller(url, { profile }).start();
      await caller.closed;
      expect(caller.samples().length).toBe(4_800);
      expect(caller.audio[0]?.at).toBeLessThan((caller.audio.at(-1)?.playsAt ?? 0) + 1);
    }
  });
});
