import fc from "fast-check";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/clock.ts";
import { readTwiml } from "../../testing/twiml.ts";
import { FakeSocket } from "../../../test/fixtures/fake-socket.ts";
import { counted, quietPlatform } from "../../../test/fixtures/socket-server.ts";
import { encodeBase64 } from "../../base/base64.ts";
import { monoFrame } from "../../audio/frame.ts";
import { Calls } from "../../session/calls.ts";
import type { Handler } from "../../session/types.ts";
import {
  createTelephone,
  dial,
  type DialOptions,
  signTwilio,
  type TelephoneOptions,
  twilio,
  verifyTwilio,
} from "./index.ts";
import { busyTwiml, connectTwiml, escapeXml, hangupTwiml } from "./twiml.ts";

describe("the signature", () => {
  const url = "https://mycompany.com/myapp.php?foo=1&bar=2";
  const form = {
    CallSid: "CA1234567890ABCDE",
    Caller: "+14158675309",
    Digits: "1234",
    From: "+14158675309",
    To: "+18005551212",
  };

  it("is the one of the carrier's own example", () => {
    expect(signTwilio("12345", url, Object.entries(form).reverse())).toBe("RSOYDt4T1cUTdK1PDd93/VVr8B8=");
  });

  it("is right for these bytes and no others", () => {
    const right = signTwilio("12345", url, Object.entries(form));
    expect(verifyTwilio("12345", right, url, Object.entries(form))).toBe(true);
    expect(verifyTwilio("12346", right, url, Object.entries(form))).toBe(false);
    expect(verifyTwilio("12345", right, `${url}/`, Object.entries(form))).toBe(false);
    expect(verifyTwilio("12345", right, url, Object.entries({ ...form, From: "+1" }))).toBe(false);
    expect(verifyTwilio("12345", right, url, Object.entries({ ...form, More: "" }))).toBe(false);
    for (const wrong of [undefined, "", "x", `${right} `, right.slice(1), right.toLowerCase()]) {
      expect(verifyTwilio("12345", wrong, url, Object.entries(form))).toBe(false);
    }
  });

  it("may be made with the standard port written out, and with no other", () => {
    expect(verifyTwilio("t", signTwilio("t", "https://a.org:443/x?y=1"), "https://a.org/x?y=1")).toBe(true);
    expect(verifyTwilio("t", signTwilio("t", "wss://a.org:443/x"), "wss://a.org/x")).toBe(true);
    expect(verifyTwilio("t", signTwilio("t", "https://a.org:444/x"), "https://a.org/x")).toBe(false);
    expect(verifyTwilio("t", signTwilio("t", "http://a.org:80"), "http://a.org")).toBe(true);
  });

  it("counts a parameter that is given twice once per value", () => {
    const twice: [string, string][] = [
      ["a", "2"],
      ["a", "1"],
      ["a", "1"],
    ];
    expect(signTwilio("t", "u", twice)).toBe(signTwilio("t", "ua1a2"));
  });

  it("cannot be switched off by forgetting the token", () => {
    expect(() => twilio({ authToken: "" })).toThrow(TypeError);
    expect(twilio({ authToken: "", verify: false }).verify({}, "u", new URLSearchParams())).toBe(true);
  });
});

describe("TwiML", () => {
  it("opens one stream with what it was given, whatever the text", () => {
    const text = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(text, text, text, (greeting, name, value) => {
        const clean = (raw: string): string =>
          raw.toWellFormed().replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "");
        const verbs = readTwiml(
          connectTwiml({ greeting, streamUrl: "wss://a/b", actionUrl: "https://a/c", parameters: { [name]: value } }),
        );
        const connect = verbs.at(-1);
        expect(verbs.map((verb) => verb.name).filter((verb) => verb !== "Say")).toEqual(["Connect"]);
        expect(connect?.children).toHaveLength(1);
        expect(connect?.children[0]?.attributes["url"]).toBe("wss://a/b");
        expect(connect?.children[0]?.children[0]?.attributes).toEqual({ name: clean(name), value: clean(value) });
        if (clean(greeting) !== "") expect(verbs[0]?.text).toBe(clean(greeting));
      }),
      { numRuns: 2_000 },
    );
  });

  it("rejects with the busy tone, or says why", () => {
    expect(readTwiml(busyTwiml())).toMatchObject([{ name: "Reject", attributes: { reason: "busy" } }]);
    expect(readTwiml(busyTwiml("Busy."))).toMatchObject([{ name: "Say", text: "Busy." }, { name: "Hangup" }]);
    expect(readTwiml(hangupTwiml())).toMatchObject([{ name: "Hangup" }]);
  });

  it("escapes all five letters and leaves out what XML cannot hold", () => {
    expect(escapeXml(`<a b="c" d='e'>&\u0000\u0007\ufffe😀`)).toBe("&#60;a b=&#34;c&#34; d=&#39;e&#39;&#62;&#38;😀");
  });
});

const wait: Handler = (session) => new Promise((resolve) => session.signal.addEventListener("abort", () => resolve()));

function desk(options: Partial<TelephoneOptions<unknown>> = {}, handler: Handler = wait) {
  const clock = new VirtualClock({ now: 1_000 });
  const platform = quietPlatform(clock);
  const calls = new Calls(handler, { platform, concurrencyLimit: 2 });
  const telephone = createTelephone({ calls, carrier: twilio({ authToken: "", verify: false }), ...options });
  const incoming = async (
    callId: string,
    headers: Record<string, string> = {},
    url = "/telephone/incoming",
  ): Promise<string> =>
    (await telephone.incomingCall({ method: "POST", url, headers, body: `CallSid=${callId}` })).body;
  const connect = async (callId: string): Promise<FakeSocket> => {
    const token = /value="([^"]+)"/.exec(await incoming(callId))?.[1];
    const socket = new FakeSocket();
    telephone.answerMediaStream(socket);
    socket.text({ event: "connected" });
    socket.text({ event: "start", streamSid: "MZ1", start: { callSid: callId, customParameters: { token } } });
    await clock.advance(0);
    return socket;
  };
  return { clock, calls, telephone, incoming, connect, meters: platform.meters };
}

const media = (samples = 160): unknown => ({
  event: "media",
  media: { track: "inbound", payload: encodeBase64(new Uint8Array(samples).fill(0xff)) },
});

describe("the addresses a carrier is told", () => {
  const streamOf = (body: string): string | undefined => readTwiml(body)[0]?.children[0]?.attributes["url"];

  it("come from the request when there is no public one, prefix and port included", async () => {
    const body = await desk().incoming("CA1", { host: "10.0.0.7:7860" }, "/voice/telephone/incoming?x=1");
    expect(streamOf(body)).toBe("ws://10.0.0.7:7860/voice/telephone/handler");
  });

  it("come from the proxy only when it is trusted", async () => {
    const headers = {
      host: "inner:80",
      "x-forwarded-host": "voice.example.org:8443, x",
      "x-forwarded-proto": "https",
      "x-forwarded-prefix": "/app/",
    };
    expect(streamOf(await desk({ trustProxy: true }).incoming("CA1", headers))).toBe(
      "wss://voice.example.org:8443/app/telephone/handler",
    );
    expect(streamOf(await desk().incoming("CA1", headers))).toBe("ws://inner:80/telephone/handler");
  });

  it("cannot be poisoned by a host when there is a public one", async () => {
    const body = await desk({ publicUrl: "https://a.org" }).incoming("CA1", { host: 'evil.org"/><Dial>' });
    expect(streamOf(body)).toBe("wss://a.org/telephone/handler");
    const forged = await desk().incoming("CA1", { host: 'evil.org"/><Dial>1</Dial>' });
    expect(readTwiml(forged).map(({ name }) => name)).toEqual(["Connect"]);
  });

  it("are signed as the carrier knows them: an upgrade with a wrong signature is refused", () => {
    const { telephone } = desk({ carrier: twilio({ authToken: "t" }), publicUrl: "https://a.org/app" });
    const upgrade = (signature?: string) =>
      telephone.mayConnect({
        method: "GET",
        url: "/telephone/handler",
        headers: signature === undefined ? {} : { "x-twilio-signature": signature },
      });
    expect(upgrade(signTwilio("t", "wss://a.org/app/telephone/handler"))).toBe(true);
    expect(upgrade(signTwilio("t", "wss://b.org/app/telephone/handler"))).toBe(false);
    expect(upgrade()).toBe(true);
  });
});

describe("a webhook", () => {
  it("is refused when it is too large or no call", async () => {
    const { telephone, calls } = desk();
    const ask = (body: string) =>
      telephone.incomingCall({ method: "POST", url: "/telephone/incoming", headers: {}, body });
    expect((await ask("x".repeat(70_000))).status).toBe(413);
    for (const body of ["", "CallSid=", "CallSid=%00", "From=1", `CallSid=${"x".repeat(200)}`])
      expect((await ask(body)).status).toBe(400);
    await Promise.all([calls.reserve("a"), calls.reserve("b")]);
  });

  it("holds a place for 60 s and gives it back", async () => {
    const { incoming, telephone, calls, clock } = desk();
    await incoming("CA1");
    await incoming("CA2");
    expect(await incoming("CA3")).toContain("Reject");
    await clock.advance(60_000);
    expect(telephone.waiting).toBe(0);
    await Promise.all([calls.reserve("a"), calls.reserve("b")]);
    expect(clock.pending).toBe(0);
  });

  it("says busy while the server shuts down", async () => {
    const { incoming, calls } = desk();
    await calls.close();
    expect(await incoming("CA1")).toContain("Reject");
  });

  it("lets go of all places when the telephone is closed", async () => {
    const { incoming, telephone, calls, clock } = desk();
    await incoming("CA1");
    await incoming("CA2");
    telephone.close();
    await clock.advance(0);
    await Promise.all([calls.reserve("a"), calls.reserve("b")]);
    expect(clock.pending).toBe(0);
  });
});

describe("a media socket", () => {
  it("is closed when no start comes within 5 s", async () => {
    const { telephone, clock } = desk();
    const socket = new FakeSocket();
    telephone.answerMediaStream(socket);
    await clock.advance(5_000);
    expect(socket.closedWith).toEqual({ code: 1008, reason: "setup-timeout" });
  });

  it("takes no audio, no start and no digit twice without harm, and ends a peer that sends nonsense", async () => {
    const { connect, calls } = desk();
    const socket = await connect("CA1");
    for (let i = 0; i < 49; i++) socket.text(i % 2 === 0 ? "{" : { event: "media", media: { payload: "%" } });
    expect(calls.sessions.size).toBe(1);
    socket.text({ event: "start", streamSid: "MZ2", start: { callSid: "CA1" } });
    expect(socket.closedWith?.code).toBe(1008);
  });

  it("is given up after 30 s in which the carrier said nothing", async () => {
    const { connect, clock, calls } = desk({ pickUpMs: 0 });
    const socket = await connect("CA1");
    await clock.advance(29_000);
    expect(socket.closedWith).toBeUndefined();
    await clock.advance(2_000);
    expect(socket.terminated).toBe(true);
    await clock.advance(1_000);
    expect(calls.sessions.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("never has more than 2 s that are not reported as played, and goes on when marks come", async () => {
    const { connect, clock, meters } = desk({}, async (session) => {
      session.send(monoFrame(new Int16Array(8_000 * 30), 8_000));
      await wait(session);
    });
    const socket = await connect("CA1");
    for (let ms = 0; ms < 4_000; ms += 20) {
      await clock.advance(20);
      socket.text(media());
    }
    expect(socket.json("media").length * 20).toBeGreaterThan(1_900);
    expect(socket.json("media").length * 20).toBeLessThanOrEqual(2_040);
    for (const mark of socket.json("mark")) socket.text(mark);
    await clock.advance(40);
    expect(socket.json("media").length * 20).toBeGreaterThan(2_900);
    expect(counted(meters, "repartee_audio_dropped_ms_total")).toBeGreaterThan(0);
  });

  it("survives 10 000 random messages on sockets with and without a call, while another call goes on", async () => {
    const { telephone, connect, calls, clock } = desk({ pickUpMs: 0 });
    const other = await connect("CAother");
    const word = fc.constantFrom(
      "event",
      "media",
      "start",
      "payload",
      "mark",
      "dtmf",
      "stop",
      "connected",
      "streamSid",
      "callSid",
      "digit",
      "__proto__",
    );
    const leaf = fc.oneof(word, fc.integer(), fc.constant(null), fc.string());
    const message = fc.oneof(
      fc.dictionary(word, fc.oneof(leaf, fc.dictionary(word, leaf))).map((one) => JSON.stringify(one)),
      fc.dictionary(word, leaf).map((one) => JSON.stringify(one).slice(1)),
      fc.string(),
      fc.uint8Array({ maxLength: 100 }),
    );
    let sent = 0;
    for (const [i, batch] of fc
      .sample(fc.array(message, { minLength: 49, maxLength: 49 }), { numRuns: 206, seed: 3 })
      .entries()) {
      const live = i % 2 === 0;
      const socket = live ? await connect(`CA${i}`) : new FakeSocket();
      if (!live) telephone.answerMediaStream(socket);
      for (const one of batch) {
        if (typeof one === "string") socket.text(one);
        else socket.bytes(one);
        sent += 1;
      }
      socket.leave(1006);
      other.text(media());
      await clock.advance(1);
    }
    expect(sent).toBeGreaterThan(10_000);
    expect(calls.sessions.size).toBe(1);
    expect(other.closedWith).toBeUndefined();
  });
});

describe("a call that we place", () => {
  let http: Server | undefined;
  afterEach(() => {
    http?.closeAllConnections();
    http?.close();
  });

  interface Asked {
    readonly path: string;
    readonly authorization: string | undefined;
    readonly form: Record<string, string>;
  }

  async function carrier(
    answer: (asked: Asked) => { status: number; body: string; hang?: boolean; headers?: Record<string, string> },
  ) {
    const asked: Asked[] = [];
    http = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        const one = {
          path: request.url ?? "",
          authorization: request.headers.authorization,
          form: Object.fromEntries(new URLSearchParams(body)),
        };
        asked.push(one);
        const { status, body: text, hang, headers } = answer(one);
        if (hang !== true) response.writeHead(status, headers).end(text);
      });
    });
    await new Promise<void>((resolve) => http?.listen(0, "127.0.0.1", resolve));
    const options: DialOptions = {
      to: "+4930123456",
      from: "+4940654321",
      publicUrl: "https://a.org/app/",
      accountSid: "AC1",
      authToken: "secret",
      baseUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    };
    return { asked, options };
  }

  it("asks the carrier once, with the webhook as its address, and hangs up by its id", async () => {
    const { asked, options } = await carrier(() => ({ status: 201, body: '{"sid":"CA77","status":"queued"}' }));
    const call = await dial({ ...options, parameters: { shop: "7 & 8" }, ringSeconds: 20 });
    expect(call.callId).toBe("CA77");
    await call.hangup();
    expect(asked).toEqual([
      {
        path: "/2010-04-01/Accounts/AC1/Calls.json",
        authorization: `Basic ${Buffer.from("AC1:secret").toString("base64")}`,
        form: {
          To: "+4930123456",
          From: "+4940654321",
          Url: "https://a.org/app/telephone/incoming?shop=7+%26+8",
          Method: "POST",
          Timeout: "20",
        },
      },
      {
        path: "/2010-04-01/Accounts/AC1/Calls/CA77.json",
        authorization: expect.any(String),
        form: { Status: "completed" },
      },
    ]);
  });

  it.each([
    [401, "provider-auth"],
    [403, "provider-auth"],
    [400, "provider-config"],
    [404, "provider-config"],
    [429, "provider-limit"],
    [500, "provider-unavailable"],
    [503, "provider-unavailable"],
  ])("fails with status %d as %s, with the carrier's words beside it", async (status, code) => {
    const { options } = await carrier(() => ({ status, body: '{"code":20003,"message":"Authenticate"}' }));
    await expect(dial(options)).rejects.toMatchObject({
      code,
      meta: { status, providerCode: 20_003, providerMessage: "Authenticate" },
    });
  });

  it("fails in time when the carrier is silent, gone, redirects or talks nonsense", async () => {
    const silent = await carrier(() => ({ status: 200, body: "", hang: true }));
    await expect(dial({ ...silent.options, timeoutMs: 50 })).rejects.toMatchObject({ code: "provider-timeout" });
    await expect(dial({ ...silent.options, signal: AbortSignal.abort(new Error("changed my mind")) })).rejects.toThrow(
      "changed my mind",
    );
    http?.closeAllConnections();
    http?.close();
    await expect(dial(silent.options)).rejects.toMatchObject({ code: "provider-unavailable" });
    const away = await carrier(() => ({ status: 307, body: "", headers: { location: "http://127.0.0.1:1/" } }));
    await expect(dial(away.options)).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(away.asked).toHaveLength(1);
    const odd = await carrier(() => ({ status: 200, body: "<html>" }));
    await expect(dial(odd.options)).rejects.toMatchObject({ code: "provider-unavailable" });
  });

  it("is not placed to what is no number, or may not be called", async () => {
    const { asked, options } = await carrier(() => ({ status: 201, body: '{"sid":"CA1"}' }));
    for (const to of [
      "",
      "030123456",
      "+0301234567",
      "+49 30 123456",
      "+4930123456;ext=1",
      "sip:a@b.org",
      "+1234567890123456",
    ]) {
      await expect(dial({ ...options, to })).rejects.toThrow(RangeError);
    }
    await expect(dial({ ...options, to: "+999123456789", allow: ["+49", "+43"] })).rejects.toMatchObject({
      code: "forbidden",
    });
    expect(asked).toEqual([]);
    await dial({ ...options, allow: ["+49"] });
    expect(asked).toHaveLength(1);
  });
});
