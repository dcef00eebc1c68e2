import type { Session } from "../session/types.ts";
import { handoffsOf, toTransferTool } from "./handoff.ts";
import type { Agent, Brief, Item } from "./types.ts";

/** What an engine is told about an agent. Runs instructions that are a function; throws what they throw. */
export async function briefOf(
  agent: Agent,
  session: Session,
  { turns, history }: { readonly turns: Brief["turns"]; readonly history: readonly Item[] },
): Promise<Brief> {
  const { instructions, voice } = agent;
  const tools = agent.tools.map(({ name, description, parameters }) => ({ name, description, parameters }));
  const transfers = [...handoffsOf(agent)].map(([name, way]) => toTransferTool(name, way));
  return {
    agent: agent.name,
    instructions: typeof instructions === "string" ? instructions : await instructions(session),
    ...(voice !== undefined && { voice }),
    history,
    turns,
    tools: [...tools, ...transfers],
    phrases: agent.phrases,
  };
}
