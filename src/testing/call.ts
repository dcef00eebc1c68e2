/*
 * A caller without a network: a transport whose two ends are in one process. On a virtual clock the test moves time by
 * what the caller says; on a real one the caller speaks in real time. What the caller hears is kept with the time at which
 * it left the session.
 */
import { type AudioFrame, durationOf, monoFrame } from "../audio/frame.ts";
import { rmsOf } from "../audio/level.ts";
import type { CallerMessage, PageEvent } from "../protocol/page.ts";
import type { Output, Transport, TransportCan, TransportSink } from "../session/types.ts";
import type { Clock, Millis } from "../base/time.ts";
import { VirtualClock } from "./clock.ts";

export interface LoopbackOptions {
  readonly clock: Clock;
  readonly can?: Partial<TransportCan>;
  /** The transport never says that it is closed: to test that closing is bounded. */
  readonly hangs?: boolean;
}

/** One frame, message or picture that left the session, and when. */
export interface Sent {
  readonly at: Millis;
  readonly output: Output;
}

/** A caller in the same process. */
export class LoopbackCall implements Transport {
  readonly name = "loopback";
  readonly can: TransportCan;
  readonly sent: Sent[] = [];
  readonly events: { readonly at: Millis; readonly event: PageEvent }[] = [];
  /** How often the session asked to forget what was not played. */
  clears = 0;
  closedWith: unknown;
  isClosed = false;
  readonly #clock: Clock;
  readonly #hangs: boolean;
  #sink: TransportSink | undefined;
  #media: Millis = 0;

  constructor({ clock, can = {}, hangs = false }: LoopbackOptions) {
    this.#clock = clock;
    this.#hangs = hangs;
    this.can = {
      rate: 24_000,
      lead: 20,
      video: false,
      messages: true,
      digits: true,
      clears: true,
      marks: false,
      ...can,
    };
  }

  open(sink: TransportSink): void {
    if (this.#sink !== undefined) throw new TypeError("open was called twice");
    this.#sink = sink;
  }

  send(output: Output): void {
    if (this.isClosed) throw new TypeError("send was called after close");
    this.sent.push({ at: this.#clock.now(), output });
  }

  tell(event: PageEvent): void {
    this.events.push({ at: this.#clock.now(), event });
  }

  clear(): void {
    this.clears += 1;
  }

  close(reason?: unknown): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.closedWith = reason;
    if (!this.#hangs) this.#sink?.closed(reason, false);
  }

  /** The caller speaks: frames of 20 ms arrive in real time, as fast as the clock is moved. */
  async say(audio: AudioFrame): Promise<void> {
    const size = Math.round(audio.rate * 0.02);
    for (let at = 0; at < audio.samples.length; at += size) {
      const frame = monoFrame(audio.samples.subarray(at, at + size), audio.rate, this.#media);
      this.#media += durationOf(frame);
      await this.#pass(durationOf(frame));
      this.#sink?.audio(frame);
    }
  }

  /** The microphone is open and nobody speaks. */
  async listen(ms: Millis): Promise<void> {
    await this.say(monoFrame(new Int16Array(Math.round((this.can.rate * ms) / 1000)), this.can.rate));
  }

  /** Nothing arrives for this long: muted at the source, or the network is gone. Media time goes on. */
  async starve(ms: Millis): Promise<void> {
    this.#media += ms;
    await this.#pass(ms);
  }

  #pass(ms: Millis): Promise<void> {
    if (this.#clock instanceof VirtualClock) return this.#clock.advance(ms);
    return new Promise((resolve) => this.#clock.at(this.#clock.now() + ms, resolve));
  }

  message(message: CallerMessage): void {
    this.#sink?.message(message);
  }

  played(upTo: Millis): void {
    this.#sink?.played(upTo);
  }

  hangUp(reason?: unknown): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#sink?.closed(reason, false);
  }

  /** The connection is gone, the caller may come back over another one. */
  lose(reason?: unknown): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#sink?.closed(reason, true);
  }

  /** All audio sent so far, in order. */
  heardAudio(): AudioFrame[] {
    return this.sent.flatMap(({ output }) => (output.kind === "audio" ? [output] : []));
  }

  /** When the last frame left that was not silent; undefined when none did. */
  lastSoundAt(): Millis | undefined {
    const last = this.sent.findLast(({ output }) => output.kind === "audio" && rmsOf(output.samples) > 0.001);
    return last?.at;
  }

  /** The events of one type, in order. */
  eventsOf<T extends PageEvent["type"]>(type: T): Extract<PageEvent, { type: T }>[] {
    return this.events.flatMap(({ event }) => (isOf(event, type) ? [event] : []));
  }
}

function isOf<T extends PageEvent["type"]>(event: PageEvent, type: T): event is Extract<PageEvent, { type: T }> {
  return event.type === type;
}
