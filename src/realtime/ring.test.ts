import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AudioRing } from "./ring.ts";

describe("the memory of the caller's audio", () => {
  it("gives back any part of what it still has, whatever came in which pieces", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40_000 }),
        fc.array(fc.integer({ min: 0, max: 9_000 }), { maxLength: 30 }),
        fc.nat(),
        fc.nat(),
        (limit, pieces, a, b) => {
          const ring = new AudioRing(limit);
          let count = 0;
          for (const length of pieces) {
            ring.push(Int16Array.from({ length }, (_, i) => (count + i) % 30_011));
            count += length;
          }
          expect(ring.end).toBe(count);
          expect(ring.end - ring.start).toBe(Math.min(count, Math.max(limit, 0)));
          const from = count === 0 ? 0 : a % count;
          const part = ring.read(from, b % 9_000);
          const first = Math.max(from, ring.start);
          const wrong = part.findIndex((sample, i) => sample !== (first + i) % 30_011);
          expect(wrong).toBe(-1);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("forgets what is not needed any more", () => {
    const ring = new AudioRing(100);
    ring.push(new Int16Array(50));
    ring.drop(30);
    expect([ring.start, ring.read(0, 100).length]).toEqual([30, 20]);
    ring.drop(500);
    expect(ring.start).toBe(50);
  });

  it("refuses to keep nothing", () => {
    expect(() => new AudioRing(0)).toThrow(RangeError);
  });
});
