/*
 * The inputs of a session as the program has declared them: a schema whose defaults are the values of a new session.
 */
import { checkedBy, type StandardSchema } from "../agents/schema.ts";
import { VoiceError } from "../base/errors.ts";

/** How sessions begin, and how what a page sends changes them. */
export interface Inputs<In> {
  /** The values of a new session, its own to change. */
  initial(): In;
  /** The new values, or VoiceError `bad-message` that names path and fault of each wrong one. */
  parse(values: Readonly<Record<string, unknown>>, old: In): In;
}

/** Reads a schema. Throws VoiceError `config` when a session could not begin with its defaults. */
export function inputsOf<In>(schema: StandardSchema<In>): Inputs<In> {
  const check = (values: unknown): In => checkedBy(schema, values, "inputs");
  const initial = (): In => check({});
  try {
    initial();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new VoiceError("config", `every input needs a default: ${why}`, { cause });
  }
  return { initial, parse: (values, old) => check({ ...old, ...values }) };
}
