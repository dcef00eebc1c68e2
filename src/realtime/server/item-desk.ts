/*
 * What clients do to the conversation: create, retrieve, shorten and delete items. A command that cannot be carried out
 * changes nothing and is answered with an error.
 */
import type { Millis } from "../../base/time.ts";
import type { ClientEvent } from "../../protocol/openai/client-events.ts";
import {
  type Conversation,
  type Entry,
  entryOf,
  heardText,
  textOf,
  withAudio,
  withTranscript,
} from "./conversation.ts";
import type { Outbox } from "./effects.ts";

type Command<Type extends ClientEvent["type"]> = Extract<ClientEvent, { readonly type: Type }>;

export interface ItemDeskOptions {
  readonly outbox: Outbox;
  readonly conversation: Conversation;
  /** On a media track items are told without their audio: browsers close a data channel over long messages. */
  readonly media: "events" | "track";
}

/** Carries out the commands about items. */
export class ItemDesk {
  readonly #outbox: Outbox;
  readonly #conversation: Conversation;
  readonly #withAudio: boolean;

  constructor({ outbox, conversation, media }: ItemDeskOptions) {
    this.#outbox = outbox;
    this.#withAudio = media === "events";
    this.#conversation = conversation;
  }

  /** Whether the item was taken. */
  create({ item, previous_item_id: after, event_id: event }: Command<"conversation.item.create">): boolean {
    const conversation = this.#conversation;
    const id = item.id ?? this.#outbox.makeId("item");
    const refuse = (param: string, message: string): boolean => {
      this.#outbox.error({ code: "invalid_value", param, message, event });
      return false;
    };
    if (conversation.get(id) !== undefined)
      return refuse("item.id", `Error adding item: an item with id '${id}' already exists.`);
    if (!conversation.hasPlace(after))
      return refuse("previous_item_id", `Error adding item: the previous item with id '${after}' does not exist.`);
    if (item.type === "function_call_output" && conversation.findCall(item.call_id) === undefined)
      return refuse("item.call_id", `Tool call ID '${item.call_id}' not found in conversation.`);
    if (item.type === "function_call" && conversation.findCall(item.call_id) !== undefined)
      return refuse("item.call_id", `A tool call with ID '${item.call_id}' already exists.`);
    const entry = entryOf(item, id, textOf(item));
    const isLast = conversation.insert(entry, after);
    const previous_item_id = conversation.previousOf(id);
    this.#outbox.send({ type: "conversation.item.added", item: entry.item, previous_item_id });
    this.#outbox.send({ type: "conversation.item.done", item: entry.item, previous_item_id });
    if (isLast) this.#outbox.do({ do: "add", entry });
    return true;
  }

  retrieve({ item_id, event_id }: Command<"conversation.item.retrieve">): void {
    const entry = this.#find(item_id, "retrieve", event_id);
    if (entry === undefined) return;
    const { item, audio } = entry;
    const isSilent = !this.#withAudio || audio === undefined || audio.length === 0;
    const whole = isSilent ? item : withAudio(item, this.#outbox.toBase64(audio));
    this.#outbox.send({ type: "conversation.item.retrieved", item: whole });
  }

  truncate({ item_id, content_index, audio_end_ms, event_id: event }: Command<"conversation.item.truncate">): void {
    const entry = this.#find(item_id, "truncate", event);
    if (entry === undefined) return;
    const refuse = (param: string, message: string): void => {
      this.#outbox.error({ code: "invalid_value", param, message, event });
    };
    const { item } = entry;
    if (item.type !== "message" || item.role !== "assistant")
      return refuse("item_id", "Only messages of the assistant can be truncated.");
    if (content_index !== 0)
      return refuse("content_index", `There is no content ${content_index}: a message has one, 0.`);
    const produced = Math.round(entry.heardMs ?? entry.audioMs);
    if (audio_end_ms > produced)
      return refuse("audio_end_ms", `Audio content of ${produced}ms is already shorter than ${audio_end_ms}ms`);
    this.#shorten(entry, audio_end_ms);
  }

  /** Whether the item is gone. */
  remove({ item_id, event_id: event }: Command<"conversation.item.delete">): boolean {
    const entry = this.#find(item_id, "delete", event);
    if (entry === undefined) return false;
    if ("status" in entry.item && entry.item.status === "in_progress") {
      this.#outbox.error({
        code: "invalid_value",
        param: "item_id",
        message: "An item cannot be deleted while a response writes to it. Cancel the response first.",
        event,
      });
      return false;
    }
    this.#conversation.remove(item_id);
    this.#outbox.send({ type: "conversation.item.deleted", item_id });
    return true;
  }

  /** The caller heard this much of an item and nothing of the agent's items behind it. */
  cutShort(id: string, played: Millis): void {
    const { entries } = this.#conversation;
    const from = entries.findIndex((entry) => entry.id === id);
    if (from < 0) return;
    for (const [index, entry] of entries.slice(from).entries()) {
      const { item, audioMs } = entry;
      if (item.type !== "message" || item.role !== "assistant" || audioMs === 0) continue;
      const heard = index === 0 ? Math.min(played, audioMs) : 0;
      if (heard < audioMs) this.#shorten(entry, Math.floor(heard));
    }
  }

  #shorten(entry: Entry, ms: Millis): void {
    const { id, audioMs, audio, mind } = entry;
    entry.heardMs = ms;
    entry.text = audioMs === 0 ? "" : heardText(entry.text, ms / audioMs);
    entry.item = withTranscript(entry.item, null);
    if (audio !== undefined && audioMs > 0) {
      const bytes = Math.floor((audio.length * ms) / audioMs / 2) * 2;
      this.#conversation.keepAudio(entry, audio.subarray(0, bytes));
    }
    this.#outbox.send({ type: "conversation.item.truncated", item_id: id, content_index: 0, audio_end_ms: ms });
    if (mind !== undefined)
      this.#outbox.do({ do: "heard", item: mind, played: ms, dropped: Math.max(0, audioMs - ms) });
  }

  #find(id: string, what: "retrieve" | "truncate" | "delete", event: string | undefined): Entry | undefined {
    const entry = this.#conversation.get(id);
    if (entry === undefined) {
      this.#outbox.error({
        code: `item_${what}_invalid_item_id`,
        param: "item_id",
        message: `Error: item with id '${id}' does not exist in the conversation.`,
        event,
      });
    }
    return entry;
  }
}
