import { asVoiceError } from "../base/errors.ts";
import type { Millis } from "../base/time.ts";
import { LiveSession } from "../session/session.ts";
import type { Handler, Session } from "../session/types.ts";
import type { TurnOptions } from "../turn/policy.ts";
import type { DetectorMaker } from "../vad/detector.ts";
import type { BudgetOptions } from "./budget.ts";
import type { PriceTable } from "./prices.ts";
import { Talk } from "./talk.ts";
import type { Agent, Engine, Item } from "./types.ts";
import type { UsageReport } from "./usage.ts";

/** How long an engine may take to let go, ms. */
const ENGINE_CLOSE: Millis = 2_000;

export interface ConverseOptions {
  readonly engine: Engine;
  /** How turns are told apart; what is left out keeps its default for the words this engine tells. */
  readonly turns?: TurnOptions | undefined;
  /** Who decides when the caller has finished. Default: the engine where it can, else our own machine. */
  readonly decides?: "engine" | "local" | undefined;
  /** Default: the detector the server was given. */
  readonly detector?: DetectorMaker | undefined;
  /** Items of an earlier call that this one goes on from; the agent then does not greet. */
  readonly history?: readonly Item[] | undefined;
  /** Said when an answer failed. Default: a plain apology; empty: nothing. */
  readonly apology?: string | undefined;
  /** Said when a tool takes longer than `afterMs` and nothing has been said. Default: nothing. */
  readonly filler?: { readonly text: string; readonly afterMs: Millis } | undefined;
  /** Every item as it is added, completed or shortened to what was heard: for stores. */
  readonly onItem?: ((item: Item) => void) | undefined;
  readonly onUsage?: ((usage: UsageReport) => void) | undefined;
  /** What models cost. Default: the published prices; see `overridePrices`. */
  readonly prices?: PriceTable | undefined;
  /** The most a call may cost. At 80 % the page is warned; at the end the agent says goodbye and hangs up. */
  readonly budget?: BudgetOptions | undefined;
}

/**
 * Makes a handler out of an agent and an engine: they talk until the caller hangs up. A function chooses the agent for
 * each caller. Errors of the engine are told to the page and apologised for; an engine that cannot be opened, or closes
 * for good, ends the call with its error. Calls with a budget need a price for every model of the engine; without one they
 * end at once with `budget`.
 */
export function converse<In = unknown>(
  agent: Agent | ((session: Session<In>) => Agent),
  options: ConverseOptions,
): Handler<In> {
  return async (session) => {
    if (!(session instanceof LiveSession))
      throw new TypeError("converse needs the session that a handler is called with");
    const talk = new Talk(session, typeof agent === "function" ? agent(session) : agent, options);
    session.onClose({ name: "engine", boundMs: ENGINE_CLOSE, run: () => talk.close() });
    try {
      await talk.open();
      await talk.over;
    } catch (error) {
      throw asVoiceError(error, "agent-error");
    }
  };
}
