/*
 * Finds out that a peer sends at another rate than agreed: rates are not on the wire of a stock page, and a page that
 * sends what its sound card gives (44 100 Hz) where 48 000 is expected is heard too fast and too high.
 */
import type { Millis } from "../base/time.ts";

/** How long it listens before it judges, ms. */
const WINDOW: Millis = 2_000;
/** Nothing for this long is a pause of the sender, which says nothing about its rate, ms. */
const PAUSE: Millis = 300;
/** How far off is wrong. */
const TOLERANCE = 0.05;

const COMMON = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000];

/** Measures the rate at which samples arrive. */
export class ArrivalRate {
  readonly #expected: number;
  #since: Millis | undefined;
  #last: Millis = 0;
  #samples = 0;
  #told = false;

  /** `expected`: the agreed rate, Hz. */
  constructor(expected: number) {
    this.#expected = expected;
  }

  /** Samples arrived at `now`. Answers, at most once, the rate in Hz that they really seem to have. */
  add(samples: number, now: Millis): number | undefined {
    if (this.#told) return undefined;
    const gap = now - this.#last;
    this.#last = now;
    // What arrives first was spoken before the window began.
    if (this.#since === undefined || gap > Math.max(PAUSE, (2_000 * samples) / this.#expected)) {
      this.#since = now;
      this.#samples = 0;
      return undefined;
    }
    this.#samples += samples;
    const passed = now - this.#since;
    if (passed < WINDOW) return undefined;
    const rate = (this.#samples / passed) * 1000;
    this.#since = now;
    this.#samples = 0;
    if (Math.abs(rate / this.#expected - 1) <= TOLERANCE) return undefined;
    this.#told = true;
    return COMMON.find((common) => Math.abs(rate / common - 1) < 0.04) ?? Math.round(rate);
  }
}
