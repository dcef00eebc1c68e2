/** How loud a line is. Error: a person must act. Warn: a caller was served worse. Debug: once a turn. Trace: once a frame. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** Where log lines go. The message is a constant sentence; what varies goes into `fields`. */
export interface Log {
  /** Whether a line of this level would be written: ask before building costly fields. */
  on(level: LogLevel): boolean;
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with these fields on every line. */
  with(fields: LogFields): Log;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** Words, numbers and names of callers. Prints as `[personal]` unless the log was told to show them. */
export class Pii {
  readonly #value: unknown;
  constructor(value: unknown) {
    this.#value = value;
  }
  /** The real value, for a log that is allowed to show it. */
  reveal(): unknown {
    return this.#value;
  }
  toString(): string {
    return "[personal]";
  }
  toJSON(): string {
    return "[personal]";
  }
}

/** A log that writes nothing. */
export const silentLog: Log = {
  on: () => false,
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
};
