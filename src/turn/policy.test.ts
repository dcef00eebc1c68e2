import { describe, expect, it } from "vitest";
import { VoiceError } from "../base/errors.ts";
import { adaptivePresets, defaultPolicy, parsePolicy, policyFields } from "./policy.ts";

function faultsOf(input: unknown): unknown {
  try {
    parsePolicy(input);
  } catch (error) {
    if (error instanceof VoiceError) return error.meta["faults"];
    throw error;
  }
  return undefined;
}

describe("a turn policy", () => {
  it("has its defaults, by what the recogniser tells", () => {
    expect(parsePolicy({})).toEqual(defaultPolicy());
    expect(parsePolicy(undefined)).toMatchObject({
      silenceMs: 500,
      adaptive: undefined,
      bargeIn: "onset",
      falseAlarmMs: 1_500,
    });
    expect(parsePolicy({ words: "partial" })).toMatchObject({
      adaptive: adaptivePresets.auto,
      bargeIn: "decide",
      falseAlarmMs: 800,
    });
    expect(parsePolicy({ words: "final" })).toMatchObject({
      adaptive: adaptivePresets.auto,
      bargeIn: "decide",
      falseAlarmMs: 1_500,
    });
  });

  it("is within its own ranges by default", () => {
    for (const words of ["none", "final", "partial"] as const)
      expect(parsePolicy(defaultPolicy(words))).toEqual(defaultPolicy(words));
  });

  it("documents every member", () => {
    expect([...Object.keys(policyFields), "adaptive"].toSorted()).toEqual(Object.keys(defaultPolicy()).toSorted());
  });

  it("takes a base for what is not given", () => {
    const base = parsePolicy({ silenceMs: 900, words: "partial" });
    expect(parsePolicy({ graceMs: 0 }, base)).toEqual({ ...base, graceMs: 0 });
  });

  it.each([
    ["eager", adaptivePresets.eager],
    ["patient", adaptivePresets.patient],
    [true, adaptivePresets.auto],
    [{ maxMs: 1_000 }, { ...adaptivePresets.auto, maxMs: 1_000 }],
    [false, undefined],
    [null, undefined],
    [undefined, undefined],
  ])("reads adaptive %j", (given, adaptive) => {
    expect(parsePolicy({ words: "partial", adaptive: given }).adaptive).toEqual(adaptive);
  });

  it("lowers releaseThreshold with threshold when only that is given", () => {
    expect(parsePolicy({ threshold: 0.2 })).toMatchObject({ threshold: 0.2, releaseThreshold: 0.2 });
    expect(parsePolicy({ threshold: 0.7 })).toMatchObject({ releaseThreshold: 0.35 });
  });

  it("reports all faults at once, with path, expected and got", () => {
    expect(
      faultsOf({
        silenceMs: "500",
        threshold: 2,
        adaptive: { minMs: 5_000, maxMs: 1_000, bend: 1 },
        minWords: 1.5,
        silence: 1,
      }),
    ).toEqual([
      { path: "silenceMs", expected: "a number from 100 to 10000 ms", got: "500" },
      { path: "threshold", expected: "a number from 0.01 to 1", got: 2 },
      { path: "adaptive.bend", expected: "one of minMs, maxMs, curve", got: 1 },
      { path: "adaptive.minMs", expected: "at most maxMs, 1000", got: 5_000 },
      { path: "minWords", expected: "a whole number from 1 to 20", got: 1.5 },
      { path: "silence", expected: expect.stringContaining("silenceMs"), got: 1 },
    ]);
  });

  it("says in one message what to correct", () => {
    expect(() => parsePolicy({ silenceMs: Number.NaN, bargeIn: "soon" })).toThrow(
      'turn policy: silenceMs must be a number from 100 to 10000 ms, got NaN; bargeIn must be one of onset, decide, got "soon"',
    );
    expect(() => parsePolicy({ silenceMs: 1 })).toThrow(expect.objectContaining({ code: "config" }));
  });

  it.each([
    [{ threshold: 0.4, releaseThreshold: 0.6 }, "releaseThreshold"],
    [{ overThreshold: 0.2 }, "overThreshold"],
    [{ decideMs: 3_000 }, "decideMs"],
    [{ adaptive: "quick" }, "adaptive"],
    [{ adaptive: { curve: Number.POSITIVE_INFINITY } }, "adaptive.curve"],
    [{ interrupt: "no" }, "interrupt"],
    [JSON.parse('{"__proto__": 1}'), "__proto__"],
    [{ toString: 1 }, "toString"],
    [[], "policy"],
    ["eager", "policy"],
    [7, "policy"],
  ])("refuses %j", (input, path) => {
    expect(faultsOf(input)).toMatchObject([{ path }]);
  });
});
