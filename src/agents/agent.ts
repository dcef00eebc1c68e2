import { isRecord } from "../protocol/page.ts";
import { isStandardSchema, type Schema } from "./schema.ts";
import { checkName, tool } from "./tool.ts";
import type { Agent, Tool, ToolContext } from "./types.ts";

/** A tool as the AI SDK writes it: by shape, nothing is imported. */
export interface ForeignTool {
  readonly description?: string;
  readonly inputSchema: unknown;
  execute?(args: never, context: never): unknown;
}

export interface AgentOptions extends Partial<Omit<Agent, "tools">> {
  /** Shown to the caller; colleagues know the agent by it. */
  readonly name: string;
  readonly instructions: Agent["instructions"];
  /** In a record, keys name tools that have no name; tools in the AI SDK's form are welcome there. */
  readonly tools?: readonly Tool[] | Readonly<Record<string, Tool | ForeignTool>>;
}

/**
 * Describes who speaks. Throws TypeError when name or instructions are missing, when something among the tools is none, and
 * when tools have no name or the same one.
 */
export function agent(options: AgentOptions): Agent {
  if (typeof options.name !== "string" || options.name.trim() === "")
    throw new TypeError(`an agent's name must be a text that is not empty, got ${JSON.stringify(options.name)}`);
  if (typeof options.instructions !== "string" && typeof options.instructions !== "function")
    throw new TypeError(
      `instructions of ${options.name} must be a text or a function, got ${typeof options.instructions}`,
    );
  const { tools = [], handoffs = [], phrases = [], ...rest } = options;
  const named = isList(tools) ? tools : Object.entries(tools).map(([name, one]) => toTool(name, one));
  const names = new Set<string>();
  for (const one of named) {
    if (!isTool(one))
      throw new TypeError(
        `tools of ${options.name} must be made with tool(), got ${describe(one)}; for other libraries see docs/tools.md`,
      );
    const { name } = one;
    checkName(name);
    if (names.has(name))
      throw new TypeError(`tools of ${options.name} must have different names, got two called ${name}`);
    names.add(name);
  }
  return { ...rest, tools: named, handoffs, phrases };
}

function isTool(one: unknown): one is Tool {
  return isRecord(one) && typeof one["execute"] === "function" && typeof one["parse"] === "function";
}

function describe(one: unknown): string {
  return isRecord(one) ? `an object with ${Object.keys(one).join(", ") || "nothing"}` : String(one);
}

function toTool(name: string, one: Tool | ForeignTool): Tool {
  if (typeof one !== "object") throw new TypeError(`tool ${name} must be made with tool(), got ${String(one)}`);
  if (!("inputSchema" in one)) return one.name === "" ? { ...one, name } : one;
  const { description = "", inputSchema, execute } = one;
  if (execute === undefined) throw new TypeError(`tool ${name} must have execute`);
  const schema = toSchema(inputSchema);
  if (schema === undefined) throw new TypeError(`inputSchema of tool ${name} must be a schema object`);
  const run: (args: never, context: never) => unknown = execute.bind(one);
  return tool({
    name,
    description,
    parameters: schema,
    // Checked against the tool's own schema right before.
    execute: (args: unknown, context: ToolContext) => run(args as never, foreignContext(context) as never),
  });
}

/** What an AI SDK tool gets as its second argument. */
function foreignContext({ call, signal }: ToolContext): object {
  return { toolCallId: call, abortSignal: signal, messages: [] };
}

/** Its own helper wraps plain JSON Schema as `{ jsonSchema, validate }`. */
function toSchema(value: unknown): Schema | undefined {
  if (isStandardSchema(value)) return value;
  if (!isRecord(value)) return undefined;
  return isRecord(value["jsonSchema"]) ? value["jsonSchema"] : value;
}

function isList(tools: NonNullable<AgentOptions["tools"]>): tools is readonly Tool[] {
  return Array.isArray(tools);
}
