import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/clock.ts";
import { Budget, checkPrices, PoliteEnd } from "./budget.ts";
import { prices } from "./prices.ts";

const spent = (usd: number, incomplete = false) => ({ usd, incomplete });

describe("a budget", () => {
  it("warns once at 80 %, and ends once at 100 %", () => {
    const budget = new Budget({ maxUsd: 1 });
    const said = [0.5, 0.79, 0.8, 0.9, 0.999, 1, 1.2].map((usd) => budget.spent(spent(usd)));
    expect(said).toEqual([undefined, undefined, "warn", undefined, undefined, "over", undefined]);
  });

  it("ends at once when a single use goes past both marks", () => {
    expect(new Budget({ maxUsd: 1 }).spent(spent(3))).toBe("over");
  });

  it("ends when a cost is not known: a cap that nobody can keep is none", () => {
    expect(new Budget({ maxUsd: 1 }).spent(spent(0.01, true))).toBe("over");
  });

  it.each([[{ maxUsd: 0 }], [{ maxUsd: Number.NaN }], [{ maxUsd: 1, warnAt: 0 }], [{ maxUsd: 1, warnAt: 2 }]])(
    "refuses %j",
    (options) => {
      expect(() => new Budget(options)).toThrow(RangeError);
    },
  );

  it("does not begin with a model that has no price", () => {
    expect(() => checkPrices(["gpt-realtime-2.1", "mystery"], prices)).toThrow(
      expect.objectContaining({ code: "budget", message: expect.stringContaining("mystery") }),
    );
    expect(() => checkPrices(["gpt-realtime-2.1", "gpt-live-transcribe"], prices)).not.toThrow();
  });
});

describe("a polite end", () => {
  const make = (farewell?: string) => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const state = { idle: false };
    const end = new PoliteEnd(
      { clock, isIdle: () => state.idle, say: (text) => log.push(`say ${text}`), hangUp: () => log.push("hang up") },
      farewell,
    );
    return { clock, log, state, end };
  };

  it("lets the reply be heard, says goodbye, and hangs up", async () => {
    const { clock, log, state, end } = make("Bye.");
    end.begin();
    await clock.advance(3_000);
    expect(log).toEqual([]);
    state.idle = true;
    end.step();
    state.idle = false;
    expect(log).toEqual(["say Bye."]);
    expect(end.isParting).toBe(true);
    state.idle = true;
    end.step();
    end.step();
    expect(log).toEqual(["say Bye.", "hang up"]);
    expect(clock.pending).toBe(0);
  });

  it("waits 10 s for each and not longer", async () => {
    const { clock, log, end } = make("Bye.");
    end.begin();
    await clock.advance(9_999);
    expect(log).toEqual([]);
    await clock.advance(10_001);
    expect(log).toEqual(["say Bye.", "hang up"]);
  });

  it("hangs up without a word when there is no farewell", () => {
    const { log, state, end } = make("");
    state.idle = true;
    end.begin();
    expect(log).toEqual(["hang up"]);
  });

  it("leaves no timer behind when the call ends by itself", () => {
    const { clock, log, end } = make();
    end.begin();
    end.stop();
    expect(clock.pending).toBe(0);
    expect(log).toEqual([]);
  });
});
