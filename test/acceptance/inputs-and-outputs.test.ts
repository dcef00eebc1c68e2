/* Lines I of docs/acceptance.md: what a page sets, and what it is told beside the media. */
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { silentLog } from "../../src/base/log.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { Front } from "../../src/server/front.ts";
import { Stream } from "../../src/server/stream.ts";
import type { Handler, Session } from "../../src/session/types.ts";
import { VirtualClock } from "../../src/testing/clock.ts";
import { SocketCaller } from "../../src/testing/socket-caller.ts";
import { serveStream, type StreamServer, until, wait } from "../fixtures/stream-server.ts";

let server: { close(): Promise<void> } | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve<In>(
  handler: Handler<In>,
  options: Parameters<typeof serveStream<In>>[1] = {},
): Promise<StreamServer<In>> {
  const made = await serveStream(handler, options);
  server = made;
  return made;
}

/** A stock page on a WebSocket, under an id of its own choice. */
const page = (base: string, id: string): Promise<SocketCaller> =>
  new SocketCaller(`${base.replace("http", "ws")}/websocket/offer`, { profile: "fastrtc", id }).start();

const hook = (base: string, body: unknown): Promise<Response> =>
  fetch(`${base}/input_hook`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

/** What an EventSource gets, event by event, until the server ends it or `count` have come. */
async function events(url: string, count: number): Promise<string[]> {
  const abort = new AbortController();
  const { body } = await fetch(url, { signal: abort.signal });
  const found: string[] = [];
  let text = "";
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = block.split("\n").flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : []));
      if (block.includes("event: output")) found.push(data.join("\n"));
    }
    if (found.length >= count) break;
  }
  abort.abort();
  return found;
}

const settings = z.object({
  voice: z.string().default("low"),
  volume: z.number().min(0).max(1).default(0.5),
  tags: z.array(z.string()).default([]),
});

describe("inputs", () => {
  it("I1 a page that ignores send_input: the turn goes on 1 s later with the defaults", async () => {
    const got: { readonly inputs: unknown; readonly ms: number }[] = [];
    const { base } = await serve(
      async (session: Session<z.infer<typeof settings>>) => {
        const asked = session.clock.now();
        got.push({ inputs: await session.requestInputs(), ms: session.clock.now() - asked });
        await until(session as Session);
      },
      { inputs: settings },
    );
    const caller = await page(base, "quiet");
    await caller.event("send_input");
    await expect.poll(() => got.length, { timeout: 3_000 }).toBe(1);
    expect(got[0]?.inputs).toEqual({ voice: "low", volume: 0.5, tags: [] });
    expect(got[0]?.ms).toBeGreaterThanOrEqual(990);
    expect(got[0]?.ms).toBeLessThan(1_300);
    await caller.stop();
  });

  it("I1 a page that answers send_input is not waited for any longer", async () => {
    const got: unknown[] = [];
    const { base } = await serve(
      async (session: Session<z.infer<typeof settings>>) => {
        got.push(await session.requestInputs({ timeoutMs: 10_000 }));
        await until(session as Session);
      },
      { inputs: settings },
    );
    const caller = await page(base, "prompt");
    await caller.event("send_input");
    expect((await hook(base, { webrtc_id: "prompt", voice: "high" })).status).toBe(200);
    await expect.poll(() => got).toEqual([{ voice: "high", volume: 0.5, tags: [] }]);
    await caller.stop();
  });

  it("I7 inputs of the wrong type are answered 422 with the path of the error, and the handler never sees them", async () => {
    const seen: unknown[] = [];
    const { base, sessions, stream } = await serve(
      async (session: Session<z.infer<typeof settings>>) => {
        session.on("inputs", (inputs) => seen.push(inputs));
        session.on("message", (message) => seen.push(message));
        await until(session as Session);
      },
      { inputs: settings },
    );
    const caller = await page(base, "typed");
    await expect.poll(() => sessions.length).toBe(1);
    for (const [values, path] of [
      [{ volume: "loud" }, "volume"],
      [{ volume: 3 }, "volume"],
      [{ tags: ["a", 7] }, "tags.1"],
      [{ inputs: { voice: null } }, "voice"],
    ] as const) {
      const refused = await hook(base, { webrtc_id: "typed", ...values });
      expect(refused.status).toBe(422);
      const body: unknown = await refused.json();
      expect(body).toMatchObject({
        status: "failed",
        meta: { error: "bad-message", message: expect.stringContaining(`${path}: `) },
      });
    }
    caller.json({ type: "inputs", data: { volume: "loud" } });
    expect((await caller.event("warning")).json["message"]).toContain("volume: ");
    expect(() => stream.setInputs("typed", { voice: 7 })).toThrow(expect.objectContaining({ code: "bad-message" }));
    expect(seen).toEqual([]);
    expect(sessions[0]?.inputs).toEqual({ voice: "low", volume: 0.5, tags: [] });
    expect((await hook(base, { webrtc_id: "typed", volume: 1, unknown: true })).status).toBe(200);
    expect(seen).toEqual([{ voice: "low", volume: 1, tags: [] }]);
    await caller.stop();
  });

  it("I7 the inputs of one session are not those of another, although both began with the same defaults", async () => {
    const { base, sessions } = await serve<z.infer<typeof settings>>((session) => until(session as Session), {
      inputs: settings,
    });
    const callers = [await page(base, "one"), await page(base, "two")];
    await expect.poll(() => sessions.length).toBe(2);
    sessions[0]?.inputs.tags.push("mine");
    await hook(base, { webrtc_id: "one", volume: 0 });
    expect(sessions[1]?.inputs).toEqual({ voice: "low", volume: 0.5, tags: [] });
    await Promise.all(callers.map((caller) => caller.stop()));
  });

  it("I7 a schema without a default for every input is refused before anybody calls", () => {
    const make = (): unknown => new Stream(wait as Handler<{ key: string }>, { inputs: z.object({ key: z.string() }) });
    expect(make).toThrow(expect.objectContaining({ code: "config", message: expect.stringContaining("key: ") }));
  });
});

describe("outputs", () => {
  const chatter: Handler = async (session) => {
    for (let i = 1; i <= 3; i++) session.send({ kind: "message", name: "line", data: `before ${i}` });
    session.on("message", (message) => {
      if (message.type === "text") session.send({ kind: "message", name: "line", data: message.text });
    });
    await until(session);
  };

  it("I4 two subscribers each get every message", async () => {
    const { base, sessions } = await serve(chatter);
    const caller = await page(base, "two-ears");
    await expect.poll(() => sessions.length).toBe(1);
    const first = events(`${base}/outputs?webrtc_id=two-ears`, 8);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const second = events(`${base}/outputs?webrtc_id=two-ears`, 5);
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const text of ["1", "2", "3", "4", "5"]) await hook(base, { webrtc_id: "two-ears", textbox: text });
    expect(await first).toEqual(["before 1", "before 2", "before 3", "1", "2", "3", "4", "5"]);
    expect(await second).toEqual(["1", "2", "3", "4", "5"]);
    await caller.stop();
  });

  it("I5 what was sent before the page subscribed arrives, whether it asks before the call or long after", async () => {
    const { base, sessions } = await serve(chatter);
    const early = events(`${base}/outputs?webrtc_id=early`, 3);
    const one = await page(base, "early");
    expect(await early).toEqual(["before 1", "before 2", "before 3"]);
    const two = await page(base, "late");
    await expect.poll(() => sessions.length).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await events(`${base}/outputs?webrtc_id=late`, 3)).toEqual(["before 1", "before 2", "before 3"]);
    await Promise.all([one.stop(), two.stop()]);
  });

  it("I6 a session that is over answers 204, and fifty subscriptions to unknown ids leave nothing behind", async () => {
    const clock = new VirtualClock();
    const stream = new Stream(chatter, {
      platform: { ...nodePlatform(), clock, log: silentLog },
      detector: () => ({ rate: 16_000, window: 512, push: () => 0, reset() {} }),
    });
    const front = await Front.open(stream);
    server = front;
    // Opening rehearses a WebRTC call, which ends by itself.
    await expect.poll(() => clock.pending).toBe(0);
    const asked = Array.from({ length: 50 }, (_, i) =>
      Promise.resolve(front.fetch(new Request(`http://localhost/outputs?webrtc_id=never-${i}`))),
    );
    await expect.poll(() => clock.pending).toBe(50);
    await clock.advance(10_000);
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 404));
    expect(clock.pending).toBe(0);
  });

  it("I6 the stream of a session ends with it, and asking again answers 204", async () => {
    const { base, sessions } = await serve(chatter);
    const caller = await page(base, "brief");
    await expect.poll(() => sessions.length).toBe(1);
    const all = events(`${base}/outputs?webrtc_id=brief`, Number.POSITIVE_INFINITY);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await caller.stop();
    expect(await all).toEqual(["before 1", "before 2", "before 3"]);
    await expect.poll(async () => (await fetch(`${base}/outputs?webrtc_id=brief`)).status).toBe(204);
  });
});
