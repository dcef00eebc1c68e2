/*
 * The ordered log of a realtime conversation. Providers tell each item's place by the item before it, often before its
 * text is known and sometimes out of order; the same events in any order and number give the same log.
 *
 *   null ─▶ A ─▶ B ─▶ C        place(B, "A") may come before place(A, null): B waits at the end and then moves
 *
 * An agent's line holds what was heard of it once it was cut short. Pictures and tool calls are lines as well.
 */
import type { RealtimeItem } from "./model.ts";

export interface LedgerEntry {
  readonly id: string;
  readonly kind: "message" | "image" | "call" | "result";
  readonly who: "caller" | "agent" | "system";
  /** The words; of an agent's line that was cut short, those that were heard. A picture's data URL. A call's output. */
  readonly text: string;
  /** Nothing will be added to `text`. */
  readonly final: boolean;
  /** It was cut short: this much of the text was not heard. */
  readonly unheard: string;
  readonly call: string;
  readonly name: string;
  readonly args: string;
  /** Its place was told by an item that nobody knows. */
  readonly adrift: boolean;
}

interface Node {
  entry: LedgerEntry;
  /** The item before it: null for the first one. */
  after: string | null;
  /** Where it stands until `after` is known. */
  readonly fallback: string | null;
  /** Nobody has told its place yet. */
  guessed: boolean;
}

/** Lines kept. The oldest go first. */
const LIMIT = 2_000;

/** The log of one call, across connections. */
export class Ledger {
  readonly #nodes = new Map<string, Node>();
  readonly #limit: number;
  #order: readonly LedgerEntry[] | undefined;

  constructor(limit: number = LIMIT) {
    if (!(limit >= 1)) throw new RangeError(`limit must be at least 1, got ${limit}`);
    this.#limit = limit;
  }

  /** All lines, in order. */
  get entries(): readonly LedgerEntry[] {
    this.#order ??= this.#sort();
    return this.#order;
  }

  get last(): LedgerEntry | undefined {
    return this.entries.at(-1);
  }

  find(id: string): LedgerEntry | undefined {
    return this.#nodes.get(id)?.entry;
  }

  /** The line of a tool call. */
  call(call: string): LedgerEntry | undefined {
    return this.entries.find((entry) => entry.kind === "call" && entry.call === call);
  }

  /**
   * An item has its place: after `after`, first when that is null, at the end when it is undefined. An item that has a
   * place keeps it, unless that was only a guess.
   */
  place(id: string, after: string | null | undefined, who: LedgerEntry["who"] = "caller"): void {
    const node = this.#nodes.get(id);
    if (node === undefined) {
      this.#insert({ ...blank, id, who }, after);
    } else if (node.guessed && after !== undefined && after !== id) {
      node.after = after;
      node.guessed = false;
      this.#order = undefined;
    }
  }

  /** Words of a line; a line nobody placed is put at the end. What was cut short gets no more words. */
  words(
    id: string,
    who: LedgerEntry["who"],
    text: string,
    { append, final }: { readonly append: boolean; readonly final: boolean },
  ): LedgerEntry {
    if (!this.#nodes.has(id)) this.place(id, undefined, who);
    const old = this.#entry(id);
    // A final line stands: deltas that come late or twice change nothing.
    if (old.unheard !== "" || (old.final && append)) return old;
    return this.#put({ ...old, who, text: append ? old.text + text : text, final: final || old.final });
  }

  /** Adds a line that is complete, at the end; one that is there already is left as it is. */
  add(item: RealtimeItem): void {
    if (this.#nodes.has(item.id)) return;
    this.#insert(entryOf(item), undefined);
  }

  /** An agent's line was cut short: `text` was heard, `unheard` was not. */
  cut(id: string, text: string, unheard: string): void {
    const old = this.find(id);
    // Something must tell a line of which all words so far were heard from one that goes on.
    if (old !== undefined) this.#put({ ...old, text, unheard: unheard === "" ? " " : unheard, final: true });
  }

  /** No more of this line will come. */
  finish(id: string): void {
    const old = this.find(id);
    if (old !== undefined && !old.final) this.#put({ ...old, final: true });
  }

  remove(id: string): void {
    const gone = this.#nodes.get(id);
    if (gone === undefined) return;
    const before = this.#before(id);
    this.#nodes.delete(id);
    for (const node of this.#nodes.values()) if (node.after === id) node.after = before;
    this.#order = undefined;
  }

  #before(id: string): string | null {
    const { entries } = this;
    return entries[entries.findIndex((entry) => entry.id === id) - 1]?.id ?? null;
  }

  #entry(id: string): LedgerEntry {
    return this.find(id) ?? { ...blank, id };
  }

  #put(entry: LedgerEntry): LedgerEntry {
    const node = this.#nodes.get(entry.id);
    if (node === undefined) return entry;
    node.entry = entry;
    this.#order = undefined;
    return entry;
  }

  #insert(entry: LedgerEntry, after: string | null | undefined): void {
    const fallback = this.last?.id ?? null;
    const guessed = after === undefined || after === entry.id;
    this.#nodes.set(entry.id, { entry, after: guessed ? fallback : after, fallback, guessed });
    this.#order = undefined;
    if (this.#nodes.size > this.#limit) this.#forget();
  }

  #forget(): void {
    const [first] = this.entries;
    if (first !== undefined) this.remove(first.id);
  }

  /**
   * Walks the tree of places. Of two items with the same one before them, the later insertion stands next to it: that is
   * what inserting means.
   */
  #sort(): readonly LedgerEntry[] {
    const next = new Map<string | null, string[]>();
    for (const [id, node] of this.#nodes) {
      const known = node.after === null || this.#nodes.has(node.after);
      const after = known
        ? node.after
        : node.fallback !== null && !this.#nodes.has(node.fallback)
          ? null
          : node.fallback;
      if (node.entry.adrift === known) node.entry = { ...node.entry, adrift: !known };
      const list = next.get(after);
      if (list === undefined) next.set(after, [id]);
      else list.push(id);
    }
    const order: LedgerEntry[] = [];
    const stack = [...(next.get(null) ?? [])];
    const seen = new Set<string>();
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      const node = this.#nodes.get(id);
      if (node === undefined || seen.has(id)) continue;
      seen.add(id);
      order.push(node.entry);
      stack.push(...(next.get(id) ?? []));
    }
    // Places that lead in a circle are nonsense, and still nothing is lost.
    for (const [id, node] of this.#nodes) if (!seen.has(id)) order.push(node.entry);
    return order;
  }
}

const blank: LedgerEntry = {
  id: "",
  kind: "message",
  who: "caller",
  text: "",
  final: false,
  unheard: "",
  call: "",
  name: "",
  args: "",
  adrift: false,
};

function entryOf(item: RealtimeItem): LedgerEntry {
  const base = { ...blank, id: item.id, kind: item.kind, final: true };
  switch (item.kind) {
    case "message":
      return { ...base, who: item.who, text: item.text };
    case "image":
      return { ...base, text: item.url };
    case "call":
      return { ...base, who: "agent", call: item.call, name: item.name, args: item.args };
    case "result":
      return { ...base, who: "system", call: item.call, text: item.output };
  }
}
