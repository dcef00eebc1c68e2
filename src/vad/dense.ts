/*
 * The two loops in which a small network spends its time: products of a weight matrix with one input vector, and with
 * four at once. JavaScript has no vector instructions, so what counts is how many multiplications come out of each load
 * and how many sums run side by side: 8 here. Weights stay float32 (half the memory to walk through, which is cold after
 * 32 ms of other work), sums and inputs are float64.
 */

/**
 * A matrix for `multiply`: `rows` (a multiple of 8) by `columns`, re-laid so that 8 rows are interleaved and one index
 * runs through the memory. `at(row, column)` reads the original.
 */
export function interleave(rows: number, columns: number, at: (row: number, column: number) => number): Float32Array {
  if (rows % 8 !== 0) throw new RangeError(`rows must be a multiple of 8, got ${rows}`);
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      out[((row >> 3) * columns + column) * 8 + (row & 7)] = at(row, column);
    }
  }
  return out;
}

/**
 * `out[outAt + row] = bias[row] + Σ matrix[row][from + i] · input[inputAt + i]` for `count` columns from `from` on: all
 * that is left of a convolution whose other columns meet padding. The matrix comes from `interleave`.
 */
export function multiply(
  matrix: Float32Array,
  columns: number,
  from: number,
  count: number,
  bias: Float32Array,
  input: Float64Array,
  inputAt: number,
  out: Float64Array,
  outAt: number,
): void {
  const rows = bias.length;
  const end = inputAt + count;
  for (let row = 0; row < rows; row += 8) {
    let m = row * columns + from * 8;
    let a = bias[row]!;
    let b = bias[row + 1]!;
    let c = bias[row + 2]!;
    let d = bias[row + 3]!;
    let e = bias[row + 4]!;
    let f = bias[row + 5]!;
    let g = bias[row + 6]!;
    let h = bias[row + 7]!;
    for (let i = inputAt; i < end; i++, m += 8) {
      const x = input[i]!;
      a += x * matrix[m]!;
      b += x * matrix[m + 1]!;
      c += x * matrix[m + 2]!;
      d += x * matrix[m + 3]!;
      e += x * matrix[m + 4]!;
      f += x * matrix[m + 5]!;
      g += x * matrix[m + 6]!;
      h += x * matrix[m + 7]!;
    }
    const o = outAt + row;
    out[o] = a;
    out[o + 1] = b;
    out[o + 2] = c;
    out[o + 3] = d;
    out[o + 4] = e;
    out[o + 5] = f;
    out[o + 6] = g;
    out[o + 7] = h;
  }
}

/**
 * The same for four inputs that begin `step` apart, from 0 on; results of each go to rows of `bias.length` in `out`. The
 * matrix is row-major with an even number of rows: two rows by four inputs share every load.
 */
export function multiplyFour(
  matrix: Float32Array,
  columns: number,
  bias: Float32Array,
  input: Float64Array,
  step: number,
  out: Float64Array,
): void {
  const rows = bias.length;
  const step2 = 2 * step;
  const step3 = 3 * step;
  for (let row = 0; row < rows; row += 2) {
    const m = row * columns;
    const n = m + columns;
    let a0 = bias[row]!;
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = bias[row + 1]!;
    let b1 = b0;
    let b2 = b0;
    let b3 = b0;
    for (let i = 0; i < columns; i++) {
      const a = matrix[m + i]!;
      const b = matrix[n + i]!;
      const x0 = input[i]!;
      a0 += a * x0;
      b0 += b * x0;
      const x1 = input[step + i]!;
      a1 += a * x1;
      b1 += b * x1;
      const x2 = input[step2 + i]!;
      a2 += a * x2;
      b2 += b * x2;
      const x3 = input[step3 + i]!;
      a3 += a * x3;
      b3 += b * x3;
    }
    out[row] = a0;
    out[row + 1] = b0;
    out[rows + row] = a1;
    out[rows + row + 1] = b1;
    out[2 * rows + row] = a2;
    out[2 * rows + row + 1] = b2;
    out[3 * rows + row] = a3;
    out[3 * rows + row + 1] = b3;
  }
}
