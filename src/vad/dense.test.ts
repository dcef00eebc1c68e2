import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interleave, multiply, multiplyFour } from "./dense.ts";

const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * seed + seed));

describe("matrix products", () => {
  it("are what the definition gives, for any range of columns", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 30 }),
        fc.nat(29),
        fc.nat(29),
        (blocks, columns, a, b) => {
          const rows = blocks * 8;
          const from = Math.min(a, b) % columns;
          const count = Math.min(columns - from, Math.max(a, b) + 1);
          const matrix = numbers(rows * columns, 1.7);
          const bias = numbers(rows, 0.3);
          const input = Float64Array.from(numbers(40, 2.1));
          const out = new Float64Array(rows + 3);
          multiply(
            interleave(rows, columns, (row, column) => matrix[row * columns + column]!),
            columns,
            from,
            count,
            bias,
            input,
            5,
            out,
            3,
          );
          for (let row = 0; row < rows; row++) {
            let sum = bias[row]!;
            for (let i = 0; i < count; i++) sum += matrix[row * columns + from + i]! * (input[5 + i] ?? Number.NaN);
            expect(out[3 + row]).toBeCloseTo(sum, 12);
          }
          expect([...out.subarray(0, 3)]).toEqual([0, 0, 0]);
        },
      ),
    );
  });

  it("with four overlapping inputs are the same as one by one", () => {
    const [rows, columns, step] = [6, 9, 3];
    const matrix = numbers(rows * columns, 1.3);
    const bias = numbers(rows, 0.7);
    const input = Float64Array.from(numbers(columns + 3 * step, 2.9));
    const out = new Float64Array(4 * rows);
    multiplyFour(matrix, columns, bias, input, step, out);
    for (let t = 0; t < 4; t++) {
      for (let row = 0; row < rows; row++) {
        let sum = bias[row]!;
        for (let i = 0; i < columns; i++) sum += matrix[row * columns + i]! * input[t * step + i]!;
        expect(out[t * rows + row]).toBeCloseTo(sum, 12);
      }
    }
  });

  it("need rows in blocks of eight", () => {
    expect(() => interleave(12, 3, () => 0)).toThrow("rows must be a multiple of 8, got 12");
  });
});
