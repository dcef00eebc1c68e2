/* Every way to mount a stream gives the same routes, over HTTP, WebSocket and telephone, under any path. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { silentLog } from "../../src/base/log.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { Stream, type StreamOptions } from "../../src/server/stream.ts";
import type { Handler } from "../../src/session/types.ts";
import { webrtcCaller } from "../../src/testing/caller.ts";
import { Phone } from "../../src/testing/phone.ts";
import { SocketCaller } from "../../src/testing/socket-caller.ts";

interface Mounted {
  readonly base: string;
  close(): Promise<void>;
}

/** Greets, and says back what is typed. */
const handler: Handler = async (session) => {
  session.send({ kind: "audio", samples: new Int16Array(4_800).fill(3_000), rate: 24_000, channels: 1, at: 0 });
  session.send({ kind: "message", name: "note", data: { role: "assistant", content: "hello" } });
  session.on("message", (message) => {
    if (message.type === "text") session.send({ kind: "message", name: "note", data: message.text });
  });
  await new Promise<void>((resolve) => session.signal.addEventListener("abort", () => resolve()));
};

const AUTH_TOKEN = "the carrier's secret";
function makeStream(options: StreamOptions = {}): Stream {
  return new Stream(handler, {
    platform: { ...nodePlatform(), log: silentLog },
    detector: () => ({ rate: 16_000, window: 512, push: () => 0, reset() {} }),
    telephone: { authToken: AUTH_TOKEN },
    ...options,
  });
}

async function listen(server: Server): Promise<number> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

const ways: Readonly<Record<string, (stream: Stream, path: string) => Promise<Mounted>>> = {
  "stream.launch": async (stream) => {
    const server = await stream.launch({ port: 0 });
    return { base: server.url, close: () => server.close() };
  },
  "node:http": async (stream, path) => {
    const server = createServer((_, response) => response.end("the application"));
    const mounted = await stream.mount(server, { path });
    const port = await listen(server);
    return { base: `http://127.0.0.1:${port}${path}`, close: () => mounted.close().then(() => closeServer(server)) };
  },
  Hono: async (stream, path) => {
    const app = new Hono();
    app.get("/own", (c) => c.text("the application"));
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
    const mounted = await stream.mount(app, { path, server });
    await new Promise<void>((resolve) => (server.listening ? resolve() : server.once("listening", resolve)));
    const port = await listen(server);
    return { base: `http://127.0.0.1:${port}${path}`, close: () => mounted.close().then(() => closeServer(server)) };
  },
  Express: async (stream, path) => {
    const app = express();
    app.use(express.json());
    app.get("/own", (_, response) => void response.send("the application"));
    const server = createServer(app);
    const mounted = await stream.mount(app, { path, server });
    const port = await listen(server);
    return { base: `http://127.0.0.1:${port}${path}`, close: () => mounted.close().then(() => closeServer(server)) };
  },
  Fastify: async (stream, path) => {
    const app = fastify();
    app.get("/own", () => "the application");
    const mounted = await stream.mount(app, { path });
    await app.listen({ port: 0, host: "127.0.0.1" });
    const port = await listen(app.server);
    return { base: `http://127.0.0.1:${port}${path}`, close: () => mounted.close().then(() => app.close()) };
  },
};

let mounted: Mounted | undefined;
afterEach(async () => {
  await mounted?.close();
  mounted = undefined;
});

const cases = Object.entries(ways).flatMap(([name, mount]) => {
  // Express parses bodies before anything mounted behind its parser can: there the path decides who reads.
  const paths = name === "stream.launch" ? [""] : ["/voice"];
  return paths.map((path) => [name, path, mount] as const);
});

describe.each(cases)("a stream mounted by %s at '%s'", (name, path, mount) => {
  it("answers health, configuration and offers below its path, and leaves the rest alone", async () => {
    mounted = await mount(makeStream(), path);
    const { base } = mounted;
    expect(await (await fetch(`${base}/health`)).json()).toMatchObject({ status: "ok", sessions: 0 });
    expect(await (await fetch(`${base}/config`)).json()).toMatchObject({ v: 1, title: "repartee" });
    expect((await fetch(`${base}/nothing`)).status).toBe(404);
    const bad = await fetch(`${base}/webrtc/offer`, {
      method: "POST",
      body: "{",
      headers: { "content-type": "text/plain" },
    });
    expect(bad.status).toBe(422);
    if (path !== "") expect(await (await fetch(new URL("/own", base))).text()).toBe("the application");
  });

  it("takes a WebRTC call", async () => {
    mounted = await mount(makeStream(), path);
    const caller = await webrtcCaller(`${mounted.base}/`);
    await expect.poll(() => caller.heard.length).toBeGreaterThan(5);
    expect(await (await fetch(`${mounted.base}/health`)).json()).toMatchObject({ sessions: 1 });
    await caller.hangUp();
  });

  it("hands the handler the agent and the inputs that a page's offer names", async () => {
    const got: unknown[] = [];
    const stream = new Stream(
      (session) => {
        got.push(session.call.agent, session.inputs);
        return new Promise(() => {});
      },
      {
        platform: { ...nodePlatform(), log: silentLog },
        detector: () => ({ rate: 16_000, window: 512, push: () => 0, reset() {} }),
      },
    );
    mounted = await mount(stream, path);
    const caller = await webrtcCaller(`${mounted.base}/`, { body: { agent: "Ben", inputs: { tone: 440 } } });
    await expect.poll(() => got).toEqual(["Ben", { tone: 440 }]);
    await caller.hangUp();
  });

  it("takes a WebSocket call, inputs and outputs of a stock page", async () => {
    mounted = await mount(makeStream(), path);
    const { base } = mounted;
    const events = fetch(`${base}/outputs?webrtc_id=stock1`);
    const caller = new SocketCaller(`${base.replace("http", "ws")}/websocket/offer`, {
      profile: "fastrtc",
      id: "stock1",
    });
    await caller.start();
    const reader = (await events).body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const until = async (wanted: string): Promise<void> => {
      while (!text.includes(wanted)) {
        const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
        if (done) throw new Error(`the stream ended without ${wanted}: ${text}`);
        text += value;
      }
    };
    await until('event: output\ndata: {"role":"assistant","content":"hello"}');
    const hook = { method: "POST", headers: { "content-type": "application/json" } };
    const posted = await fetch(`${base}/input_hook`, {
      ...hook,
      body: JSON.stringify({ webrtc_id: "stock1", textbox: "good\nday" }),
    });
    expect([posted.status, await posted.text()]).toEqual([200, '{"status":"ok"}']);
    await until("event: output\ndata: good\ndata: day\n");
    caller.json({ event: "stop" });
    await caller.closed;
    await expect.poll(async () => (await fetch(`${base}/outputs?webrtc_id=stock1`)).status).toBe(204);
  });

  it("ends the call of a page that sends its token with its last breath", async () => {
    mounted = await mount(makeStream(), path);
    const { base } = mounted;
    const caller = new SocketCaller(`${base.replace("http", "ws")}/websocket/offer`);
    await caller.start();
    const { json } = await caller.event("started");
    const end = (resume: unknown) => fetch(`${base}/end`, { method: "POST", body: JSON.stringify({ resume }) });
    expect((await end("guessed")).status).toBe(410);
    expect(await (await fetch(`${base}/health`)).json()).toMatchObject({ sessions: 1 });
    expect((await end(json["resume"])).status).toBe(200);
    await caller.closed;
    await expect.poll(async () => await (await fetch(`${base}/health`)).json()).toMatchObject({ sessions: 0 });
  });

  it("takes a signed telephone call and refuses an unsigned one", async () => {
    mounted = await mount(makeStream(), path);
    const phone = new Phone({ webhook: `${mounted.base}/telephone/incoming`, authToken: AUTH_TOKEN });
    const call = await phone.call();
    await expect.poll(() => call.received.length).toBeGreaterThan(2);
    await call.hangUp();
    const stranger = await phone.call({ sign: "wrong" });
    expect(stranger.ended).toBe("refused");
  });

  it("refuses pages of other origins unless they are named", async () => {
    mounted = await mount(makeStream({ origins: ["https://app.example.org"] }), path);
    const { base } = mounted;
    const post = (origin: string) =>
      fetch(`${base}/input_hook`, {
        method: "POST",
        body: "{}",
        headers: { origin, "content-type": "application/json" },
      });
    expect((await post("https://evil.example.org")).status).toBe(403);
    const named = await post("https://app.example.org");
    expect([named.status, named.headers.get("access-control-allow-origin")]).toEqual([422, "https://app.example.org"]);
    expect((await post(new URL(base).origin)).status).toBe(422);
    const foreign = new SocketCaller(`${base.replace("http", "ws")}/websocket/offer`, {
      headers: { origin: "https://evil.example.org" },
    });
    await expect(foreign.open()).rejects.toThrow("403");
    expect(name).not.toBe("");
  });
});
