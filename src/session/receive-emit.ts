/*
 * Takes handlers that were written as objects with `receive` and `emit`, as FastRTC's are, one object per caller.
 * `emit` is never polled: it is awaited again after something was received, or within 20 ms of having nothing to say. All
 * idle objects of a process wake at the same moments, so that a hundred of them wake it as often as one.
 */
import type { AudioFrame } from "../audio/frame.ts";
import { deferred } from "../base/deferred.ts";
import { unlessAborted } from "./run.ts";
import { LiveSession } from "./session.ts";
import { TICK } from "./ticker.ts";
import type { Handler, Output, Session } from "./types.ts";

/** What one caller's object looks like. */
export interface ReceiveEmit {
  /** Before the first frame. */
  startUp?(session: Session): void | Promise<void>;
  /** Each microphone frame. */
  receive(frame: AudioFrame): void | Promise<void>;
  /** The next output, several of them, or nothing just now. */
  emit(): Emitted | Promise<Emitted>;
  /** At the end of the call, whoever ended it, on every transport. */
  shutdown?(): void | Promise<void>;
}

export type Emitted = Output | readonly Output[] | undefined | null;

/** Makes a handler out of a class with `receive` and `emit`; `make` is called once per caller. */
export function receiveEmit(make: () => ReceiveEmit): Handler {
  return async function* (session) {
    if (!(session instanceof LiveSession)) throw new TypeError("receiveEmit needs the session of a call");
    const object = make();
    const waker = new Waker(session);
    const receiving = receiveAll(session, object, waker);
    try {
      await object.startUp?.(session);
      while (!session.signal.aborted) {
        const emitted = await unlessAborted(Promise.resolve(object.emit()), session.signal);
        if (session.signal.aborted) return;
        if (emitted === undefined || emitted === null) await waker.wait();
        else if (isList(emitted)) yield* emitted;
        else yield emitted;
        if (receiving.failed !== undefined) throw receiving.failed.error;
      }
    } finally {
      waker.wake();
      await object.shutdown?.();
    }
  };
}

/** Feeds the object in the background; what `receive` throws ends the call through the emitting loop. */
function receiveAll(
  session: Session,
  object: ReceiveEmit,
  waker: Waker,
): { failed: { readonly error: unknown } | undefined } {
  const state: { failed: { readonly error: unknown } | undefined } = { failed: undefined };
  const feed = async (): Promise<void> => {
    for await (const frame of session.audio) {
      await object.receive(frame);
      waker.wake();
    }
  };
  feed().catch((error: unknown) => {
    state.failed = { error };
    waker.wake();
  });
  return state;
}

/** Lets the emitting loop sleep until something was received, the next 20 ms have begun or the call is over. */
class Waker {
  readonly #session: LiveSession;
  #sleeping: ReturnType<typeof deferred<void>> | undefined;
  #cancel: (() => void) | undefined;

  constructor(session: LiveSession) {
    this.#session = session;
    session.signal.addEventListener("abort", () => this.wake(), { once: true });
  }

  wait(): Promise<void> {
    if (this.#session.signal.aborted) return Promise.resolve();
    this.#sleeping = deferred<void>();
    const { clock } = this.#session.platform;
    this.#cancel = clock.at((Math.floor(clock.now() / TICK) + 1) * TICK, () => this.wake());
    return this.#sleeping.promise;
  }

  wake(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#sleeping?.resolve();
    this.#sleeping = undefined;
  }
}

function isList(value: Output | readonly Output[]): value is readonly Output[] {
  return Array.isArray(value);
}
