/* What every transport promises a session, claimed of each of them over real sockets. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { rmsOf } from "../../src/audio/level.ts";
import { VoiceError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { Stream } from "../../src/server/stream.ts";
import type { Heard, Session } from "../../src/session/types.ts";
import { webrtcCaller } from "../../src/testing/caller.ts";
import { Phone } from "../../src/testing/phone.ts";
import { SocketCaller } from "../../src/testing/socket-caller.ts";
import { AUTH, type Line, lines, playedMs, tone } from "../fixtures/lines.ts";

let http: Server;
let base: string;
let stream: Stream;
let closeStream: () => Promise<void>;
/** What the next call's handler does, and the session it got. */
let program: (session: Session) => Promise<void>;
let arrived: ((session: Session) => void)[] = [];
const finals: string[] = [];

beforeAll(async () => {
  stream = new Stream(
    async (session) => {
      for (const tell of arrived.splice(0)) tell(session);
      try {
        await program(session);
      } finally {
        finals.push(session.id);
      }
    },
    {
      platform: { ...nodePlatform(), log: silentLog },
      detector: () => ({ rate: 16_000, window: 512, push: () => 0, reset() {} }),
      telephone: { authToken: AUTH, pickUpMs: 0 },
      concurrencyLimit: 3,
    },
  );
  http = createServer();
  const mounted = await stream.mount(http);
  closeStream = () => mounted.close();
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await closeStream();
  http.closeAllConnections();
  http.close();
});

const until = (session: Session): Promise<void> =>
  new Promise((resolve) => session.signal.addEventListener("abort", () => resolve()));

async function call(dial: (base: string) => Promise<Line>, handler: (session: Session) => Promise<void>) {
  program = handler;
  const session = new Promise<Session>((resolve) => arrived.push(resolve));
  const line = await dial(base);
  return { line, session: await session };
}

async function gone(session: Session): Promise<void> {
  await expect.poll(() => stream.sessions.has(session.id), { timeout: 8_000 }).toBe(false);
  expect(session.signal.aborted).toBe(true);
  expect(finals.filter((id) => id === session.id)).toHaveLength(1);
}

describe.each(Object.entries(lines))("every transport: %s", (name, dial) => {
  it("brings the caller's audio to the handler and the handler's to the caller", async () => {
    let energy = 0;
    const { line, session } = await call(dial, async (live) => {
      live.tap((frame) => {
        energy = Math.max(energy, rmsOf(frame.samples));
      });
      live.send(monoFrame(tone(600, 24_000), 24_000));
      await until(live);
    });
    await line.say(400);
    await expect.poll(() => energy).toBeGreaterThan(0.1);
    await expect.poll(() => playedMs(line)).toBeGreaterThan(550);
    expect(Math.max(...line.heard().map(({ samples }) => rmsOf(samples)))).toBeGreaterThan(0.1);
    await line.hangUp();
    await gone(session);
  });

  it("plays in real time, and never more than its lead ahead", async () => {
    const { line, session } = await call(dial, async (live) => {
      live.send(monoFrame(tone(10_000, 24_000), 24_000));
      await until(live);
    });
    await expect.poll(() => line.heard().length).toBeGreaterThan(0);
    const began = line.heard()[0]?.at ?? 0;
    await line.say(2_000);
    const ahead = line.heard().map((_, index, all) => {
      const sent = all.slice(0, index + 1).reduce((sum, { samples, rate }) => sum + (samples.length / rate) * 1000, 0);
      return sent - ((all[index]?.at ?? 0) - began);
    });
    // The lead, and one message of the largest kind.
    expect(Math.max(...ahead)).toBeLessThanOrEqual(session.transport.can.lead + 140);
    expect(playedMs(line)).toBeGreaterThan(1_700);
    await line.hangUp();
    await gone(session);
  });

  it("falls silent when the session takes its voice back, and knows what was heard", async () => {
    let heard: Heard | undefined;
    const { line, session } = await call(dial, async (live) => {
      live.send({ ...monoFrame(tone(10_000, 24_000), 24_000), item: "itm_long" });
      await until(live);
    });
    await expect.poll(() => playedMs(line)).toBeGreaterThan(600);
    heard = session.interrupt();
    const at = playedMs(line);
    await line.say(500);
    expect(playedMs(line) - at).toBeLessThanOrEqual(session.transport.can.lead + 140);
    expect(heard.item).toBe("itm_long");
    expect(heard.played).toBeGreaterThan(200);
    expect(heard.played + heard.dropped).toBeCloseTo(10_000, -1);
    await line.hangUp();
    await gone(session);
  });

  it("plays what is queued, says why, and hangs up when the handler returns", async () => {
    const { line, session } = await call(dial, async (live) => {
      live.send(monoFrame(tone(500, 24_000), 24_000));
    });
    await line.ended;
    await gone(session);
    expect(playedMs(line)).toBeGreaterThanOrEqual(480);
    if (line.messages() !== undefined) expect(line.messages()).toContain("end_stream");
  });

  it("ends once when the caller goes without a word", async () => {
    const { line, session } = await call(dial, until);
    line.vanish();
    if (session.transport.can.lead > 0 && name === "websocket v1")
      void session.close(new VoiceError("closed", "not waited for"));
    await gone(session);
  });

  it("ends once when the server closes it, and the caller notices", async () => {
    const { line, session } = await call(dial, until);
    await session.close(new VoiceError("closed", "kicked"));
    await line.ended;
    await gone(session);
  });

  it("outlives messages that make no sense", async () => {
    const { line, session } = await call(dial, async (live) => {
      live.tap((frame) => live.send(frame));
      await until(live);
    });
    line.garbage();
    await line.say(600);
    await expect.poll(() => playedMs(line)).toBeGreaterThan(400);
    expect(session.state).toBe("live");
    await line.hangUp();
    await gone(session);
  });
});

describe("one limit over all transports", () => {
  it("admits three of any kind, refuses the fourth, and admits the next when one leaves", async () => {
    program = until;
    const open: Line[] = [];
    const kinds = ["webrtc", "websocket stock", "telephone"] as const;
    for (const kind of kinds) open.push(await (lines[kind] as (typeof lines)[string])(base));
    await expect.poll(() => stream.sessions.size).toBe(3);
    await expect(webrtcCaller(`${base}/`)).rejects.toMatchObject({ code: "concurrency-limit" });
    await expect(new SocketCaller(`${base.replace("http", "ws")}/websocket/offer`).start()).rejects.toThrow(
      "concurrency_limit_reached",
    );
    const busy = await new Phone({ webhook: `${base}/telephone/incoming`, authToken: AUTH }).call();
    expect(busy.ended).toBe("busy");
    for (const kind of kinds) {
      await open.shift()?.hangUp();
      await expect.poll(() => stream.sessions.size, { timeout: 5_000 }).toBe(2);
      open.push(await (lines[kind] as (typeof lines)[string])(base));
      await expect.poll(() => stream.sessions.size).toBe(3);
    }
    for (const line of open) await line.hangUp();
    await expect.poll(() => stream.sessions.size, { timeout: 5_000 }).toBe(0);
  });
});
