/* The agents SDK over WebSocket: its session runs turns, tools, handoffs and interruptions against our server. */
import { RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { z } from "zod";
import { afterEach, describe, expect, it } from "vitest";
import { RealtimeOracle } from "../fixtures/realtime-oracle.ts";
import type { ServerEvent } from "../../src/protocol/openai/server-events.ts";
import { bench, type Bench, type BenchOptions, pieces, speech, until } from "./setup.ts";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

interface Connected {
  readonly session: RealtimeSession;
  readonly bench: Bench;
  readonly oracle: RealtimeOracle;
  readonly errors: unknown[];
  readonly types: string[];
  readonly counts: { audio: number; agentEnds: number; interrupted: number };
  speak(text: string): void;
  done(): number;
}

async function connect(agent: RealtimeAgent, options: BenchOptions, detection: object = {}): Promise<Connected> {
  const made = await bench(options);
  const session = new RealtimeSession(agent, {
    transport: "websocket",
    model: "gpt-realtime-2.1",
    tracingDisabled: false,
    config: {
      audio: {
        input: {
          transcription: { model: "t" },
          turnDetection: { type: "server_vad", silenceDurationMs: 300, ...detection },
        },
      },
    },
  });
  const oracle = new RealtimeOracle();
  const errors: unknown[] = [];
  const types: string[] = [];
  const counts = { audio: 0, agentEnds: 0, interrupted: 0 };
  session.transport.on("*", (event) => {
    types.push(event.type);
    // The SDK clones what came over the wire.
    oracle.see(event as unknown as ServerEvent);
  });
  session.on("error", (error) => errors.push(error));
  session.on("audio", ({ data }) => {
    counts.audio += data.byteLength;
  });
  session.on("agent_end", () => {
    counts.agentEnds += 1;
  });
  session.on("audio_interrupted", () => {
    counts.interrupted += 1;
  });
  open.push(session, made);
  await session.connect({ apiKey: "sk-test", url: `ws://127.0.0.1:${made.port}/v1/realtime` });
  await until("the session", () => types.includes("session.updated"));
  return {
    session,
    bench: made,
    oracle,
    errors,
    types,
    counts,
    speak: (text) => {
      for (const piece of pieces(speech(text)))
        session.sendAudio(piece.buffer.slice(piece.byteOffset, piece.byteOffset + piece.byteLength) as ArrayBuffer);
    },
    done: () => types.filter((type) => type === "response.done").length,
  };
}

const sums = (line: readonly { type: string }[], type: string): number =>
  line.filter((item) => item.type === type).length;

describe("the agents SDK over WebSocket", () => {
  it("runs three spoken turns with a tool and a handoff", async () => {
    let runs = 0;
    const weather = tool({
      name: "get_weather",
      description: "The weather in a city",
      parameters: z.object({ city: z.string() }),
      execute: ({ city }) => {
        runs += 1;
        return `Rain in ${city}`;
      },
    });
    const benefits = new RealtimeAgent({ name: "Benefits", instructions: "You know benefits." });
    const desk = new RealtimeAgent({
      name: "Desk",
      instructions: "You are the desk.",
      tools: [weather],
      handoffs: [benefits],
    });
    const { session, oracle, errors, counts, speak, done } = await connect(desk, {
      hears: ["Hello.", "The weather in Oslo?", "Benefits please."],
      replies: [
        [{ say: "Hello to you." }],
        [{ say: "One moment." }, { call: "get_weather", args: { city: "Oslo" } }],
        [{ say: "It rains." }],
        [{ call: "transfer_to_Benefits", args: {} }],
        [{ say: "Benefits here." }],
      ],
    });
    speak("Hello.");
    await until("the first reply", () => done() === 1);
    speak("What is the weather in Oslo?");
    await until("the tool's reply", () => done() === 3);
    speak("Benefits please.");
    await until("the colleague's reply", () => done() === 5 && counts.agentEnds >= 5);
    expect(runs).toBe(1);
    expect(session.currentAgent.name).toBe("Benefits");
    expect(counts.audio).toBe(
      ("Hello to you.".length + "One moment.".length + "It rains.".length + "Benefits here.".length) * 60 * 48,
    );
    expect(session.usage.requests).toBe(5);
    await until("the history", () => sums(session.history, "message") === 7);
    const texts = session.history.flatMap((item) =>
      item.type === "message"
        ? item.content.map((part) => ("transcript" in part ? part.transcript : "text" in part ? part.text : ""))
        : [item.type],
    );
    expect(texts.filter((text) => text !== "function_call")).toEqual([
      "Hello.",
      "Hello to you.",
      "The weather in Oslo?",
      "One moment.",
      "It rains.",
      "Benefits please.",
      "Benefits here.",
    ]);
    expect(errors).toEqual([]);
    oracle.settle();
    expect(oracle.faults).toEqual([]);
  });

  it("answers typed lines, and changes the agent of an open session", async () => {
    const {
      session,
      bench: made,
      errors,
      done,
    } = await connect(new RealtimeAgent({ name: "A", instructions: "First." }), {
      replies: ({ brief }) => [{ say: brief.instructions }],
    });
    session.sendMessage("Who are you?");
    await until("a reply", () => done() === 1);
    await session.updateAgent(new RealtimeAgent({ name: "B", instructions: "Second." }));
    session.sendMessage("And now?");
    await until("another reply", () => done() === 2);
    await until("the history", () => sums(session.history, "message") === 4);
    const said = session.history
      .map((item) => (item.type === "message" && item.role === "assistant" ? item.content[0] : undefined))
      .filter(Boolean);
    expect(said).toMatchObject([{ transcript: "First." }, { transcript: "Second." }]);
    expect(made.engine.log.filter((line) => line.startsWith("answer"))).toHaveLength(2);
    expect(errors).toEqual([]);
  });

  it("interrupts on speech and truncates what was not heard", async () => {
    const {
      session,
      bench: made,
      oracle,
      errors,
      types,
      counts,
      speak,
      done,
    } = await connect(new RealtimeAgent({ name: "A", instructions: "" }), {
      replies: [[{ say: "A story that goes on for very long." }, { wait: 60_000 }], [{ say: "Yes?" }]],
    });
    session.sendMessage("Tell me a story.");
    await until("our voice", () => counts.audio > 0);
    speak("Stop, please stop.");
    await until("the end of both", () => done() === 2);
    expect(counts.interrupted).toBeGreaterThan(0);
    await until("the truncation", () => types.includes("conversation.item.truncated"));
    await until("heard", () => made.engine.log.some((line) => line.startsWith("heard")));
    expect(errors).toEqual([]);
    oracle.settle();
    expect(oracle.faults).toEqual([]);
  });

  it("runs two calls of one response, and asks for approval where a tool wants it", async () => {
    const runs: string[] = [];
    const make = (name: string, needsApproval = false) =>
      tool({
        name,
        description: name,
        parameters: z.object({}),
        needsApproval,
        execute: () => (runs.push(name), name),
      });
    const {
      session,
      bench: made,
      errors,
      done,
    } = await connect(new RealtimeAgent({ name: "A", instructions: "", tools: [make("one"), make("two", true)] }), {
      replies: ({ index }) =>
        index === 0
          ? [
              { call: "one", args: {} },
              { call: "two", args: {} },
            ]
          : [{ say: "Done." }],
    });
    session.on("tool_approval_requested", (_context, _agent, request) => void session.approve(request.approvalItem));
    session.sendMessage("Both please.");
    await until("both tools", () => runs.length === 2 && done() >= 2);
    await until("both results", () => made.engine.log.filter((line) => line.startsWith("result")).length === 2);
    expect(runs.sort()).toEqual(["one", "two"]);
    expect(errors).toEqual([]);
  });

  it("replays a history into a new call", async () => {
    const { session, oracle, errors, done, types } = await connect(new RealtimeAgent({ name: "A", instructions: "" }), {
      replies: [[{ say: "Welcome back." }]],
    });
    session.updateHistory([
      {
        itemId: "item_old_1",
        type: "message",
        role: "user",
        status: "completed",
        content: [{ type: "input_text", text: "Hello." }],
      },
      {
        itemId: "item_old_2",
        type: "message",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "Good day." }],
      },
    ]);
    await until("both items", () => types.filter((type) => type === "conversation.item.done").length === 2);
    expect(oracle.order).toEqual(["item_old_1", "item_old_2"]);
    session.sendMessage("I am back.");
    await until("a reply", () => done() === 1);
    expect(errors).toEqual([]);
    expect(oracle.faults).toEqual([]);
  });
});
