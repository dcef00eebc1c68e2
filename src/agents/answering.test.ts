import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Answering, MAX_ROUNDS } from "./answering.ts";

/** A reply that asks for these tools. */
function reply(answering: Answering, id: string, ...calls: readonly string[]): void {
  answering.started(id);
  for (const call of calls) answering.called(call);
  answering.ended(id);
}

describe("answering", () => {
  it("asks once for all results of a reply, after the last of them", () => {
    const answering = new Answering();
    reply(answering, "r1", "a", "b");
    answering.answered("b");
    expect(answering.next(true)).toBeUndefined();
    answering.answered("a");
    expect(answering.next(true)).toBe("answer");
    expect(answering.next(true)).toBeUndefined();
  });

  it("waits for the reply under way and for the floor", () => {
    const answering = new Answering();
    answering.started("r1");
    answering.called("a");
    answering.answered("a");
    expect(answering.next(true)).toBeUndefined();
    answering.ended("r1");
    expect(answering.next(false)).toBeUndefined();
    expect(answering.next(true)).toBe("answer");
  });

  it("owes nothing for results that the answer to a new turn has seen", () => {
    const answering = new Answering();
    reply(answering, "r1", "a");
    answering.answered("a");
    answering.asked();
    answering.started("r2");
    answering.ended("r2");
    expect(answering.next(true)).toBeUndefined();
  });

  it("still owes an answer for what came after a new turn was asked", () => {
    const answering = new Answering();
    reply(answering, "r1", "slow");
    answering.asked();
    answering.started("r2");
    answering.answered("slow");
    answering.ended("r2");
    expect(answering.next(true)).toBe("answer");
  });

  it("does not take a fixed text for an answer", () => {
    const answering = new Answering();
    reply(answering, "r1", "a");
    answering.said();
    answering.answered("a");
    answering.started("filler");
    expect(answering.next(true)).toBeUndefined();
    answering.ended("filler");
    expect(answering.next(true)).toBe("answer");
  });

  it("answers the quick call of a new reply without waiting for the slow one of an old", () => {
    const answering = new Answering();
    reply(answering, "r1", "slow");
    reply(answering, "r2", "quick");
    answering.answered("quick");
    expect(answering.next(true)).toBe("answer");
    reply(answering, "r3");
    expect(answering.owes).toBe(true);
    answering.answered("slow");
    expect(answering.next(true)).toBe("answer");
  });

  it("ends after eight rounds, until the caller speaks", () => {
    const answering = new Answering();
    const round = (i: number): string | undefined => {
      reply(answering, `r${i}`, `c${i}`);
      answering.answered(`c${i}`);
      return answering.next(true);
    };
    for (let i = 0; i < MAX_ROUNDS; i++) expect(round(i)).toBe("answer");
    expect(round(100)).toBe("enough");
    answering.turn();
    expect(round(101)).toBe("answer");
  });

  it("does not let the end of an old reply end the new one", () => {
    const answering = new Answering();
    answering.started("r1");
    answering.stopped();
    answering.asked();
    answering.started("r2");
    expect(answering.ended("r1")).toBe(false);
    expect(answering.live).toBe(true);
    expect(answering.ended("r2")).toBe(true);
  });

  it("knows that what was asked for will not come, but not from a reply that ended before", () => {
    const answering = new Answering();
    reply(answering, "r1");
    answering.asked();
    expect(answering.ended("r1")).toBe(false);
    expect(answering.ended("never started")).toBe(true);
  });

  it("gives every finished call exactly one answer, in any order of events", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 }), (steps) => {
        const answering = new Answering();
        const running: string[] = [];
        let count = 0;
        for (const step of steps) {
          count += 1;
          answering.turn();
          if (step === 0) {
            reply(answering, `r${count}`, `c${count}`);
            running.push(`c${count}`);
          } else if (step === 1) answering.answered(running.shift() ?? "");
          else if (step === 2) answering.next(count % 3 > 0);
          else reply(answering, `r${count}`);
        }
        for (const call of running) answering.answered(call);
        if (answering.live) reply(answering, "last");
        if (answering.next(true) !== undefined) reply(answering, "answer");
        expect(answering.owes).toBe(false);
        expect(answering.next(true)).toBeUndefined();
      }),
    );
  });
});
