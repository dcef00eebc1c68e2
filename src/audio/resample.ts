/*
 * Changes the rate of a stream of samples: a polyphase FIR filter, the textbook way for a ratio of small whole numbers.
 *
 * To go from `from` to `to` Hz, divide both by their greatest common divisor: L = to/g, M = from/g. Think of the input
 * with L - 1 zeros between samples, low-pass filtered, every M-th value kept. Of each output's filter taps only every
 * L-th meets a sample that is not zero, so the filter is stored as L rows ("phases") of T taps, and an output is one dot
 * product of T inputs with one row.
 *
 *   history   0 0 0 │ x0 x1 x2 x3 …      T/2 - 1 zeros come first, so that output 0 lies exactly on input 0:
 *                  ▲                     no delay between input and output, only T/2 samples of look-ahead
 *
 * The low pass is a sinc with a Kaiser window whose transition ends at the lower of the two Nyquist frequencies: nothing
 * folds back. Each row is scaled to sum 1, so a constant stays what it is in every phase. Sums are taken in a fixed order
 * (fir.ts), so the result is the same to the last bit however the input is cut.
 */

import { dot, LONGEST_SLIDE, slideEight, slideOne, tapOrder } from "./fir.ts";
import { float32ToInt16, int16ToFloat32 } from "./pcm.ts";

/** `voice`: 60 dB, flat to 85 % of the lower Nyquist frequency. `hq`: 90 dB, flat to 90 %, twice the work. */
export type ResamplerQuality = "voice" | "hq";

export interface ResamplerOptions {
  /** Default "voice"; "hq" is for recordings and music. */
  readonly quality?: ResamplerQuality;
}

interface Filter {
  readonly taps: number;
  /** L rows of `taps` values, in the order of `tapOrder`. */
  readonly rows: Float64Array;
}

const presets: Readonly<Record<ResamplerQuality, { readonly attenuation: number; readonly pass: number }>> = {
  voice: { attenuation: 60, pass: 0.85 },
  hq: { attenuation: 90, pass: 0.9 },
};

/** Filters are the same for all sessions. Few rates are in use; the bound is for a peer that invents them. */
const filters = new Map<string, Filter>();
const MAX_FILTERS = 24;
/** 8 MB. The usual rates need at most a fifth of it. */
const MAX_COEFFICIENTS = 1 << 20;

/** Resamples one mono stream. Equal rates are passed through untouched. */
export class Resampler {
  readonly from: number;
  readonly to: number;
  /** How much input must follow a moment before its output appears, in ms. */
  readonly lookAheadMs: number;
  readonly #up: number;
  readonly #down: number;
  readonly #taps: number;
  readonly #rows: Float64Array;
  #history: Float64Array;
  #result: Float64Array;
  #length = 0;
  #phase = 0;
  /** First input of the next output; beyond `#length` for a moment when one step skips more than the filter is long. */
  #position = 0;

  /** Rates in Hz, positive whole numbers. Throws RangeError when their ratio needs a table of more than 8 MB. */
  constructor(from: number, to: number, { quality = "voice" }: ResamplerOptions = {}) {
    checkRate(from, "from");
    checkRate(to, "to");
    this.from = from;
    this.to = to;
    const divisor = greatestCommonDivisor(from, to);
    this.#up = to / divisor;
    this.#down = from / divisor;
    const bypass = from === to;
    const filter = bypass ? { taps: 0, rows: new Float64Array(0) } : filterFor(this.#up, this.#down, quality);
    this.#taps = filter.taps;
    this.#rows = filter.rows;
    this.lookAheadMs = (filter.taps / 2 / from) * 1000;
    this.#history = new Float64Array(bypass ? 0 : filter.taps + 2048);
    this.#result = new Float64Array(bypass ? 0 : 1024);
    this.reset();
  }

  /** Exactly how many samples the next `push` of this many will write. */
  outputLength(inputLength: number): number {
    if (this.#taps === 0) return inputLength;
    const positions = this.#length + inputLength - this.#taps - this.#position; // the last usable first input, relative
    return positions < 0 ? 0 : Math.floor((positions * this.#up + this.#up - 1 - this.#phase) / this.#down) + 1;
  }

  /**
   * Takes the next samples and writes what they complete into `output`, which must hold `outputLength(input.length)`
   * samples and is the caller's. Answers how many it wrote. Integers are scaled, so int16 in and float out gives [-1, 1];
   * int16 out is rounded and clamped.
   */
  push(input: Int16Array | Float32Array, output: Int16Array | Float32Array): number {
    const count = this.outputLength(input.length);
    checkRoom(count, output.length);
    if (this.#taps === 0) {
      convert(input, output);
      return count;
    }
    this.#load(input);
    this.#filter(count);
    store(this.#result, count, output);
    return count;
  }

  /** The next samples in an array of their own, fit for a frame. The input itself when the rates are equal. */
  process(samples: Int16Array): Int16Array {
    if (this.#taps === 0) return samples;
    const output = new Int16Array(this.outputLength(samples.length));
    this.push(samples, output);
    return output;
  }

  /** How many samples `flush` will write. */
  get flushLength(): number {
    return this.outputLength(this.#taps / 2);
  }

  /**
   * Writes what still waits for look-ahead, as if silence followed, and resets. With it, `n` samples in give
   * `ceil(n * to / from)` out. Answers how many it wrote.
   */
  flush(output: Int16Array | Float32Array): number {
    const count = this.flushLength;
    checkRoom(count, output.length);
    if (count > 0) {
      this.#reserve(this.#taps / 2);
      this.#history.fill(0, this.#length, this.#length + this.#taps / 2);
      this.#length += this.#taps / 2;
      this.#filter(count);
      store(this.#result, count, output);
    }
    this.reset();
    return count;
  }

  /** Forgets the stream: the next sample is the first of a new one. */
  reset(): void {
    this.#length = Math.max(0, this.#taps / 2 - 1);
    this.#history.fill(0, 0, this.#length);
    this.#phase = 0;
    this.#position = 0;
  }

  #load(input: Int16Array | Float32Array): void {
    this.#reserve(input.length);
    const history = this.#history;
    const at = this.#length;
    if (input instanceof Int16Array) {
      for (let i = 0; i < input.length; i++) history[at + i] = input[i]! / 32768;
    } else {
      for (let i = 0; i < input.length; i++) history[at + i] = input[i]!;
    }
    this.#length += input.length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#history.length) return;
    const larger = new Float64Array((this.#length + more) * 2);
    larger.set(this.#history.subarray(0, this.#length));
    this.#history = larger;
  }

  /** Computes `count` outputs, then drops the inputs that no later output needs. */
  #filter(count: number): void {
    if (count > this.#result.length) this.#result = new Float64Array(count * 2);
    const result = this.#result;
    const history = this.#history;
    const rows = this.#rows;
    const taps = this.#taps;
    const up = this.#up;
    const down = this.#down;
    let position = this.#position;
    let phase = this.#phase;
    let done = 0;
    // Outputs `up` apart use the same row: eight of them at a time share its taps, and the samples where windows overlap.
    const slides = down <= LONGEST_SLIDE;
    for (; slides && done + 8 * up <= count; done += 8 * up) {
      for (let j = 0; j < up; j++) {
        const steps = phase + j * down;
        const row = steps % up;
        slideEight(history, position + (steps - row) / up, down, rows, row * taps, taps, result, done + j, up);
      }
      position += 8 * down;
    }
    for (; done < count; done++) {
      const row = phase * taps;
      result[done] = slides
        ? slideOne(history, position, down, rows, row, taps)
        : dot(history, position, rows, row, taps);
      const steps = phase + down;
      phase = steps % up;
      position += (steps - phase) / up;
    }
    const drop = Math.min(position, this.#length);
    history.copyWithin(0, drop, this.#length);
    this.#length -= drop;
    this.#position = position - drop;
    this.#phase = phase;
  }
}

/** Resamples a whole recording; `n` samples give `ceil(n * to / from)`. The input itself when the rates are equal. */
export function resample(samples: Int16Array, from: number, to: number, options: ResamplerOptions = {}): Int16Array {
  const resampler = new Resampler(from, to, options);
  if (from === to) return samples;
  const output = new Int16Array(Math.ceil((samples.length * to) / from));
  const written = resampler.push(samples, output);
  resampler.flush(output.subarray(written));
  return output;
}

function store(result: Float64Array, count: number, output: Int16Array | Float32Array): void {
  if (output instanceof Int16Array) {
    for (let i = 0; i < count; i++) {
      const v = Math.round(result[i]! * 32768);
      output[i] = v > 32767 ? 32767 : v < -32768 ? -32768 : v;
    }
  } else {
    for (let i = 0; i < count; i++) output[i] = result[i]!;
  }
}

function convert(input: Int16Array | Float32Array, output: Int16Array | Float32Array): void {
  if (input instanceof Int16Array) {
    if (output instanceof Int16Array) output.set(input);
    else int16ToFloat32(input, output);
  } else if (output instanceof Float32Array) output.set(input);
  else float32ToInt16(input, output);
}

function filterFor(up: number, down: number, quality: ResamplerQuality): Filter {
  const key = `${up}/${down}/${quality}`;
  const known = filters.get(key);
  if (known !== undefined) return known;
  const filter = design(up, down, presets[quality].attenuation, presets[quality].pass);
  if (filters.size >= MAX_FILTERS) {
    for (const oldest of filters.keys()) {
      filters.delete(oldest);
      break;
    }
  }
  filters.set(key, filter);
  return filter;
}

/** `attenuation` in dB; `pass`: end of the flat part as a share of the lower Nyquist frequency. */
function design(up: number, down: number, attenuation: number, pass: number): Filter {
  const stop = Math.min(1, up / down); // relative to the input's Nyquist frequency
  const transition = (1 - pass) * stop;
  const cutOff = stop - transition / 2;
  const beta = 0.1102 * (attenuation - 8.7); // Kaiser's formulas, right above 50 dB
  const taps = 2 * Math.ceil((attenuation - 7.95) / (2.285 * Math.PI * transition) / 2);
  if (up * taps > MAX_COEFFICIENTS) {
    throw new RangeError(`rates must have a ratio of small whole numbers, got ${up}:${down}`);
  }
  const half = taps / 2;
  const rows = new Float64Array(up * taps);
  const row = new Float64Array(taps);
  const order = tapOrder(taps, down);
  for (let phase = 0; phase < up; phase++) {
    let sum = 0;
    for (let k = 0; k < taps; k++) {
      const t = k - half + 1 - phase / up;
      const u = t / half;
      const window = Math.abs(u) < 1 ? besselI0(beta * Math.sqrt(1 - u * u)) : 0;
      const angle = Math.PI * cutOff * t;
      const value = (Math.abs(angle) < 1e-9 ? 1 : Math.sin(angle) / angle) * window;
      row[k] = value;
      sum += value;
    }
    for (let k = 0; k < taps; k++) rows[phase * taps + k] = row[order[k]!]! / sum;
  }
  return { taps, rows };
}

/** The modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function checkRate(rate: number, name: string): void {
  if (!Number.isInteger(rate) || rate < 1)
    throw new RangeError(`${name} must be a rate in Hz, a positive whole number, got ${rate}`);
}

function checkRoom(needed: number, got: number): void {
  if (got < needed) throw new RangeError(`output must hold ${needed} samples, got ${got}`);
}
