import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Marks } from "./marks.ts";

describe("marks", () => {
  it("stand for the end of what was sent when they were made", () => {
    const marks = new Marks();
    marks.send(200);
    const first = marks.mark();
    marks.send(120);
    expect(marks.unmarked).toBe(120);
    const second = marks.mark();
    expect(marks.returned(first)).toBe(200);
    expect(marks.ahead).toBe(120);
    expect(marks.returned(second)).toBe(320);
  });

  it("mean nothing when they come back after a clear", () => {
    const marks = new Marks();
    marks.send(1_000);
    const pending = marks.mark();
    marks.clear();
    expect(marks.returned(pending)).toBeUndefined();
    expect(marks.ahead).toBe(0);
    marks.send(100);
    expect(marks.returned(pending)).toBeUndefined();
    expect(marks.returned(marks.mark())).toBe(1_100);
  });

  it("never move the position back, nor beyond what was sent", () => {
    const marks = new Marks();
    marks.send(500);
    expect(marks.returned("0.400")).toBe(400);
    expect(marks.returned("0.200")).toBe(400);
    expect(marks.returned("0.9999")).toBe(500);
  });

  it.each(["", "x", "0", "0.", ".5", "1.5", "0.5.5", "-0.5", "0.1e3", "0.99999999999999"])(
    "ignore the name %j, which is not theirs",
    (name) => {
      const marks = new Marks();
      marks.send(500);
      expect(marks.returned(name)).toBeUndefined();
    },
  );

  it("understand a count of ms played since the last clear, and ignore one about an epoch that is over", () => {
    const marks = new Marks();
    marks.send(1_000);
    expect(marks.reported(300)).toBe(300);
    marks.clear();
    marks.send(400);
    expect(marks.reported(900, 0)).toBeUndefined();
    expect(marks.reported(100, 1)).toBe(1_100);
  });

  it("tell epochs apart beyond the wrap of their byte", () => {
    const marks = new Marks();
    for (let i = 0; i < 257; i++) marks.clear();
    marks.send(100);
    expect(marks.reported(50, 1)).toBe(50);
    expect(marks.reported(50, 0)).toBeUndefined();
    expect(marks.returned("1.100")).toBeUndefined();
    expect(marks.returned("257.100")).toBe(100);
  });

  it("count audio that was dropped on our side at its place", () => {
    const marks = new Marks();
    marks.send(1_000);
    // 300 ms are held; the two oldest frames of them are dropped.
    marks.drop(20, 280);
    marks.drop(20, 260);
    expect(marks.reported(700)).toBe(700);
    expect(marks.reported(710)).toBe(750);
    expect(marks.reported(960)).toBe(1_000);
  });

  it("do not count what was dropped as ahead, before and after the far end has come past it", () => {
    const marks = new Marks();
    marks.send(1_000);
    marks.drop(200, 300);
    expect(marks.ahead).toBe(800);
    const end = marks.mark();
    expect(marks.returned("0.400")).toBe(400);
    expect(marks.ahead).toBe(400);
    marks.send(100);
    expect(marks.returned(end)).toBe(1_000);
    expect(marks.ahead).toBe(100);
  });

  it("keep the position between what was heard before and what was sent, whatever comes", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("send" as const), ms: fc.nat(500) }),
      fc.record({ do: fc.constant("clear" as const), ms: fc.constant(0) }),
      fc.record({ do: fc.constant("report" as const), ms: fc.nat(5_000) }),
      fc.record({ do: fc.constant("return" as const), ms: fc.nat(5_000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const marks = new Marks();
        let last = 0;
        for (const { do: what, ms } of steps) {
          if (what === "send") marks.send(ms);
          else if (what === "clear") marks.clear();
          else {
            const position = what === "report" ? marks.reported(ms) : marks.returned(`${marks.epoch}.${ms}`);
            expect(position).toBeGreaterThanOrEqual(last);
            expect(position).toBeLessThanOrEqual(marks.sent);
            last = position ?? last;
          }
          expect(marks.ahead).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
