/*
 * One POST and its answer, with a bound on every wait. `node:http` rather than `fetch`, because only it tells when the
 * connection stands: a server that cannot be reached and one that thinks are two different things.
 *
 *   request ──connectMs──▶ connected ──firstMs──▶ first piece ──idleMs──▶ next piece … end
 */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { VoiceError } from "../../base/errors.ts";
import type { Millis } from "../../base/time.ts";
import { isRecord } from "../../protocol/page.ts";
import { isFinal, providerError, refusalError } from "../../realtime/faults.ts";
import type { Endpoint } from "./endpoint.ts";

/** How much of a refusal is read, bytes. */
const REFUSAL_LIMIT = 16 * 1024;
/** How long to wait before the second attempt when the server does not say, ms. */
const RETRY: Millis = 250;
/** A server that wants us to wait longer than this is not asked again: a caller is waiting, ms. */
const LONGEST_RETRY: Millis = 2_000;

export interface Body {
  readonly type: string;
  readonly content: string | Uint8Array;
}

/** An answer with status 200 to 299. */
export interface Reply {
  /** Without parameters: `text/event-stream`. */
  readonly type: string;
  /** Its pieces as they come; throws VoiceError `provider-…` when they stay away or the connection breaks. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The first word of the answer is here: from now on the time between two pieces counts. */
  begun(): void;
  /** Lets go of it, at any time. */
  close(): void;
}

/**
 * Asks, and asks a second time when there was no answer that a second attempt could not change. Throws VoiceError
 * `provider-auth`, `-config`, `-limit` (with `meta.retryAfterMs`), `-unavailable` or `-timeout`; the signal's reason when
 * it aborts, at once.
 */
export async function post(endpoint: Endpoint, path: string, body: Body, signal: AbortSignal): Promise<Reply> {
  try {
    return await attempt(endpoint, path, body, signal);
  } catch (error) {
    await beforeRetry(error, signal);
    return await attempt(endpoint, path, body, signal);
  }
}

/** Settles when a second attempt is due; throws the error when there should be none. */
export async function beforeRetry(error: unknown, signal: AbortSignal): Promise<void> {
  if (signal.aborted || !(error instanceof VoiceError) || isFinal(error) || error.meta["phase"] === "first")
    throw error;
  const wish = error.meta["retryAfterMs"];
  const wait = typeof wish === "number" ? wish : RETRY;
  if (wait > LONGEST_RETRY) throw error;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, wait);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
  signal.throwIfAborted();
}

/** One attempt. */
export async function attempt(endpoint: Endpoint, path: string, body: Body, signal: AbortSignal): Promise<Reply> {
  signal.throwIfAborted();
  const { headers, timeouts } = endpoint;
  const target = endpoint.at(path);
  const isSecure = target.protocol === "https:";
  const request = (isSecure ? requestHttps : requestHttp)(target, {
    method: "POST",
    headers: { accept: "application/json, text/event-stream", "content-type": body.type, ...headers },
  });
  const patience = new Patience((error) => request.destroy(error));
  const onAbort = (): void => void request.destroy();
  const finish = (): void => {
    patience.end();
    signal.removeEventListener("abort", onAbort);
  };
  const close = (): void => {
    finish();
    request.destroy();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  patience.expect("the connection", timeouts.connectMs, "connect");
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const connected = (): void => patience.expect("the first word", timeouts.firstMs, "first");
      request.on("socket", (socket) => {
        if (socket.connecting) socket.once(isSecure ? "secureConnect" : "connect", connected);
        else connected();
      });
      request.on("response", resolve);
      // Stays for good: a request that is destroyed after its response may report that too.
      request.on("error", reject);
      request.on("close", () => reject(new Error("the request was closed")));
      request.end(body.content);
    });
    if (!isOk(response)) throw await refusalOf(response, endpoint);
    return {
      type: typeOf(response),
      body: pieces(response, patience, signal, () => (response.complete ? finish() : close())),
      begun: () => patience.idle(timeouts.idleMs),
      close,
    };
  } catch (error) {
    close();
    signal.throwIfAborted();
    throw patience.over ?? asTrouble(error);
  }
}

/** Reads to the end. A connection from which all was read is used again. */
async function* pieces(
  response: IncomingMessage,
  patience: Patience,
  signal: AbortSignal,
  finish: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source: AsyncIterable<Uint8Array> = response;
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      patience.waits();
      const next = await iterator.next();
      patience.rests();
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw patience.over ?? asTrouble(error);
  } finally {
    finish();
  }
}

/** Stops a request that keeps us waiting: for one thing at first, then between any two pieces, while somebody reads. */
class Patience {
  /** Why it was stopped. */
  over: VoiceError | undefined;
  readonly #stop: (error: VoiceError) => void;
  #timer: NodeJS.Timeout | undefined;
  #idleMs: Millis | undefined;

  constructor(stop: (error: VoiceError) => void) {
    this.#stop = stop;
  }

  expect(what: string, ms: Millis, phase: "connect" | "first" | "idle"): void {
    this.end();
    this.#timer = setTimeout(() => {
      this.over = new VoiceError("provider-timeout", `${what} did not come within ${ms} ms`, { meta: { phase } });
      this.#stop(this.over);
    }, ms);
  }

  idle(ms: Millis): void {
    this.end();
    this.#idleMs = ms;
  }

  waits(): void {
    if (this.#idleMs !== undefined) this.expect("more of the answer", this.#idleMs, "idle");
  }

  rests(): void {
    if (this.#idleMs !== undefined) this.end();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** A whole JSON body. Throws VoiceError `provider-unavailable` for one that is none. */
export async function readJson(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const text = await readText(body, Number.POSITIVE_INFINITY);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new VoiceError("provider-unavailable", "the server's answer is not JSON", { cause });
  }
}

async function readText(body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    pieces.push(piece);
    length += piece.length;
    if (length > limit) break;
  }
  return Buffer.concat(pieces).toString();
}

async function refusalOf(response: IncomingMessage, { scrub }: Endpoint): Promise<VoiceError> {
  const { statusCode: status = 0, headers } = response;
  const base = refusalError(status, retryAfterOf(headers["retry-after-ms"], headers["retry-after"]));
  const message = `the server refused the request with status ${status}`;
  const { meta } = providerError(errorIn(await readText(response, REFUSAL_LIMIT)), message, scrub);
  return new VoiceError(base.code, message, { meta: { ...base.meta, ...meta } });
}

/** `{"error": {…}}`, `{"error": "…"}` or `{"message": "…"}`. */
function errorIn(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    const error = isRecord(json) ? (json["error"] ?? json) : json;
    return typeof error === "string" ? { message: error } : error;
  } catch {
    return { message: text.slice(0, 300) };
  }
}

/** Seconds or a date, as HTTP says it, or OpenAI's milliseconds; in ms. */
function retryAfterOf(ms: string | readonly string[] | undefined, header: string | undefined): Millis | undefined {
  if (typeof ms === "string" && Number(ms) >= 0) return Number(ms);
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const wait = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1_000;
  return Number.isNaN(wait) ? undefined : Math.max(0, Math.round(wait));
}

function asTrouble(error: unknown): VoiceError {
  if (error instanceof VoiceError) return error;
  return new VoiceError("provider-unavailable", "the connection to the server failed", { cause: error });
}

function isOk({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function typeOf({ headers }: IncomingMessage): string {
  return (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}
