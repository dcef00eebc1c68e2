/*
 * Passing the caller on. To a model a colleague is a tool, `transfer_to_<name>`; to code it is a value that a tool may
 * return. Either way the conversation goes with the caller, and the engine is briefed anew between two replies.
 */
import { isRecord } from "../protocol/page.ts";
import { checkName, tool } from "./tool.ts";
import type { Agent, Brief, Handoff, Tool } from "./types.ts";

/** What a model writes to hand over, unless it is told otherwise. */
const REASON = {
  type: "object",
  properties: { reason: { type: "string", description: "What the caller wants, in one sentence." } },
};

/**
 * A way to a colleague with its manners: what is said, what is told. Also what a tool returns to pass the caller on.
 * Throws TypeError for a `name` that models do not accept.
 */
export function handoff(to: Agent | (() => Agent), options: Omit<Handoff, "kind" | "to"> = {}): Handoff {
  if (options.name !== undefined) checkName(options.name);
  return { kind: "handoff", to, ...options };
}

export function isHandoff(value: unknown): value is Handoff {
  return isRecord(value) && value["kind"] === "handoff" && "to" in value;
}

/** The agent at the end of a handoff. */
export function targetOf({ to }: Handoff): Agent {
  return typeof to === "function" ? to() : to;
}

/** An agent and everybody whom the caller can reach from there, each once. */
export function teamOf(first: Agent): readonly Agent[] {
  const team = new Set([first]);
  // A set may grow while it is walked: what is added is visited too.
  for (const agent of team) for (const way of handoffsOf(agent).values()) team.add(targetOf(way));
  return [...team];
}

/** The name of the tool that passes the caller on to an agent. */
export function transferName(agentName: string): string {
  const slug = agentName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return `transfer_to_${slug}`.slice(0, 64);
}

/**
 * The ways from an agent to its colleagues by the name of their tool. Throws TypeError when two colleagues, or a
 * colleague and a tool, come to the same name.
 */
export function handoffsOf(agent: Agent): ReadonlyMap<string, Handoff> {
  const ways = new Map<string, Handoff>();
  for (const entry of agent.handoffs) {
    const way = isHandoff(entry) ? entry : handoff(entry);
    const name = way.name ?? transferName(targetOf(way).name);
    if (ways.has(name) || agent.tools.some((tool) => tool.name === name)) {
      throw new TypeError(`tools and colleagues of ${agent.name} must have different names, got two called ${name}`);
    }
    ways.set(name, way);
  }
  return ways;
}

/** How a handoff is shown to a model. */
export function toTransferTool(name: string, way: Handoff): Brief["tools"][number] {
  const { name: colleague, role } = targetOf(way);
  return {
    name,
    description: way.description ?? `Pass the caller on to ${colleague}${role === undefined ? "" : ` (${role})`}.`,
    parameters: way.parameters ?? REASON,
  };
}

/** The tool that does what has to be done before the caller is passed on; undefined when that is nothing. */
export function toHandoffTool(name: string, way: Handoff): Tool | undefined {
  const { onHandoff, enabled, parameters = REASON } = way;
  if (onHandoff === undefined && enabled === undefined) return undefined;
  return tool({
    name,
    description: "",
    parameters: { ...parameters },
    ...(enabled !== undefined && { enabled }),
    execute: async (args, context) => {
      const other = await onHandoff?.(args, context);
      return isHandoff(other) ? other : way;
    },
  });
}
