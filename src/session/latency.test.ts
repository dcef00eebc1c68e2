import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { type Stage, TurnLatency } from "./latency.ts";

describe("the time of a turn", () => {
  it("is told apart by stage, and what nobody claims is the framework's", () => {
    const latency = new TurnLatency("t", 1_000, 1_500);
    latency.add("llm", 80, 1_585);
    latency.add("tts", 40, 1_630);
    expect(latency.answered(1_640)).toEqual({
      parts: { endpointing: 500, stt: 0, llm: 80, tool: 0, tts: 40, framework: 20 },
      totalMs: 640,
    });
  });

  it("counts nothing that was done during the pause", () => {
    const latency = new TurnLatency("t", 1_000, 1_500);
    latency.add("stt", 400, 1_450);
    latency.add("tts", 200, 1_520);
    expect(latency.answered(1_530).parts).toEqual({
      endpointing: 500,
      stt: 0,
      llm: 0,
      tool: 0,
      tts: 20,
      framework: 10,
    });
  });

  it("counts an instant once when stages overlap", () => {
    const latency = new TurnLatency("t", 0, 100);
    latency.add("llm", 100, 200);
    latency.add("tts", 80, 250);
    expect(latency.answered(260).parts).toMatchObject({ llm: 100, tts: 50, framework: 10 });
  });

  it("leaves out what was done after the answer began", () => {
    const latency = new TurnLatency("t", 0, 100);
    latency.add("tts", 300, 420);
    expect(latency.answered(160)).toEqual({
      parts: { endpointing: 100, stt: 0, llm: 0, tool: 0, tts: 40, framework: 20 },
      totalMs: 160,
    });
  });

  it("adds up, whatever stages report", () => {
    const span = fc.tuple(fc.constantFrom<Stage>("stt", "llm", "tool", "tts"), fc.nat(500), fc.nat(2_000));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 12 }), fc.nat(2_000), (spans, at) => {
        const latency = new TurnLatency("t", 300, 700);
        for (const [stage, ms, to] of spans) latency.add(stage, ms, to);
        const { parts, totalMs } = latency.answered(at);
        const values = Object.values(parts);
        expect(values.reduce((all, part) => all + part, 0)).toBeCloseTo(totalMs, 6);
        expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
