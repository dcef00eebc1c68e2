/*
 * A histogram of durations with logarithmic buckets: 8 per doubling from 0.01 ms to about 10 minutes, so a percentile is
 * right within 9 %. Fixed size, no allocation after construction: fit for per-frame use.
 */
const PER_DOUBLING = 8;
const LOWEST = 0.01;
const BUCKETS = 26 * PER_DOUBLING;

/** Counts durations in ms and answers percentiles within 9 %. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS + 1);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** Records one value. Negative values count as 0. */
  add(value: number): void {
    const v = value > 0 ? value : 0;
    const index = v <= LOWEST ? 0 : Math.min(BUCKETS, 1 + Math.floor(Math.log2(v / LOWEST) * PER_DOUBLING));
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count += 1;
    this.#sum += v;
    if (v > this.#max) this.#max = v;
  }

  get count(): number {
    return this.#count;
  }
  get sum(): number {
    return this.#sum;
  }
  get max(): number {
    return this.#max;
  }

  /** The value below which the share `p` (0 to 1) of all values lies; 0 when empty. */
  percentile(p: number): number {
    if (this.#count === 0) return 0;
    const wanted = Math.max(1, Math.ceil(p * this.#count));
    let seen = 0;
    for (let i = 0; i <= BUCKETS; i++) {
      seen += this.#counts[i] ?? 0;
      if (seen >= wanted) return Math.min(this.#max, LOWEST * 2 ** (i / PER_DOUBLING));
    }
    return this.#max;
  }

  /** How many values are at most `limit` ms, within one bucket. */
  atMost(limit: number): number {
    let seen = 0;
    for (let i = 0; i <= BUCKETS && LOWEST * 2 ** (i / PER_DOUBLING) <= limit * 1.0001; i++)
      seen += this.#counts[i] ?? 0;
    return seen;
  }
}
