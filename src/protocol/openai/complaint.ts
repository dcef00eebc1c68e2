import type { Fault } from "../../base/errors.ts";

/** What is wrong with something a client sent, in the words the service answers with. */
export interface Complaint extends Fault {
  /** `error.code`: what a client decides on. */
  readonly code: string;
  /** The path of the member that is wrong, such as `session.audio.output.voice`; null when it is no member. */
  readonly param: string | null;
}

/** A member that is there and wrong. */
export function invalid(param: string, expected: string, got: unknown): Complaint {
  return {
    fault: "bad-message",
    code: "invalid_value",
    param,
    why: `Invalid value for '${param}': expected ${expected}, got ${shown(got)}.`,
  };
}

/** A member that has to be there and is not. */
export function missing(param: string): Complaint {
  return {
    fault: "bad-message",
    code: "missing_required_parameter",
    param,
    why: `Missing required parameter: '${param}'.`,
  };
}

/** A plain object: not null, not an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value short enough for a message. */
function shown(value: unknown): string {
  if (typeof value === "string") return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
