/*
 * The magnitude spectrum of real samples, in float64. The even samples are taken as real and the odd ones as imaginary
 * parts of a complex signal of half the length: one complex FFT of size/2 (radix 2, in place, inputs in bit-reversed
 * order), then the two interleaved spectra are taken apart.
 */

/** A Fourier transform of one size; keeps its tables and scratch space, so make it once. */
export class RealFft {
  /** Samples per transform. */
  readonly size: number;
  /** Magnitudes per transform: `size / 2 + 1`, from 0 Hz to half the rate. */
  readonly bins: number;
  readonly #half: number;
  readonly #order: Uint16Array;
  /** cos and sin of 2πi/size, for i below size/2. */
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #window: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  /** `size`: a power of two from 4 to 65 536. `window`: factors for the samples; all 1 by default. */
  constructor(size: number, window: Float64Array = new Float64Array(size).fill(1)) {
    if (!(size >= 4 && size <= 65_536 && Number.isInteger(Math.log2(size)))) {
      throw new RangeError(`size must be a power of two from 4 to 65536, got ${size}`);
    }
    if (window.length !== size) throw new RangeError(`window must have ${size} factors, got ${window.length}`);
    const half = size / 2;
    this.size = size;
    this.bins = half + 1;
    this.#half = half;
    this.#window = window;
    this.#cos = Float64Array.from({ length: half }, (_, i) => Math.cos((2 * Math.PI * i) / size));
    this.#sin = Float64Array.from({ length: half }, (_, i) => Math.sin((2 * Math.PI * i) / size));
    this.#re = new Float64Array(half);
    this.#im = new Float64Array(half);
    this.#order = new Uint16Array(half);
    for (let i = 1; i < half; i++) this.#order[i] = (this.#order[i >> 1]! >> 1) | (i & 1 ? half >> 1 : 0);
  }

  /** Transforms `size` samples from `at` on and writes `bins` magnitudes, not scaled, to `out` from `outAt` on. */
  magnitudes(samples: Float32Array | Float64Array, at: number, out: Float32Array | Float64Array, outAt: number): void {
    if (at < 0 || at + this.size > samples.length)
      throw new RangeError(`samples must hold ${this.size} from ${at} on, got ${samples.length}`);
    if (outAt < 0 || outAt + this.bins > out.length)
      throw new RangeError(`out must hold ${this.bins} from ${outAt} on, got ${out.length}`);
    this.#gather(samples, at);
    this.#transform();
    this.#separate(out, outAt);
  }

  #gather(samples: Float32Array | Float64Array, at: number): void {
    const order = this.#order;
    const window = this.#window;
    const re = this.#re;
    const im = this.#im;
    for (let i = 0; i < this.#half; i++) {
      const from = 2 * order[i]!;
      re[i] = samples[at + from]! * window[from]!;
      im[i] = samples[at + from + 1]! * window[from + 1]!;
    }
  }

  #transform(): void {
    const half = this.#half;
    const re = this.#re;
    const im = this.#im;
    const cos = this.#cos;
    const sin = this.#sin;
    for (let span = 1; span < half; span <<= 1) {
      const step = half / span; // of the tables, which are for twice the length
      for (let k = 0, turn = 0; k < span; k++, turn += step) {
        const c = cos[turn]!;
        const s = sin[turn]!;
        for (let a = k; a < half; a += 2 * span) {
          const b = a + span;
          const x = re[b]! * c + im[b]! * s;
          const y = im[b]! * c - re[b]! * s;
          re[b] = re[a]! - x;
          im[b] = im[a]! - y;
          re[a] = re[a]! + x;
          im[a] = im[a]! + y;
        }
      }
    }
  }

  /** X[k] = E + O·e^(-2πik/size), where E = (Z[k] + Z*[half-k]) / 2 and O = (Z[k] - Z*[half-k]) / 2i. */
  #separate(out: Float32Array | Float64Array, outAt: number): void {
    const half = this.#half;
    const re = this.#re;
    const im = this.#im;
    out[outAt] = Math.abs(re[0]! + im[0]!);
    out[outAt + half] = Math.abs(re[0]! - im[0]!);
    for (let k = 1; k < half; k++) {
      const mirror = half - k;
      const evenRe = (re[k]! + re[mirror]!) / 2;
      const evenIm = (im[k]! - im[mirror]!) / 2;
      const oddRe = (im[k]! + im[mirror]!) / 2;
      const oddIm = (re[mirror]! - re[k]!) / 2;
      const c = this.#cos[k]!;
      const s = this.#sin[k]!;
      const x = evenRe + oddRe * c + oddIm * s;
      const y = evenIm + oddIm * c - oddRe * s;
      out[outAt + k] = Math.sqrt(x * x + y * y);
    }
  }
}

/** The Hann window in its periodic form, which is the one for spectra. */
export function hann(size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
}
