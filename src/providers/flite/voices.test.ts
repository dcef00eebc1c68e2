import { describe, expect, it } from "vitest";
import { fliteVoices, voiceOf } from "./voices.ts";

describe("voiceOf", () => {
  it("reads speakers, pitch and speed", () => {
    expect(voiceOf("slt")).toEqual({ voice: "slt", stretch: 1, f0: 1 });
    expect(voiceOf("awb-12").f0).toBeCloseTo(0.88);
    expect(voiceOf("slt+15x1.05")).toEqual({ voice: "slt", stretch: 1 / 1.05, f0: 1.15 });
    expect(voiceOf("rms x1.2").stretch).toBeCloseTo(1 / 1.2);
  });

  it("prefers names of your own", () => {
    const named = { maya: { voice: "slt", f0: 1.1 }, slt: { voice: "rms" } } as const;
    expect(voiceOf("maya", named)).toEqual({ voice: "slt", stretch: 1, f0: 1.1 });
    expect(voiceOf("slt", named).voice).toBe("rms");
  });

  it("gives names of other providers one of the cast, always the same", () => {
    for (const name of ["marin", "alloy", "", "__proto__", "toString"]) {
      expect(fliteVoices.map((voice) => voiceOf(voice))).toContainEqual(voiceOf(name));
      expect(voiceOf(name)).toEqual(voiceOf(name));
    }
    expect(
      new Set(["marin", "alloy", "cedar", "echo", "sage"].map((name) => JSON.stringify(voiceOf(name)))).size,
    ).toBeGreaterThan(1);
  });

  it.each(["rms+10", "slt+90", "slt-60", "awbx3", "awbx0"])("refuses %s, which cannot be spoken", (name) => {
    expect(() => voiceOf(name)).toThrow(expect.objectContaining({ code: "config" }));
  });

  it("refuses values out of range and NaN in names of your own", () => {
    for (const bad of [
      { voice: "slt", stretch: 3 },
      { voice: "slt", f0: Number.NaN },
      { voice: "rms", f0: 1.1 },
    ] as const) {
      expect(() => voiceOf("x", { x: bad })).toThrow(expect.objectContaining({ code: "config" }));
    }
  });
});
