import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dot, LONGEST_SLIDE, slideEight, slideOne, tapOrder } from "./fir.ts";

const noise = (length: number, seed: number): Float64Array =>
  Float64Array.from({ length }, (_, i) => Math.sin((i + 1) * (i + seed) * 0.37));

/** The row as it is stored for this step. */
function stored(row: Float64Array, step: number): Float64Array {
  return Float64Array.from(tapOrder(row.length, step), (tap) => row[tap]!);
}

function plain(x: Float64Array, at: number, row: Float64Array): number {
  return row.reduce((sum, tap, k) => sum + tap * x[at + k]!, 0);
}

describe("dot products with a row of taps", () => {
  it("store each tap once, in natural order where windows lie far apart", () => {
    expect(tapOrder(6, 2)).toEqual([0, 2, 4, 1, 3, 5]);
    expect(tapOrder(5, 3)).toEqual([0, 3, 1, 4, 2]);
    expect(tapOrder(4, 1)).toEqual([0, 1, 2, 3]);
    expect(tapOrder(4, LONGEST_SLIDE + 1)).toEqual([0, 1, 2, 3]);
  });

  it("give eight windows at once the very bits that each gets alone", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: LONGEST_SLIDE }),
        fc.integer({ min: 8, max: 60 }),
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 1, max: 3 }),
        (step, taps, at, apart) => {
          const row = noise(taps, 3);
          const rows = stored(row, step);
          const x = noise(at + taps + 7 * step, 11);
          const result = new Float64Array(7 * apart + 3).fill(7);
          slideEight(x, at, step, rows, 0, taps, result, 2, apart);
          for (let j = 0; j < 8; j++) {
            expect(result[2 + j * apart]).toBe(slideOne(x, at + j * step, step, rows, 0, taps));
            expect(result[2 + j * apart]).toBeCloseTo(plain(x, at + j * step, row), 10);
          }
          expect(result.slice(0, 2)).toEqual(Float64Array.of(7, 7));
        },
      ),
    );
  });

  it("give one window of a row in natural order, whether or not its length is a multiple of four", () => {
    const rows = noise(90, 3);
    const x = noise(80, 5);
    for (const taps of [2, 4, 30, 48]) {
      expect(dot(x, 7, rows, 40, taps)).toBeCloseTo(plain(x, 7, rows.subarray(40, 40 + taps)), 10);
    }
  });
});
