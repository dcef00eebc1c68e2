import { describe, expect, it } from "vitest";
import { ArrivalRate } from "./arrival.ts";
import { MediaBudget } from "./budget.ts";
import { Strikes } from "./strikes.ts";

describe("the budget of a peer", () => {
  it("takes 10 s at once and then twice real time", () => {
    const budget = new MediaBudget();
    let taken = 0;
    for (let i = 0; i < 20; i++) if (budget.take(1_000, 0)) taken += 1;
    expect(taken).toBe(10);
    for (let now = 100; now <= 10_000; now += 100) for (let i = 0; i < 20; i++) if (budget.take(20, now)) taken += 0.02;
    expect(taken).toBeCloseTo(30, 0);
  });

  it("takes 375 small frames a second for ever, and not 800", () => {
    const budget = new MediaBudget();
    for (let i = 0; i < 375 * 60; i++) expect(budget.take(128 / 48, (i * 1_000) / 375)).toBe(true);
    const fast = new MediaBudget();
    let refused = 0;
    for (let i = 0; i < 800 * 30; i++) if (!fast.take(0.1, (i * 1_000) / 800)) refused += 1;
    expect(refused).toBeGreaterThan(800 * 30 - 400 * 30 - 4_001);
  });
});

describe("strikes", () => {
  it("end a peer at the fiftieth in 10 s, counted from the first of them", () => {
    const strikes = new Strikes();
    for (let i = 0; i < 49; i++) expect(strikes.add(i * 200)).toBe(false);
    expect(strikes.add(10_001)).toBe(false);
    for (let i = 0; i < 48; i++) expect(strikes.add(10_100 + i)).toBe(false);
    expect(strikes.add(10_200)).toBe(true);
    expect(strikes.total).toBe(99);
  });
});

describe("the rate of arrival", () => {
  const feed = (probe: ArrivalRate, rate: number, size: number, ms: number): number[] => {
    const found: number[] = [];
    for (let i = 0; (i * size * 1_000) / rate < ms; i++) {
      const told = probe.add(size, (i * size * 1_000) / rate);
      if (told !== undefined) found.push(told);
    }
    return found;
  };

  it.each([
    [44_100, 48_000, 2_048],
    [16_000, 48_000, 320],
    [48_000, 24_000, 128],
    [48_000, 24_000, 48_000],
  ])("names %d Hz where %d was agreed, in pieces of %d, once", (real, agreed, size) => {
    expect(feed(new ArrivalRate(agreed), real, size, 10_000)).toEqual([real]);
  });

  it.each([24_000, 24_500, 23_500])("says nothing about %d Hz where 24 000 was agreed", (rate) => {
    expect(feed(new ArrivalRate(24_000), rate, 480, 20_000)).toEqual([]);
  });
});
