/*
 * What is known of the conversation, whatever connection it went through, and what of it a connection has to be told.
 */
import type { Item } from "../../agents/types.ts";
import { Ledger, type LedgerEntry } from "../../realtime/conversation.ts";
import type { RealtimeItem } from "../../realtime/model.ts";
import { itemOf, replayOf, type ReplayReason } from "../../realtime/replay.ts";

/** The memory of one call. */
export class Memory {
  readonly #ledger = new Ledger();
  readonly #tokens: number | undefined;
  /** Lines that were there when the last history was made. */
  #considered: ReadonlySet<string> = new Set();
  /** The line after which the present connection began to count. */
  #base: string | null = null;
  #notes = 0;

  /** `tokens`: the most that a connection is told. */
  constructor(history: readonly Item[], tokens: number | undefined) {
    this.#tokens = tokens;
    for (const item of history) this.remember(item);
  }

  find(item: string): LedgerEntry | undefined {
    return this.#ledger.find(item);
  }
  call(call: string): LedgerEntry | undefined {
    return this.#ledger.call(call);
  }
  words(...args: Parameters<Ledger["words"]>): LedgerEntry {
    return this.#ledger.words(...args);
  }
  add(item: RealtimeItem): void {
    this.#ledger.add(item);
  }
  cut(item: string, heard: string, unheard: string): void {
    this.#ledger.cut(item, heard, unheard);
  }
  finish(item: string): void {
    this.#ledger.finish(item);
  }
  remove(item: string): void {
    this.#ledger.remove(item);
  }

  /** An item has its place. What a new connection calls its first one follows what was said before. */
  place(item: string, after: string | null | undefined, who: "caller" | "agent"): void {
    this.#ledger.place(item, after === null ? this.#base : after, who);
  }

  /** From now on another connection counts. */
  begin(): void {
    this.#base = this.#ledger.last?.id ?? null;
  }

  /** Writes an item of the conversation down; undefined when there is nothing to tell a model. */
  remember(item: Item): RealtimeItem | undefined {
    const told = toRealtimeItem(item);
    if (told === undefined || this.#ledger.find(told.id) !== undefined) return undefined;
    this.#ledger.add(told);
    return told;
  }

  /** What a new connection is told; `brokeOff`: the words after which our voice broke off. */
  history(reason: ReplayReason, brokeOff: string | undefined): readonly RealtimeItem[] {
    this.#notes += 1;
    this.#considered = new Set(this.#ledger.entries.map(({ id }) => id));
    const lines = this.#ledger.entries.filter(({ final }) => final);
    const options = { reason, noteId: `rp_note_${this.#notes}`, brokeOff };
    return replayOf(lines, this.#tokens === undefined ? options : { ...options, budget: this.#tokens });
  }

  /** Lines added since the last history was made, results with their calls. */
  untold(): readonly RealtimeItem[] {
    return this.#ledger.entries.flatMap((entry) => {
      const item = itemOf(entry);
      if (item === undefined || !entry.final || entry.kind === "call" || this.#considered.has(entry.id)) return [];
      const call = entry.kind === "result" ? this.#ledger.call(entry.call) : undefined;
      const before = call === undefined ? undefined : itemOf(call);
      return before === undefined ? [item] : [before, item];
    });
  }

  /**
   * Lines that are not in this history, as far as anybody could know them: what a colleague is not to be told. `outer`
   * answers what others call a line.
   */
  missingIn(history: readonly Item[], outer: (item: string) => string): readonly string[] {
    const known = new Set(history.flatMap((item) => (item.kind === "result" ? [item.id, item.call] : [item.id])));
    return this.#ledger.entries.flatMap(({ id, call, final, text, kind, who }) => {
      const isLine = (kind === "message" && who !== "system" && text !== "") || kind === "call" || kind === "result";
      return final && isLine && !known.has(outer(id)) && !known.has(call) ? [id] : [];
    });
  }
}

/** A handoff is told as a remark. Ids are kept: they name the same line on every connection. */
function toRealtimeItem(item: Item): RealtimeItem | undefined {
  const { id } = item;
  switch (item.kind) {
    case "message":
      return item.text.trim() === "" ? undefined : { id, kind: "message", who: item.who, text: item.text };
    case "call":
      return { id, kind: "call", call: id, name: item.name, args: item.args };
    case "result":
      return { id, kind: "result", call: item.call, output: item.output };
    case "handoff":
      return {
        id,
        kind: "message",
        who: "system",
        text: `From here on ${item.to} speaks, in place of ${item.from}. The caller has been passed on and knows it.`,
      };
  }
}
