/*
 * Log lines as JSON through pino, or as readable text on a terminal. What is `Pii` prints as `[personal]`
 * wherever it stands inside the fields, unless the log was told to show it.
 */
import { pino } from "pino";
import { VoiceError } from "../base/errors.ts";
import { type Log, type LogFields, type LogLevel, Pii } from "../base/log.ts";

export interface LogOptions {
  /** Lines below this level are not written. Default "info". */
  readonly level?: LogLevel | "silent";
  /** Readable text in place of JSON. Default: when standard error is a terminal. */
  readonly pretty?: boolean;
  /** "show" prints words, numbers and names of callers. Default "redact". */
  readonly personal?: "redact" | "show";
  /** Where lines go, each with its line end. Default: standard error, so that standard output stays free. */
  readonly write?: (line: string) => void;
}

/** A log for production: pino underneath, one line per call. */
export function createLog(options: LogOptions = {}): Log {
  const { level = "info", pretty = process.stderr.isTTY, personal = "redact" } = options;
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const destination = { write: pretty ? (line: string) => write(toText(line)) : write };
  return new PinoLog(
    pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination),
    personal === "show",
  );
}

type Writer = Pick<ReturnType<typeof pino>, "isLevelEnabled" | "child" | LogLevel>;

class PinoLog implements Log {
  readonly #pino: Writer;
  readonly #show: boolean;

  constructor(writer: Writer, show: boolean) {
    this.#pino = writer;
    this.#show = show;
  }

  on(level: LogLevel): boolean {
    return this.#pino.isLevelEnabled(level);
  }
  trace(message: string, fields?: LogFields): void {
    this.#write("trace", message, fields);
  }
  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }
  with(fields: LogFields): Log {
    return new PinoLog(this.#pino.child(this.#clean(fields)), this.#show);
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!this.#pino.isLevelEnabled(level)) return;
    if (fields === undefined) this.#pino[level](message);
    else this.#pino[level](this.#clean(fields), message);
  }

  #clean(fields: LogFields): Record<string, unknown> {
    return cleanRecord(fields, this.#show, 0);
  }
}

/** Deeper than this nobody reads, and a cycle ends. */
const DEPTH = 5;

function cleanRecord(record: object, show: boolean, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) out[key] = clean(value, show, depth);
  return out;
}

function clean(value: unknown, show: boolean, depth: number): unknown {
  if (value instanceof Pii) return show ? clean(value.reveal(), show, depth) : value.toString();
  if (value instanceof Error) return depth > DEPTH ? value.message : cleanError(value, show, depth);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEPTH) return "…";
  if (Array.isArray(value)) return value.map((one) => clean(one, show, depth + 1));
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  return cleanRecord(value, show, depth + 1);
}

function cleanError(error: Error, show: boolean, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = { name: error.name, message: error.message };
  if (error instanceof VoiceError) {
    out["code"] = error.code;
    out["side"] = error.side;
    if (Object.keys(error.meta).length > 0) out["meta"] = clean(error.meta, show, depth + 1);
  }
  if (error.stack !== undefined) out["stack"] = error.stack;
  if (error.cause !== undefined) out["cause"] = clean(error.cause, show, depth + 1);
  return out;
}

const names: Readonly<Record<number, string>> = { 10: "trace", 20: "debug", 30: "info ", 40: "warn ", 50: "error" };

/** One JSON line as one readable line. */
function toText(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as { level: number; time: string; msg: string };
  let text = `${time.slice(11, 23)} ${names[level] ?? level} ${msg}`;
  for (const [key, value] of Object.entries(fields)) {
    text += ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`;
  }
  return `${text}\n`;
}
