import { once } from "node:events";
import http from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { monoFrame } from "../src/audio/frame.ts";
import { silentLog } from "../src/base/log.ts";
import { createClock } from "../src/node/clock.ts";
import { type Caller as NodeCaller, webrtcCaller } from "../src/testing/caller.ts";
import { recognise, spoken } from "../src/testing/speech.ts";
import { Peer } from "../src/transports/webrtc/peer.ts";
import { tell } from "./support/browser.ts";
import { type Started, startDemo } from "./support/server.ts";

let server: Started;
beforeAll(async () => {
  server = await startDemo();
});
afterAll(async () => {
  expect(server.process.exitCode).toBeNull();
  expect(await server.stop()).toBe(0);
});

async function post(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  type = "application/json",
): Promise<Response> {
  return await fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": type },
    body,
    signal: AbortSignal.timeout(10_000),
  });
}

async function health(): Promise<{ readonly status: string; readonly sessions: number }> {
  return (await (await fetch(`${server.url}/health`)).json()) as { status: string; sessions: number };
}

/** A call that asks one question by voice; answers what was heard. */
async function ask(caller: NodeCaller): Promise<string> {
  await caller.until(() => caller.quietFor > 700 && caller.heard.length > 50, {
    timeoutMs: 15_000,
    what: "the end of the greeting",
  });
  const from = caller.recording().length;
  caller.say(spoken("How many vacation days do I have?", { rate: caller.rate }));
  await caller.until(() => caller.saying === 0 && caller.quietFor < 100, { timeoutMs: 15_000, what: "an answer" });
  await caller.until(() => caller.quietFor > 900, { timeoutMs: 15_000, what: "the end of the answer" });
  return await recognise(monoFrame(caller.recording().slice(from), caller.rate), [
    "you have (ten|eleven|twelve|thirteen|twenty five) vacation days left this year",
    "sorry I did not catch that",
  ]);
}

async function expectToWork(): Promise<void> {
  const caller = await webrtcCaller(`${server.url}/`);
  try {
    expect(await ask(caller)).toBe("you have twelve vacation days left this year");
  } finally {
    await caller.hangUp();
  }
}

const SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

/** What strangers send to `/webrtc/offer`. */
const bad: readonly (readonly [name: string, body: string])[] = [
  ["nothing", ""],
  ["half a JSON text", '{"type":"offer","sdp":'],
  ["a bare number", "42"],
  ["null", "null"],
  ["an array", "[1,2,3]"],
  ["deep nesting", "[".repeat(50_000) + "]".repeat(50_000)],
  ["an offer without SDP", '{"v":1,"type":"offer","webrtc_id":"a"}'],
  ["SDP that is no text", '{"v":1,"type":"offer","sdp":{"a":1},"webrtc_id":"a"}'],
  ["SDP without media", JSON.stringify({ v: 1, type: "offer", sdp: SDP, webrtc_id: "a" })],
  ["SDP of zero bytes", JSON.stringify({ v: 1, type: "offer", sdp: "", webrtc_id: "a" })],
  ["SDP of noise", JSON.stringify({ v: 1, type: "offer", sdp: "\u0000\uffff%s%n'\"".repeat(100), webrtc_id: "a" })],
  [
    "200 media sections",
    JSON.stringify({
      v: 1,
      type: "offer",
      sdp: SDP + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n".repeat(200),
      webrtc_id: "a",
    }),
  ],
  ["an id that is no text", JSON.stringify({ v: 1, type: "offer", sdp: SDP, webrtc_id: [1] })],
  ["an id of 100 kB", JSON.stringify({ v: 1, type: "offer", sdp: SDP, webrtc_id: "x".repeat(100_000) })],
  ["a poisoned prototype", '{"v":1,"__proto__":{"type":"offer"},"constructor":{"prototype":{}},"webrtc_id":"a"}'],
  ["an unknown type", '{"v":1,"type":"dance","webrtc_id":"a"}'],
];

describe("strangers at the door of the demo", () => {
  it.each(bad)("gets a refusal in JSON for %s", async (_name, body) => {
    const response = await post("/webrtc/offer", body);
    const answer = (await response.json()) as { readonly status?: string };
    expect(answer.status).toBe("failed");
    expect(response.status).toBeLessThan(500);
  });

  it("refuses what is too large without reading all of it", async () => {
    const request = http.request(`${server.url}/webrtc/offer`, {
      method: "POST",
      agent: false,
      headers: { "content-length": 4_000_000_000 },
    });
    request.write('{"v":1,"type":"offer","sdp":"');
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    expect(response.statusCode).toBe(413);
    request.destroy();
  });

  it("has nothing for ids, paths and methods it does not know", async () => {
    expect((await post("/input_hook", '{"webrtc_id":"nobody","a":1}')).status).toBe(404);
    expect((await post("/input_hook", '{"a":1}')).status).toBe(422);
    expect((await fetch(`${server.url}/..%2f..%2fpackage.json`)).status).toBe(404);
    expect((await fetch(`${server.url}/assets/%00`)).status).toBe(404);
    expect((await fetch(`${server.url}/health`, { method: "DELETE" })).status).toBe(404);
  });

  it("survives 1,000 offers that never connect, and takes the next call", async () => {
    const none = { connected() {}, rtp() {}, channel() {}, text() {}, closed() {} };
    const peer = new Peer("calling", { clock: createClock(), log: silentLog }, none);
    const sdp = await peer.offer({ channel: true });
    const counts = new Map<string, number>();
    for (let i = 0; i < 1_000; i += 20) {
      await Promise.all(
        Array.from({ length: 20 }, async (_, j) => {
          const response = await post(
            "/webrtc/offer",
            JSON.stringify({ v: 1, type: "offer", sdp, webrtc_id: `flood-${i + j}` }),
          );
          const body = (await response.json()) as {
            readonly type?: string;
            readonly meta?: { readonly error?: string };
          };
          const kind = body.type ?? body.meta?.error ?? "?";
          counts.set(kind, (counts.get(kind) ?? 0) + 1);
        }),
      );
    }
    await peer.close();
    tell(`1,000 offers: ${[...counts].map(([kind, count]) => `${count} ${kind}`).join(", ")}`);
    expect((await health()).sessions).toBe(0);
    // Room is given back when the offers' time is over.
    await new Promise((resolve) => setTimeout(resolve, 10_500));
    await expectToWork();
    expect(await health()).toMatchObject({ status: "ok", sessions: 0 });
  });
});

describe("callers who are not as expected", () => {
  it("say nothing or make noise, and are still understood afterwards", async () => {
    const caller = await webrtcCaller(`${server.url}/`);
    try {
      await caller.until(() => caller.quietFor > 700 && caller.heard.length > 50, {
        timeoutMs: 15_000,
        what: "the end of the greeting",
      });
      const noise = new Int16Array(caller.rate * 3);
      for (let i = 0, state = 7; i < noise.length; i++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        noise[i] = ((state >>> 16) - 32_768) / 8;
      }
      caller.say(monoFrame(noise, caller.rate));
      await caller.until(() => caller.saying === 0, { timeoutMs: 10_000 });
      await caller.until(() => caller.quietFor > 700, { timeoutMs: 15_000 });
      expect(
        caller.events.filter(({ type, data }) => type === "transcript" && (data as { role: string }).role === "user"),
      ).toEqual([]);
      expect(await ask(caller)).toBe("you have twelve vacation days left this year");
    } finally {
      await caller.hangUp();
    }
  });

  it("send nonsense on the data channel, and the call goes on", async () => {
    const caller = await webrtcCaller(`${server.url}/`);
    try {
      for (const text of [
        "",
        "{",
        "[]",
        "null",
        '{"type":"text"}',
        '{"type":"talk","data":{"phase":7}}',
        '{"type":"turn_detection","data":{"silenceMs":-5}}',
      ])
        caller.sendText(text);
      expect(await ask(caller)).toBe("you have twelve vacation days left this year");
    } finally {
      await caller.hangUp();
    }
  });
});
