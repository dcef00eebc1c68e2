/*
 * A detector without a model: speech is what is clearly louder than the room. The room's level is the lowest one of the
 * last two seconds ("minimum statistics": speech pauses that often, steady noise does not), so the detector gets used to a
 * fan within two seconds and forgets it as fast. Good in quiet rooms and in tests; music and clicks look like speech to it.
 */
import { toDecibels } from "../audio/level.ts";
import type { VoiceDetector } from "./detector.ts";

/** 32 ms, as the turn policy is tuned for. */
const WINDOW_SECONDS = 0.032;
/** Eight blocks of 8 windows: about 2 s. */
const BLOCKS = 8;
const BLOCK_WINDOWS = 8;
/** How far above the room a level must be to be called speech with p = 0.5, in dB. Chosen by ear and test, as the next two. */
const MARGIN_DB = 9;
/** dB that take p from 0.5 to 0.73. */
const SLOPE_DB = 1.5;
/** No room counts as more quiet than this: else the hiss of a good microphone would be speech. dBFS. */
const FLOOR_DB = -60;
/** What the room is taken for before it was heard, dBFS. */
const FIRST_FLOOR_DB = -50;
/**
 * Detects speech by its level above an adaptive noise floor. Works at any rate. The quieter of the last two windows counts,
 * so a single click is not speech, and neither is the end of a word that reaches into the next window.
 */
export class EnergyDetector implements VoiceDetector {
  readonly rate: number;
  readonly window: number;
  readonly #lowest = new Float64Array(BLOCKS);
  #block = 0;
  #windows = 0;
  #before = 0;

  /** `rate` in Hz, from 4000 up. */
  constructor(rate: number) {
    if (!(rate >= 4000 && Number.isFinite(rate))) throw new RangeError(`rate must be 4000 Hz or more, got ${rate}`);
    this.rate = rate;
    this.window = Math.round(rate * WINDOW_SECONDS);
    this.reset();
  }

  /** The room's level as it is known now, dBFS. */
  get floor(): number {
    let floor = this.#lowest[0]!;
    for (let i = 1; i < BLOCKS; i++) if (this.#lowest[i]! < floor) floor = this.#lowest[i]!;
    return Math.max(FLOOR_DB, floor);
  }

  push(samples: Float32Array): number {
    if (samples.length !== this.window)
      throw new RangeError(`a window must have ${this.window} samples, got ${samples.length}`);
    const power = powerOf(samples);
    if (!Number.isFinite(power)) return 0;
    const level = toDecibels(Math.sqrt(Math.min(power, this.#before)));
    this.#before = power;
    const speech = 1 / (1 + Math.exp((MARGIN_DB - (level - this.floor)) / SLOPE_DB));
    this.#remember(level);
    return speech;
  }

  reset(): void {
    this.#lowest.fill(FIRST_FLOOR_DB);
    this.#block = 0;
    this.#windows = 0;
    this.#before = 0;
  }

  #remember(level: number): void {
    if (this.#windows === BLOCK_WINDOWS) {
      this.#windows = 0;
      this.#block = (this.#block + 1) % BLOCKS;
    }
    if (this.#windows === 0 || level < this.#lowest[this.#block]!) this.#lowest[this.#block] = level;
    this.#windows += 1;
  }
}

/** Mean square without the constant part, which is no sound. */
function powerOf(samples: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < samples.length; i++) {
    const v = samples[i]!;
    sum += v;
    squares += v * v;
  }
  const mean = sum / samples.length;
  return Math.max(0, squares / samples.length - mean * mean);
}
