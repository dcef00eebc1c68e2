import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addMeasured, addServerParts, LatencyMeter, noTurns, percentile } from "./latency.ts";

const parts = { endpointing: 250, stt: 40, llm: 60, tool: 0, tts: 90, framework: 5 };

describe("the wait the page measures", () => {
  it("runs from the last voiced sample to the first audible one", () => {
    const meter = new LatencyMeter();
    meter.voiced(900);
    meter.voiced(1_000);
    meter.ended("t1", 1_260);
    expect(meter.audible(1_512)).toEqual({ turnId: "t1", totalMs: 512 });
  });

  it("is not restarted by noise after the turn has ended", () => {
    const meter = new LatencyMeter();
    meter.voiced(1_000);
    meter.ended("t1", 1_250);
    meter.voiced(1_400);
    expect(meter.audible(1_500)?.totalMs).toBe(500);
  });

  it("ends once: a second sentence of the same answer is not a turn", () => {
    const meter = new LatencyMeter();
    meter.voiced(1_000);
    meter.ended("t1", 1_250);
    meter.audible(1_500);
    expect(meter.audible(4_000)).toBeUndefined();
  });

  it("starts anew when the caller went on", () => {
    const meter = new LatencyMeter();
    meter.voiced(1_000);
    meter.ended("t1", 1_250);
    meter.dropped();
    meter.voiced(2_000);
    meter.ended("t1", 2_300);
    expect(meter.audible(2_600)).toEqual({ turnId: "t1", totalMs: 600 });
  });

  it("runs from the key press when the turn was typed", () => {
    const meter = new LatencyMeter();
    meter.voiced(500);
    meter.typed(3_000);
    meter.ended("t1", 3_010);
    expect(meter.audible(3_200)?.totalMs).toBe(200);
  });

  it.each<[string, (meter: LatencyMeter) => void]>([
    ["a greeting, which answers nothing", () => undefined],
    ["a turn whose end of speech the page did not hear", (meter) => meter.ended("t", 1_000)],
    ["an end that comes seconds after the last voice", (meter) => (meter.voiced(1_000), meter.ended("t", 6_000))],
    ["a stall of the page in between", (meter) => (meter.voiced(1_000), meter.ended("t", 1_250), meter.spoiled())],
    ["sound that is older than the end of speech", (meter) => (meter.voiced(9_500), meter.ended("t", 9_800))],
  ])("is not given for %s", (_, before) => {
    const meter = new LatencyMeter();
    before(meter);
    expect(meter.audible(9_000)).toBeUndefined();
  });

  it("is not given for something said half a minute later", () => {
    const meter = new LatencyMeter();
    meter.voiced(1_000);
    meter.ended("t", 1_250);
    expect(meter.audible(40_000)).toBeUndefined();
  });
});

describe("where the time of a turn went", () => {
  it("has the network as what the server's parts leave over, in whichever order the two come", () => {
    const answered = { turnId: "t", phase: "answered", parts, totalMs: 445 } as const;
    const pageFirst = addServerParts(addMeasured(noTurns, "t", 520), answered);
    const serverFirst = addMeasured(addServerParts(noTurns, answered), "t", 520);
    expect(pageFirst).toEqual(serverFirst);
    expect(pageFirst.turns).toEqual([
      { turnId: "t", totalMs: 520, measuredBy: "page", parts: { ...parts, network: 75 } },
    ]);
  });

  it("trusts the server where noise made the page's figure too small", () => {
    const answered = { turnId: "t", phase: "answered", parts, totalMs: 445 } as const;
    const pageFirst = addServerParts(addMeasured(noTurns, "t", 130), answered);
    const serverFirst = addMeasured(addServerParts(noTurns, answered), "t", 130);
    expect(pageFirst).toEqual(serverFirst);
    expect(pageFirst.turns).toMatchObject([{ totalMs: 445, measuredBy: "server" }]);
  });

  it("shows the server's total, without a network, while the page has none", () => {
    expect(addServerParts(noTurns, { turnId: "t", phase: "answered", parts }).turns).toEqual([
      { turnId: "t", totalMs: 445, measuredBy: "server", parts },
    ]);
  });

  it("is not shown for phases that carry no figures", () => {
    expect(addServerParts(noTurns, { turnId: "t", phase: "started" })).toBe(noTurns);
    expect(addServerParts(noTurns, { turnId: "t", phase: "answered" })).toBe(noTurns);
  });

  it("keeps the first measurement of a turn", () => {
    const once = addMeasured(noTurns, "t", 500);
    expect(addMeasured(once, "t", 900)).toBe(once);
  });

  it("gives median and 95th percentile over all turns", () => {
    let view = noTurns;
    for (let i = 1; i <= 20; i++) view = addMeasured(view, `t${i}`, i * 100);
    expect(view).toMatchObject({ medianMs: 1_000, p95Ms: 1_900 });
  });

  it("keeps the latest 200 turns", () => {
    let view = noTurns;
    for (let i = 0; i < 260; i++) view = addMeasured(view, `t${i}`, 100);
    expect(view.turns).toHaveLength(200);
    expect(view.turns.at(-1)?.turnId).toBe("t259");
  });
});

describe("a percentile", () => {
  it("is undefined of nothing", () => expect(percentile([], 0.5)).toBeUndefined());

  it("is one of the values, with at least that share of them at or below it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, p) => {
          const found = percentile(values, p);
          expect(values).toContain(found);
          expect(values.filter((value) => value <= (found ?? -1)).length).toBeGreaterThanOrEqual(
            p * values.length - 1e-9,
          );
        },
      ),
    );
  });
});
