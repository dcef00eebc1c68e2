/*
 * The caller's audio on its way to the model. The last 30 s are kept, connected or not, so that a sentence around a break
 * is said again to the next connection: from the beginning of the utterance that is open or was not understood yet.
 *
 *   provider decides   everything goes out as it comes; silence stands in while the microphone gives nothing
 *   we decide          only utterances go out, from their pre-roll to their end, each followed by a commit
 */
import { type AudioFrame, durationOf } from "../../audio/frame.ts";
import type { Clock, Millis } from "../../base/time.ts";
import type { RealtimeConnection } from "../../realtime/model.ts";
import { AudioRing } from "../../realtime/ring.ts";
import type { EndedWhy, TurnEvent } from "../../turn/events.ts";

const KEPT: Millis = 30_000;
/** Audio from before the onset that belongs to an utterance. */
const PREFIX: Millis = 300;
/** What a provider refuses to commit when there is less. */
const SHORTEST: Millis = 100;
/** Held back at most while the line is full. */
const LAG: Millis = 1_000;
/** An onset that the provider has not told yet lies within this. */
const ONSET: Millis = 1_500;
/** Without audio from the microphone for this long, silence goes out in its place. Above the jitter of bad networks. */
const MISSING: Millis = 300;

/** Ends of an utterance that is no turn. */
const NOTHING_SAID: ReadonlySet<EndedWhy> = new Set<EndedWhy>(["noise", "aside", "stop", "closed"]);

export interface HearingOptions {
  readonly clock: Clock;
  /** Hz. */
  readonly rate: number;
  /** We decide when the caller has finished. */
  readonly local: boolean;
  /** Audio that never reached the model, ms. */
  dropped(ms: Millis): void;
}

/** What is said again to a connection: audio from `from` on; with `commitAt` what lies before that is an utterance. */
export interface HeardAgain {
  readonly from: number;
  readonly commitAt: number | undefined;
}

interface Utterance {
  readonly item: string | undefined;
  readonly from: number;
  readonly to: number;
}

/** One caller's audio. */
export class Hearing {
  readonly #options: HearingOptions;
  readonly #ring: AudioRing;
  #local: boolean;
  #connection: RealtimeConnection | undefined;
  /** Position up to which the connection has it. */
  #sent = 0;
  /** Samples the connection has in all. */
  #written = 0;
  /** Where the utterance under way begins. */
  #open: number | undefined;
  /** Said, and neither written down nor answered yet. */
  #pending: Utterance | undefined;
  /** Where the last utterance ended. */
  #ended = 0;
  #frameEnd: Millis = 0;
  #heardAt: Millis = 0;
  #cancelFill: (() => void) | undefined;

  constructor(options: HearingOptions) {
    this.#options = options;
    this.#local = options.local;
    this.#ring = new AudioRing((options.rate * KEPT) / 1000);
  }

  /** The caller is in the middle of something. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** What the caller said is not known yet, neither as words nor by an answer. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** Who decides from now on. */
  set local(local: boolean) {
    if (local === this.#local) return;
    this.#local = local;
    this.#open = undefined;
    this.#sent = this.#ring.end;
  }

  hear(frame: AudioFrame): void {
    const { samples } = frame;
    this.#heardAt = this.#options.clock.now();
    this.#frameEnd = frame.at + durationOf(frame);
    this.#push(samples);
  }

  /** A connection takes over; it first hears what it has to. */
  attach(connection: RealtimeConnection, again: HeardAgain = this.again()): void {
    this.#connection = connection;
    this.#written = 0;
    const from = Math.max(again.from, this.#ring.start);
    if (from > again.from) this.#options.dropped(this.#toMs(from - again.from));
    this.#sent = from;
    if (again.commitAt !== undefined) {
      this.#catchUp(again.commitAt);
      this.#commit(again.commitAt - from);
      if (this.#open !== undefined) this.#sent = Math.max(this.#open, this.#ring.start);
    }
    if (!this.#local || this.#open !== undefined) this.#catchUp(this.#ring.end);
    this.#sent = this.#ring.end;
  }

  /** The connection is gone. Call `again` before, while its last sign of life is known. */
  detach(): void {
    this.#connection = undefined;
    this.#cancelFill?.();
    this.#cancelFill = undefined;
  }

  /** What the next connection has to hear. */
  again(): HeardAgain {
    const local = this.#local;
    const { clock } = this.#options;
    const commitAt = this.#pending !== undefined && local ? this.#pending.to : undefined;
    const from = this.#pending?.from ?? this.#open;
    if (from !== undefined) return { from, commitAt };
    if (local) return { from: this.#ring.end, commitAt };
    const silent = this.#connection === undefined ? ONSET : clock.now() - this.#connection.seenAt + ONSET;
    return { from: Math.max(this.#ended, this.#ring.end - this.#toSamples(silent), 0), commitAt };
  }

  /** The provider heard speech begin or end, `ms` into what was written to it. Answers the time on the session's axis. */
  speech(on: boolean, ms: Millis): Millis {
    const position = Math.max(0, this.#sent - this.#written + this.#toSamples(ms));
    if (on) {
      this.#open = position;
      this.#fill();
    } else {
      if (this.#open !== undefined) this.#pending = { item: undefined, from: this.#open, to: position };
      this.#open = undefined;
      this.#ended = position;
      this.#cancelFill?.();
      this.#cancelFill = undefined;
    }
    return this.#frameEnd - this.#toMs(this.#ring.end - position);
  }

  /** What the caller said has become this item. */
  committed(item: string): void {
    if (this.#pending !== undefined) this.#pending = { ...this.#pending, item };
  }

  /** The item is known as words; without one: it was answered. */
  resolved(item?: string): void {
    if (item === undefined || this.#pending?.item === item) this.#pending = undefined;
  }

  /** Nobody knows any more whether the caller speaks. */
  forget(): void {
    this.#open = undefined;
    this.#pending = undefined;
  }

  /** What our own machine decided. */
  turn(event: TurnEvent): void {
    switch (event.type) {
      case "started":
        this.begin(event.from);
        return;
      case "resumed":
        if (!this.isOpen) this.begin(event.at);
        return;
      case "ended":
        if (NOTHING_SAID.has(event.why)) this.discard();
        else this.end();
        return;
      case "paused":
      case "likely":
      case "duck":
      case "hold":
      case "release":
      case "interrupted":
        return;
    }
  }

  /** We heard the caller begin at `at`, on the session's axis. */
  begin(at: Millis): void {
    const position = this.#ring.end - this.#toSamples(this.#frameEnd - at + PREFIX);
    this.#open = Math.max(position, this.#ended, this.#ring.start);
    this.#sent = this.#open;
    if (this.#connection === undefined) return;
    this.#catchUp(this.#ring.end);
    this.#sent = this.#ring.end;
  }

  /** The caller has finished: what was said is a turn. False when nothing was. */
  end(): boolean {
    const from = this.#open;
    if (from === undefined) return false;
    const to = this.#ring.end;
    this.#open = undefined;
    this.#ended = to;
    this.#pending = { item: undefined, from, to };
    this.#commit(to - from);
    return true;
  }

  /** It was nothing. */
  discard(): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    this.#ended = this.#ring.end;
    this.#connection?.clear();
  }

  close(): void {
    this.detach();
  }

  #push(samples: Int16Array): void {
    this.#ring.push(samples);
    const connection = this.#connection;
    if (connection === undefined || (this.#local && this.#open === undefined)) return;
    const behind = this.#ring.end - samples.length - this.#sent;
    if (behind > 0) this.#catchUpSlowly(connection);
    else if (connection.sendAudio(samples)) this.#moved(samples.length);
    else this.#limitLag();
  }

  #catchUpSlowly(connection: RealtimeConnection): void {
    const step = this.#toSamples(100);
    while (this.#sent < this.#ring.end) {
      const piece = this.#ring.read(this.#sent, step);
      if (!connection.sendAudio(piece)) break;
      this.#moved(piece.length);
    }
    this.#limitLag();
  }

  /** The line has been full for a while: the oldest goes. */
  #limitLag(): void {
    const over = this.#ring.end - this.#sent - this.#toSamples(LAG);
    if (over <= 0) return;
    this.#sent += over;
    this.#options.dropped(this.#toMs(over));
  }

  #catchUp(to: number): void {
    const step = this.#options.rate;
    while (this.#sent < to) {
      const piece = this.#ring.read(this.#sent, Math.min(step, to - this.#sent));
      if (piece.length === 0) return;
      this.#connection?.sendAudio(piece, true);
      this.#moved(piece.length);
    }
  }

  #moved(samples: number): void {
    this.#sent += samples;
    this.#written += samples;
  }

  #commit(samples: number): void {
    const lacking = this.#toSamples(SHORTEST) - samples;
    if (lacking > 0) {
      this.#connection?.sendAudio(new Int16Array(lacking), true);
      this.#written += lacking;
    }
    this.#connection?.commit();
  }

  /** A detector waits for audio, so a microphone that gives nothing would keep a turn open for ever. */
  #fill(): void {
    const { clock } = this.#options;
    this.#cancelFill?.();
    this.#cancelFill = clock.at(clock.now() + MISSING, () => {
      const missing = clock.now() - this.#heardAt;
      if (missing >= MISSING) {
        this.#heardAt += missing;
        this.#frameEnd += missing;
        this.#push(new Int16Array(this.#toSamples(missing)));
      }
      this.#fill();
    });
  }

  #toSamples(ms: Millis): number {
    return Math.round((ms * this.#options.rate) / 1000);
  }
  #toMs(samples: number): Millis {
    return (samples * 1000) / this.#options.rate;
  }
}
