/*
 * The last stretch of the caller's audio, so that what a connection did not hear can be said again to the next one.
 * Positions count samples since the beginning of the call and only grow.
 *
 *   0 ············ [ start ─────────────── end )      what lies before `start` has been overwritten
 */

/** Grown by doubling from this many samples: most calls never need all of it. */
const FIRST = 16_384;

/** A bounded memory of mono audio. */
export class AudioRing {
  readonly #limit: number;
  #samples: Int16Array;
  #start = 0;
  #end = 0;

  /** `limit`: the most samples it keeps. Throws RangeError below 1. */
  constructor(limit: number) {
    if (!(limit >= 1)) throw new RangeError(`limit must be at least 1 sample, got ${limit}`);
    this.#limit = Math.floor(limit);
    this.#samples = new Int16Array(Math.min(FIRST, this.#limit));
  }

  /** Position of the oldest sample kept. */
  get start(): number {
    return this.#start;
  }

  /** Position after the newest sample. */
  get end(): number {
    return this.#end;
  }

  /** Adds at the end; the oldest samples give way. */
  push(samples: Int16Array): void {
    const { length } = samples;
    if (this.#end - this.#start + length > this.#samples.length) this.#grow(length);
    const size = this.#samples.length;
    const kept = length > size ? samples.subarray(length - size) : samples;
    const at = (this.#end + length - kept.length) % size;
    const first = Math.min(kept.length, size - at);
    this.#samples.set(first === kept.length ? kept : kept.subarray(0, first), at);
    if (first < kept.length) this.#samples.set(kept.subarray(first), 0);
    this.#end += length;
    this.#start = Math.max(this.#start, this.#end - size);
  }

  /** What lies before `position` is not needed any more. */
  drop(position: number): void {
    this.#start = Math.min(this.#end, Math.max(this.#start, position));
  }

  /** Up to `length` samples from `position` on, in an array of their own; fewer where it has not so many. */
  read(position: number, length: number): Int16Array {
    const from = Math.max(position, this.#start);
    const to = Math.min(position + length, this.#end);
    const out = new Int16Array(Math.max(0, to - from));
    const size = this.#samples.length;
    for (let done = 0; done < out.length;) {
      const at = (from + done) % size;
      const piece = this.#samples.subarray(at, Math.min(size, at + out.length - done));
      out.set(piece, done);
      done += piece.length;
    }
    return out;
  }

  #grow(length: number): void {
    const needed = this.#end - this.#start + length;
    if (this.#samples.length >= this.#limit) return;
    let size = this.#samples.length;
    while (size < needed && size < this.#limit) size *= 2;
    const kept = this.read(this.#start, this.#end - this.#start);
    this.#samples = new Int16Array(Math.min(size, this.#limit));
    const at = this.#start % this.#samples.length;
    const first = Math.min(kept.length, this.#samples.length - at);
    this.#samples.set(kept.subarray(0, first), at);
    this.#samples.set(kept.subarray(first), 0);
  }
}
