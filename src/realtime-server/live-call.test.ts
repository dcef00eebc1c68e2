import { describe, expect, it } from "vitest";
import { silentLog } from "../base/log.ts";
import { noMeters } from "../base/meters.ts";
import type { Platform } from "../base/platform.ts";
import { scripted, type Scripted, type ScriptedOptions } from "../engines/scripted/index.ts";
import type { Engine } from "../agents/types.ts";
import { settle, VirtualClock } from "../testing/clock.ts";
import { EnergyDetector } from "../vad/energy.ts";
import { LiveCall } from "./live-call.ts";

interface Bench {
  readonly call: LiveCall;
  readonly clock: VirtualClock;
  readonly events: { readonly type: string; readonly error?: { readonly code: string } }[];
  readonly closes: number[];
  released: number;
}

function bench(engine: Engine): Bench {
  const clock = new VirtualClock();
  let ids = 0;
  const platform: Platform = {
    clock,
    log: silentLog,
    meters: noMeters,
    random: (bytes) => new Uint8Array(bytes).fill((ids += 1) & 255),
  };
  const made: Bench = {
    clock,
    events: [],
    closes: [],
    released: 0,
    call: new LiveCall({
      id: "rtc_1",
      engine,
      platform,
      makeId: (prefix) => `${prefix}_${(ids += 1)}`,
      agent: "assistant",
      phrases: () => [],
      kind: "realtime",
      model: "m",
      media: "events",
      makeDetector: (rate) => new EnergyDetector(rate),
      defaultModel: "m",
      onClosed: () => {
        made.released += 1;
      },
    }),
  };
  made.call.join({ send: (text) => made.events.push(JSON.parse(text)), close: (code) => made.closes.push(code) });
  return made;
}

const send = ({ call }: Bench, event: object): void => call.receive(JSON.stringify(event));
const text = {
  type: "conversation.item.create",
  item: { type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] },
};

/** A scripted engine of which one command throws. */
function broken(command: "hear" | "answer" | "open" | "rebrief", options: ScriptedOptions = { replies: [] }): Engine {
  const whole: Scripted = scripted(options);
  return {
    ...whole,
    open: async (brief, sink, context) => {
      if (command === "open") throw new TypeError("no");
      const session = await whole.open(brief, sink, context);
      return new Proxy(session, {
        get: (target, name) => {
          if (name === command)
            return () => {
              throw new TypeError("no");
            };
          const member: unknown = Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        },
      });
    },
  };
}

describe("a live call", () => {
  it("waits with its orders until the engine is open, and keeps their order", async () => {
    const engine = scripted({ replies: [[{ say: "Hello." }]] });
    const made = bench(engine);
    send(made, { type: "session.update", session: { type: "realtime", instructions: "Be kind." } });
    send(made, text);
    send(made, { type: "response.create" });
    expect(engine.log).toEqual(["open assistant"]);
    await made.clock.advance(0);
    expect(engine.log).toEqual(["open assistant", "rebrief assistant marin", "add message", "answer"]);
    expect(made.events.at(-2)?.type).toBe("response.done");
  });

  it.each(["open", "hear", "answer"] as const)(
    "whose engine throws at %s tells why and closes, once",
    async (command) => {
      const made = bench(broken(command));
      await made.clock.advance(0);
      if (command === "hear")
        send(made, { type: "input_audio_buffer.append", audio: Buffer.alloc(960).toString("base64") });
      if (command === "answer") send(made, { type: "response.create" });
      await made.clock.advance(5_000);
      const types = made.events.map(({ type }) => type);
      expect(made.events.at(-1)).toMatchObject({ type: "error", error: { type: "server_error" } });
      expect(types.filter((type) => type === "response.done").length).toBe(command === "answer" ? 1 : 0);
      expect(made.closes).toEqual([1011]);
      expect(made.released).toBe(1);
      expect(made.clock.pending).toBe(0);
    },
  );

  it("goes on when the engine cannot be told anew", async () => {
    const made = bench(broken("rebrief", { replies: [[{ say: "Still here." }]] }));
    await made.clock.advance(0);
    send(made, { type: "session.update", session: { type: "realtime", instructions: "Other." } });
    send(made, text);
    send(made, { type: "response.create" });
    await made.clock.advance(0);
    expect(made.events.map(({ type }) => type)).toContain("error");
    expect(made.events.at(-2)?.type).toBe("response.done");
  });

  it("leaves nothing behind: no timer, no engine, and it is told once", async () => {
    const engine = scripted({ replies: [[{ say: "One" }, { wait: 50_000 }, { say: "two" }]] });
    const made = bench(engine);
    await made.clock.advance(0);
    send(made, { type: "response.create" });
    send(made, { type: "response.create", response: { conversation: "none", input: [] } });
    await made.clock.advance(10);
    await Promise.all([made.call.close(), made.call.close(1001, "again")]);
    await settle();
    expect(made.closes).toEqual([1000]);
    expect(made.released).toBe(1);
    expect(engine.log.filter((line) => line === "close").length).toBe(2);
    const before = made.events.length;
    send(made, text);
    await made.clock.advance(4_000_000);
    expect(made.events.length).toBe(before);
    expect(made.clock.pending).toBe(0);
  });

  it("takes a long append in pieces and what follows behind it", async () => {
    const made = bench(scripted({ replies: [] }));
    await made.clock.advance(0);
    send(made, { type: "session.update", session: { type: "realtime", audio: { input: { turn_detection: null } } } });
    send(made, { type: "input_audio_buffer.append", audio: Buffer.alloc(48 * 10_000).toString("base64") });
    send(made, { type: "input_audio_buffer.commit" });
    expect(made.events.map(({ type }) => type)).not.toContain("input_audio_buffer.committed");
    while (!made.events.some(({ type }) => type === "input_audio_buffer.committed"))
      await new Promise((resolve) => setImmediate(resolve));
    expect(made.events.some(({ type }) => type === "error")).toBe(false);
  });
});
