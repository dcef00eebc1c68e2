/*
 * What an engine sees of a caller who comes over the realtime protocol. Everything that belongs to a page of ours has no
 * place on that wire: it is left out, quietly, and the log says so at debug.
 */
import { type AudioFrame, durationOf } from "../audio/frame.ts";
import { Emitter } from "../base/emitter.ts";
import type { Platform } from "../base/platform.ts";
import { Queue } from "../base/queue.ts";
import { type Clock, type Millis, startingNow } from "../base/time.ts";
import type { CallInfo, Heard, Output, Session, SessionEvents, TransportCan } from "../session/types.ts";
import type { PageEvent } from "../protocol/page.ts";
import type { VideoFrame } from "../video/frame.ts";

/** Microphone audio that may wait for a reader, ms. */
const WAITING: Millis = 5_000;

export interface RealtimeCallerOptions {
  readonly id: string;
  readonly platform: Platform;
  readonly rate: number;
  /** Ms of our voice that wait to be heard, where we know. */
  pending(): Millis;
  /** Takes back what was not heard. */
  interrupt(): Heard;
  close(reason: unknown): Promise<void>;
}

/** One caller of the realtime server. */
export class RealtimeCaller implements Session {
  readonly id: string;
  readonly clock: Clock;
  readonly transport: { readonly name: string; readonly can: TransportCan };
  readonly call: CallInfo = { parameters: {} };
  readonly inputs: unknown = {};
  readonly signal: AbortSignal;
  readonly #options: RealtimeCallerOptions;
  readonly #abort = new AbortController();
  readonly #events: Emitter<SessionEvents>;
  #taps: readonly ((frame: AudioFrame) => void)[] = [];
  #state: Session["state"] = "live";

  constructor(options: RealtimeCallerOptions) {
    const { id, platform, rate } = options;
    this.#options = options;
    this.id = id;
    this.clock = startingNow(platform.clock);
    const can = { rate, lead: 0, video: false, messages: false, digits: false, clears: false, marks: false };
    this.transport = { name: "realtime", can };
    this.signal = this.#abort.signal;
    this.#events = new Emitter((error) => platform.log.error("a listener threw", { error }));
  }

  get state(): Session["state"] {
    return this.#state;
  }
  get pending(): Millis {
    return this.#options.pending();
  }
  get audio(): AsyncIterable<AudioFrame> {
    const queue = new Queue<AudioFrame>({ limit: WAITING, weigh: durationOf });
    const stop = this.tap((frame) => queue.push(frame));
    queue.onLeave(stop);
    this.signal.addEventListener("abort", () => queue.end(), { once: true });
    return queue;
  }
  get video(): AsyncIterable<VideoFrame> {
    const none = new Queue<VideoFrame>();
    none.end();
    return none;
  }

  /** The caller's audio, for taps. */
  heard(frame: AudioFrame): void {
    for (const listener of this.#taps) {
      try {
        listener(frame);
      } catch (error) {
        this.#options.platform.log.error("a tap threw", { error });
      }
    }
  }

  /** The call is over. */
  ended(reason: unknown): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#abort.abort(reason);
    this.#events.emit("closed", { reason });
    this.#events.clear();
    this.#taps = [];
  }

  requestInputs(): Promise<unknown> {
    return Promise.resolve(this.inputs);
  }
  tap(listener: (frame: AudioFrame) => void): () => void {
    this.#taps = [...this.#taps, listener];
    return () => {
      this.#taps = this.#taps.filter((one) => one !== listener);
    };
  }
  send(output: Output): void {
    this.#leftOut(output.kind);
  }
  tell(event: PageEvent): void {
    this.#leftOut(event.type);
  }
  warn(): void {
    this.#leftOut("warning");
  }
  interrupt(): Heard {
    return this.#options.interrupt();
  }
  on<E extends keyof SessionEvents>(event: E, listener: (event: SessionEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }
  close(reason?: unknown): Promise<void> {
    return this.#options.close(reason);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #leftOut(what: string): void {
    this.#options.platform.log.debug("the realtime protocol has no place for this", { what });
  }
}
