import { afterEach, describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { levelOf } from "../../src/audio/level.ts";
import { VoiceError } from "../../src/base/errors.ts";
import type { CallerMessage } from "../../src/protocol/page.ts";
import { Calls, type CallsOptions } from "../../src/session/calls.ts";
import type { Handler, Heard, Session } from "../../src/session/types.ts";
import { Phone } from "../../src/testing/phone.ts";
import {
  createTelephone,
  type Telephone,
  type TelephoneOptions,
  twilio,
} from "../../src/transports/telephone/index.ts";
import { servePhone } from "../fixtures/phone-server.ts";
import { counted, quietPlatform, type TestServer } from "../fixtures/socket-server.ts";

const TOKEN = "0123456789abcdef";
let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
});

interface Line {
  readonly phone: Phone;
  readonly calls: Calls;
  readonly telephone: Telephone;
  readonly meters: ReturnType<typeof quietPlatform>["meters"];
  readonly sessions: Session[];
}

async function line(
  handler: Handler,
  {
    options = {},
    calls: callsOptions = {},
  }: { options?: Partial<TelephoneOptions<unknown>>; calls?: Partial<CallsOptions<unknown>> } = {},
): Promise<Line> {
  const platform = quietPlatform();
  const sessions: Session[] = [];
  const keep: Handler = (session) => {
    sessions.push(session);
    return handler(session);
  };
  const calls = new Calls(keep, { platform, ...callsOptions });
  const telephone = createTelephone({ calls, carrier: twilio({ authToken: TOKEN }), ...options });
  server = await servePhone(() => telephone);
  const phone = new Phone({
    webhook: `${options.publicUrl ?? server.url}/telephone/incoming`,
    authToken: TOKEN,
    reach: server.url,
  });
  return { phone, calls, telephone, meters: platform.meters, sessions };
}

const tone = (ms: number): Int16Array =>
  Int16Array.from({ length: ms * 8 }, (_, i) => Math.sin((2 * Math.PI * 440 * i) / 8_000) * 12_000);

const wait: Handler = (session) => new Promise((resolve) => session.signal.addEventListener("abort", () => resolve()));
const echo: Handler = async (session) => {
  for await (const frame of session.audio) session.send(frame);
};
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe("a telephone call", () => {
  it("carries audio both ways: the caller hears themselves", async () => {
    const { phone } = await line(echo);
    const call = await phone.call();
    await call.speak(tone(800));
    await until(() => call.received.length > 45);
    await call.hangUp();
    const loud = call.received.filter(({ samples }) => levelOf(samples) > -20);
    expect(loud.length).toBeGreaterThanOrEqual(39);
    expect(loud.length).toBeLessThanOrEqual(41);
  });

  it("hears a greeting that is yielded at once, to its end, and then the line is closed", async () => {
    const { phone, meters } = await line(async function* () {
      yield monoFrame(tone(700), 8_000);
    });
    const call = await phone.call();
    expect(await call.over()).toBe("server");
    expect(call.samples().length).toBe(5_600);
    expect(call.speaker.stretches).toBe(1);
    // The carrier has played the last of it before the socket was closed.
    expect(call.marks.at(-1)).toMatchObject({ name: "0.700", why: "played" });
    expect(counted(meters, "repartee_audio_dropped_ms_total")).toBe(0);
  });

  it("is fed in real time, never more than 200 ms ahead, with a mark every 200 ms", async () => {
    const { phone } = await line(async function* () {
      yield monoFrame(tone(1_500), 8_000);
    });
    const call = await phone.call();
    await call.over();
    expect(call.samples().length).toBe(12_000);
    for (const { at, playsAt } of call.received) expect(playsAt - at).toBeLessThanOrEqual(215);
    expect(call.marks.map(({ name }) => name)).toEqual(
      [200, 400, 600, 800, 1_000, 1_200, 1_400, 1_500].map((ms) => `0.${ms}`),
    );
  });

  it("is silenced at once when the caller takes the floor, and marks that come back do not count as played", async () => {
    let heard: Heard | undefined;
    const { phone, sessions } = await line(async (session) => {
      session.send(monoFrame(tone(5_000), 8_000));
      session.on("message", () => {
        heard = session.interrupt();
      });
      await wait(session);
    });
    const call = await phone.call();
    await until(() => call.received.length > 0 && call.played >= 900);
    const played = call.played;
    call.digit("1");
    await until(() => call.clears.length === 1);
    expect(Math.abs((heard?.played ?? 0) - played)).toBeLessThanOrEqual(60);
    expect(heard?.exact).toBe(true);
    await until(() => call.marks.some(({ why }) => why === "cleared"));
    const [session] = sessions;
    // What is said now starts to be heard from its beginning, whatever the cleared marks seemed to say.
    session?.send(monoFrame(tone(1_000), 8_000, 0));
    await until(() => call.received.some(({ at }) => at > (call.clears[0] ?? 0)));
    expect(session?.pending).toBeGreaterThan(700);
    await call.hangUp();
  });

  it("brings numbers, parameters and digits to the handler", async () => {
    const messages: CallerMessage[] = [];
    const { phone, sessions } = await line(async (session) => {
      session.on("message", (message) => messages.push(message));
      await wait(session);
    });
    const call = await phone.call({
      from: "+4930123456",
      to: "+4940654321",
      query: { shop: "7 & 8" },
      parameters: (given) => ({ ...given, extra: "x" }),
    });
    for (const digit of ["4", "#", "A"]) call.digit(digit);
    call.raw('{"event":"dtmf","dtmf":{"digit":"44"}}');
    await until(() => messages.length >= 3);
    expect(sessions[0]?.call).toEqual({
      callId: call.callId,
      from: "+4930123456",
      to: "+4940654321",
      parameters: { shop: "7 & 8", extra: "x" },
    });
    expect(messages).toEqual(["4", "#", "A"].map((digit) => ({ type: "digit", digit })));
    await call.hangUp();
  });

  it("keeps what a handler knows from one turn to the next", async () => {
    const said: number[] = [];
    const { phone } = await line(async (session) => {
      let turns = 0;
      session.on("message", () => said.push(++turns));
      await wait(session);
    });
    const call = await phone.call();
    call.digit("1");
    call.digit("2");
    await until(() => said.length === 2);
    expect(said).toEqual([1, 2]);
    await call.hangUp();
  });

  it("leaves a gap on the handler's time where the carrier lost audio", async () => {
    const at: number[] = [];
    const { phone, meters } = await line(async (session) => {
      session.tap((frame) => at.push(frame.at));
      await wait(session);
    });
    const call = await phone.call();
    await until(() => at.length === 5);
    call.lose(10);
    await until(() => at.length === 10);
    await call.hangUp();
    const steps = at.slice(1).map((one, i) => Math.round(one - (at[i] ?? 0)));
    expect(steps.filter((step) => step === 220)).toHaveLength(1);
    expect(counted(meters, "repartee_audio_missing_ms_total")).toBe(200);
  });
});

describe("the end of a telephone call", () => {
  const ways: [string, (line: Line, call: Awaited<ReturnType<Phone["call"]>>) => unknown, string, string][] = [
    ["the caller hangs up", (_, call) => call.hangUp(), "hung-up", "hung up"],
    [
      "it is closed from the server",
      ({ sessions }) => sessions[0]?.close(new VoiceError("forbidden", "kicked")),
      "forbidden",
      "server",
    ],
    ["the server shuts down", ({ calls }) => calls.close(), "draining", "server"],
    [
      "the socket breaks off and nobody picks the call up",
      (_, call) => ((call.ask = async () => {}), call.dropSocket()),
      "connection-lost",
      "",
    ],
  ];
  it.each(ways)("comes when %s: finally runs once and the place is free", async (_, end, code, how) => {
    let runs = 0;
    let reason: unknown;
    const all = await line(
      async function* (session) {
        try {
          for await (const frame of session.audio) yield frame;
        } finally {
          runs += 1;
          reason = session.signal.reason;
        }
      },
      { options: { pickUpMs: 50 }, calls: { concurrencyLimit: 1 } },
    );
    const call = await all.phone.call();
    await until(() => all.sessions.length === 1);
    await end(all, call);
    await until(() => all.calls.sessions.size === 0);
    expect(runs).toBe(1);
    expect(reason).toMatchObject({ code });
    if (how !== "") expect(await call.over()).toBe(how);
    if (!all.calls.draining) await (await all.calls.reserve("next")).release();
  });

  it("does not come when the socket breaks off and the carrier asks what to do: the same handler goes on", async () => {
    const { phone, sessions, calls } = await line(echo);
    const call = await phone.call();
    await until(() => sessions.length === 1);
    call.dropSocket();
    await until(() => call.answers.length === 2 && call.connected);
    await call.speak(tone(300));
    await until(() => call.received.some(({ samples }) => levelOf(samples) > -20));
    expect(sessions).toHaveLength(1);
    expect(calls.sessions.size).toBe(1);
    expect(sessions[0]?.state).toBe("live");
    await call.hangUp();
    await until(() => calls.sessions.size === 0);
  });

  it("comes with a last word of the carrier when there is one to say", async () => {
    const { phone } = await line(async function* () {}, {
      options: { texts: { greeting: "One moment <please>.", farewell: "Good & bye." } },
    });
    const call = await phone.call();
    expect(await call.over()).toBe("server");
    expect(call.said).toEqual(["One moment <please>.", "Good & bye."]);
  });
});

describe("who may call", () => {
  it("is decided by the signature, on POST and on GET", async () => {
    const { phone, sessions, meters } = await line(wait);
    for (const sign of ["wrong", "none"] as const) {
      const call = await phone.call({ sign });
      expect(call.ended).toBe("refused");
      expect(call.answers[0]?.status).toBe(403);
      expect(call.answers[0]?.body).not.toContain("Stream");
    }
    expect(counted(meters, "repartee_telephone_refused_total")).toBe(2);
    const right = await phone.call({ method: "GET" });
    await until(() => sessions.length === 1);
    await right.hangUp();
  });

  it("is not a socket without the one-time token of its own call", async () => {
    const { phone, calls, telephone } = await line(wait);
    const [first, second] = [await phone.call({ noSocket: true }), await phone.call({ noSocket: true })];
    const tokenOf = (call: typeof first): string =>
      call.answers[0]?.verbs[0]?.children[0]?.children[0]?.attributes["value"] ?? "";
    expect(tokenOf(first)).toMatch(/^[\w-]{43}$/);
    for (const token of [tokenOf(first), "", "x".repeat(43)]) {
      const stranger = await phone.call({ parameters: () => ({ token }) });
      await until(() => !stranger.connected);
    }
    const other = await phone.call({ parameters: () => ({ token: tokenOf(second) }), startAs: first.callId });
    await until(() => !other.connected);
    expect(calls.sessions.size).toBe(0);
    // The tokens of those who still wait were not used up by the attempts.
    expect(telephone.waiting).toBeGreaterThanOrEqual(2);
  });

  it("is not somebody who plays a webhook back after its call was connected", async () => {
    const { phone, sessions } = await line(wait);
    const call = await phone.call({ callId: "CAreplayed" });
    await until(() => sessions.length === 1);
    const replay = await phone.call({ callId: "CAreplayed" });
    expect(replay.answers[0]?.status).toBe(403);
    expect(call.connected).toBe(true);
    await call.hangUp();
  });

  it("gets a new token when the carrier repeats its webhook, the old one is void, and one place is taken", async () => {
    const { phone, telephone } = await line(wait, { calls: { concurrencyLimit: 1 } });
    const first = await phone.call({ callId: "CAtwice", noSocket: true });
    const second = await phone.call({ callId: "CAtwice", noSocket: true });
    expect(second.answers[0]?.status).toBe(200);
    expect(second.answers[0]?.body).not.toBe(first.answers[0]?.body);
    expect(telephone.waiting).toBe(1);
  });

  it("hears busy over the limit, counts from the webhook on, and is let in when a place is free", async () => {
    const { phone, calls } = await line(wait, { calls: { concurrencyLimit: 1 }, options: { socketMs: 300 } });
    const waiting = await phone.call({ noSocket: true });
    expect(waiting.ended).toBeUndefined();
    const busy = await phone.call();
    expect(busy.ended).toBe("busy");
    expect(busy.answers[0]).toMatchObject({ status: 200, verbs: [{ name: "Reject", attributes: { reason: "busy" } }] });
    // The socket of the first one never comes.
    await new Promise((resolve) => setTimeout(resolve, 350));
    const next = await phone.call();
    await until(() => calls.sessions.size === 1);
    await next.hangUp();
  });

  it("hears a text in place of the busy tone when there is one", async () => {
    const { phone } = await line(wait, {
      calls: { concurrencyLimit: 1 },
      options: { texts: { busy: "All lines are busy." } },
    });
    await phone.call({ noSocket: true });
    const busy = await phone.call();
    expect(busy.said).toEqual(["All lines are busy."]);
    expect(busy.ended).toBe("server");
  });

  it("is told addresses below the public one, whatever the request says", async () => {
    const { phone, sessions } = await line(wait, { options: { publicUrl: "https://voice.example.org:8443/app/" } });
    // The simulator signs the address as written, so the trailing slash is taken off there too.
    const carrier = new Phone({ ...phone.options, webhook: "https://voice.example.org:8443/app/telephone/incoming" });
    const call = await carrier.call({ noSocket: true });
    const [connect] = call.answers[0]?.verbs ?? [];
    expect(connect?.attributes["action"]).toBe("https://voice.example.org:8443/app/telephone/continue");
    expect(connect?.children[0]?.attributes["url"]).toBe("wss://voice.example.org:8443/app/telephone/handler");
    expect(sessions).toHaveLength(0);
  });
});
