import type { Millis } from "../base/time.ts";
import { clampInt16 } from "./pcm.ts";
import { fromDecibels } from "./level.ts";

/** How much quieter our voice becomes when the caller may be talking over it: -12 dB. */
export const DUCK_GAIN: number = fromDecibels(-12);
/** How fast the voice gets quieter: one frame. */
export const DUCK_MS: Millis = 20;
/** How fast it comes back: slower, because a sudden return is more noticed than a sudden drop. */
export const UNDUCK_MS: Millis = 60;
/** Fade-out before silence and fade-in after it: short enough for one frame, long enough not to click. */
export const FADE_MS: Millis = 20;

/**
 * A volume control without clicks: every change is a linear ramp that goes on across frames, so the result does not
 * depend on how the audio is cut. A new ramp starts from wherever the last one was.
 */
export class Gain {
  readonly #rate: number;
  #from = 1;
  #to = 1;
  #length = 0;
  #done = 0;

  /** `rate`: samples per second of one channel. */
  constructor(rate: number) {
    if (!(rate > 0)) throw new RangeError(`rate must be positive, got ${rate}`);
    this.#rate = rate;
  }

  /** The factor that the next sample will get. */
  get value(): number {
    return this.#done >= this.#length ? this.#to : this.#from + ((this.#to - this.#from) * this.#done) / this.#length;
  }

  /** Whether samples pass unchanged. */
  get idle(): boolean {
    return this.#to === 1 && this.#done >= this.#length;
  }

  /** Moves to this factor within `ms`; 0 ms is at once. Factors above 1 clip. */
  ramp(to: number, ms: Millis): void {
    if (!(to >= 0 && Number.isFinite(to))) throw new RangeError(`gain must be a factor of 0 or more, got ${to}`);
    this.#from = this.value;
    this.#to = to;
    this.#done = 0;
    this.#length = Math.max(0, Math.round((ms * this.#rate) / 1000));
  }

  duck(): void {
    this.ramp(DUCK_GAIN, DUCK_MS);
  }
  unduck(): void {
    this.ramp(1, UNDUCK_MS);
  }
  fadeOut(): void {
    this.ramp(0, FADE_MS);
  }
  /** From silence to full volume, whatever the volume was. */
  fadeIn(): void {
    this.ramp(0, 0);
    this.ramp(1, FADE_MS);
  }
  /** Full volume at once: a new stream begins. */
  reset(): void {
    this.ramp(1, 0);
  }

  /** Mono samples at this gain: the very same array while nothing is to be done, else a new one. */
  apply(samples: Int16Array): Int16Array {
    if (this.idle) return samples;
    const out = new Int16Array(samples.length);
    const ramped = Math.min(samples.length, this.#length - this.#done);
    const step = this.#length > 0 ? (this.#to - this.#from) / this.#length : 0;
    const from = this.#from;
    const done = this.#done;
    for (let i = 0; i < ramped; i++) out[i] = clampInt16(Math.round(samples[i]! * (from + step * (done + i))));
    this.#done += ramped;
    const to = this.#to;
    for (let i = ramped; i < samples.length; i++) out[i] = clampInt16(Math.round(samples[i]! * to));
    return out;
  }
}
