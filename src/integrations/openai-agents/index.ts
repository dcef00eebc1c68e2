/*
 * Agents written for `@openai/agents-realtime`, on our sessions: the same objects, any engine, any transport.
 */
import { agent } from "../../agents/agent.ts";
import { handoff, teamOf } from "../../agents/handoff.ts";
import type { Agent, Handoff, Tool } from "../../agents/types.ts";
import { isRecord } from "../../protocol/page.ts";
import { filtered } from "./items.ts";
import { type ContextOption, RunContexts } from "./run-context.ts";
import { type HandoffObject, isAgent, isHandoffObject, membersOf, type OpenAIAgent, type OpenAITool } from "./shape.ts";
import { toTool } from "./tools.ts";

export type { ContextOption } from "./run-context.ts";
export type { OpenAIAgent, OpenAITool } from "./shape.ts";

/** What the SDK's agents have no place for; `voice` and `role` take the place of theirs. */
export type AgentExtras = Partial<Pick<Agent, "greeting" | "phrases" | "avatar" | "voice" | "role">>;

export interface FromOpenAIOptions {
  /**
   * What the SDK's functions find as `runContext.context`, beside `history`; a function makes it for each call. It is
   * copied; a `RunContext` is taken as it is. Default: nothing.
   */
  readonly context?: ContextOption;
  /** By the agent's name. */
  readonly extras?: Readonly<Record<string, AgentExtras>>;
  /** For tools without a `timeoutMs` of their own, ms. Default 15 000. */
  readonly timeoutMs?: number;
}

/**
 * The agent, and with it everybody it can hand over to, as agents for `converse`. The objects are read now: change them
 * before. Throws TypeError, with the name of the agent, for what cannot be kept: MCP servers, hosted tools, prompt
 * templates, structured outputs, guardrails of what is said; and for names in `extras` that nobody has.
 */
export function fromOpenAIAgent(first: OpenAIAgent, options: FromOpenAIOptions = {}): Agent {
  const { context = {}, extras = {}, timeoutMs, ...rest } = options;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new TypeError(`expected the options context, extras and timeoutMs, got ${unknown}`);
  const contexts = new RunContexts(context);
  const known = new Map<unknown, Agent>();
  const convert = (one: unknown): Agent => {
    const before = known.get(one);
    if (before !== undefined) return before;
    if (!isAgent(one)) throw new TypeError(`expected a RealtimeAgent, got ${describe(one)}`);
    refuseWhatIsLost(one);
    const { handoffDescription } = one;
    const { voice } = membersOf(one);
    const made = agent({
      name: one.name,
      instructions: instructionsOf(one, contexts),
      ...(typeof voice === "string" && { voice }),
      ...(handoffDescription !== "" && { role: handoffDescription }),
      ...extras[one.name],
      tools: one.tools.map((each) => toTool(each, { contexts, timeoutMs, agent: one })),
      handoffs: one.handoffs.map((each) => toHandoff(each, one, contexts, convert)),
    });
    known.set(one, made);
    return made;
  };
  const made = convert(first);
  const names = teamOf(made).map(({ name }) => name);
  for (const name of Object.keys(extras))
    if (!names.includes(name)) throw new TypeError(`extras must name one of ${names.join(", ")}, got ${name}`);
  return made;
}

/** One tool of the SDK's, for an agent of ours. Throws TypeError for one that does not run in this process. */
export function fromOpenAITool(one: OpenAITool, options: Pick<FromOpenAIOptions, "context" | "timeoutMs"> = {}): Tool {
  const { context = {}, timeoutMs } = options;
  return toTool(one, { contexts: new RunContexts(context), timeoutMs, agent: undefined });
}

function instructionsOf(one: OpenAIAgent, contexts: RunContexts): Agent["instructions"] {
  const { instructions } = one;
  if (typeof instructions === "string") return instructions;
  const ask: (runContext: never, agent: never) => string | Promise<string> = instructions.bind(one);
  // Their types are theirs: what is given has the shape that they read.
  return (session, items) => ask(contexts.of(session, items) as never, one as never);
}

function toHandoff(each: object, from: OpenAIAgent, contexts: RunContexts, convert: (one: unknown) => Agent): Handoff {
  if (isHandoffObject(each)) return fromHandoffObject(each, from, contexts, convert);
  if (!isAgent(each))
    throw new TypeError(`handoffs of ${from.name} must be agents or handoff() objects, got ${describe(each)}`);
  return handoff(() => convert(each), { name: `transfer_to_${each.name.replace(/[^a-zA-Z0-9]/g, "_")}` });
}

function fromHandoffObject(
  each: HandoffObject,
  from: OpenAIAgent,
  contexts: RunContexts,
  convert: (one: unknown) => Agent,
): Handoff {
  const { toolName, toolDescription, inputJsonSchema, inputFilter } = each;
  const takesInput = isRecord(inputJsonSchema["properties"]) && Object.keys(inputJsonSchema["properties"]).length > 0;
  return handoff(() => convert(each.agent), {
    name: toolName,
    description: toolDescription.trim(),
    ...(takesInput && { parameters: inputJsonSchema }),
    enabled: (session) => each.isEnabled({ runContext: contexts.of(session), agent: from }),
    onHandoff: async (args, { session, items }) => {
      const runContext = contexts.of(session, items);
      const next = convert(await each.onInvokeHandoff(runContext, JSON.stringify(args)));
      if (inputFilter === undefined) return handoff(next);
      return handoff(next, { filter: (all) => filtered(all, inputFilter, runContext) });
    },
  });
}

/** Nothing of an agent is dropped in silence. */
function refuseWhatIsLost(one: OpenAIAgent): void {
  const { mcpServers, prompt, outputType, inputGuardrails, outputGuardrails } = membersOf(one);
  const isFilled = (list: unknown): boolean => Array.isArray(list) && list.length > 0;
  const lost: readonly (readonly [boolean, string])[] = [
    [isFilled(mcpServers), "mcpServers: make their tools tool()s that call the server"],
    [prompt !== undefined, "prompt: write instructions"],
    [outputType !== undefined && outputType !== "text", "outputType: a voice agent speaks text"],
    [isFilled(inputGuardrails), "inputGuardrails: check what the caller said in your handler"],
    [isFilled(outputGuardrails), "outputGuardrails: check the text in the llm of a pipeline, before it is spoken"],
  ];
  for (const [isLost, what] of lost) if (isLost) throw new TypeError(`${one.name} cannot keep its ${what}`);
}

function describe(value: unknown): string {
  return isRecord(value) ? `an object with ${Object.keys(value).slice(0, 5).join(", ") || "nothing"}` : String(value);
}
