import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rechunker, Windower } from "./rechunk.ts";

const count = (length: number, from = 0): Int16Array => Int16Array.from({ length }, (_, i) => from + i);

describe("frames of one size", () => {
  it("hold every sample once and in order, however the input is cut", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.array(fc.nat(130), { maxLength: 12 }), (size, cuts) => {
        const frames: Int16Array[] = [];
        const windows: number[][] = [];
        const rechunker = new Rechunker(size, (frame) => frames.push(frame));
        const windower = new Windower(size, (window) => windows.push([...window]));
        let total = 0;
        for (const cut of cuts) {
          rechunker.push(count(cut, total));
          windower.push(Float32Array.from(count(cut, total)));
          total += cut;
        }
        const whole = Math.floor(total / size);
        expect(frames.every((frame) => frame.length === size)).toBe(true);
        expect(frames.flatMap((frame) => [...frame])).toEqual([...count(whole * size)]);
        expect(windows.flat()).toEqual([...count(whole * size)]);
        expect(rechunker.pending).toBe(total % size);
        expect(windower.pending).toBe(total % size);
        rechunker.flush();
        windower.flush();
        expect(frames.length).toBe(Math.ceil(total / size));
        expect([...(frames.at(-1) ?? [])]).toEqual(windows.at(-1) ?? []);
      }),
    );
  });

  it("are views on the input where they lie in one chunk", () => {
    const frames: Int16Array[] = [];
    const rechunker = new Rechunker(4, (frame) => frames.push(frame));
    const exact = count(4);
    rechunker.push(exact);
    expect(frames[0]).toBe(exact);
    const longer = count(9);
    rechunker.push(longer);
    expect(frames[1]?.buffer).toBe(longer.buffer);
  });

  it("stay as they were handed out", () => {
    const frames: Int16Array[] = [];
    const rechunker = new Rechunker(4, (frame) => frames.push(frame));
    for (let i = 0; i < 8; i++) rechunker.push(count(3, i * 3));
    expect(frames.flatMap((frame) => [...frame])).toEqual([...count(24)]);
  });

  it("are filled up with zeros by flush, which does nothing twice", () => {
    const frames: number[][] = [];
    const rechunker = new Rechunker(4, (frame) => frames.push([...frame]));
    rechunker.push(count(5, 1));
    rechunker.flush();
    rechunker.flush();
    expect(frames).toEqual([
      [1, 2, 3, 4],
      [5, 0, 0, 0],
    ]);
  });

  it("begin anew after reset", () => {
    const frames: number[][] = [];
    const rechunker = new Rechunker(3, (frame) => frames.push([...frame]));
    rechunker.push(count(2, 100));
    rechunker.reset();
    rechunker.push(count(3));
    expect(frames).toEqual([[0, 1, 2]]);
  });

  it("come from the first part of a chunk when its length is given", () => {
    const windows: number[][] = [];
    const windower = new Windower(2, (window) => windows.push([...window]));
    windower.push(Float32Array.of(1, 2, 3, 99), 3);
    windower.push(Float32Array.of(4, 99), 1);
    expect(windows).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it("have a size of at least one sample", () => {
    for (const size of [0, -1, 1.5, Number.NaN]) {
      expect(() => new Rechunker(size, () => {})).toThrow(RangeError);
      expect(() => new Windower(size, () => {})).toThrow(RangeError);
    }
  });
});
