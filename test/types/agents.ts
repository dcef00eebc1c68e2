/*
 * What the API of agents takes, and what the compiler refuses. Compile-only: each `@ts-expect-error` is a mistake that a
 * user would make.
 */
import { RealtimeAgent, tool as openaiTool } from "@openai/agents-realtime";
import { z } from "zod";
import { agent } from "../../src/agents/agent.ts";
import { converse } from "../../src/agents/converse.ts";
import { handoff } from "../../src/agents/handoff.ts";
import { quiet } from "../../src/agents/quiet.ts";
import { tool } from "../../src/agents/tool.ts";
import type { Agent, Engine, Tool } from "../../src/agents/types.ts";
import { fromOpenAIAgent, fromOpenAITool } from "../../src/integrations/openai-agents/index.ts";
import { receiveEmit } from "../../src/session/receive-emit.ts";
import { replyOnPause } from "../../src/session/reply-on-pause.ts";
import type { Handler } from "../../src/session/types.ts";
import { Stream } from "../../src/server/stream.ts";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

declare const engine: Engine;

// Tools: arguments have the type of the schema, in `execute` and in `approval`.
const book = tool({
  name: "book",
  description: "Books a day.",
  parameters: z.object({ day: z.string(), half: z.boolean().optional() }),
  approval: ({ day }) => day === "Sunday",
  enabled: (session) => session.call.from !== undefined,
  execute: ({ day, half }, { progress, signal, items }) => {
    const dayIs: Same<typeof day, string> = true;
    const halfIs: Same<typeof half, boolean | undefined> = true;
    progress(`${day} ${items.length}`);
    return signal.aborted ? quiet("late") : { dayIs, halfIs };
  },
});
export const anyTool: Tool = book;

tool({
  name: "pay",
  description: "",
  parameters: { type: "object", properties: { amount: { type: "number" } } },
  // @ts-expect-error plain JSON Schema has no static type: what is in it is unknown
  execute: ({ amount }) => amount.toFixed(2),
});
tool({
  name: "pay",
  description: "",
  parameters: z.object({ amount: z.number() }),
  // @ts-expect-error the schema has no such member
  execute: ({ sum }) => sum,
});
tool({
  name: "pay",
  description: "",
  parameters: z.object({ amount: z.number() }),
  // @ts-expect-error an approval decides, it does not describe
  approval: ({ amount }) => `more than ${amount}`,
  execute: () => "",
});
// @ts-expect-error without execute it can do nothing
tool({ name: "pay", description: "" });
// @ts-expect-error a model chooses by the description
tool({ name: "pay", execute: () => "" });
// @ts-expect-error milliseconds are a number
tool({ name: "pay", description: "", timeoutMs: "15s", execute: () => "" });
// @ts-expect-error calls go on, or are cancelled
tool({ name: "pay", description: "", onInterrupt: "pause", execute: () => "" });
// @ts-expect-error a schema is an object
tool({ name: "pay", description: "", parameters: "amount", execute: () => "" });

// Agents.
const ben: Agent = agent({ name: "Ben", instructions: "Be Ben.", handoffs: [() => ada] });
const ada: Agent = agent({
  name: "Ada",
  instructions: async (session, items) => `Be kind to ${session.call.from ?? "the caller"} (${items.length}).`,
  tools: { book, clock: tool({ description: "The time.", execute: () => "noon" }) },
  handoffs: [handoff(ben, { say: "One moment.", filter: (items) => items.slice(-4) }), () => ben],
});
// @ts-expect-error an agent has a name
agent({ instructions: "" });
// @ts-expect-error an agent is told what it is for
agent({ name: "Ada" });
// @ts-expect-error instructions answer with a text
agent({ name: "Ada", instructions: () => 5 });
// @ts-expect-error `tools`, not `functions`
agent({ name: "Ada", instructions: "", functions: [book] });
// @ts-expect-error a function is not a tool yet
agent({ name: "Ada", instructions: "", tools: [() => "noon"] });
// @ts-expect-error colleagues are agents, not names
agent({ name: "Ada", instructions: "", handoffs: ["Ben"] });
// @ts-expect-error `say` is a text
handoff(ben, { say: () => "One moment." });
// @ts-expect-error a filter answers with items
handoff(ben, { filter: () => "nothing" });

// Conversations are handlers.
export const handler: Handler = converse(ada, { engine, filler: { text: "One moment.", afterMs: 1_200 } });
export const chosen: Handler = converse((session) => (session.call.agent === "Ben" ? ben : ada), { engine });
export const stream: Stream = new Stream(handler);
// @ts-expect-error nobody answers without an engine
converse(ada, {});
// @ts-expect-error an agent, not its options
converse({ name: "Ada", instructions: "" }, { engine });
// @ts-expect-error turns are decided by the engine or here
converse(ada, { engine, decides: "caller" });
// @ts-expect-error a filler has its time
converse(ada, { engine, filler: { text: "One moment." } });
// @ts-expect-error a stream serves a handler, an agent needs converse
new Stream(ada);

// Handlers.
export const echo: Handler = replyOnPause(async function* (turn, session) {
  yield turn.audio;
  yield { kind: "message", name: "index", data: turn.index };
  session.warn("Done.");
});
// @ts-expect-error text is not something to hear: it goes out as a message, or through a voice
replyOnPause(async function* () {
  yield "Hello.";
});
// @ts-expect-error a frame says its rate
replyOnPause(async function* (turn) {
  yield { kind: "audio", samples: turn.audio.samples, channels: 1, at: 0 };
});
// @ts-expect-error a handler answers with a stream of outputs, or a promise
export const wrong: Handler = () => 5;
// @ts-expect-error a ported class is made for each caller
receiveEmit({ receive() {}, emit: () => undefined });

// Agents and tools of the OpenAI Agents SDK are taken as their own types say they are.
const lookup = openaiTool({
  name: "lookup",
  description: "",
  parameters: z.object({ id: z.string() }),
  execute: ({ id }) => id,
});
const plain = new RealtimeAgent({ name: "Plain", instructions: "", tools: [lookup] });
const typed = new RealtimeAgent<{ caller: string }>({
  name: "Typed",
  instructions: ({ context }) => `For ${context.caller}, after ${context.history.length} lines.`,
  tools: [lookup],
  handoffs: [],
});
export const team: readonly Agent[] = [
  fromOpenAIAgent(plain),
  fromOpenAIAgent(typed, { context: { caller: "Zoe" }, extras: { Typed: { greeting: "Hello." } } }),
  fromOpenAIAgent(typed, { context: (session) => ({ caller: session.call.from ?? "" }) }),
  agent({ name: "Ours", instructions: "", tools: [fromOpenAITool(lookup)] }),
];
// @ts-expect-error the agent, not its name
fromOpenAIAgent("Plain");
// @ts-expect-error an agent of ours needs no bridge
fromOpenAIAgent(ada);
// @ts-expect-error a greeting belongs to an agent of the team
fromOpenAIAgent(plain, { greeting: "Hello." });
// @ts-expect-error a tool of ours needs no bridge
fromOpenAITool(book);
// @ts-expect-error one of theirs does
agent({ name: "Ours", instructions: "", tools: [lookup] });
