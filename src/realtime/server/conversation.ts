/*
 * The conversation: one list, ordered by `previous_item_id`, the only place where items of a call live.
 *
 *   root ─▶ item_1 ─▶ item_2 ─▶ item_3            insert(item, "item_1") puts it between 1 and 2
 */
import type { Millis } from "../../base/time.ts";
import type { WireItem } from "../../protocol/openai/items.ts";

/** The beginning of every conversation. */
export const ROOT = "root";

/** One line with what the wire does not show. */
export interface Entry {
  readonly id: string;
  /** With `id`, `object` and `status`. Replaced, never changed. */
  item: WireItem;
  /** Its audio in the format it came or went in, while that is kept. */
  audio: Uint8Array | undefined;
  /** Length of its audio. */
  audioMs: Millis;
  /** Recognised or spoken words: what a mind is told, whether or not the wire shows them. */
  text: string;
  /** How much of it was heard, if not all. */
  heardMs: Millis | undefined;
  /** What the mind calls it, if it comes from there. */
  mind: string | undefined;
}

/** Audio kept for `conversation.item.retrieve` in one call, bytes; the oldest goes first. */
const AUDIO_LIMIT = 16 * 1024 * 1024;

/** The ordered log of one call. */
export class Conversation {
  readonly id: string;
  readonly #entries: Entry[] = [];
  readonly #byId = new Map<string, Entry>();
  #audioBytes = 0;

  constructor(id: string) {
    this.id = id;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get lastId(): string | null {
    return this.#entries.at(-1)?.id ?? null;
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  /** The id of the item before this one; null for the first. */
  previousOf(id: string): string | null {
    const index = this.#entries.findIndex((entry) => entry.id === id);
    return this.#entries[index - 1]?.id ?? null;
  }

  /** Whether `after` is the end, the beginning or an item. */
  hasPlace(after: string | undefined): boolean {
    return after === undefined || after === ROOT || this.#byId.has(after);
  }

  /** Puts an entry behind `after` (absent: at the end). Answers whether it is the last one. The place must exist. */
  insert(entry: Entry, after?: string): boolean {
    const index =
      after === undefined
        ? this.#entries.length
        : after === ROOT
          ? 0
          : this.#entries.findIndex(({ id }) => id === after) + 1;
    this.#entries.splice(index, 0, entry);
    this.#byId.set(entry.id, entry);
    this.#count(entry.audio?.length ?? 0);
    return index === this.#entries.length - 1;
  }

  remove(id: string): boolean {
    const entry = this.#byId.get(id);
    if (entry === undefined) return false;
    this.#byId.delete(id);
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.#audioBytes -= entry.audio?.length ?? 0;
    return true;
  }

  /** Gives an entry its audio. */
  keepAudio(entry: Entry, audio: Uint8Array | undefined): void {
    const old = entry.audio?.length ?? 0;
    entry.audio = audio;
    if (this.#byId.has(entry.id)) this.#count((audio?.length ?? 0) - old);
  }

  /** The call with this id, and whether its result is there. */
  findCall(callId: string): Entry | undefined {
    return this.#entries.find(({ item }) => item.type === "function_call" && item.call_id === callId);
  }

  #count(bytes: number): void {
    this.#audioBytes += bytes;
    if (this.#audioBytes <= AUDIO_LIMIT) return;
    for (const entry of this.#entries) {
      if (this.#audioBytes <= AUDIO_LIMIT) return;
      this.#audioBytes -= entry.audio?.length ?? 0;
      entry.audio = undefined;
    }
  }
}

/** An entry around an item, which gets what every item of a conversation has. */
export function entryOf(item: WireItem, id: string, text = ""): Entry {
  const whole = { ...item, id, object: "realtime.item", status: "completed" } as const;
  return newEntry(whole, id, text);
}

/** An entry around an item that is whole already. */
export function newEntry(item: WireItem, id: string, text = "", mind?: string): Entry {
  return { id, item, audio: undefined, audioMs: 0, text, heardMs: undefined, mind };
}

/** What was heard of a text when this share of its audio was: up to the last whole word. */
export function heardText(text: string, share: number): string {
  if (share >= 1) return text;
  const cut = text.slice(0, Math.floor(text.length * Math.max(0, share)));
  return text.charAt(cut.length) === " " ? cut : cut.slice(0, Math.max(0, cut.lastIndexOf(" ")));
}

/** The same item with its audio, for `conversation.item.retrieved`. */
export function withAudio(item: WireItem, audio: string): WireItem {
  if (item.type !== "message" || item.role === "system") return item;
  if (item.role === "user")
    return { ...item, content: item.content.map((part) => (part.type === "input_audio" ? { ...part, audio } : part)) };
  return { ...item, content: item.content.map((part) => (part.type === "output_audio" ? { ...part, audio } : part)) };
}

/** The same item with this transcript of its audio. */
export function withTranscript(item: WireItem, transcript: string | null): WireItem {
  if (item.type !== "message" || item.role === "system") return item;
  if (item.role === "user")
    return {
      ...item,
      content: item.content.map((part) => (part.type === "input_audio" ? { ...part, transcript } : part)),
    };
  return {
    ...item,
    content: item.content.map((part) => (part.type === "output_audio" ? { ...part, transcript } : part)),
  };
}

/** What a client's message says in words. */
export function textOf(item: WireItem): string {
  if (item.type === "function_call_output") return item.output;
  if (item.type !== "message") return "";
  const texts: string[] = [];
  for (const part of item.content) {
    if (part.type === "input_text" || part.type === "output_text") texts.push(part.text);
    else if (part.type !== "input_image" && typeof part.transcript === "string") texts.push(part.transcript);
  }
  return texts.join(" ");
}
