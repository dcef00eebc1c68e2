import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Desk } from "./eager.ts";

describe("the reply desk", () => {
  it("starts a guess once for the same words, and releases it when they stand", () => {
    const desk = new Desk();
    expect(desk.likely("How many days?")).toEqual({ start: "speculative" });
    expect(desk.likely("how many days")).toEqual({});
    expect(desk.ended("How many days")).toEqual({ release: true });
    expect(desk.live).toBe("committed");
    expect(desk.record).toEqual({ tries: 1, hits: 1 });
  });

  it("cancels a guess when the words change, and starts for good when the turn ends otherwise", () => {
    const desk = new Desk();
    desk.likely("book a day");
    expect(desk.changed("book a day off")).toEqual({ cancel: true });
    expect(desk.ended("book a day off")).toEqual({ start: "committed" });
    expect(desk.record).toEqual({ tries: 1, hits: 0 });
  });

  it("holds a reply while the caller goes on, and lets it go on when they had nothing to add", () => {
    const desk = new Desk();
    desk.ended("how many days");
    expect(desk.resumed()).toEqual({ hold: true });
    expect(desk.changed("how many days")).toEqual({});
    expect(desk.ended("How many days.")).toEqual({ release: true });
    desk.resumed();
    expect(desk.dismissed()).toEqual({ release: true });
    desk.resumed();
    expect(desk.changed("how many days and hours")).toEqual({ cancel: true });
  });

  it("guesses at most three times a turn, and stops where it does not pay", () => {
    const desk = new Desk();
    expect(["a", "b", "c", "d"].map((text) => desk.likely(text).start)).toEqual([
      "speculative",
      "speculative",
      "speculative",
      undefined,
    ]);
    desk.ended("e");
    desk.done();
    for (let turn = 0; turn < 4; turn++) {
      for (const text of ["f", "g", "h"]) desk.likely(`${text}${turn}`);
      desk.ended("x");
      desk.done();
    }
    expect(desk.pays).toBe(false);
    expect(desk.likely("anything")).toEqual({});
  });

  it("drops everything when the caller takes the floor", () => {
    const desk = new Desk();
    expect(desk.cancelled()).toEqual({});
    desk.ended("a");
    expect(desk.cancelled()).toEqual({ cancel: true });
    expect(desk.live).toBeUndefined();
  });

  it("has at most one live reply, whatever happens", () => {
    const step = fc.tuple(
      fc.constantFrom("likely", "changed", "resumed", "ended", "began", "dismissed", "cancelled", "done"),
      fc.constantFrom("", "a", "b", "a b"),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const desk = new Desk();
        let live = 0;
        for (const [name, text] of steps) {
          if (name === "done" && live === 0) continue;
          const order =
            name === "likely" || name === "changed" || name === "ended"
              ? desk[name](text)
              : name === "done"
                ? (desk.done(), { cancel: true })
                : desk[name]();
          if (order.cancel === true) live -= 1;
          if (order.start !== undefined) live += 1;
          if (order.release === true || order.hold === true) expect(live).toBe(1);
          expect(live).toBe(desk.live === undefined ? 0 : 1);
        }
      }),
    );
  });
});
