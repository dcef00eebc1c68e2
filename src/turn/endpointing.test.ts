import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { delayFor, learnPause, USUAL_PAUSE } from "./endpointing.ts";
import { adaptivePresets } from "./policy.ts";

describe("the wait for the end of a turn", () => {
  it.each([
    [0.05, 2_334],
    [0.1, 2_172],
    [0.3, 1_568],
    [0.5, 1_046],
    [0.65, 716],
    [0.78, 483],
    [0.9, 322],
    [0.95, 276],
    [1, 250],
    [0, 2_500],
  ])("at likelihood %f is %i ms", (p, ms) => {
    expect(delayFor(p, adaptivePresets.auto)).toBe(ms);
  });

  it("never grows with the likelihood and never leaves its bounds", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        share,
        share,
        fc.integer({ min: 0, max: 5_000 }),
        fc.constantFrom(...Object.values(adaptivePresets)),
        (a, b, usual, adaptive) => {
          const [less, more] = [delayFor(Math.min(a, b), adaptive, usual), delayFor(Math.max(a, b), adaptive, usual)];
          expect(less).toBeGreaterThanOrEqual(more);
          expect(more).toBeGreaterThanOrEqual(adaptive.minMs);
          expect(less).toBeLessThanOrEqual(adaptive.maxMs);
        },
      ),
    );
  });

  it("adds patience beyond the longest wait", () => {
    expect(delayFor(0, adaptivePresets.auto, USUAL_PAUSE, 45_000)).toBe(47_500);
  });

  it("moves with the caller's pauses, and not for the time spent on something else", () => {
    expect(learnPause(USUAL_PAUSE, 1_400)).toBe(500);
    expect(learnPause(USUAL_PAUSE, 60_000)).toBe(660);
    let usual = USUAL_PAUSE;
    for (let i = 0; i < 50; i++) usual = learnPause(usual, 1_000);
    expect(usual).toBeCloseTo(1_000, -1);
  });
});
