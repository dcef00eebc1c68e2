/*
 * Cuts a stream of samples into pieces of one size. Both take chunks of any length and call `each` synchronously, from
 * inside `push`. Whole blocks are moved; no work is done per sample.
 */

/** Cuts int16 audio into frames that may be kept: a view on the input where a frame lies in one chunk, else a new array. */
export class Rechunker {
  readonly #size: number;
  readonly #each: (frame: Int16Array) => void;
  #partial: Int16Array;
  #filled = 0;

  /** `size`: samples per frame (of all channels together). */
  constructor(size: number, each: (frame: Int16Array) => void) {
    checkSize(size);
    this.#size = size;
    this.#each = each;
    this.#partial = new Int16Array(size);
  }

  /** How many samples wait for the next frame. */
  get pending(): number {
    return this.#filled;
  }

  push(samples: Int16Array): void {
    const size = this.#size;
    let at = 0;
    if (this.#filled > 0) {
      at = Math.min(size - this.#filled, samples.length);
      this.#partial.set(at === samples.length ? samples : samples.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < size) return;
      this.#hand();
    }
    for (; at + size <= samples.length; at += size) {
      this.#each(at === 0 && samples.length === size ? samples : samples.subarray(at, at + size));
    }
    if (at < samples.length) {
      this.#partial.set(samples.subarray(at), 0);
      this.#filled = samples.length - at;
    }
  }

  /** Hands out what waits as a last frame, filled up with zeros. Does nothing when nothing waits. */
  flush(): void {
    if (this.#filled > 0) this.#hand();
  }

  /** Forgets what waits. */
  reset(): void {
    this.#partial = new Int16Array(this.#size);
    this.#filled = 0;
  }

  #hand(): void {
    const frame = this.#partial;
    this.reset();
    this.#each(frame);
  }
}

/**
 * Cuts float audio into windows for a detector or a meter. There is one window buffer, used again and again: `each` must
 * be done with it when it returns.
 */
export class Windower {
  readonly #window: Float32Array;
  readonly #each: (window: Float32Array) => void;
  #filled = 0;

  /** `size`: samples per window. */
  constructor(size: number, each: (window: Float32Array) => void) {
    checkSize(size);
    this.#window = new Float32Array(size);
    this.#each = each;
  }

  /** How many samples wait for the next window. */
  get pending(): number {
    return this.#filled;
  }

  /** Takes the first `length` samples of the chunk; all of it by default. */
  push(samples: Float32Array, length: number = samples.length): void {
    const window = this.#window;
    let at = 0;
    while (at < length) {
      const take = Math.min(window.length - this.#filled, length - at);
      window.set(take === samples.length ? samples : samples.subarray(at, at + take), this.#filled);
      at += take;
      this.#filled += take;
      if (this.#filled < window.length) return;
      this.#filled = 0;
      this.#each(window);
    }
  }

  /** Hands out what waits as a last window, filled up with zeros. Does nothing when nothing waits. */
  flush(): void {
    if (this.#filled === 0) return;
    this.#window.fill(0, this.#filled);
    this.#filled = 0;
    this.#each(this.#window);
  }

  /** Forgets what waits. */
  reset(): void {
    this.#filled = 0;
  }
}

function checkSize(size: number): void {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`size must be a positive whole number, got ${size}`);
}
