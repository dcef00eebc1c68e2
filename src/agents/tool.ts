import { VoiceError } from "../base/errors.ts";
import type { Session } from "../session/types.ts";
import { type ArgsOf, checkArgs, type Schema, toJsonSchema } from "./schema.ts";
import type { Approval, Tool, ToolContext } from "./types.ts";

/** Names that every model accepts. */
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

export interface ToolOptions<S extends Schema> {
  /** Letters, digits, `_` and `-`, at most 64. May be left out where the tool stands in a record: then its key counts. */
  readonly name?: string;
  /** When and what for, written for the model. */
  readonly description: string;
  /** A zod schema, any other Standard Schema that can say its JSON Schema, or plain JSON Schema. Default: no arguments. */
  readonly parameters?: S;
  /** The longest run, ms. Default 15 000. The model is then told that it took too long, and `signal` aborts. */
  readonly timeoutMs?: number;
  /** What happens to a running call when the caller interrupts. Default "continue". */
  readonly onInterrupt?: "continue" | "cancel";
  /** Whether the caller has to allow a call on the page; a function decides for each call. Default false. */
  readonly approval?: boolean | Approval<ArgsOf<S>>;
  /** Whether the model may use it; asked when the agent comes on the line, and again at each call. Default: yes. */
  readonly enabled?: (session: Session) => boolean | Promise<boolean>;
  /**
   * Does the work. What it returns is told to the model: a string as it is, anything else as JSON; a `handoff()` passes
   * the caller on, `quiet()` asks for no answer. What it throws is told as a failure; only messages of VoiceErrors with
   * `expose` are passed on.
   */
  execute(args: ArgsOf<S>, context: ToolContext): unknown;
}

/** Something an agent can do. Throws TypeError when name, schema or `execute` cannot be used. */
export function tool<const S extends Schema = { readonly type: "object" }>(options: ToolOptions<S>): Tool<ArgsOf<S>> {
  const { name = "", description, timeoutMs = 15_000, onInterrupt = "continue", approval = false, enabled } = options;
  if (name !== "") checkName(name);
  if (typeof options.execute !== "function")
    throw new TypeError(`${name === "" ? "a tool" : `tool ${name}`} must have execute, a function`);
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be above 0, got ${timeoutMs}`);
  const schema: Schema = options.parameters ?? { type: "object", properties: {}, additionalProperties: false };
  return {
    name,
    description,
    parameters: toJsonSchema(schema),
    timeoutMs,
    onInterrupt,
    approval,
    ...(enabled !== undefined && { enabled }),
    // The schema has just vouched for the type.
    parse: (args) => checkArgs(schema, args) as ArgsOf<S>,
    execute: (args, context) => options.execute(args, context),
  };
}

/** Throws TypeError for a name that models do not accept. */
export function checkName(name: string): void {
  if (!NAME.test(name))
    throw new TypeError(`a tool's name must be 1 to 64 letters, digits, _ or -, got ${JSON.stringify(name)}`);
}

/** Reads the arguments a model wrote: JSON, where nothing counts as no arguments. Throws VoiceError `bad-message`. */
export function readArgs(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new VoiceError("bad-message", "the arguments must be JSON", { expose: true, cause });
  }
}
