import { isRecord } from "../protocol/page.ts";

/** A tool's result that needs no answer: see `quiet()`. */
export interface Quiet {
  readonly kind: "quiet";
  readonly output: unknown;
}

/**
 * What a tool returns when there is nothing to say about it: the model gets the result, and speaks of it, or not, when it
 * next has the floor.
 */
export function quiet(output: unknown): Quiet {
  return { kind: "quiet", output };
}

export function isQuiet(value: unknown): value is Quiet {
  return isRecord(value) && value["kind"] === "quiet" && "output" in value;
}
