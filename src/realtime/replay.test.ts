import { describe, expect, it } from "vitest";
import { Ledger } from "./conversation.ts";
import type { RealtimeItem } from "./model.ts";
import { replayOf } from "./replay.ts";

const ledgerOf = (...items: RealtimeItem[]): Ledger => {
  const ledger = new Ledger();
  for (const item of items) ledger.add(item);
  return ledger;
};
const say = (id: string, who: "caller" | "agent", text: string): RealtimeItem => ({ id, kind: "message", who, text });
const call = (id: string): RealtimeItem => ({ id, kind: "call", call: `c_${id}`, name: "look", args: "{}" });
const result = (id: string, of: string): RealtimeItem => ({ id, kind: "result", call: `c_${of}`, output: "found" });
const options = { reason: "loss", noteId: "note" } as const;

describe("what a new connection is told", () => {
  it("is nothing when nothing was said", () => {
    expect(replayOf([], options)).toEqual([]);
    expect(replayOf(ledgerOf(call("a")).entries, options)).toEqual([]);
  });

  it("is every line in order, with its own id, and where the conversation is", () => {
    const told = replayOf(ledgerOf(say("a", "caller", "Hi."), say("b", "agent", "Hello.")).entries, options);
    expect(told.map(({ id }) => id)).toEqual(["a", "b", "note"]);
    expect(told.at(-1)).toMatchObject({
      kind: "message",
      who: "system",
      text: expect.stringContaining("Do not greet"),
    });
  });

  it("pairs calls with their results, and holds back a call that still runs", () => {
    const { entries } = ledgerOf(call("a"), call("b"), say("m", "caller", "And?"), result("r", "a"));
    expect(replayOf(entries, options).map(({ id }) => id)).toEqual(["a", "r", "m", "note"]);
  });

  it("tells of an interrupted line what was heard", () => {
    const ledger = ledgerOf(say("a", "caller", "Hi."));
    ledger.words("b", "agent", "One two three", { append: false, final: false });
    ledger.cut("b", "One two", "three");
    expect(replayOf(ledger.entries, options)[1]).toMatchObject({ text: "One two" });
  });

  it("leaves out the oldest beyond its budget, never half of a pair, and says so", () => {
    const long = "word ".repeat(400);
    const { entries } = ledgerOf(say("old", "caller", long), call("a"), result("r", "a"), say("new", "caller", "Now?"));
    const told = replayOf(entries, { ...options, budget: 100 }).map(({ id }) => id);
    expect(told).toEqual(["note_cut", "a", "r", "new", "note"]);
    expect(replayOf(entries, { ...options, budget: 20 }).map(({ id }) => id)).toEqual(["note_cut", "new", "note"]);
  });

  it("tells the newest line however long it is", () => {
    const { entries } = ledgerOf(say("only", "caller", "word ".repeat(9_000)));
    expect(replayOf(entries, { ...options, budget: 10 }).map(({ id }) => id)).toEqual(["only", "note"]);
  });

  it("shows only the last picture again", () => {
    const picture = (id: string): RealtimeItem => ({ id, kind: "image", url: "data:image/png;base64,AA==" });
    const { entries } = ledgerOf(picture("p1"), say("a", "caller", "This?"), picture("p2"));
    expect(replayOf(entries, options).map(({ id }) => id)).toEqual(["a", "p2", "note"]);
  });

  it("asks to go on from the words after which the voice broke off", () => {
    const { entries } = ledgerOf(say("a", "caller", "Tell me."));
    const told = replayOf(entries, { ...options, brokeOff: `${"so ".repeat(200)}the answer is` });
    const note = told.at(-1);
    expect(note?.kind === "message" ? note.text : "").toContain('the answer is"');
    expect(note?.kind === "message" ? note.text.length : 0).toBeLessThan(700);
  });
});
