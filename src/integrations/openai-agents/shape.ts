/*
 * The objects of `@openai/agents-realtime` as they are used here. They are told by their shape: the package is never
 * imported, so that only those who use it have it, in the version they have.
 */
import { isRecord } from "../../protocol/page.ts";

/** What makes an object an agent of the SDK: a `RealtimeAgent` is one. */
export interface OpenAIAgent {
  readonly name: string;
  readonly instructions: string | ((runContext: never, agent: never) => string | Promise<string>);
  /** What the agent is for, told to colleagues; may be empty. */
  readonly handoffDescription: string;
  readonly tools: readonly object[];
  readonly handoffs: readonly object[];
}

/** What the SDK's `tool()` makes. */
export interface OpenAITool {
  readonly type: "function";
  readonly name: string;
  readonly description: string;
  readonly parameters: object;
  readonly timeoutMs?: number | undefined;
  invoke(runContext: never, input: string, details?: never): Promise<unknown>;
}

/** The members of a tool that are called. */
export interface FunctionTool extends Omit<OpenAITool, "invoke"> {
  readonly inputGuardrails?: readonly ToolGuardrail[];
  readonly outputGuardrails?: readonly ToolGuardrail[];
  invoke(runContext: object, input: string, details: object): Promise<unknown>;
  needsApproval?(runContext: object, args: unknown, call: string): Promise<boolean>;
  isEnabled?(runContext: object, agent: unknown): Promise<boolean>;
}

export interface ToolGuardrail {
  readonly name: string;
  run(data: object): Promise<{ readonly behavior: ToolVerdict }>;
}

type ToolVerdict =
  | { readonly type: "allow" | "throwException" }
  | { readonly type: "rejectContent"; readonly message: string };

/** What the SDK's `handoff()` makes. */
export interface HandoffObject {
  readonly toolName: string;
  readonly toolDescription: string;
  readonly inputJsonSchema: Readonly<Record<string, unknown>>;
  readonly agent: OpenAIAgent;
  readonly inputFilter?: InputFilter;
  onInvokeHandoff(runContext: object, args: string): unknown;
  isEnabled(ask: { readonly runContext: object; readonly agent: unknown }): Promise<boolean>;
}

export type InputFilter = (data: {
  readonly inputHistory: unknown;
  readonly preHandoffItems: readonly unknown[];
  readonly newItems: readonly unknown[];
  readonly runContext: object;
}) => unknown;

/** What an object has beside what its type says. */
export function membersOf(value: object): Readonly<Record<string, unknown>> {
  return { ...value };
}

export function isAgent(value: unknown): value is OpenAIAgent {
  if (!isRecord(value)) return false;
  const { name, instructions, handoffDescription, tools, handoffs } = value;
  const isInstructed = typeof instructions === "string" || typeof instructions === "function";
  const isNamed = typeof name === "string" && typeof handoffDescription === "string";
  return isNamed && isInstructed && Array.isArray(tools) && Array.isArray(handoffs);
}

export function isHandoffObject(value: unknown): value is HandoffObject {
  if (!isRecord(value)) return false;
  const { toolName, toolDescription, inputJsonSchema, agent, onInvokeHandoff, isEnabled } = value;
  const isNamed = typeof toolName === "string" && typeof toolDescription === "string" && isRecord(inputJsonSchema);
  return isNamed && isAgent(agent) && typeof onInvokeHandoff === "function" && typeof isEnabled === "function";
}

export function isFunctionTool(value: unknown): value is FunctionTool {
  if (!isRecord(value)) return false;
  const { type, name, description, parameters, invoke } = value;
  const isNamed = type === "function" && typeof name === "string" && typeof description === "string";
  return isNamed && isRecord(parameters) && typeof invoke === "function";
}
