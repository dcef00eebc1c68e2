import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createClock } from "./clock.ts";

const soon = (ms = 30): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("the production clock", () => {
  it("runs a task at its time and never early", async () => {
    const clock = createClock();
    const at = clock.now() + 15.5;
    const ran = await new Promise<number>((resolve) => clock.at(at, () => resolve(clock.now())));
    expect(ran).toBeGreaterThanOrEqual(at);
    expect(ran).toBeLessThan(at + 500);
  });

  it("never runs a task before the call has returned, also when its time is past", async () => {
    const clock = createClock();
    let ran = false;
    clock.at(clock.now() - 1000, () => (ran = true));
    expect(ran).toBe(false);
    await soon();
    expect(ran).toBe(true);
  });

  it("runs late tasks in the order of their times, then of their calls", async () => {
    const clock = createClock();
    const seen: string[] = [];
    const now = clock.now();
    clock.at(now + 3, () => seen.push("third"));
    clock.at(now + 1, () => seen.push("first"));
    clock.at(now + 3, () => seen.push("fourth"));
    clock.at(now + 2, () => seen.push("second"));
    while (clock.now() < now + 10);
    await soon();
    expect(seen).toEqual(["first", "second", "third", "fourth"]);
  });

  it("does not run a cancelled task, also when a task of the same moment cancels it", async () => {
    const clock = createClock();
    const seen: string[] = [];
    const at = clock.now() + 2;
    clock.at(at, () => {
      seen.push("kept");
      cancel();
      cancel();
    });
    const cancel = clock.at(at, () => seen.push("cancelled"));
    clock.at(at, () => seen.push("after"));
    await soon();
    expect(seen).toEqual(["kept", "after"]);
  });

  it("reports a task that throws and runs the others", async () => {
    const faults: unknown[] = [];
    const clock = createClock({ onFault: (error) => faults.push(error) });
    let ran = false;
    clock.at(clock.now(), () => {
      throw new Error("broken");
    });
    clock.at(clock.now(), () => (ran = true));
    await soon();
    expect(faults).toEqual([new Error("broken")]);
    expect(ran).toBe(true);
  });

  it("lets a task that asks for now again starve nobody", async () => {
    const clock = createClock();
    let rounds = 0;
    let other = false;
    const again = (): void => {
      rounds += 1;
      if (!other) clock.at(0, again);
    };
    clock.at(0, again);
    clock.at(clock.now() + 5, () => (other = true));
    await soon(50);
    expect(other).toBe(true);
    expect(rounds).toBeGreaterThan(1);
  });

  it("waits for an earlier task that is added later", async () => {
    const clock = createClock();
    const far = clock.at(clock.now() + 60_000, () => {});
    const start = clock.now();
    await new Promise<void>((resolve) => clock.at(start + 5, resolve));
    expect(clock.now() - start).toBeLessThan(1000);
    far();
  });

  it("keeps order and forgets nothing under any mix of adding and cancelling", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(12), fc.boolean()), { maxLength: 300 }), async (plan) => {
        const clock = createClock();
        const seen: number[] = [];
        const start = clock.now();
        const cancels = plan.map(([delay], index) => clock.at(start + delay, () => seen.push(index)));
        plan.forEach(([, cancelled], index) => cancelled && cancels[index]?.());
        await new Promise<void>((resolve) => clock.at(start + 13, resolve));
        const wanted = plan
          .map(([delay, cancelled], index) => ({ delay, cancelled, index }))
          .filter((one) => !one.cancelled)
          .map((one) => one.index);
        expect([...seen].sort((a, b) => a - b)).toEqual(wanted);
      }),
      { numRuns: 20 },
    );
  });

  it("keeps no timer for a deadline that the last task has cancelled", async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    const clock = createClock();
    const cancels = [clock.at(clock.now() + 60_000, () => {}), clock.at(clock.now() + 70_000, () => {})];
    await new Promise<void>((resolve) => {
      clock.at(clock.now() + 5, () => {
        for (const cancel of cancels) cancel();
        resolve();
      });
    });
    expect(timers()).toBe(before);
  });

  it("refuses a time that is no time", () => {
    expect(() => createClock().at(Number.NaN, () => {})).toThrow(RangeError);
  });
});
