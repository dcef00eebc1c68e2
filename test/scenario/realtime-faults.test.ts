import { describe, expect, it, onTestFinished } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import type { Brief, EngineEvent, Item } from "../../src/agents/types.ts";
import { openaiRealtime } from "../../src/engines/realtime/index.ts";
import { silentLog } from "../../src/base/log.ts";
import { MemoryMeters } from "../../src/base/meters.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import type { Session } from "../../src/session/types.ts";
import { createUpstream, type Upstream, type UpstreamFault } from "../../src/testing/upstream.ts";
import { voice } from "../fixtures/realtime-upstream.ts";

const brief: Brief = {
  agent: "Ada",
  instructions: "You are Ada.",
  history: [],
  turns: "engine",
  tools: [],
  phrases: [],
};
/** Our session over a real socket, to a provider that does wrong what it is told to. */
async function callWith(
  faults: readonly UpstreamFault[],
  {
    finished = onTestFinished,
    before,
  }: { readonly finished?: typeof onTestFinished; readonly before?: (upstream: Upstream) => void } = {},
) {
  const upstream = await createUpstream({
    replies: ({ items }) => [{ say: items.some((item) => item.kind === "message") ? "I remember." : "I hear you." }],
    hears: Array.from({ length: 9 }, () => "Hello."),
    faults,
  });
  before?.(upstream);
  const platform = nodePlatform({ log: silentLog, meters: new MemoryMeters() });
  const events: EngineEvent[] = [];
  const caller = {
    clock: platform.clock,
    pending: 0,
    signal: new AbortController().signal,
    on: () => () => {},
  } as unknown as Session;
  const engine = openaiRealtime({ model: "gpt-realtime-2.1", apiKey: "sk-none", baseUrl: upstream.url });
  const session = await engine.open(brief, (event) => events.push(event), {
    session: caller,
    signal: caller.signal,
    platform,
  });
  finished(async () => {
    await session.close();
    await upstream.close();
  });
  let at = 0;
  return {
    upstream,
    session,
    events,
    engine,
    /** Speech, and the silence that ends it, as fast as a socket takes it. */
    speak: () => {
      for (const samples of [voice(600).samples, new Int16Array(24 * 900)])
        for (let from = 0; from < samples.length; from += 480) {
          session.hear(monoFrame(samples.subarray(from, from + 480), 24_000, at));
          at += 20;
        }
    },
    done: () => events.filter((event) => event.type === "reply" && event.phase === "done").length,
    over: () => events.some((event) => event.type === "closed"),
    until: async (isSo: () => boolean, ms = 12_000) => {
      const end = performance.now() + ms;
      while (!isSo() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(isSo()).toBe(true);
    },
  };
}

const ordinary: readonly UpstreamFault["on"][] = [
  "input_audio_buffer.speech_started",
  "input_audio_buffer.committed",
  "conversation.item.added",
  "conversation.item.input_audio_transcription.completed",
  "response.created",
  "response.output_audio.delta",
  "response.output_audio_transcript.done",
  "response.done",
];

describe("a provider over a real socket", () => {
  it("takes a call from the first word to the last", async () => {
    const { speak, done, until, events, upstream, session } = await callWith([]);
    speak();
    await until(() => done() === 1);
    expect(events.some((event) => event.type === "audio")).toBe(true);
    expect(upstream.connections[0]?.request.headers["authorization"]).toBe("Bearer sk-none");
    expect(upstream.connections[0]?.request.url).toBe("/v1/realtime?model=gpt-realtime-2.1");
    const item: Item = { id: "itm_typed", at: 0, kind: "message", who: "caller", text: "And typed?" };
    session.add(item);
    session.answer();
    await until(() => done() === 2);
  });

  it.concurrent.for(
    ordinary.flatMap((on) => (["cut", "half", "duplicate"] as const).map((fault) => [fault, on] as const)),
  )("goes on, and answers the next question, after a %s at %s", async ([fault, on], { onTestFinished: finished }) => {
    const { speak, done, until, over, session } = await callWith([{ do: fault, on, connection: 0 }], { finished });
    speak();
    // Whatever became of the first question, the line is alive afterwards.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const before = done();
    session.cancel();
    speak();
    await until(() => done() > before);
    expect(over()).toBe(false);
  });

  it.concurrent.for([
    [{ do: "close", code: 1001, on: "response.created", connection: 0 }],
    [{ do: "close", code: 1011, on: "response.output_audio.delta", connection: 0 }],
    [{ do: "late", by: 2, on: "response.created", connection: 0 }],
    [{ do: "late", by: 3, on: "input_audio_buffer.committed", connection: 0 }],
    [{ do: "huge", bytes: 4_000_000, on: "response.output_audio.delta", connection: 0 }],
    [{ do: "before", send: "{", on: "any", connection: 0 }],
    [
      {
        do: "before",
        send: '{"type":"response.output_audio.delta","delta":"@@@"}',
        on: "response.output_audio.delta",
        connection: 0,
      },
    ],
    [
      {
        do: "replace",
        with: '{"type":"response.audio.delta","event_id":"e","delta":""}',
        on: "response.output_audio.delta",
        connection: 0,
      },
    ],
  ] as const satisfies readonly (readonly [UpstreamFault])[])(
    "goes on after %j",
    async ([fault], { onTestFinished: finished }) => {
      const { speak, done, until, over, session } = await callWith([fault], { finished });
      speak();
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      const before = done();
      session.cancel();
      speak();
      await until(() => done() > before);
      expect(over()).toBe(false);
    },
  );

  it("waits as long as the provider asks when it is told to come back later", async () => {
    const from = performance.now();
    const { upstream, speak, done, until } = await callWith([], {
      before: (one) => one.refuse({ status: 429, headers: { "retry-after": "1" } }),
    });
    expect(performance.now() - from).toBeGreaterThanOrEqual(990);
    expect(upstream.connections).toHaveLength(1);
    speak();
    await until(() => done() === 1);
  });

  it.each([
    [401, "provider-auth"],
    [404, "provider-config"],
  ])("throws a clear error when the provider answers with %i", async (status, code) => {
    const upstream = await createUpstream();
    upstream.refuse({ status });
    const platform = nodePlatform({ log: silentLog, meters: new MemoryMeters() });
    const caller = {
      clock: platform.clock,
      pending: 0,
      signal: new AbortController().signal,
      on: () => () => {},
    } as unknown as Session;
    const engine = openaiRealtime({ model: "m", apiKey: "sk-none", baseUrl: upstream.url });
    await expect(
      engine.open(brief, () => {}, { session: caller, signal: caller.signal, platform }),
    ).rejects.toMatchObject({ code });
    await upstream.close();
  });

  it("tries on while there is nobody at the address, until the caller hangs up", async () => {
    const platform = nodePlatform({ log: silentLog, meters: new MemoryMeters() });
    const abort = new AbortController();
    const caller = {
      clock: platform.clock,
      pending: 0,
      signal: abort.signal,
      on: () => () => {},
    } as unknown as Session;
    const engine = openaiRealtime({ model: "m", apiKey: "sk-none", baseUrl: "ws://127.0.0.1:9" });
    const opening = engine.open(brief, () => {}, { session: caller, signal: caller.signal, platform });
    const from = performance.now();
    setTimeout(() => abort.abort(), 300);
    await expect(opening).rejects.toMatchObject({ code: "closed" });
    expect(performance.now() - from).toBeLessThan(1_000);
  });
});
