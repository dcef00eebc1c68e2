import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costOf, overridePrices, priceOf, prices } from "./prices.ts";

describe("what a model costs", () => {
  it("charges an answer as the published example does, cached tokens once", () => {
    // Text in 500 of which 400 cached, audio in 600, text out 80, audio out 240.
    const units = { "text-in": 100, "text-cached": 400, "audio-in": 600, "text-out": 80, "audio-out": 240 };
    expect(costOf({ model: "gpt-realtime-2.1", units })).toBe(37_040_000);
  });

  it.each([
    ["text-in", 1_000_000, 4],
    ["text-cached", 1_000_000, 0.4],
    ["text-out", 1_000_000, 24],
    ["audio-in", 1_000_000, 32],
    ["audio-cached", 1_000_000, 0.4],
    ["audio-out", 1_000_000, 64],
    ["image-in", 1_000_000, 5],
  ] as const)("charges a million %s", (unit, amount, usd) => {
    expect(costOf({ model: "gpt-realtime-2.1", units: { [unit]: amount } })).toBe(usd * 1e9);
  });

  it.each([
    ["gpt-live-transcribe", { seconds: 60 }, 0.017],
    ["gpt-transcribe", { seconds: 120 }, 0.009],
    // Tokens of a model that is paid by the minute: 600 a minute.
    ["gpt-realtime-whisper", { "audio-in": 300, "text-out": 12 }, 0.0085],
  ])("charges %s by the minute", (model, units, usd) => {
    expect(costOf({ model, units })).toBe(Math.round(usd * 1e9));
  });

  it("charges a dated snapshot as its base", () => {
    expect(priceOf("gpt-realtime-2.1-2026-08-04")).toBe(priceOf("gpt-realtime-2.1"));
    expect(priceOf("gpt-realtime-2.1-mini-20260804")).toBe(priceOf("gpt-realtime-2.1-mini"));
  });

  it.each([
    ["a model nobody knows", { model: "my-model", units: { "text-in": 5 } }],
    ["a name that every object has", { model: "constructor", units: { "text-in": 5 } }],
    ["a unit without a price", { model: "gpt-realtime-2.1", units: { characters: 5 } }],
    ["an answer without counts", { model: "gpt-realtime-2.1", units: {} }],
    ["a minute's price without minutes", { model: "gpt-transcribe", units: { "text-out": 5 } }],
  ])("does not know the cost of %s", (_what, usage) => {
    expect(costOf(usage)).toBeUndefined();
  });

  it("takes own prices over the published ones, and says so in its date", () => {
    const own = overridePrices({ "my-model": { perMillion: { "text-in": 1 } }, local: { free: true } });
    expect(costOf({ model: "my-model", units: { "text-in": 3 } }, own)).toBe(3_000);
    expect(costOf({ model: "local", units: { characters: 900 } }, own)).toBe(0);
    expect(costOf({ model: "gpt-realtime-2", units: { "text-in": 1 } }, own)).toBe(4_000);
    expect(own.date).toBe(`${prices.date}, with own prices`);
  });

  it("adds up exactly: two uses cost what their sum costs", () => {
    const amount = fc.nat(1e6);
    const units = fc.record({ "text-in": amount, "text-cached": amount, "audio-in": amount, "audio-out": amount });
    fc.assert(
      fc.property(
        units,
        units,
        fc.constantFrom(...Object.keys(prices.models).filter((name) => prices.models[name]?.perMillion)),
        (a, b, model) => {
          const sum = Object.fromEntries(
            Object.keys(a).map((unit) => [unit, a[unit as keyof typeof a] + b[unit as keyof typeof b]]),
          );
          expect((costOf({ model, units: a }) ?? 0) + (costOf({ model, units: b }) ?? 0)).toBe(
            costOf({ model, units: sum }) ?? 0,
          );
        },
      ),
    );
  });
});
