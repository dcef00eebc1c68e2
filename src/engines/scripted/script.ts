import type { VoiceError } from "../../base/errors.ts";
import type { Millis } from "../../base/time.ts";
import type { Brief, Item } from "../../agents/types.ts";

/** One step of a reply. Steps follow each other without a pause unless they `wait`. */
export type ScriptStep =
  /** Says this: words at once, audio as long as the text. */
  | { readonly say: string }
  /** Asks for a tool; the reply that answers its result is the next one of the script. */
  | { readonly call: string; readonly args?: unknown; readonly id?: string }
  | { readonly wait: Millis }
  /** The reply fails with this error. */
  | { readonly fail: VoiceError }
  /** The session is gone. */
  | { readonly close: VoiceError };

/** What a script may look at. */
export interface ScriptAsk {
  /** Which answer this is, from 0. */
  readonly index: number;
  readonly brief: Brief;
  /** Everything added so far, the history included. */
  readonly items: readonly Item[];
}

/** The replies in order, or a function that makes them. After the last one there is nothing more to say. */
export type Script = readonly (readonly ScriptStep[])[] | ((ask: ScriptAsk) => readonly ScriptStep[]);

/** The steps of one answer. */
export function stepsOf(script: Script, ask: ScriptAsk): readonly ScriptStep[] {
  return typeof script === "function" ? script(ask) : (script[ask.index] ?? []);
}
