import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { Playout } from "./playout.ts";

const RATE = 8_000;
const ms = (n: number): Int16Array => new Int16Array((RATE * n) / 1000).fill(1_000);

function pullAll(playout: Playout): number {
  let frames = 0;
  for (let misses = 0; misses < 2;) {
    if (playout.pull() === undefined) misses += 1;
    else frames += 1;
  }
  return frames;
}

describe("playout", () => {
  it("hands on a view of what was pushed where a frame lies within one piece", () => {
    const playout = new Playout(8_000);
    const whole = new Int16Array(160).fill(1);
    const long = new Int16Array(400).fill(2);
    playout.push(whole);
    playout.push(long);
    expect(playout.pull()?.samples).toBe(whole);
    expect(playout.pull()?.samples.buffer).toBe(long.buffer);
    expect(playout.pull()?.samples).toEqual(new Int16Array(160).fill(2));
    playout.push(new Int16Array(160).fill(3));
    const mixed = playout.pull()?.samples;
    expect(mixed?.buffer).not.toBe(long.buffer);
    expect(mixed).toEqual(Int16Array.from({ length: 160 }, (_, i) => (i < 80 ? 2 : 3)));
    expect(long).toEqual(new Int16Array(400).fill(2));
  });

  it("cuts audio of any length into frames of 20 ms and loses nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 30 }), (lengths) => {
        const playout = new Playout(RATE);
        let next = 1;
        let total = 0;
        for (const length of lengths) {
          playout.push(Int16Array.from({ length }, () => next++ & 0x7fff));
          total += length;
        }
        const out: number[] = [];
        for (let misses = 0; misses < 2;) {
          const frame = playout.pull();
          if (frame === undefined) {
            misses += 1;
            continue;
          }
          misses = 0;
          expect(frame.samples.length).toBe(160);
          out.push(...frame.samples);
        }
        expect(out.slice(0, total)).toEqual(Array.from({ length: total }, (_, i) => (i + 1) & 0x7fff));
        expect(out.slice(total).every((sample) => sample === 0)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("waits one pull for a source that yields less than a frame at a time", () => {
    const playout = new Playout(RATE);
    playout.push(ms(5));
    expect(playout.pull()).toBeUndefined();
    playout.push(ms(15));
    expect(playout.pull()?.samples.every((sample) => sample === 1_000)).toBe(true);
  });

  it("pads the end of an utterance with silence", () => {
    const playout = new Playout(RATE);
    playout.push(ms(5));
    playout.pull();
    const last = playout.pull()?.samples;
    expect(last?.subarray(0, 40).every((sample) => sample === 1_000)).toBe(true);
    expect(last?.subarray(40).every((sample) => sample === 0)).toBe(true);
  });

  it("tells queued, sent and heard apart", () => {
    const playout = new Playout(RATE);
    playout.push(ms(100), "a");
    playout.pull();
    playout.pull();
    playout.played(15);
    expect([playout.queued, playout.sent, playout.heard, playout.pending]).toEqual([60, 40, 15, 85]);
  });

  it("names the item being heard and how much of it was, to the millisecond", () => {
    const playout = new Playout(RATE);
    playout.push(ms(50), "a");
    playout.push(ms(50), "b");
    pullAll(playout);
    playout.played(30);
    expect(playout.hearing()).toEqual({ item: "a", played: 30 });
    playout.played(72);
    expect(playout.hearing()).toEqual({ item: "b", played: 22 });
  });

  it("takes back what was not heard and says how much that was", () => {
    const playout = new Playout(RATE);
    playout.push(ms(200), "a");
    playout.pull();
    playout.pull();
    playout.played(25);
    expect(playout.clear()).toEqual({ item: "a", played: 25, dropped: 175 });
    expect(playout.pending).toBe(0);
    expect(playout.pull()).toBeUndefined();
  });

  it("does not count new audio as heard when a report of taken-back audio comes late", () => {
    const playout = new Playout(RATE);
    playout.push(ms(100), "a");
    pullAll(playout);
    playout.played(20);
    playout.clear();
    playout.push(ms(100), "b");
    playout.pull();
    playout.played(100);
    expect(playout.hearing()).toEqual({ item: "b", played: 0 });
    playout.played(110);
    expect(playout.hearing()).toEqual({ item: "b", played: 10 });
  });

  it("lets a report correct a position that was reckoned too far", () => {
    const playout = new Playout(RATE);
    playout.push(ms(100), "a");
    pullAll(playout);
    playout.played(60);
    playout.played(20);
    expect(playout.hearing()).toEqual({ item: "a", played: 20 });
  });

  it("never counts as heard what was not sent", () => {
    const playout = new Playout(RATE);
    playout.push(ms(100));
    playout.pull();
    playout.played(1_000);
    expect(playout.heard).toBe(20);
  });

  it("plays again from the heard position after a hold, with the same place in the item", () => {
    const playout = new Playout(RATE);
    playout.push(
      Int16Array.from({ length: 1_600 }, (_, i) => i),
      "a",
    );
    for (let i = 0; i < 5; i++) playout.pull();
    playout.played(50);
    playout.rewind();
    const next = playout.pull();
    expect(next?.samples[0]).toBe(400);
    playout.played(playout.sent);
    expect(playout.hearing()).toEqual({ item: "a", played: 70 });
  });

  it("knows what was heard of an utterance that is taken back while it is held", () => {
    const playout = new Playout(RATE);
    playout.push(ms(200), "a");
    for (let i = 0; i < 4; i++) playout.pull();
    playout.played(50);
    playout.rewind();
    expect(playout.clear()).toEqual({ item: "a", played: 50, dropped: 150 });
  });

  it("keeps heard <= sent <= everything pushed, whatever the order of calls", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("push" as const), n: fc.integer({ min: 1, max: 500 }) }),
      fc.record({ do: fc.constantFrom("pull" as const, "clear" as const, "rewind" as const), n: fc.constant(0) }),
      fc.record({ do: fc.constant("played" as const), n: fc.integer({ min: 0, max: 2_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const playout = new Playout(RATE);
        let floor = 0;
        for (const { do: what, n } of steps) {
          if (what === "push") playout.push(new Int16Array(n), String(n % 3));
          else if (what === "played") playout.played(n);
          else playout[what]();
          expect(playout.heard).toBeGreaterThanOrEqual(floor);
          expect(playout.heard).toBeLessThanOrEqual(playout.sent);
          expect(playout.queued).toBeGreaterThanOrEqual(0);
          expect(playout.hearing().played).toBeGreaterThanOrEqual(0);
          if (what === "clear") floor = playout.sent;
        }
      }),
    );
  });
});

describe("a queue that moves to another rate", () => {
  it("keeps what was not heard at its place in its item", () => {
    const old = new Playout(8_000);
    old.push(new Int16Array(8_000).fill(1), "a");
    old.push(new Int16Array(4_000).fill(2), "b");
    for (let i = 0; i < 20; i++) old.pull();
    old.played(300);
    const runs: number[] = [];
    const next = old.movedTo(16_000, (samples) => {
      runs.push(samples.length);
      return new Int16Array(samples.length * 2).fill(samples[0] ?? 0);
    });
    expect(runs).toEqual([5_600, 4_000]);
    expect(next.queued).toBe(1_200);
    for (let i = 0; i < 10; i++) next.pull();
    next.played(200);
    expect(next.hearing()).toEqual({ item: "a", played: 500 });
    next.push(new Int16Array(1_600), "b");
    for (let i = 0; i < 60; i++) next.pull();
    next.played(1_250);
    expect(next.hearing()).toEqual({ item: "b", played: 550 });
  });
});

describe("a queue after silence", () => {
  it("counts what has no item from there", () => {
    const playout = new Playout(8_000);
    playout.push(new Int16Array(1_600));
    for (let i = 0; i < 10; i++) playout.pull();
    playout.played(200);
    playout.silence();
    playout.push(new Int16Array(1_600));
    expect(playout.hearing()).toEqual({ item: undefined, played: 0 });
    for (let i = 0; i < 5; i++) playout.pull();
    playout.played(250);
    expect(playout.hearing()).toEqual({ item: undefined, played: 50 });
    playout.played(120);
    expect(playout.pending).toBe(200);
  });
});
