/*
 * Runs a handler for one session. What it yields goes into the outbox; a handler that yields faster than the caller can
 * listen is made to wait. Returning is a farewell: what is queued is heard first. Throwing ends this session only.
 */
import { deferred } from "../base/deferred.ts";
import { asVoiceError, VoiceError } from "../base/errors.ts";
import type { Clock, Millis } from "../base/time.ts";
import type { LiveSession } from "./session.ts";
import type { Handler, Output } from "./types.ts";

/** How much of our voice may wait before the handler does, ms. Enough for any sentence, little enough for memory. */
const BACKLOG: Millis = 10_000;
/** How long a generator may take to run its `finally`, ms. */
const RETURN_BOUND: Millis = 1_000;

export interface RunOptions {
  /** The longest farewell, ms. */
  readonly farewellMs: Millis;
}

/** Runs `handler` to its end and closes the session. Never rejects. */
export async function run<In>(
  session: LiveSession<In>,
  handler: Handler<In>,
  { farewellMs }: RunOptions,
): Promise<void> {
  try {
    const result = handler(session);
    if (isIterable(result)) await drain(session, result);
    else if (isPromise(result)) await result;
    else throw new TypeError(`a handler must be an async generator or answer a promise, got ${typeof result}`);
    await farewell(session, farewellMs);
    await session.close();
  } catch (error) {
    // What a handler throws after the hang-up is most often the hang-up itself, passed on by something it awaited.
    if (session.signal.aborted) {
      session.platform.log.debug("a handler ended with an error after its session", { session: session.id, error });
      await session.close();
      return;
    }
    session.fault(error);
    const wrapped = asVoiceError(error, "agent-error");
    tellError(session, wrapped);
    await session.close(wrapped);
  }
}

/** Shows the caller what went wrong: the code always, the text only when it was meant for them. */
export function tellError<In>(session: LiveSession<In>, error: VoiceError): void {
  const message = error.expose ? error.message : "Something went wrong on the server.";
  session.tell({ type: "error", message, data: { code: error.code, fatal: error.fatal } });
}

async function drain<In>(session: LiveSession<In>, outputs: AsyncIterable<Output>): Promise<void> {
  const iterator = outputs[Symbol.asyncIterator]();
  const leave = session.onClose({
    name: "handler",
    boundMs: RETURN_BOUND,
    run: async () => {
      await iterator.return?.();
    },
  });
  for (;;) {
    // A generator may await something that never settles: the hang-up must not depend on it.
    const next = await unlessAborted(iterator.next(), session.signal);
    if (next === undefined) return;
    if (next.done === true) break;
    session.send(next.value);
    while (session.pending > BACKLOG && !session.signal.aborted) await pause(session.clock, 20, session.signal);
  }
  if (!session.signal.aborted) leave();
}

/** What the promise gives, or undefined as soon as the signal aborts. Not `Promise.race`: that keeps every result alive. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

async function farewell<In>(session: LiveSession<In>, farewellMs: Millis): Promise<void> {
  const end = session.clock.now() + farewellMs;
  while (session.pending > 0 && session.clock.now() < end && !session.signal.aborted) {
    await pause(session.clock, Math.min(20, end - session.clock.now()), session.signal);
  }
}

/** Waits, but not longer than the session lives. */
export async function pause(clock: Clock, ms: Millis, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const over = deferred<void>();
  const onAbort = (): void => over.resolve();
  const cancel = clock.at(clock.now() + ms, () => over.resolve());
  signal.addEventListener("abort", onAbort, { once: true });
  await over.promise;
  cancel();
  signal.removeEventListener("abort", onAbort);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

export function isIterable(value: unknown): value is AsyncIterable<Output> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
