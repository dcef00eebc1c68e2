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

  it("keeps one timer when its last task makes way for a new one", async () => {
    const clock = new VirtualClock();
    const ticker = new Ticker(clock, () => {});
    let runs = 0;
    const stop = ticker.start(() => {
      stop();
      ticker.start(() => {
        runs += 1;
      });
    });
    await clock.advance(20);
    const before = runs;
    await clock.advance(1_000);
    expect([runs - before, clock.pending]).toEqual([50, 1]);
  });

  it("serves once, not once per missed round, after the process stood still", async () => {
    let now = 0;
    const tasks: { at: number; task: () => void }[] = [];
    const clock = {
      now: () => now,
      wall: () => 0,
      at: (at: number, task: () => void) => (tasks.push({ at, task }), () => {}),
    };
    const times: number[] = [];
    new Ticker(clock, () => {}).start((at) => times.push(at));
    for (now of [21, 3_600_000, 3_600_020, 3_600_040]) tasks.splice(0).forEach(({ task }) => task());
    expect(times).toEqual([21, 3_600_000, 3_600_020, 3_600_040]);
    expect(tasks).toHaveLength(1);
    expect((tasks[0]?.at ?? 0) - now).toBeLessThanOrEqual(20);
  });
});
