import type { Session } from "../session/types.ts";
import { handoffsOf, toTransferTool } from "./handoff.ts";
import type { Agent, Brief, Item, Tool } from "./types.ts";

/** What an engine is told about an agent. Asks functions that decide on it; throws what they throw. */
export async function briefOf(
  agent: Agent,
  session: Session,
  { turns, history }: { readonly turns: Brief["turns"]; readonly history: readonly Item[] },
): Promise<Brief> {
  const { instructions, voice } = agent;
  const ways = [...handoffsOf(agent)];
  const isOpen = async ({ enabled }: Pick<Tool, "enabled">): Promise<boolean> =>
    enabled === undefined || (await enabled(session));
  const [open, passable] = await Promise.all([
    Promise.all(agent.tools.map(isOpen)),
    Promise.all(ways.map(([, way]) => isOpen(way))),
  ]);
  const tools = agent.tools.flatMap(({ name, description, parameters }, i) =>
    open[i] === true ? [{ name, description, parameters }] : [],
  );
  const transfers = ways.flatMap(([name, way], i) => (passable[i] === true ? [toTransferTool(name, way)] : []));
  return {
    agent: agent.name,
    instructions: typeof instructions === "string" ? instructions : await instructions(session, history),
    ...(voice !== undefined && { voice }),
    history,
    turns,
    tools: [...tools, ...transfers],
    phrases: agent.phrases,
  };
}
