/*
 * What the SDK's functions get as their run context: the app's own data under `context`, and the conversation so far
 * under `context.history`, as in a `RealtimeSession`.
 */
import type { Item } from "../../agents/types.ts";
import { isRecord } from "../../protocol/page.ts";
import type { Session } from "../../session/types.ts";
import { toHistory } from "./items.ts";

/** The app's data, or a function that makes it for each call. */
export type ContextOption = object | ((session: Session) => object);

/** The run contexts of an adapter: one per call. */
export class RunContexts {
  readonly #option: ContextOption;
  readonly #contexts = new WeakMap<Session, object>();

  constructor(option: ContextOption) {
    this.#option = option;
  }

  /** The run context of a call, its history brought up to `items` when they are given. */
  of(session: Session, items?: readonly Item[]): object {
    const made = this.#contexts.get(session) ?? this.#make(session);
    this.#contexts.set(session, made);
    const data: unknown = "context" in made ? made.context : undefined;
    if (isRecord(data) && items !== undefined) data["history"] = toHistory(items);
    return made;
  }

  #make(session: Session): object {
    const given: object = typeof this.#option === "function" ? this.#option(session) : this.#option;
    return isRunContext(given) ? given : standIn({ ...given, history: [] });
  }
}

/** A `RunContext` of the SDK's is taken as it is. */
function isRunContext(value: object): boolean {
  return "context" in value && "approveTool" in value;
}

function standIn(context: object): object {
  return {
    context,
    usage: { requests: 0, inputTokens: 0, outputTokens: 0, totalTokens: 0 },
    isToolApproved: () => undefined,
    getRejectionMessage: () => undefined,
    approveTool: refuse,
    rejectTool: refuse,
    toJSON: () => ({ context }),
  };
}

function refuse(): never {
  throw new TypeError("calls are approved by the caller's page, not by the run context: see docs/tools.md");
}
