/*
 * The sums behind the resampler: dot products of a window of samples with a row of filter taps. Where windows lie close
 * together, eight of them are taken at a time:
 *
 *   step 2, taps r0 … r5       window 0   x0 x1 x2 x3 x4 x5
 *                              window 1         x2 x3 x4 x5 x6 x7
 *
 * Every second sample of window 0 is a sample of window 1: taken in the order r0 r2 r4, r1 r3 r5, a sample that was loaded
 * once slides from window to window in a register. Rows for the two functions that slide are stored in this order, and
 * both add in it, so that an output has the same bits whichever of them it comes from.
 */

/** Steps up to this long are worth sliding: windows that lie further apart share too little. */
export const LONGEST_SLIDE = 8;

/** In which order the taps of a row are stored and added, for windows that begin `step` samples apart. */
export function tapOrder(taps: number, step: number): readonly number[] {
  const stride = step <= LONGEST_SLIDE ? step : 1;
  const order: number[] = [];
  for (let first = 0; first < stride; first++) for (let tap = first; tap < taps; tap += stride) order.push(tap);
  return order;
}

/** One window of a row in natural order, for windows that lie far apart. `taps` is even. */
export function dot(x: Float64Array, at: number, rows: Float64Array, rowAt: number, taps: number): number {
  // Two sums that do not wait for each other.
  let even = 0;
  let odd = 0;
  for (let k = 0; k < taps; k += 2) {
    even += x[at + k]! * rows[rowAt + k]!;
    odd += x[at + k + 1]! * rows[rowAt + k + 1]!;
  }
  return even + odd;
}

/** One window of a row stored in steps of `step`. */
export function slideOne(
  x: Float64Array,
  at: number,
  step: number,
  rows: Float64Array,
  rowAt: number,
  taps: number,
): number {
  const end = at + taps;
  let sum = 0;
  let r = rowAt;
  for (let first = 0; first < step; first++) {
    for (let p = at + first; p < end; p += step) sum += x[p]! * rows[r++]!;
  }
  return sum;
}

/** Eight windows, `step` samples apart, of a row stored in steps of `step`; results go `apart` apart. */
export function slideEight(
  x: Float64Array,
  at: number,
  step: number,
  rows: Float64Array,
  rowAt: number,
  taps: number,
  result: Float64Array,
  resultAt: number,
  apart: number,
): void {
  const end = at + taps + 7 * step;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let sum4 = 0;
  let sum5 = 0;
  let sum6 = 0;
  let sum7 = 0;
  let r = rowAt;
  for (let first = 0; first < step; first++) {
    let p = at + first;
    let x0 = x[p]!;
    let x1 = x[p + step]!;
    let x2 = x[p + 2 * step]!;
    let x3 = x[p + 3 * step]!;
    let x4 = x[p + 4 * step]!;
    let x5 = x[p + 5 * step]!;
    let x6 = x[p + 6 * step]!;
    for (p += 7 * step; p < end; p += step) {
      const tap = rows[r++]!;
      const x7 = x[p]!;
      sum0 += x0 * tap;
      sum1 += x1 * tap;
      sum2 += x2 * tap;
      sum3 += x3 * tap;
      sum4 += x4 * tap;
      sum5 += x5 * tap;
      sum6 += x6 * tap;
      sum7 += x7 * tap;
      x0 = x1;
      x1 = x2;
      x2 = x3;
      x3 = x4;
      x4 = x5;
      x5 = x6;
      x6 = x7;
    }
  }
  result[resultAt] = sum0;
  result[resultAt + apart] = sum1;
  result[resultAt + 2 * apart] = sum2;
  result[resultAt + 3 * apart] = sum3;
  result[resultAt + 4 * apart] = sum4;
  result[resultAt + 5 * apart] = sum5;
  result[resultAt + 6 * apart] = sum6;
  result[resultAt + 7 * apart] = sum7;
}
