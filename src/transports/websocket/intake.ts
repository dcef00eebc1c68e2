/*
 * The receiving half of a page's socket: payloads in, frames at the transport's rate out, on a media time that counts
 * samples and jumps over pauses in which nothing was sent.
 */
import { type AudioFrame, monoFrame } from "../../audio/frame.ts";
import { Resampler } from "../../audio/resample.ts";
import type { Millis } from "../../base/time.ts";
import { ArrivalRate } from "../../protocol/arrival.ts";
import { MediaBudget } from "../../protocol/budget.ts";
import type { Codec } from "./codecs.ts";

/** Media this much later than its samples say was preceded by a pause, not by a slow network, ms. */
const PAUSE: Millis = 400;
/** The longest payload, ms. */
const LONGEST: Millis = 1_000;

export interface IntakeOptions {
  readonly codec: Codec;
  /** Rate of the frames that come out, Hz. */
  readonly rate: number;
  frame(frame: AudioFrame): void;
  /** Audio arrives at another rate than agreed. Called at most once. */
  wrongRate(measured: number): void;
}

/** Turns payloads into frames. */
export class Intake {
  readonly codec: Codec;
  readonly #options: IntakeOptions;
  readonly #resampler: Resampler;
  readonly #budget = new MediaBudget();
  readonly #arrival: ArrivalRate;
  /** End of the media so far, on the axis of its own first sample. */
  #media: Millis = 0;
  /** Arrival time of media time zero, as the earliest arrival tells. */
  #origin: Millis | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.codec = options.codec;
    this.#resampler = new Resampler(options.codec.rate, options.rate);
    this.#arrival = new ArrivalRate(options.codec.rate);
  }

  /** Takes one payload that arrived at `now`. Answers why it was not taken, if it was not. */
  push(payload: Uint8Array, now: Millis): "broken" | "too much" | undefined {
    const samples = this.codec.decode(payload);
    if (samples === undefined || samples.length > (this.codec.rate * LONGEST) / 1000) return "broken";
    const ms = (samples.length / this.codec.rate) * 1000;
    if (!this.#budget.take(ms, now)) return "too much";
    const measured = this.#arrival.add(samples.length, now);
    if (measured !== undefined) this.#options.wrongRate(measured);
    const at = this.#place(ms, now);
    const own = this.#resampler.process(samples);
    if (own.length > 0) this.#options.frame(monoFrame(own, this.#options.rate, at));
    return undefined;
  }

  #place(ms: Millis, now: Millis): Millis {
    const late = now - ms - this.#media - (this.#origin ?? now - ms);
    if (this.#origin === undefined || late < 0) this.#origin = now - ms - this.#media;
    else if (late > PAUSE) this.#media += late;
    const at = this.#media;
    this.#media += ms;
    return at;
  }
}
