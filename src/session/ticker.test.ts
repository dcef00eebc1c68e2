import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/clock.ts";
import { Ticker } from "./ticker.ts";

describe("the ticker", () => {
  it("serves a task every 20 ms without drift", async () => {
    const clock = new VirtualClock({ now: 3 });
    const times: number[] = [];
    new Ticker(clock, () => {}).start((now) => times.push(now));
    await clock.advance(10_000);
    expect(times).toHaveLength(500);
    expect(times.every((at, i) => at === (times[0] ?? 0) + 20 * i)).toBe(true);
  });

  it("spreads tasks over phases and stops its timer with the last of them", async () => {
    const clock = new VirtualClock();
    const ticker = new Ticker(clock, () => {});
    const seen = new Set<number>();
    const stops: (() => void)[] = [];
    for (let i = 0; i < 5; i++) {
      stops.push(ticker.start((now) => seen.add(now % 20)));
      await clock.advance(4);
    }
    await clock.advance(40);
    expect(seen.size).toBe(5);
    for (const stop of stops) stop();
    await clock.advance(100);
    expect(ticker.running).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("serves the others when one throws", async () => {
    const clock = new VirtualClock();
    const faults: unknown[] = [];
    let served = 0;
    const ticker = new Ticker(clock, (error) => faults.push(error));
    ticker.start(() => {
      throw new Error("broken");
    });
    ticker.start(() => {
      served += 1;
    });
    await clock.advance(100);
    expect(served).toBe(5);
    expect(faults).toHaveLength(5);
  });

  it("may be stopped and started from inside a task", async () => {
    const clock = new VirtualClock();
    const ticker = new Ticker(clock, () => {});
    let runs = 0;
    const stop = ticker.start(() => {
      runs += 1;
      stop();
    });
    await clock.advance(100);
    expect(runs).toBe(1);
    ticker.start(() => {
      runs += 1;
    });
    await clock.advance(40);
    expect(runs).toBe(3);
  });
});
