/* Lines W of docs/acceptance.md that no other test proves: connecting, stock pages, proxies. Over real sockets. */
import { createSocket, Socket } from "node:dgram";
import { createServer, request as forward, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { rmsOf } from "../../src/audio/level.ts";
import { isFault, VoiceError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { readPageEvent } from "../../src/client/page-events.ts";
import { createSignalling } from "../../src/client/signalling.ts";
import { createClock } from "../../src/node/clock.ts";
import { replyOnPause } from "../../src/session/reply-on-pause.ts";
import type { Handler } from "../../src/session/types.ts";
import { webrtcCaller } from "../../src/testing/caller.ts";
import { Phone } from "../../src/testing/phone.ts";
import { SocketCaller } from "../../src/testing/socket-caller.ts";
import { coturnTurn } from "../../src/transports/webrtc/ice.ts";
import { Peer } from "../../src/transports/webrtc/peer.ts";
import { serveFastRtc } from "../fixtures/fastrtc-server.ts";
import { AUTH, tone } from "../fixtures/lines.ts";
import { serveStream, type StreamServer, until, wait } from "../fixtures/stream-server.ts";
import { type Post, type Transcript, transcripts } from "./stock-pages.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0).toReversed()) await close();
});

async function serve(handler: Handler, options: Parameters<typeof serveStream>[1] = {}): Promise<StreamServer> {
  const server = await serveStream(handler, options);
  closers.push(() => server.close());
  return server;
}

const echo: Handler = async (session) => {
  for await (const frame of session.audio) session.send(frame);
};

async function post(url: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** An offer of a real peer that goes no further. */
async function writeOffer(): Promise<string> {
  const nothing = (): void => {};
  const peer = new Peer(
    "calling",
    { clock: createClock(), log: silentLog },
    { connected: nothing, rtp: nothing, channel: nothing, text: nothing, closed: nothing },
  );
  closers.push(() => peer.close());
  return await peer.offer();
}

const bare = (sdp: string): string => sdp.replaceAll(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, "");

describe("connecting", () => {
  it("W1 a candidate that arrives before its offer is used, also where this side has to reach out", async () => {
    // With a server of its own to ask, this side sends checks to where the caller says it is.
    const [ear, stun] = [createSocket("udp4"), createSocket("udp4")];
    closers.push(async () => [ear, stun].map((socket) => socket.close()));
    const port = (socket: Socket): Promise<number> =>
      new Promise((resolve) => socket.bind(0, () => resolve(socket.address().port)));
    const [earPort, stunPort] = [await port(ear), await port(stun)];
    stun.on("message", (asked, from) => stun.send(bindingSuccess(asked, from), from.port, from.address));
    const checked = new Promise<Buffer>((resolve) => ear.once("message", resolve));
    const address = ownAddresses().find((one) => !one.startsWith("127.") && !one.includes(":"));
    const { base } = await serve(wait, { serverRtc: { iceServers: [{ urls: `stun:127.0.0.1:${stunPort}` }] } });
    const line = `candidate:1 1 udp 2122260223 ${address ?? ""} ${earPort} typ host`;
    const early = await post(`${base}/webrtc/offer`, {
      candidate: { candidate: line, sdpMid: "0", sdpMLineIndex: 0 },
      webrtc_id: "early",
      type: "ice-candidate",
    });
    expect(early).toEqual({ status: 200, body: { status: "success" } });
    const answer = await post(`${base}/webrtc/offer`, {
      sdp: bare(await writeOffer()),
      type: "offer",
      webrtc_id: "early",
    });
    expect(answer.body).toMatchObject({ type: "answer" });
    // A STUN binding request, RFC 8489 section 5.
    expect((await checked).readUInt16BE(0)).toBe(0x0001);
  });

  it("W1 candidates before the offer do no harm where callers come to us", async () => {
    const { base } = await serve(echo);
    const url = `${base}/webrtc/offer`;
    const caller = await webrtcCaller(`${base}/`, {
      profile: "fastrtc",
      post: async (body) => {
        const candidate = {
          candidate: "candidate:1 1 udp 2122260223 192.0.2.1 40000 typ host",
          sdpMid: "0",
          sdpMLineIndex: 0,
        };
        expect(await post(url, { candidate, webrtc_id: body["webrtc_id"], type: "ice-candidate" })).toMatchObject({
          body: { status: "success" },
        });
        return (await post(url, { ...body, sdp: bare(String(body["sdp"])) })).body;
      },
    });
    caller.say(monoFrame(tone(300, caller.rate), caller.rate));
    await caller.until(() => caller.quietFor < 100);
    await caller.hangUp();
  });

  it("W2 with a limit of one, offers that cannot be used leave the place free for the next one", async () => {
    const { base } = await serve(wait, { concurrencyLimit: 1, serverRtc: { setupMs: 300 } });
    const url = `${base}/webrtc/offer`;
    const good = await writeOffer();
    const camera =
      "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:9\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n";
    for (const [sdp, error] of [
      ["hello", "invalid_sdp"],
      ["v=0\r\n", "invalid_sdp"],
      [good.slice(0, good.indexOf("a=fingerprint")), "invalid_sdp"],
      [good.replaceAll(/opus\/48000\/2/gi, "PCMU/8000"), "unsupported_track"],
      [undefined, undefined],
    ] as const) {
      const refused = await post(url, { sdp, type: "offer", webrtc_id: "bad" });
      expect(refused.status).toBe(422);
      expect(refused.body).toMatchObject({ status: "failed", meta: error === undefined ? {} : { error } });
    }
    const extra = await post(url, {
      sdp: good.replace(/(a=group:BUNDLE .*)\r/, "$1 9\r") + camera,
      type: "offer",
      webrtc_id: "camera",
    });
    expect(extra).toMatchObject({ status: 422, body: { meta: { error: "unsupported_track" } } });
    // A caller who never comes gives the place back.
    expect((await post(url, { sdp: good, type: "offer", webrtc_id: "never" })).body).toMatchObject({ type: "answer" });
    await expect
      .poll(async () => (await post(url, { sdp: good, type: "offer", webrtc_id: "next" })).body, { timeout: 3_000 })
      .toMatchObject({ type: "answer" });
    await expect
      .poll(
        async () => {
          const caller = await webrtcCaller(`${base}/`).catch(() => undefined);
          await caller?.hangUp();
          return caller?.times.connected;
        },
        { timeout: 5_000, interval: 100 },
      )
      .toBeGreaterThan(0);
  });

  it("W3 an answer takes at most 50 ms", async () => {
    const { base } = await serve(wait);
    const took: number[] = [];
    for (let i = 0; i < 11; i++) {
      const caller = await webrtcCaller(`${base}/`);
      took.push(caller.times.answered ?? Number.NaN);
      await caller.hangUp();
    }
    // The median: other work on the machine may hold up one of them.
    expect(took.sort((a, b) => a - b)[5]).toBeLessThanOrEqual(50);
  });

  it("W4 without internet and STUN nothing outside is asked, and connecting takes no longer for it", async () => {
    const send = vi.spyOn(Socket.prototype, "send");
    const { base } = await serve(echo);
    expect(await (await fetch(`${base}/ice`)).json()).toEqual({ iceServers: [] });
    const caller = await webrtcCaller(`${base}/`);
    expect(caller.times.connected).toBeLessThan(1_000);
    await caller.hangUp();
    const asked = new Set(
      send.mock.calls.flatMap((args: readonly unknown[]) =>
        args.filter((one): one is string => typeof one === "string"),
      ),
    );
    expect(asked.size).toBeGreaterThan(0);
    expect([...asked].filter((address) => !ownAddresses().includes(address))).toEqual([]);
  });

  it("W13 the answer names a stream for its track, also to a page that only listens", async () => {
    const { base } = await serve(wait);
    const offer = await writeOffer();
    for (const [i, direction] of ["sendrecv", "recvonly"].entries()) {
      const { body } = await post(`${base}/webrtc/offer`, {
        sdp: offer.replace("a=sendrecv", `a=${direction}`),
        type: "offer",
        webrtc_id: `msid${i}`,
      });
      const audio = /m=audio[\s\S]*?(?=\r\nm=|$)/.exec((body as { sdp: string }).sdp)?.[0] ?? "";
      // RFC 8830: "-" would mean that the track belongs to no stream, and `event.streams[0]` be undefined.
      expect(audio).toMatch(/^a=msid:[^-\s]\S* \S+/m);
    }
  });

  it("W17 every caller is given fresh TURN credentials", async () => {
    let now = 1_700_000_000_000;
    const { base } = await serve(wait, {
      rtc: coturnTurn({ urls: "turn:turn.example.org", secret: "s", ttl: 600, now: () => now }),
    });
    const ask = async (): Promise<unknown> => (await fetch(`${base}/ice`)).json();
    const first = await ask();
    expect(first).toMatchObject({ iceServers: [{ username: "1700000600:repartee" }], ttl: 600 });
    now += 60_000;
    expect(await ask()).toMatchObject({ iceServers: [{ username: "1700000660:repartee" }] });
  });
});

describe("what a page is told", () => {
  it.each(["fastrtc", "v1"] as const)(
    "W9 warnings and exposed errors reach a page on a WebSocket: %s",
    async (profile) => {
      const { base } = await serve((session) => {
        session.warn("The line is noisy.");
        return Promise.reject(new VoiceError("budget", "No minutes left this month.", { expose: true }));
      });
      const caller = await new SocketCaller(`${base.replace("http", "ws")}/websocket/offer`, { profile }).start();
      await caller.closed;
      const told = caller.events
        .filter(({ name }) => name === "warning" || name === "error")
        .map(({ json }) => json["message"]);
      expect(told).toEqual(["The line is noisy.", "No minutes left this month."]);
    },
  );
});

describe("stock pages", () => {
  const handler: Handler = async (session) => {
    session.send(monoFrame(tone(200, 24_000), 24_000));
    session.send({ kind: "message", name: "chat", data: { role: "assistant", content: "hello" } });
    if (Object.keys(session.inputs as object).length > 0)
      session.send({ kind: "message", name: "chat", data: session.inputs });
    session.on("inputs", (data) => session.send({ kind: "message", name: "chat", data }));
    session.on("message", (message) => {
      if (message.type === "text") session.send({ kind: "message", name: "chat", data: message.text });
    });
    await session.requestInputs({ timeoutMs: 100 });
    await until(session);
  };

  async function replay(
    base: string,
    { id, offer, channel, before, after, sends, during, channelGets, eventsGet }: Transcript,
  ): Promise<void> {
    const step = async ({ to, body, status, answer }: Post): Promise<void> => {
      const got = await post(`${base}/${to}`, body);
      expect(got).toMatchObject({ status, body: answer });
    };
    const source = eventSource(`${base}/outputs?webrtc_id=${id}`);
    const caller = await webrtcCaller(`${base}/`, {
      id,
      profile: "fastrtc",
      channel,
      post: async (body) => {
        for (const one of before) await step(one);
        const sdp = offer === "BARE" ? bare(String(body["sdp"])) : body["sdp"];
        const answered = await post(`${base}/webrtc/offer`, { sdp, type: "offer", webrtc_id: id });
        expect(answered.status).toBe(200);
        expect(Object.keys(answered.body as object).sort()).toEqual(["sdp", "type"]);
        for (const one of after) await step(one);
        return answered.body;
      },
    });
    for (const text of sends) caller.sendText(text);
    await caller.until(() => caller.quietFor < 100, { what: "the greeting" });
    for (const one of during) await step(one);
    for (const expected of channelGets) {
      await caller.waitFor(({ message }) =>
        Object.entries(expected).every(([name, value]) => JSON.stringify(message[name]) === JSON.stringify(value)),
      );
    }
    for (const event of eventsGet) await expect.poll(() => source.events).toContainEqual(event);
    // Nothing that a stock page does not know.
    const known = [
      "send_input",
      "fetch_output",
      "stopword",
      "error",
      "warning",
      "log",
      "end_stream",
      "update_connection",
    ];
    expect(caller.events.map(({ type }) => type).filter((type) => !known.includes(type))).toEqual([]);
    await caller.hangUp();
    await source.ended;
    expect((await fetch(`${base}/outputs?webrtc_id=${id}`)).status).toBe(204);
  }

  describe("one after the other on a server with one place", () => {
    let server: StreamServer;
    beforeAll(async () => {
      server = await serveStream(handler, { concurrencyLimit: 1 });
    });
    afterAll(() => server.close());

    it.each(transcripts)("W14 $page", async (transcript) => {
      await replay(server.base, transcript);
      await expect.poll(() => server.stream.sessions.size).toBe(0);
    });
  });

  it("W14 a page on a WebSocket: events before start, media before start, 2048 samples at a time, pings, hook, stop", async () => {
    const { base } = await serve(handler);
    const source = eventSource(`${base}/outputs?webrtc_id=ws1x2`);
    const page = await new SocketCaller(`${base.replace("http", "ws")}/websocket/offer`, {
      profile: "fastrtc",
      id: "ws1x2",
    }).open();
    page.json({ event: "media", media: { payload: "////" } });
    await page.start();
    page.json({ event: "ping" });
    for (let i = 0; i < 6; i++) {
      page.say(new Int16Array(2_048));
      await page.until(page.clock.now() + 43);
    }
    expect(await post(`${base}/input_hook`, { webrtc_id: "ws1x2", textbox: "typed" })).toEqual({
      status: 200,
      body: { status: "ok" },
    });
    for (const event of ['{"role":"assistant","content":"hello"}', "typed"])
      await expect.poll(() => source.events).toContainEqual(event);
    expect(page.events.map(({ name }) => name)).toEqual(expect.arrayContaining(["pong", "send_input", "fetch_output"]));
    expect(page.samples().some((sample) => Math.abs(sample) > 4_000)).toBe(true);
    await page.stop();
    await source.ended;
  });

  it("W14 a page of another origin asks first, and is let in when it is named", async () => {
    const { base } = await serve(handler, { origins: ["http://localhost:3000"] });
    const headers = { origin: "http://localhost:3000" };
    const preflight = await fetch(`${base}/webrtc/offer`, {
      method: "OPTIONS",
      headers: {
        ...headers,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("content-type");
    const caller = await webrtcCaller(`${base}/`, { profile: "fastrtc", headers });
    await caller.until(() => caller.quietFor < 100);
    await caller.hangUp();
  });

  it("W11 W14 a page of replyOnPause is told started_talking, pause_detected and response_starting, once each and in this order", async () => {
    const loud = {
      rate: 16_000,
      window: 512,
      push: (samples: Float32Array) => (rmsOf(Int16Array.from(samples, (x) => x * 32_767)) > 0.05 ? 0.9 : 0.1),
      reset() {},
    };
    const { base } = await serve(
      replyOnPause(async function* () {
        for (let i = 0; i < 10; i++) yield monoFrame(tone(60, 24_000), 24_000);
      }),
      { detector: () => loud },
    );
    const caller = await webrtcCaller(`${base}/`, { profile: "fastrtc" });
    caller.say(monoFrame(tone(700, caller.rate), caller.rate));
    await caller.waitFor(({ data }) => data === "response_starting", { timeoutMs: 8_000 });
    await caller.until(() => caller.quietFor > 500 && caller.quietFor < 5_000);
    expect(caller.events.map(({ message }) => message)).toEqual(
      ["started_talking", "pause_detected", "response_starting"].map((data) => ({ type: "log", data })),
    );
    await caller.hangUp();
  });
});

describe("our client at a FastRTC server", () => {
  it("W15 offers, trickles one candidate at a time, understands refusals with status 200, and reads its messages", async () => {
    const server = await serveFastRtc({ limit: 1 });
    closers.push(() => server.close());
    const signalling = createSignalling({ baseUrl: server.url });
    // A server without a configuration can be talked to all the same.
    await expect(signalling.config()).rejects.toMatchObject({ code: "unsupported" });
    const offer = (id: string): Promise<{ readonly id: string; readonly batch: boolean }> =>
      writeOffer().then((sdp) => signalling.offer({ sdp, webrtc_id: id }, new AbortController().signal));
    expect(await offer("mine")).toMatchObject({ id: "mine", batch: false, sdp: expect.stringContaining("a=msid:") });
    const candidates = [1, 2].map((i) => ({
      candidate: `candidate:${i} 1 udp 1 192.0.2.${i} 4000 typ host`,
      sdpMid: "0",
      sdpMLineIndex: 0,
    }));
    await signalling.candidates("mine", candidates, false);
    expect(server.posted.filter((body) => "candidate" in body)).toHaveLength(2);
    await expect(signalling.candidates("strange", candidates, false)).rejects.toMatchObject({
      code: "unknown-session",
    });
    await expect(offer("mine")).rejects.toMatchObject({ code: "session-exists" });
    await expect(offer("second")).rejects.toMatchObject({ code: "concurrency-limit", meta: { limit: 1 } });

    const messages: readonly (readonly [string, object | undefined])[] = [
      ['{"type":"send_input","data":[]}', { type: "send_input" }],
      ['{"type":"fetch_output","data":[]}', undefined],
      ['{"type":"stopword","data":""}', { type: "stopword" }],
      ['{"type":"error","message":"no key"}', { type: "error", message: "no key" }],
      ['{"type":"warning","message":"slow"}', { type: "warning", message: "slow" }],
      ['{"type":"log","data":"started_talking"}', undefined],
      [
        '{"type":"end_stream","data":"Stream closed"}',
        { type: "end_stream", data: { reason: "handler", message: "Stream closed" } },
      ],
    ];
    for (const [text, event] of messages) {
      const read = readPageEvent(text);
      expect(isFault(read)).toBe(false);
      if (event === undefined) expect(read).toBeUndefined();
      else expect(read).toMatchObject(event);
    }
  });
});

describe("behind a reverse proxy with a path prefix and TLS", () => {
  it("W16 every address we give out leads back through it: webhooks, media socket, offers, events", async () => {
    const { base } = await serve(echo, {
      path: "/voice",
      telephone: { authToken: AUTH, pickUpMs: 0, trustProxy: true },
      origins: ["https://phone.example.org"],
    });
    const proxy = await serveProxy(new URL(base), { host: "phone.example.org", prefix: "/app" });
    const phone = new Phone({
      webhook: "https://phone.example.org/app/voice/telephone/incoming",
      authToken: AUTH,
      reach: proxy,
    });
    const call = await phone.call();
    const [verb] = call.answers[0]?.verbs ?? [];
    expect(verb?.attributes["action"]).toBe("https://phone.example.org/app/voice/telephone/continue");
    expect(verb?.children[0]?.attributes["url"]).toBe("wss://phone.example.org/app/voice/telephone/handler");
    await call.speak(tone(300, 8_000));
    await expect.poll(() => call.samples().some((sample) => Math.abs(sample) > 4_000)).toBe(true);
    await call.hangUp();

    const headers = { origin: "https://phone.example.org" };
    const caller = await webrtcCaller(`${proxy}/app/voice/`, { headers });
    await caller.hangUp();
    const page = await new SocketCaller(`${proxy.replace("http", "ws")}/app/voice/websocket/offer`, {
      headers,
    }).start();
    await page.stop();
  });
});

/** A STUN server's answer, RFC 8489 section 14.2: where the request came from, masked with the magic cookie. */
function bindingSuccess(
  request: Buffer,
  { address, port }: { readonly address: string; readonly port: number },
): Buffer {
  const answer = Buffer.alloc(32);
  request.copy(answer, 0, 0, 20);
  answer.writeUInt16BE(0x0101, 0);
  answer.writeUInt16BE(12, 2);
  answer.writeUInt16BE(0x0020, 20);
  answer.writeUInt16BE(8, 22);
  answer.writeUInt8(1, 25);
  answer.writeUInt16BE(port ^ 0x2112, 26);
  address.split(".").forEach((part, i) => answer.writeUInt8(Number(part) ^ (request[4 + i] ?? 0), 28 + i));
  return answer;
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map(({ address }) => address);
}

/** What an EventSource makes of an address: the data of each `output`, until the server ends it. */
function eventSource(url: string): { readonly events: string[]; readonly ended: Promise<void> } {
  const events: string[] = [];
  const listen = async (): Promise<void> => {
    const { body } = await fetch(url);
    let text = "";
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (text + chunk).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks.filter((one) => one.includes("event: output"))) {
        events.push(
          block
            .split("\n")
            .flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : []))
            .join("\n"),
        );
      }
    }
  };
  return { events, ended: listen() };
}

/** Takes `prefix` off, and says with headers what it was asked, as nginx and its like are set up to do. */
async function serveProxy(
  to: URL,
  { host, prefix }: { readonly host: string; readonly prefix: string },
): Promise<string> {
  const told = (headers: IncomingHttpHeaders): IncomingHttpHeaders => ({
    ...headers,
    host: to.host,
    "x-forwarded-proto": "https",
    "x-forwarded-host": host,
    "x-forwarded-prefix": prefix,
  });
  const inner = (url: string | undefined): string => (url ?? "").slice(prefix.length);
  const http = createServer((asked, response) => {
    const onward = forward(
      { host: to.hostname, port: to.port, path: inner(asked.url), method: asked.method, headers: told(asked.headers) },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    asked.pipe(onward);
  });
  http.on("upgrade", (asked, socket, head) => {
    const onward = connect(Number(to.port), to.hostname, () => {
      const lines = Object.entries(told(asked.headers)).map(([name, value]) => `${name}: ${String(value)}`);
      onward.write(`GET ${inner(asked.url)} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(resolve);
      }),
  );
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}
