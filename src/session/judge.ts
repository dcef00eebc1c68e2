/*
 * Turns one caller's frames into detector verdicts on the session's axis: resample, cut into windows, judge. Time without
 * media is silence: a muted microphone or a browser that stops sending must still end a turn.
 */
import { type AudioFrame, durationOf } from "../audio/frame.ts";
import { Windower } from "../audio/rechunk.ts";
import { Resampler } from "../audio/resample.ts";
import type { Millis } from "../base/time.ts";
import type { DetectorMaker, VoiceDetector } from "../vad/detector.ts";

/** A jump of media time below this is rounding, not a gap, ms. */
const GAP: Millis = 30;
/** More silence than this tells the detector nothing new: it is reset instead, ms. */
const LONG_GAP: Millis = 1_000;
/** While audio comes for time that was counted as silence already, its time passes at this share of its length. */
const CATCH_UP = 0.5;

/** Feeds a detector and tells each verdict with the session time at which its window ends. */
export class Judge {
  readonly #detector: VoiceDetector;
  readonly #resampler: Resampler;
  readonly #windower: Windower;
  readonly #windowMs: Millis;
  #floats = new Float32Array(0);
  #silence: Float32Array;
  /** End of the last judged window. */
  #judged: Millis = 0;
  /** Time that a window takes. */
  #step: Millis;
  /** End of the media that was fed. */
  #fed: Millis | undefined;

  constructor(maker: DetectorMaker, rate: number, onVerdict: (speech: number, end: Millis) => void) {
    this.#detector = maker(rate);
    this.#resampler = new Resampler(rate, this.#detector.rate);
    this.#windowMs = (this.#detector.window / this.#detector.rate) * 1000;
    this.#step = this.#windowMs;
    this.#silence = new Float32Array(this.#detector.window);
    this.#windower = new Windower(this.#detector.window, (window) => {
      this.#judged += this.#step;
      onVerdict(this.#detector.push(window), this.#judged);
    });
  }

  /** End of the media that was fed, session time. */
  get fed(): Millis | undefined {
    return this.#fed;
  }

  push(frame: AudioFrame): void {
    if (this.#fed === undefined || frame.at - this.#fed > LONG_GAP) this.#begin(frame.at);
    else if (frame.at - this.#fed > GAP) this.fill(frame.at);
    const count = this.#resampler.outputLength(frame.samples.length);
    if (this.#floats.length < count) this.#floats = new Float32Array(count * 2);
    this.#resampler.push(frame.samples, this.#floats);
    this.#reach(frame, count);
    this.#windower.push(this.#floats, count);
  }

  /** No media came: counts the time until `to` as silence. */
  fill(to: Millis): void {
    if (this.#fed === undefined) return;
    if (to - this.#fed > LONG_GAP) this.#begin(to - LONG_GAP);
    for (let fed = this.#fed + this.#windowMs; fed <= to; fed += this.#windowMs) {
      this.#fed = fed;
      this.#spread(fed, this.#silence.length);
      this.#windower.push(this.#silence);
    }
  }

  /**
   * Moves on to the end of a frame. The axis may move back a little when a frame beats all earlier ones, and time that was
   * counted as silence may come late: windows follow each other all the same, or the machine would see time run backwards,
   * but closer together until the lead is gone, or every stall would put the machine further ahead of the clock.
   */
  #reach(frame: AudioFrame, count: number): void {
    const duration = durationOf(frame);
    this.#fed = Math.max(frame.at + duration, (this.#fed ?? frame.at) + duration * CATCH_UP);
    this.#spread(this.#fed, count);
  }

  /** The windows of what waits and of `count` new samples lie evenly between the last verdict and `until`. */
  #spread(until: Millis, count: number): void {
    this.#step = ((until - this.#judged) * this.#detector.window) / (this.#windower.pending + count);
  }

  #begin(at: Millis): void {
    this.#detector.reset();
    this.#resampler.reset();
    this.#windower.reset();
    this.#fed = at;
    this.#judged = at;
  }
}
