import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../base/errors.ts";
import { readTensors, type Tensor, type Tensors, writeTensors } from "./tensors.ts";

const tensor = (shape: readonly number[], ...data: readonly number[]): Tensor => ({
  shape,
  data: Float32Array.from(data),
});
const ascii = (text: string): number[] => Array.from(text, (c) => c.charCodeAt(0));
const some: Tensors = new Map([
  ["layer.0.weight", tensor([2, 3], 1, 2, 3, 4, 5, -0.5)],
  ["bias", tensor([1], 0.25)],
  ["nothing", tensor([0])],
]);

describe("a file of tensors", () => {
  it("gives back names, shapes and values in their order", () => {
    const read = readTensors(writeTensors(some));
    expect(read).toEqual(some);
    if (!isFault(read)) expect([...read.keys()]).toEqual([...some.keys()]);
  });

  it("is looked at without a copy when it lies on a multiple of four, else copied", () => {
    const file = writeTensors(some);
    const read = readTensors(file);
    if (isFault(read)) throw new Error(read.why);
    expect(read.get("bias")?.data.buffer).toBe(file.buffer);
    const shifted = new Uint8Array(file.length + 1);
    shifted.set(file, 1);
    expect(readTensors(shifted.subarray(1))).toEqual(some);
  });

  it.each([
    ["is empty", new Uint8Array(0), "expected a file of tensors"],
    ["is something else", new Uint8Array(100).fill(65), "expected a file of tensors"],
    ["is cut in the header", writeTensors(some).subarray(0, 30), "expected a header of"],
    ["is cut in the values", writeTensors(some).subarray(0, -1), "values of bias"],
    ["goes on after the values", Uint8Array.from([...writeTensors(some), 0]), "expected"],
  ])("that %s is answered with a fault", (_name, bytes, why) => {
    const read = readTensors(bytes);
    if (!isFault(read)) throw new Error("expected a fault");
    expect(read.fault).toBe("model-missing");
    expect(read.why).toContain(why);
  });

  it("with another header is answered with a fault", () => {
    for (const header of [
      "{}  ",
      "[1] ",
      '[{"name":1,"shape":[]}]',
      '[{"name":"a","shape":[-1]}]',
      '[{"name":"a","shape":[1.5]}]',
      "[{",
      "null",
    ]) {
      const bytes = Uint8Array.from([...ascii("rptensor"), header.length, 0, 0, 0, ...ascii(header)]);
      expect(readTensors(bytes), header).toMatchObject({ fault: "model-missing" });
    }
  });

  it("never makes the reader throw", () => {
    const good = writeTensors(some);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }), (edits) => {
        const bytes = good.slice();
        for (const [at, value] of edits) bytes[at] = value;
        const read = readTensors(bytes);
        expect(isFault(read) || read.size <= 4).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("is refused when a shape does not fit its values", () => {
    expect(() => writeTensors(new Map([["a", tensor([2, 2], 1, 2, 3)]]))).toThrow("a must have 4 values, got 3");
  });
});
