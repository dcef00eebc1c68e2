import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { monoFrame } from "../audio/frame.ts";
import { Judge } from "./judge.ts";

const RATE = 16_000;
const maker = () => ({ rate: RATE, window: 512, push: (window: Float32Array) => Math.abs(window[0] ?? 0), reset() {} });
const frame = (at: number, ms = 20, level = 0.5) =>
  monoFrame(new Int16Array((RATE * ms) / 1000).fill(level * 32_768), RATE, at);

describe("the judge", () => {
  it("tells each window's verdict with the time at which it ends", () => {
    const ends: number[] = [];
    const judge = new Judge(maker, RATE, (_, end) => ends.push(end));
    for (let i = 0; i < 8; i++) judge.push(frame(100 + i * 20));
    expect(ends).toEqual([132, 164, 196, 228, 260]);
  });

  it("counts a gap in media time as silence", () => {
    const verdicts: number[] = [];
    const judge = new Judge(maker, RATE, (speech) => verdicts.push(speech));
    for (let i = 0; i < 8; i++) judge.push(frame(i * 20));
    for (let i = 0; i < 8; i++) judge.push(frame(160 + 320 + i * 20));
    expect(verdicts.filter((speech) => speech === 0).length).toBeGreaterThanOrEqual(9);
    expect(verdicts.filter((speech) => speech > 0).length).toBeGreaterThanOrEqual(9);
  });

  it("never lets time run backwards, however frames and silence are mixed", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("frame" as const), ms: fc.integer({ min: -200, max: 3_000 }) }),
      fc.record({ kind: fc.constant("fill" as const), ms: fc.integer({ min: -50, max: 500 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let last = -1;
        const judge = new Judge(maker, RATE, (_, end) => {
          expect(end).toBeGreaterThan(last);
          last = end;
        });
        let now = 0;
        for (const { kind, ms } of steps) {
          now = Math.max(0, now + ms);
          if (kind === "frame") judge.push(frame(now));
          else judge.fill(now);
        }
      }),
    );
  });

  it("returns to the time of the audio when what was counted as silence comes late, stall after stall", () => {
    const ends: number[] = [];
    const judge = new Judge(maker, RATE, (_, end) => ends.push(end));
    let at = 0;
    for (let stall = 0; stall < 20; stall++) {
      for (let i = 0; i < 50; i++) judge.push(frame((at += 20)));
      judge.fill(at + 300);
      expect(judge.fed).toBeGreaterThan(at + 200);
    }
    for (let i = 0; i < 40; i++) judge.push(frame((at += 20)));
    expect(judge.fed).toBe(at + 20);
    expect(at + 20 - (ends.at(-1) ?? 0)).toBeLessThan(32);
  });

  it("does not judge hours of silence window by window", () => {
    let pushes = 0;
    let resets = 0;
    const counting = () => ({ ...maker(), push: () => ((pushes += 1), 0), reset: () => void (resets += 1) });
    const ends: number[] = [];
    const judge = new Judge(counting, RATE, (_, end) => ends.push(end));
    judge.push(frame(0));
    judge.fill(3 * 3_600_000);
    expect(pushes).toBeLessThanOrEqual(64);
    expect(resets).toBe(2);
    expect(3 * 3_600_000 - (ends.at(-1) ?? 0)).toBeLessThanOrEqual(64);
    judge.push(frame(3 * 3_600_000));
    expect(judge.fed).toBe(3 * 3_600_000 + 20);
  });
});
