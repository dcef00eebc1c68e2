import { describe, expect, it } from "vitest";
import { Axis } from "./axis.ts";

describe("the session's time axis", () => {
  it("takes its times from media, not from arrival", () => {
    const axis = new Axis();
    const jitter = [0, 30, 5, 60, 12, 0, 44];
    const placed = jitter.map((late, i) => axis.place(i * 20, 20, 1_000 + i * 20 + late));
    expect(placed.map((at, i) => at - i * 20)).toEqual(jitter.map(() => 980));
  });

  it("moves earlier when a frame beats all before it: nothing arrives before it was spoken", () => {
    const axis = new Axis();
    axis.place(0, 20, 1_050);
    expect(axis.place(20, 20, 1_040)).toBe(1_020);
  });

  it("follows when everything has been late for two seconds", () => {
    const axis = new Axis();
    axis.place(0, 20, 20);
    let last = 0;
    for (let i = 1; i <= 150; i++) last = axis.place(i * 20, 20, i * 20 + 20 + 300);
    expect(last).toBe(150 * 20 + 300);
  });

  it("follows at once after a break in which the sender's media clock stood still", () => {
    const axis = new Axis();
    axis.place(0, 20, 20);
    expect(axis.place(20, 20, 5_000)).toBe(4_980);
    expect(axis.place(40, 20, 5_020)).toBe(5_000);
  });

  it("does not follow a short stall", () => {
    const axis = new Axis();
    axis.place(0, 20, 20);
    for (let i = 1; i <= 50; i++) axis.place(i * 20, 20, i * 20 + 320);
    expect(axis.place(51 * 20, 20, 51 * 20 + 20)).toBe(51 * 20);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "takes a frame at %d as one that was just said",
    (at) => {
      const axis = new Axis();
      expect(axis.place(at, 20, 500)).toBe(480);
      expect(axis.place(0, 20, 520)).toBe(500);
      expect(axis.place(at, 20, 540)).toBe(520);
      expect(axis.place(40, 20, 560)).toBe(540);
    },
  );

  it.each([-1e9, 1e9, 1e15])("recovers from a media clock that jumps to %d", (jump) => {
    const axis = new Axis();
    axis.place(0, 20, 20);
    let last = 0;
    for (let i = 1; i <= 200; i++) last = axis.place(jump + i * 20, 20, 20 + i * 20);
    expect(Math.abs(last - 200 * 20)).toBeLessThanOrEqual(1);
  });
});
