import { describe, expect, it } from "vitest";
import type { PageEvent } from "../protocol/page.ts";
import { addHandoff, addInterruption, addNotice, addTool, addTranscript, heardLength } from "./transcript.ts";
import type { Line } from "./types.ts";

type TranscriptData = Extract<PageEvent, { type: "transcript" }>["data"];
const said = (
  id: string,
  role: "user" | "agent" | "system",
  text: string,
  more: Partial<TranscriptData> = {},
): TranscriptData => ({
  id,
  role,
  text,
  final: false,
  ...more,
});
const write = (...all: TranscriptData[]): readonly Line[] =>
  all.reduce<readonly Line[]>((lines, data, index) => addTranscript(lines, data, index), []);
const ids = (lines: readonly Line[]): string[] => lines.map(({ id }) => id);

describe("what was said", () => {
  it("replaces a partial in place and keeps when it began", () => {
    expect(write(said("u", "user", "and can"), said("u", "user", "and can my partner", { final: true }))).toMatchObject(
      [{ id: "u", at: 0, text: "and can my partner", final: true, who: "caller" }],
    );
  });

  it("puts the caller's late words above the answer to the same turn", () => {
    const lines = write(
      said("a1", "agent", "Welcome", { turnId: "t0" }),
      said("a2", "agent", "Yes, from day one.", { turnId: "t1" }),
      said("u1", "user", "What dental cover?", { turnId: "t1", final: true }),
    );
    expect(ids(lines)).toEqual(["a1", "u1", "a2"]);
  });

  it("puts the caller's late words above a tool call and a handoff of the same turn as well", () => {
    let lines = write(said("u1", "user", "What", { turnId: "t1" }));
    lines = addTool(lines, { callId: "c", name: "find", status: "running", args: "{}" }, 1);
    lines = addTranscript(lines, said("u2", "user", "dental cover?", { turnId: "t1" }), 2);
    expect(ids(lines)).toEqual(["u1", "u2", "c"]);
  });

  it("puts what the caller says over a line below it, also when the line is told again in the new turn", () => {
    const lines = write(
      said("greeting", "agent", "Welcome to the company"),
      said("greeting", "agent", "Welcome to the company", { turnId: "t1", heardChars: 7 }),
      said("u1", "user", "What dental cover?", { turnId: "t1", final: true }),
      said("a1", "agent", "Cleaning, fillings and crowns", { turnId: "t1" }),
      said("a1", "agent", "Cleaning, fillings and crowns", { turnId: "t2", heardChars: 9 }),
      said("u2", "user", "And braces?", { turnId: "t2" }),
    );
    expect(ids(lines)).toEqual(["greeting", "u1", "a1", "u2"]);
  });

  it("leaves no empty bubble where nothing was recognised, but shows what was not understood", () => {
    expect(write(said("u", "user", ""))).toEqual([]);
    expect(write(said("u", "user", "", { rejected: true, final: true }))).toMatchObject([{ rejected: true, text: "" }]);
  });

  it("keeps how much was heard when a later event does not tell", () => {
    const lines = write(
      said("a", "agent", "Hello there", { heardChars: 5 }),
      said("a", "agent", "Hello there", { final: true }),
    );
    expect(lines).toMatchObject([{ heardChars: 5, final: true }]);
  });
});

describe("an interruption", () => {
  const spoken = write(said("a", "agent", "I can walk you through your first week"));

  it("marks how far the named line was heard, and when it was cut", () => {
    expect(addInterruption(spoken, { itemId: "a", heardMs: 1_912.4, heardText: "I can walk you" })).toMatchObject([
      { heardChars: 14, interrupted: { atMs: 1_912 }, final: true },
    ]);
  });

  it("falls on the agent's latest line when the server names none", () => {
    const lines = addTranscript(spoken, said("u", "user", "stop"), 3);
    expect(addInterruption(lines, { heardMs: 100, heardText: "" })[0]).toMatchObject({
      heardChars: 0,
      interrupted: { atMs: 100 },
    });
  });

  it("goes on showing the words that were cut after the server has shortened its own line", () => {
    const cut = addInterruption(spoken, { itemId: "a", heardMs: 900, heardText: "I can walk" });
    const [line] = addTranscript(cut, said("a", "agent", "I can walk", { final: true }), 9);
    expect(line).toMatchObject({
      text: "I can walk you through your first week",
      heardChars: 10,
      interrupted: { atMs: 900 },
    });
  });

  it("leaves an unknown line, and a caller's line, alone", () => {
    expect(addInterruption(spoken, { itemId: "zzz", heardMs: 1, heardText: "" })).toBe(spoken);
    const caller = write(said("u", "user", "hello"));
    expect(addInterruption(caller, { itemId: "u", heardMs: 1, heardText: "" })).toBe(caller);
    expect(addInterruption([], { heardMs: 1, heardText: "" })).toEqual([]);
  });
});

describe("how much of a line was heard", () => {
  it.each([
    ["one two three", "one two", 7],
    ["one two three", "", 0],
    ["one  two\nthree", "one two three", 14],
    ["one two", "one two three", 7],
    ["one two three", "something else", 13],
  ])("of %j with %j heard is %i characters", (text, heard, length) => {
    expect(heardLength(text, heard)).toBe(length);
  });
});

describe("tools, handoffs and notices", () => {
  it("brings one line up to date from running to its result", () => {
    const running = addTool([], { callId: "c", name: "find", status: "running", args: '{"a":1}' }, 5);
    const done = addTool(
      running,
      { callId: "c", name: "find", status: "ok", args: '{"a":1}', result: "42", ms: 211.7 },
      9,
    );
    expect(done).toMatchObject([{ kind: "tool", at: 5, status: "ok", result: "42", ms: 212 }]);
  });

  it("keeps several handoffs apart", () => {
    const once = addHandoff([], { from: "A", to: "B" }, 1);
    expect(new Set(ids(addHandoff(once, { from: "B", to: "A" }, 2))).size).toBe(2);
  });

  it("says the same notice only once in a row", () => {
    const once = addNotice([], "warning", "slow", 1);
    expect(addNotice(once, "warning", "slow", 2)).toBe(once);
    expect(addNotice(once, "warning", "gone", 2)).toHaveLength(2);
  });

  it("shows a system line of the server as a notice", () => {
    expect(write(said("s", "system", "Recording has begun"))).toMatchObject([{ kind: "notice", level: "info" }]);
  });
});
