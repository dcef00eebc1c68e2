import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../base/errors.ts";
import { readPageConfig } from "./config.ts";

const whole = {
  v: 1,
  title: "Onboarding",
  subtitle: "Three colleagues",
  agents: [{ name: "Olive", voice: "slt", avatar: "OL", tools: ["book"], description: "Greets you." }],
  parts: "Silero, flite",
  suggestions: ["book a desk"],
  features: { text: true, interrupt: true, tuning: false },
  limits: { concurrency: 10, timeLimitMs: 600_000 },
};

describe("the page's configuration", () => {
  it("survives the way through JSON unchanged", () => {
    expect(readPageConfig(JSON.parse(JSON.stringify(whole)))).toEqual(whole);
  });

  it("has empty lists and no features where the server says nothing", () => {
    expect(readPageConfig({ v: 1 })).toEqual({
      v: 1,
      title: "Repartee",
      agents: [],
      parts: "",
      suggestions: [],
      features: { text: false, interrupt: false, tuning: false },
      limits: {},
    });
  });

  it("ignores members it does not know", () => {
    expect(readPageConfig({ ...whole, colour: "red", agents: [{ ...whole.agents[0], mood: 3 }] })).toEqual(whole);
  });

  it("refuses another version", () => {
    expect(readPageConfig({ ...whole, v: 2 })).toMatchObject({
      fault: "protocol",
      why: expect.stringContaining("got 2"),
    });
  });

  it("refuses an agent without a name", () => {
    expect(isFault(readPageConfig({ ...whole, agents: [{ voice: "slt" }] }))).toBe(true);
  });

  it("leaves out limits that are no positive numbers", () => {
    expect(readPageConfig({ ...whole, limits: { concurrency: 0, timeLimitMs: "soon" } })).toMatchObject({ limits: {} });
  });

  it("never throws, whatever the server sends", () => {
    fc.assert(fc.property(fc.jsonValue(), (json) => void readPageConfig(json)));
  });
});
