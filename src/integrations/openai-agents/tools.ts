import { quiet } from "../../agents/quiet.ts";
import { tool } from "../../agents/tool.ts";
import type { Tool, ToolContext } from "../../agents/types.ts";
import { VoiceError } from "../../base/errors.ts";
import { isRecord } from "../../protocol/page.ts";
import type { RunContexts } from "./run-context.ts";
import { type FunctionTool, isFunctionTool, membersOf, type ToolGuardrail } from "./shape.ts";

/** A tool's own time runs out first, so that it can say so in its own words, ms. */
const MARGIN = 1_000;

export interface ToolSetting {
  readonly contexts: RunContexts;
  /** For tools that have no time of their own, ms. */
  readonly timeoutMs: number | undefined;
  /** Whose tool it is, as the SDK's functions get it. */
  readonly agent: { readonly name: string } | undefined;
}

/** A tool of the SDK's as one of ours. Throws TypeError for one that does not run in this process. */
export function toTool(value: object, { contexts, timeoutMs, agent }: ToolSetting): Tool {
  const sdk = checked(value, agent?.name ?? "a tool");
  const { name, description } = sdk;
  const time = sdk.timeoutMs === undefined ? timeoutMs : sdk.timeoutMs + MARGIN;
  return tool({
    name,
    description,
    parameters: { ...sdk.parameters },
    ...(time !== undefined && { timeoutMs: time }),
    approval: (args, { session, items, call }) => sdk.needsApproval?.(contexts.of(session, items), args, call) ?? false,
    enabled: (session) => sdk.isEnabled?.(contexts.of(session), agent) ?? true,
    execute: (args, context) =>
      invoke(sdk, args, context, { context: contexts.of(context.session, context.items), agent }),
  });
}

async function invoke(
  sdk: FunctionTool,
  args: unknown,
  { call, signal }: ToolContext,
  about: { readonly context: object; readonly agent: unknown },
): Promise<unknown> {
  const input = JSON.stringify(args);
  const toolCall = { type: "function_call", callId: call, name: sdk.name, arguments: input, status: "in_progress" };
  const refused = await verdict(sdk.inputGuardrails, { ...about, toolCall });
  if (refused !== undefined) return refused;
  const output = await sdk.invoke(about.context, input, { toolCall, signal }).catch((error: unknown) => {
    throw named(error);
  });
  const replaced = await verdict(sdk.outputGuardrails, { ...about, toolCall, output });
  if (replaced !== undefined) return replaced;
  return isBackground(output) ? quiet(output.content) : output;
}

/** What the model is told instead, when a guardrail says so. Throws VoiceError `guardrail` when it says to stop. */
async function verdict(guardrails: readonly ToolGuardrail[] = [], data: object): Promise<string | undefined> {
  for (const guardrail of guardrails) {
    const { behavior } = await guardrail.run(data);
    if (behavior.type === "rejectContent") return behavior.message;
    if (behavior.type === "throwException")
      throw new VoiceError("guardrail", `stopped by the guardrail ${guardrail.name}`, { expose: true });
  }
  return undefined;
}

function named(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== "ToolTimeoutError") return error;
  return new VoiceError("tool-timeout", error.message, { expose: true, cause: error });
}

/** What the SDK's `backgroundResult()` makes: told by the name of its symbol. */
function isBackground(value: unknown): value is { readonly content: unknown } {
  if (!isRecord(value) || !("content" in value)) return false;
  return Object.getOwnPropertySymbols(value).some(({ description }) => description === "backgroundResult");
}

function checked(value: object, owner: string): FunctionTool {
  const { type, name, outputSchema, deferLoading, allowedCallers } = membersOf(value);
  if (!isFunctionTool(value)) {
    const what = [type, name].filter((word) => typeof word === "string").join(" ") || "something else";
    throw new TypeError(
      `tools of ${owner} must be function tools, which run in this process, got ${what}: make it a tool() that calls the service`,
    );
  }
  const extra = { outputSchema, allowedCallers, deferLoading: deferLoading === true ? true : undefined };
  for (const [member, set] of Object.entries(extra))
    if (set !== undefined)
      throw new TypeError(`${member} of tool ${value.name} has no meaning in a voice agent: leave it out`);
  return value;
}
