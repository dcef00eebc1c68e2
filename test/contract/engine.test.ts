import { describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { silentLog } from "../../src/base/log.ts";
import { noMeters } from "../../src/base/meters.ts";
import type { Brief, Engine, EngineEvent, EngineSession, Item } from "../../src/agents/types.ts";
import { pipeline } from "../../src/engines/pipeline/index.ts";
import { openaiRealtime } from "../../src/engines/realtime/index.ts";
import { scripted } from "../../src/engines/scripted/index.ts";
import type { Session } from "../../src/session/types.ts";
import { settle, VirtualClock } from "../../src/testing/clock.ts";
import { upstream } from "../fixtures/realtime-upstream.ts";
import { hearing, tone } from "../scenario/agents-setup.ts";

/** An engine that says this much, then that, and asks for a tool in between. */
interface Behaviour {
  readonly name: string;
  make(): Engine;
}

const LINE = "This is a line that takes a while to be said.";

const engines: readonly Behaviour[] = [
  {
    name: "scripted",
    make: () => scripted({ replies: [[{ say: LINE }, { call: "look", id: "call_1" }], [{ say: "Found it." }]] }),
  },
  {
    name: "pipeline",
    make: () =>
      pipeline({
        stt: hearing(["hello"]),
        tts: tone(),
        llm: ({ items }) => {
          if (items.some((item) => item.kind === "result")) return "Found it.";
          return (async function* () {
            yield { type: "text-delta", text: LINE };
            yield { type: "tool-call", toolCallId: "call_1", toolName: "look", input: {} };
          })();
        },
      }),
  },
  { name: "realtime", make: overRealtime },
];

/** Our session on our own realtime server, whose mind is the scripted one. */
function overRealtime(): Engine {
  const platform = {
    clock: new VirtualClock(),
    log: silentLog,
    meters: noMeters,
    random: (n: number) => crypto.getRandomValues(new Uint8Array(n)),
  };
  const mind = scripted({ replies: [[{ say: LINE }, { call: "look", id: "call_1" }], [{ say: "Found it." }]] });
  const { dial } = upstream({ platform, engine: mind, latencyMs: 0 });
  return openaiRealtime({ model: "gpt-realtime-2.1", apiKey: "none", dial });
}

const brief: Brief = { agent: "Ada", instructions: "", history: [], turns: "local", tools: [], phrases: [] };
const line: Item = { id: "itm_caller", at: 0, kind: "message", who: "caller", text: "Go on." };

async function open(
  engine: Engine,
): Promise<{ session: EngineSession; events: EngineEvent[]; clock: VirtualClock; phases: () => string[] }> {
  const clock = new VirtualClock();
  const events: EngineEvent[] = [];
  const platform = {
    clock,
    log: silentLog,
    meters: noMeters,
    random: (n: number) => crypto.getRandomValues(new Uint8Array(n)),
  };
  // What an engine may ask of a session: its clock, how far ahead of the ear it is, its page.
  const caller = { clock, pending: 0, signal: new AbortController().signal, on: () => () => {} } as unknown as Session;
  const session = await engine.open(brief, (event) => events.push(event), {
    session: caller,
    signal: caller.signal,
    platform,
  });
  return {
    session,
    events,
    clock,
    phases: () => events.flatMap((event) => (event.type === "reply" ? [event.phase] : [])),
  };
}

describe.each(engines)("every engine: $name", ({ make }) => {
  it("says nothing before it is asked", async () => {
    const { events, clock } = await open(make());
    await clock.advance(1_000);
    expect(events).toEqual([]);
  });

  it("brackets a reply, and ties its words and its audio to it", async () => {
    const { session, events, clock, phases } = await open(make());
    session.add(line);
    session.answer();
    await clock.advance(500);
    expect(phases()).toEqual(["started", "done"]);
    const replies = events.flatMap((event) => (event.type === "reply" ? [event.id] : []));
    const spoken = events.flatMap((event) => (event.type === "audio" ? [event.frame.item] : []));
    const words = events.flatMap((event) => (event.type === "words" && event.who === "agent" ? [event.item] : []));
    expect(new Set([...replies, ...spoken, ...words]).size).toBe(1);
    expect(events.findLast((event) => event.type === "words")).toMatchObject({ text: LINE, final: true });
    expect(events[0]).toMatchObject({ type: "reply", phase: "started" });
    expect(events.at(-1)).toMatchObject({ type: "reply", phase: "done" });
  });

  it("gives audio at the rate it promises", async () => {
    const engine = make();
    const { session, events, clock } = await open(engine);
    session.say("A fixed text.");
    await clock.advance(500);
    const rates = events.flatMap((event) => (event.type === "audio" ? [event.frame.rate] : []));
    expect(new Set(rates)).toEqual(new Set([engine.can.rate.out]));
  });

  it("says a fixed text as it is", async () => {
    const { session, events, clock, phases } = await open(make());
    session.say("Welcome, whoever you are.");
    await clock.advance(500);
    expect(events.findLast((event) => event.type === "words")).toMatchObject({ text: "Welcome, whoever you are." });
    expect(phases()).toEqual(["started", "done"]);
  });

  it("asks for a tool within its reply, and answers the result when it is asked to", async () => {
    const { session, events, clock } = await open(make());
    session.add(line);
    session.answer();
    await clock.advance(500);
    expect(events.find((event) => event.type === "call")).toEqual({
      type: "call",
      id: "call_1",
      name: "look",
      args: "{}",
    });
    const before = events.length;
    session.add({ id: "itm_result", at: 0, kind: "result", call: "call_1", output: "found", failed: false });
    await clock.advance(500);
    expect(events).toHaveLength(before);
    session.answer();
    await clock.advance(500);
    expect(events.findLast((event) => event.type === "words")).toMatchObject({ text: "Found it." });
  });

  it("tells that a reply was cancelled, and nothing of that reply afterwards", async () => {
    const { session, events, clock, phases } = await open(make());
    session.say(LINE);
    const before = events.length;
    const wasDone = phases().includes("done");
    session.cancel();
    session.heard({ item: undefined, played: 0, dropped: 0, exact: true });
    await clock.advance(2_000);
    // What it cost may be told later: that is a bill, not a word of the reply.
    const told = events.slice(before).filter((event) => event.type !== "usage");
    const after = told.map((event) => (event.type === "reply" ? event.phase : event.type));
    expect(after).toEqual(wasDone ? [] : ["cancelled"]);
    session.say("Again.");
    await clock.advance(500);
    expect(phases().at(-1)).toBe("done");
  });

  it("ends everything it began", async () => {
    const { session, events, clock } = await open(make());
    session.add(line);
    session.answer();
    session.say("One.");
    session.say("Two.");
    await clock.advance(1_000);
    session.cancel();
    await clock.advance(1_000);
    const started = events.flatMap((event) => (event.type === "reply" && event.phase === "started" ? [event.id] : []));
    const ended = events.flatMap((event) => (event.type === "reply" && event.phase !== "started" ? [event.id] : []));
    expect(ended).toEqual(started);
    // Replies follow each other: none begins before the one before it has ended.
    let live = 0;
    for (const event of events)
      if (event.type === "reply") expect((live += event.phase === "started" ? 1 : -1)).toBeLessThanOrEqual(1);
  });

  it("takes everything after close without a word, and releases its timers", async () => {
    const { session, events, clock } = await open(make());
    session.say(LINE);
    await session.close();
    const at = events.length;
    session.hear(monoFrame(new Int16Array(320), 16_000));
    session.turn({ type: "started", from: 0, at: 0 });
    session.add(line);
    session.answer();
    session.say("Nobody hears this.");
    session.cancel();
    session.heard({ item: undefined, played: 0, dropped: 0, exact: true });
    await session.rebrief({ ...brief, agent: "Ben" });
    await session.close();
    await clock.advance(5_000);
    await settle();
    expect(events).toHaveLength(at);
    expect(clock.pending).toBe(0);
  });
});
