import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ledger } from "./conversation.ts";

const idsOf = (ledger: Ledger): string[] => ledger.entries.map(({ id }) => id);
const chain = (length: number): [string, string | null][] =>
  Array.from({ length }, (_, i) => [`i${i}`, i === 0 ? null : `i${i - 1}`]);

describe("the log of a realtime conversation", () => {
  it("comes out the same for the same events in any order and number", () => {
    const places = chain(12);
    fc.assert(
      fc.property(fc.shuffledSubarray(places, { minLength: 12 }), fc.array(fc.nat(11)), (shuffled, again) => {
        const ledger = new Ledger();
        for (const [id, after] of [...shuffled, ...again.map((i) => places[i]!)]) ledger.place(id, after);
        expect(idsOf(ledger)).toEqual(places.map(([id]) => id));
        expect(ledger.entries.every(({ adrift }) => !adrift)).toBe(true);
      }),
    );
  });

  it("keeps a line in its place when its words come late", () => {
    const ledger = new Ledger();
    ledger.place("question", null);
    ledger.words("answer", "agent", "Noon.", { append: false, final: true });
    ledger.place("answer", "question", "agent");
    ledger.words("question", "caller", "What time", { append: true, final: false });
    ledger.words("question", "caller", "What time is it?", { append: false, final: true });
    expect(ledger.entries.map(({ text }) => text)).toEqual(["What time is it?", "Noon."]);
  });

  it("ignores deltas that come after the end of a line, or twice with it", () => {
    const ledger = new Ledger();
    ledger.words("a", "agent", "Well", { append: true, final: false });
    ledger.words("a", "agent", "Well done.", { append: false, final: true });
    ledger.words("a", "agent", " done.", { append: true, final: false });
    ledger.words("a", "agent", "Well done.", { append: false, final: true });
    expect(ledger.find("a")?.text).toBe("Well done.");
  });

  it("keeps what was heard of a line that was cut short, whatever the provider still says", () => {
    const ledger = new Ledger();
    ledger.words("a", "agent", "One two three", { append: false, final: false });
    ledger.cut("a", "One two", "three");
    ledger.words("a", "agent", "One two three four.", { append: false, final: true });
    expect(ledger.find("a")).toMatchObject({ text: "One two", unheard: "three", final: true });
  });

  it("appends what follows an item that nobody knows, and says so", () => {
    const ledger = new Ledger();
    ledger.place("a", null);
    ledger.place("b", "never announced");
    ledger.place("c", "b");
    expect(idsOf(ledger)).toEqual(["a", "b", "c"]);
    expect(ledger.entries.map(({ adrift }) => adrift)).toEqual([false, true, false]);
  });

  it("puts an insertion next to the item it names", () => {
    const ledger = new Ledger();
    for (const [id, after] of chain(3)) ledger.place(id, after);
    ledger.place("inserted", "i0");
    expect(idsOf(ledger)).toEqual(["i0", "inserted", "i1", "i2"]);
  });

  it("loses nothing to places that lead in a circle", () => {
    const ledger = new Ledger();
    ledger.place("a", "b");
    ledger.place("b", "a");
    ledger.place("c", "c");
    expect(idsOf(ledger).sort()).toEqual(["a", "b", "c"]);
  });

  it("closes the gap when a line is removed", () => {
    const ledger = new Ledger();
    for (const [id, after] of chain(4)) ledger.place(id, after);
    ledger.remove("i1");
    ledger.place("i4", "i3");
    expect(idsOf(ledger)).toEqual(["i0", "i2", "i3", "i4"]);
  });

  it("survives any events whatever, with every line exactly once", () => {
    const id = fc.constantFrom("a", "b", "c", "d", "e");
    const step = fc.oneof(
      fc.record({ do: fc.constant("place" as const), id, after: fc.option(id, { nil: null }) }),
      fc.record({ do: fc.constant("words" as const), id, final: fc.boolean(), append: fc.boolean() }),
      fc.record({ do: fc.constant("cut" as const), id }),
      fc.record({ do: fc.constant("remove" as const), id }),
      fc.record({ do: fc.constant("add" as const), id }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const ledger = new Ledger(4);
        for (const one of steps) {
          if (one.do === "place") ledger.place(one.id, one.after);
          else if (one.do === "words") ledger.words(one.id, "agent", "x", one);
          else if (one.do === "cut") ledger.cut(one.id, "x", "y");
          else if (one.do === "remove") ledger.remove(one.id);
          else ledger.add({ id: one.id, kind: "call", call: one.id, name: "f", args: "{}" });
          const ids = idsOf(ledger);
          expect(new Set(ids).size).toBe(ids.length);
          expect(ids.length).toBeLessThanOrEqual(4);
        }
      }),
    );
  });
});
