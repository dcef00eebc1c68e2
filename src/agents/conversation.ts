/*
 * The lines of one conversation, in the order in which they were begun. A caller's line is there from its first words and
 * completed in place; an agent's line holds what it says until an interruption shortens it to what was heard.
 */
import type { Cut } from "./spoken.ts";
import type { Item } from "./types.ts";

/** Items kept; a call of several hours. The oldest go first, calls together with their results. */
const LIMIT = 1_000;

/** An ordered log of items, addressed by their ids. */
export class Conversation {
  #items: Item[] = [];
  readonly #limit: number;

  constructor(limit: number = LIMIT) {
    if (!(limit >= 1)) throw new RangeError(`limit must be at least 1, got ${limit}`);
    this.#limit = limit;
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  find(id: string): Item | undefined {
    return this.#items.findLast((item) => item.id === id);
  }

  /** Adds an item, or puts it in the place of the one with its id. */
  put(item: Item): void {
    const index = this.#items.findLastIndex((one) => one.id === item.id);
    this.#items = index < 0 ? [...this.#items, item] : this.#items.with(index, item);
    while (this.#items.length > this.#limit) this.#dropOldest();
  }

  remove(id: string): void {
    this.#items = this.#items.filter((item) => item.id !== id);
  }

  /** Shortens agents' lines to what was heard. A line of which nothing was heard goes. Answers the items changed. */
  shorten(cuts: readonly Cut[]): readonly Item[] {
    const changed: Item[] = [];
    for (const { id, heard, unheard } of cuts) {
      const item = this.find(id);
      if (item?.kind !== "message" || item.who !== "agent") continue;
      const shortened: Item = { ...item, text: heard, unheard };
      changed.push(shortened);
      if (heard === "") this.remove(id);
      else this.put(shortened);
    }
    return changed;
  }

  /** Another history takes the place of this one. */
  replace(items: readonly Item[]): void {
    this.#items = items.slice(-this.#limit);
  }

  /** The newest item that fits. */
  last<K extends Item["kind"]>(kind: K): Extract<Item, { kind: K }> | undefined {
    const found = this.#items.findLast((item) => item.kind === kind);
    return found !== undefined && isKind(found, kind) ? found : undefined;
  }

  #dropOldest(): void {
    const [first, ...rest] = this.#items;
    this.#items =
      first?.kind === "call" ? rest.filter((item) => item.kind !== "result" || item.call !== first.id) : rest;
  }
}

function isKind<K extends Item["kind"]>(item: Item, kind: K): item is Extract<Item, { kind: K }> {
  return item.kind === kind;
}
