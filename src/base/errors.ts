import { type Code, codes, type Side } from "./codes.ts";

export interface VoiceErrorOptions {
  /** Whether the caller's page may show the message. The code always reaches it. Default false. */
  readonly expose?: boolean;
  /** Whether the session cannot go on. Default false. */
  readonly fatal?: boolean;
  /** What a log or a page may need beside the message, such as `limit` or `retryAfterMs`. */
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The one error of repartee, on both sides of the wire. `code` says what happened, `side` who has to act. */
export class VoiceError extends Error {
  override readonly name = "VoiceError";
  readonly code: Code;
  readonly side: Side;
  readonly expose: boolean;
  /** Whether the same attempt may succeed later. */
  readonly retryable: boolean;
  readonly fatal: boolean;
  readonly meta: Readonly<Record<string, unknown>>;

  constructor(
    code: Code,
    message: string,
    { expose = false, fatal = false, meta = {}, cause }: VoiceErrorOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.side = codes[code].side;
    this.retryable = codes[code].retryable;
    this.expose = expose;
    this.fatal = fatal;
    this.meta = meta;
  }

  /** What the reader can do, in one sentence. */
  get cure(): string {
    return codes[this.code].cure;
  }
}

/** The error itself when it is a VoiceError, else one with this code and the original as its cause. */
export function asVoiceError(error: unknown, code: Code): VoiceError {
  if (error instanceof VoiceError) return error;
  return new VoiceError(code, error instanceof Error ? error.message : String(error), { cause: error });
}

/** What a wire reader returns in place of a value. Readers never throw. */
export interface Fault {
  readonly fault: Code;
  /** What was expected and what came, for the log and for developers. */
  readonly why: string;
}

/** Tells a fault from a value. */
export function isFault(value: unknown): value is Fault {
  return typeof value === "object" && value !== null && "fault" in value;
}
