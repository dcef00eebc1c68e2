/* What strangers may do to a server over HTTP: nothing that outlives their connection, nor that ends the process. */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Handler } from "../../src/session/types.ts";
import { LoopbackCall } from "../../src/testing/call.ts";
import { serveStream, type StreamServer } from "../fixtures/stream-server.ts";

const waits: Handler = (session) => new Promise((resolve) => session.signal.addEventListener("abort", () => resolve()));

let server: StreamServer;
let port = 0;
const faults: unknown[] = [];
const note = (error: unknown): void => void faults.push(error);

beforeAll(async () => {
  process.on("uncaughtExceptionMonitor", note);
  server = await serveStream(waits);
  port = Number(new URL(server.base).port);
});
afterAll(async () => {
  await server.close();
  process.off("uncaughtExceptionMonitor", note);
});

/** Sends bytes; answers all that comes until the server closes. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.write(text));
    socket.on("data", (data) => (got += data.toString("latin1")));
    socket.on("error", () => resolve(got));
    socket.on("end", () => {
      socket.destroy();
      resolve(got);
    });
  });
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
const upgrade = (path: string, ...headers: readonly string[]): string =>
  [
    `GET ${path} HTTP/1.1`,
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
    "",
    "",
  ].join("\r\n");

describe("a server", () => {
  it("outlives upgrades that are reset before they are answered", async () => {
    const resets = Array.from({ length: 60 }, (_, i) => {
      const text = upgrade(
        i % 2 === 0 ? "/nowhere" : "/websocket/offer",
        ...(i % 3 === 0 ? [] : ["Origin: http://evil.example"]),
      );
      return new Promise<void>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => {
          socket.write(text);
          setTimeout(() => socket.resetAndDestroy(), i % 4);
        });
        socket.on("error", () => {});
        socket.on("close", () => resolve());
      });
    });
    await Promise.all(resets);
    expect((await fetch(`${server.base}/health`)).status).toBe(200);
    expect(faults).toEqual([]);
  });

  it("lets go of a refused upgrade whose peer keeps its own half open", async () => {
    const sockets: Socket[] = [];
    const closed = Array.from({ length: 20 }, () => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.write(upgrade("/nowhere")));
      sockets.push(socket);
      return new Promise<string>((resolve) => {
        let got = "";
        socket.on("data", (data) => (got += data.toString()));
        socket.on("end", () => resolve(got));
      });
    });
    expect((await Promise.all(closed)).map(statusOf)).toEqual(closed.map(() => 404));
    // What we write now meets a socket that is gone, not one that waits for us.
    const reset = sockets.map((socket) => new Promise<void>((resolve) => socket.on("error", () => resolve())));
    const writing = setInterval(() => sockets.forEach((socket) => socket.destroyed || socket.write("x")), 5);
    await Promise.all(reset);
    clearInterval(writing);
  });

  it("reads bodies without a length, and bounds them", async () => {
    const chunked = (body: string): string =>
      `POST /input_hook HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const small = await raw(chunked('{"webrtc_id":"nobody"}'));
    expect([statusOf(small), small.includes("unknown-session")]).toEqual([404, true]);
    expect(statusOf(await raw(chunked("a".repeat(300_000))))).toBe(413);
    expect(
      statusOf(
        await raw(
          "POST /input_hook HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 99999999\r\n\r\naaaa",
        ),
      ),
    ).toBe(413);
  });

  it.each(["PUT", "DELETE", "PROPFIND", "PATCH", "TRACE"])(
    "has nothing for the method %s, which is no fault of ours",
    async (method) => {
      const answer = await raw(`${method} /webrtc/offer HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      expect(statusOf(answer)).toBe(404);
    },
  );

  it.each(["__proto__", "constructor", "prototype"])("takes no key %s from anybody", async (key) => {
    const call = new LoopbackCall({ clock: server.stream.platform.clock });
    const calls = await server.stream.calls();
    const session = await calls.answer(call, { alias: `page-${key}` });
    const body = `{"webrtc_id":"page-${key}","inputs":{"a":{"${key}":{"polluted":1}}}}`;
    const response = await fetch(`${server.base}/input_hook`, { method: "POST", body });
    expect(response.status).toBe(422);
    expect(session.inputs).toEqual({});
    await session.close();
  });

  it("keeps its answers out of caches", async () => {
    for (const path of ["/config", "/ice", "/health", "/metrics"]) {
      expect((await fetch(server.base + path)).headers.get("cache-control")).toBe("no-store");
    }
  });

  it("begins no subscription for a HEAD of the outputs", async () => {
    const call = new LoopbackCall({ clock: server.stream.platform.clock });
    const calls = await server.stream.calls();
    const session = await calls.answer(call, { alias: "page" });
    session.send({ kind: "message", name: "first", data: 1 });
    const head = await fetch(`${server.base}/outputs?webrtc_id=page`, { method: "HEAD" });
    expect(head.status).toBe(200);
    const response = await fetch(`${server.base}/outputs?webrtc_id=page`);
    await session.close();
    expect(await response.text()).toContain("data: 1");
  });

  it("ends a subscription when its page leaves", async () => {
    const call = new LoopbackCall({ clock: server.stream.platform.clock });
    const calls = await server.stream.calls();
    const session = await calls.answer(call, { alias: "leaver" });
    const gone: Promise<void>[] = [];
    const find = calls.outputs.bind(calls);
    calls.outputs = async (id, options) => {
      const queue = await find(id, options);
      if (typeof queue === "object") {
        const iterate = queue[Symbol.asyncIterator].bind(queue);
        gone.push(
          new Promise((resolve) => {
            queue[Symbol.asyncIterator] = () => {
              const iterator = iterate();
              const leave = iterator.return?.bind(iterator);
              return {
                next: () => iterator.next(),
                return: () => (resolve(), leave?.() ?? Promise.resolve({ value: undefined, done: true })),
              };
            };
          }),
        );
      }
      return queue;
    };
    const pages = Array.from({ length: 30 }, () => new AbortController());
    await Promise.all(pages.map(({ signal }) => fetch(`${server.base}/outputs?webrtc_id=leaver`, { signal })));
    expect(gone).toHaveLength(30);
    for (const page of pages) page.abort();
    await Promise.all(gone);
    await session.close();
  });
});
