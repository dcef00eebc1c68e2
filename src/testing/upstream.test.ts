import { WebSocket } from "ws";
import { afterEach, describe, expect, it } from "vitest";
import { isFault } from "../base/errors.ts";
import { readServerEvent } from "../protocol/openai/server-events.ts";
import { VirtualClock } from "./clock.ts";
import { createUpstream, type Upstream, type UpstreamOptions } from "./upstream.ts";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

interface Line {
  readonly upstream: Upstream;
  readonly texts: string[];
  readonly types: () => readonly string[];
  readonly closed: Promise<number>;
  send(event: object): void;
  /** Settles once this many texts have come. */
  until(isSo: () => boolean): Promise<void>;
}

async function connect(options: UpstreamOptions, made?: Upstream): Promise<Line> {
  const upstream = made ?? (await createUpstream(options));
  if (made === undefined) open.push(upstream);
  const socket = new WebSocket(`${upstream.url}?model=m`);
  const texts: string[] = [];
  const waiting: { isSo: () => boolean; resolve: () => void }[] = [];
  const look = (): void => {
    for (const one of waiting) if (one.isSo()) one.resolve();
  };
  socket.on("message", (data) => {
    texts.push(Buffer.isBuffer(data) ? data.toString("utf8") : "");
    look();
  });
  socket.on("error", () => {});
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await new Promise((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("unexpected-response", (_request, response) => reject(new Error(`status ${response.statusCode}`)));
  });
  return {
    upstream,
    texts,
    types: () =>
      texts.map((text) => {
        const event = readServerEvent(text);
        return isFault(event) ? "fault" : event.type;
      }),
    closed,
    send: (event) => socket.send(JSON.stringify(event)),
    until: (isSo) => (isSo() ? Promise.resolve() : new Promise((resolve) => waiting.push({ isSo, resolve }))),
  };
}

const ask = { type: "response.create" };
const replies = [[{ say: "One two three four five." }], [{ say: "Six." }]];

describe("an upstream", () => {
  it("speaks the protocol when nothing is wrong", async () => {
    const line = await connect({ replies });
    line.send(ask);
    await line.until(() => line.types().includes("response.done"));
    expect(line.types().filter((type) => type === "fault")).toEqual([]);
    expect(line.upstream.connections[0]?.of("response.create")).toHaveLength(1);
    expect(line.upstream.connections[0]?.request.url).toBe("/v1/realtime?model=m");
  });

  it("cuts the line in the middle of a reply", async () => {
    const line = await connect({ replies, faults: [{ on: "response.output_audio.delta", nth: 3, do: "cut" }] });
    line.send(ask);
    expect(await line.closed).toBe(1006);
    expect(line.types().filter((type) => type === "response.output_audio.delta")).toHaveLength(2);
  });

  it("ends a session after an hour that is told, not waited for", async () => {
    const clock = new VirtualClock();
    const line = await connect({ clock });
    await line.until(() => line.texts.length === 1);
    await clock.advance(3_600_000);
    expect(await line.closed).toBe(1001);
    expect(JSON.parse(line.texts.at(-1) ?? "")).toMatchObject({ type: "error", error: { code: "session_expired" } });
  });

  it("closes with a code in place of an event", async () => {
    const line = await connect({ faults: [{ on: "session.created", do: "close", code: 1013, reason: "later" }] });
    expect(await line.closed).toBe(1013);
    expect(line.texts).toEqual([]);
  });

  it("falls silent and stays open", async () => {
    const line = await connect({ replies, faults: [{ on: "response.created", do: "silence" }] });
    line.send(ask);
    line.send(ask);
    const other = await connect({}, line.upstream);
    await other.until(() => other.texts.length === 1);
    expect(line.types()).toEqual(["session.created"]);
    expect(line.upstream.connections[0]?.isOpen).toBe(true);
  });

  it("sends half a text, twice the same, too late, far too much, something else, and nothing", async () => {
    const line = await connect({
      replies,
      faults: [
        { on: "rate_limits.updated", do: "half" },
        { on: "response.output_item.added", do: "duplicate" },
        { on: "response.content_part.added", do: "late", by: 3 },
        { on: "response.output_audio.delta", do: "huge", bytes: 1_000_000 },
        { on: "response.output_audio.done", do: "drop" },
        { on: "response.content_part.done", do: "replace", with: '{"type":"response.dream"}' },
        { on: "response.done", do: "before", send: "[]" },
      ],
    });
    line.send(ask);
    await line.until(() => line.types().includes("response.done"));
    const types = line.types();
    expect(types.filter((type) => type === "fault")).toHaveLength(2);
    expect(types.filter((type) => type === "response.output_item.added")).toHaveLength(2);
    expect(types.indexOf("response.content_part.added")).toBeGreaterThan(types.indexOf("response.output_audio.delta"));
    expect(Math.max(...line.texts.map(({ length }) => length))).toBeGreaterThan(990_000);
    expect(types).not.toContain("response.output_audio.done");
    expect(types).toContain("unknown");
  });

  it("limits responses", async () => {
    const line = await connect({ replies, limits: { requestsPerMinute: 1 } });
    line.send(ask);
    await line.until(() => line.types().includes("response.done"));
    line.send(ask);
    await line.until(() => line.types().filter((type) => type === "response.done").length === 2);
    const last = line.texts
      .map((text) => JSON.parse(text) as { type: string; response?: unknown })
      .findLast(({ type }) => type === "response.done");
    expect(last?.response).toMatchObject({
      status: "failed",
      status_details: { error: { code: "rate_limit_exceeded" } },
    });
  });

  it("refuses upgrades", async () => {
    const upstream = await createUpstream();
    open.push(upstream);
    upstream.refuse({ status: 429, headers: { "retry-after": "1" } }, { status: 503 });
    await expect(connect({}, upstream)).rejects.toThrow("429");
    await expect(connect({}, upstream)).rejects.toThrow("503");
    const line = await connect({}, upstream);
    await line.until(() => line.texts.length === 1);
  });

  it("hurts only the connection that is named", async () => {
    const line = await connect({ faults: [{ on: "session.created", connection: 1, do: "cut" }] });
    await line.until(() => line.texts.length === 1);
    const second = await connect({}, line.upstream);
    expect(await second.closed).toBe(1006);
  });
});
