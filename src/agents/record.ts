/*
 * Writes down what happens in a conversation, with ids and times, and tells whoever keeps it.
 */
import { makeId } from "../base/ids.ts";
import type { Platform } from "../base/platform.ts";
import { Conversation } from "./conversation.ts";
import type { Cut } from "./spoken.ts";
import type { Item } from "./types.ts";

/** The items of one session. */
export class Record {
  readonly #conversation = new Conversation();
  readonly #platform: Platform;
  readonly #onItem: (item: Item) => void;

  /** `onItem` gets every item as it is added, completed or shortened. */
  constructor(platform: Platform, history: readonly Item[], onItem: (item: Item) => void) {
    this.#platform = platform;
    this.#onItem = onItem;
    this.#conversation.replace(history);
  }

  get items(): readonly Item[] {
    return this.#conversation.items.filter(
      (item) => item.kind !== "message" || item.text !== "" || item.unheard !== undefined,
    );
  }

  /** What somebody said, or says so far: the same id replaces the line. */
  message(who: "caller" | "system", text: string, id: string = this.makeId()): Item {
    return this.#put({ id, at: this.#conversation.find(id)?.at ?? this.#wall(), kind: "message", who, text });
  }

  /** A caller's line has its place and its time; what it says may be known only after the answer to it. */
  reserve(id: string): void {
    if (this.#conversation.find(id) !== undefined) return;
    this.#conversation.put({ id, at: this.#wall(), kind: "message", who: "caller", text: "" });
  }

  agentLine(id: string, agent: string, text: string): Item {
    return this.#put({ id, at: this.#wall(), kind: "message", who: "agent", agent, text });
  }

  call(id: string, name: string, args: string): Item {
    return this.#put({ id, at: this.#wall(), kind: "call", name, args });
  }

  result(call: string, output: string, failed: boolean): Item {
    return this.#put({ id: this.makeId(), at: this.#wall(), kind: "result", call, output, failed });
  }

  handoff(from: string, to: string): Item {
    return this.#put({ id: this.makeId(), at: this.#wall(), kind: "handoff", from, to });
  }

  /** Agents' lines end where the caller stopped hearing them. */
  shorten(cuts: readonly Cut[]): void {
    for (const item of this.#conversation.shorten(cuts)) this.#onItem(item);
  }

  /** The conversation starts anew. */
  clear(): void {
    this.#conversation.replace([]);
  }

  makeId(): string {
    return makeId("itm", (bytes) => this.#platform.random(bytes));
  }

  #put(item: Item): Item {
    this.#conversation.put(item);
    this.#onItem(item);
    return item;
  }

  #wall(): number {
    return this.#platform.clock.wall();
  }
}
