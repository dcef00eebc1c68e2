import { describe, expect, it } from "vitest";
import { UsageMeter } from "./usage.ts";

const answer = { model: "gpt-realtime-2.1", units: { "text-in": 250, "audio-out": 100 } };
const heard = { model: "gpt-live-transcribe", units: { seconds: 60 } };

describe("what a call has used", () => {
  it("adds up by turn, by agent and in all, transcription included", () => {
    const meter = new UsageMeter();
    meter.add(answer, { agent: "Ada", turn: "1" });
    meter.add(heard, { agent: "Ada", turn: "1" });
    const report = meter.add(answer, { agent: "Ben", turn: "2" });
    expect(report.costUsd).toBeCloseTo(0.0074, 9);
    expect(report.turn).toEqual({ usd: 0.0074, incomplete: false });
    expect(report.agent).toEqual({ name: "Ben", usd: 0.0074, incomplete: false });
    expect(report.session.usd).toBeCloseTo(0.0074 * 2 + 0.017, 9);
    expect(report.pricesOf).toBe("2026-09");
  });

  it("says that a sum is incomplete once something in it has no known price", () => {
    const meter = new UsageMeter();
    meter.add(answer, { agent: "Ada", turn: "1" });
    const report = meter.add({ model: "mystery", units: { "text-in": 9 } }, { agent: "Ada", turn: "1" });
    expect(report.costUsd).toBeUndefined();
    expect(report.session).toEqual({ usd: 0.0074, incomplete: true });
    expect(meter.add(answer, { agent: "Ben", turn: "2" }).turn.incomplete).toBe(false);
  });

  it("tells how much of the input was cached", () => {
    const meter = new UsageMeter();
    const units = { "text-in": 100, "text-cached": 400, "audio-in": 300, "audio-cached": 200 };
    expect(meter.add({ model: "gpt-realtime-2.1", units }, { agent: "Ada", turn: "1" }).cachedShare).toBe(0.6);
    expect(meter.add(heard, { agent: "Ada", turn: "1" }).cachedShare).toBeUndefined();
  });

  it("keeps counts by model for whoever stores them", () => {
    const meter = new UsageMeter();
    for (let i = 0; i < 3; i++) meter.add(answer, { agent: "Ada", turn: String(i) });
    meter.add(heard, { agent: "Ada", turn: "3" });
    expect(meter.models).toEqual([
      { model: "gpt-realtime-2.1", units: { "text-in": 750, "audio-out": 300 } },
      { model: "gpt-live-transcribe", units: { seconds: 60 } },
    ]);
  });
});
