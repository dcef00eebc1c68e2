/*
 * One response under way: turns what a mind says into items and events, in the order of the service.
 *
 *   created ─▶ [ item.added ─▶ part.added ─▶ deltas … ─▶ part.done ─▶ item.done ]* ─▶ done
 *
 * Whatever ends it, everything that was opened is closed first. It works on the session as it was at its beginning.
 */
import { encodeAlaw, encodeMulaw } from "../../audio/g711.ts";
import { int16ToBytes } from "../../audio/pcm.ts";
import { Resampler } from "../../audio/resample.ts";
import type { AudioFrame } from "../../audio/frame.ts";
import type { Millis } from "../../base/time.ts";
import type { AssistantMessage, FunctionCall, ItemStatus } from "../../protocol/openai/items.ts";
import type { ContentPart, ResponseUsage, StatusDetails, WireResponse } from "../../protocol/openai/server-events.ts";
import { bytesPerMs, type Modality, rateOf, type WireFormat } from "../../protocol/openai/session.ts";
import { type Conversation, type Entry, heardText, newEntry } from "./conversation.ts";
import type { Outbox } from "./effects.ts";
import { spokenTokens, textTokens } from "./usage.ts";

/** Audio in one event at most, ms: a synthesiser may hand out a sentence at once. */
const LONGEST_DELTA: Millis = 200;

export interface ResponseOptions {
  readonly id: string;
  readonly outbox: Outbox;
  /** Undefined: beside the conversation. */
  readonly conversation: Conversation | undefined;
  readonly modality: Modality;
  readonly format: WireFormat;
  readonly voice: string;
  readonly maxTokens: number | "inf";
  readonly metadata: Readonly<Record<string, string>> | null;
  /** Where audio goes: into events, or onto a media track. */
  readonly media: "events" | "track";
}

interface OpenMessage {
  readonly index: number;
  readonly entry: Entry;
  readonly item: AssistantMessage;
  readonly where: {
    readonly response_id: string;
    readonly item_id: string;
    readonly output_index: number;
    readonly content_index: 0;
  };
  said: string;
  bytes: number;
  readonly chunks: Uint8Array[];
}

/** One response. Nothing happens after `end`. */
export class LiveResponse {
  readonly id: string;
  /** What the mind calls it, once it has begun. */
  mind: string | undefined;
  /** What the mind said went wrong. */
  failure: { readonly code: string; readonly message: string } | undefined;
  readonly #options: ResponseOptions;
  readonly #outputs: Entry[] = [];
  /** What was told under each of the mind's names: a message that was closed is not said again. */
  readonly #told = new Map<string, string>();
  #message: OpenMessage | undefined;
  #resampler: Resampler | undefined;
  #rate = 0;
  #spokenMs: Millis = 0;
  #textTokens = 0;
  /** Its audio is on the media track. */
  #sounds = false;
  #ended = false;

  constructor(options: ResponseOptions) {
    this.id = options.id;
    this.#options = options;
    options.outbox.send({ type: "response.created", response: this.#wire("in_progress", null, null) });
  }

  /** Audio produced, ms. */
  get spokenMs(): Millis {
    return this.#spokenMs;
  }

  get tokens(): { readonly text_tokens: number; readonly audio_tokens: number } {
    const said = this.#message === undefined ? 0 : textTokens(this.#message.said);
    return { text_tokens: this.#textTokens + said, audio_tokens: spokenTokens(this.#spokenMs) };
  }

  /** Its tokens are used up. */
  get isFull(): boolean {
    const { maxTokens } = this.#options;
    const { text_tokens, audio_tokens } = this.tokens;
    return maxTokens !== "inf" && text_tokens + audio_tokens > maxTokens;
  }

  get sounds(): boolean {
    return this.#sounds;
  }
  get entries(): readonly Entry[] {
    return this.#outputs;
  }

  /** `text`: all that the mind says under this name, so far. */
  words(text: string, mind: string): void {
    // What was sent cannot be taken back: only what goes on from it is news.
    const before = this.#told.get(mind) ?? "";
    if (this.#ended || !text.startsWith(before) || text.length === before.length) return;
    const message = this.#open(mind);
    const delta = text.slice(before.length);
    this.#told.set(mind, text);
    message.said += delta;
    const type =
      this.#options.modality === "audio" ? "response.output_audio_transcript.delta" : "response.output_text.delta";
    this.#options.outbox.send({ type, ...message.where, delta });
  }

  /** The mind's voice, any length, mono. */
  audio(frame: AudioFrame, mind: string): void {
    if (this.#ended || this.#options.modality !== "audio" || frame.samples.length === 0) return;
    const message = this.#open(mind);
    this.#voice(message, this.#resample(frame));
  }

  call(callId: string, name: string, args: string, mind: string): void {
    if (this.#ended) return;
    this.#close("completed");
    const { outbox, conversation } = this.#options;
    const id = outbox.makeId("item");
    const item: FunctionCall & { readonly id: string } = {
      id,
      object: "realtime.item",
      type: "function_call",
      status: "in_progress",
      name,
      call_id: callId,
      arguments: "",
    };
    const entry = newEntry(item, id, "", mind);
    const output_index = this.#add(entry);
    const where = { response_id: this.id, item_id: id, output_index, call_id: callId };
    if (args !== "") outbox.send({ type: "response.function_call_arguments.delta", ...where, delta: args });
    outbox.send({ type: "response.function_call_arguments.done", ...where, name, arguments: args });
    this.#textTokens += textTokens(name + args);
    entry.item = { ...item, status: "completed", arguments: args };
    if (conversation !== undefined)
      outbox.send({ type: "conversation.item.done", item: entry.item, previous_item_id: conversation.previousOf(id) });
    outbox.send({ type: "response.output_item.done", response_id: this.id, output_index, item: entry.item });
  }

  /** Closes what is open and sends `response.done`. */
  end(
    status: "completed" | "cancelled" | "failed" | "incomplete",
    details: StatusDetails,
    usage: (of: LiveResponse) => ResponseUsage,
  ): void {
    if (this.#ended) return;
    if (status === "completed") this.#flush();
    this.#close(status === "completed" ? "completed" : "incomplete");
    this.#ended = true;
    this.#options.outbox.send({ type: "response.done", response: this.#wire(status, details, usage(this)) });
  }

  #open(mind: string): OpenMessage {
    if (this.#message?.entry.mind === mind) return this.#message;
    this.#flush();
    this.#close("completed");
    const { outbox, modality } = this.#options;
    const id = outbox.makeId("item");
    const item: AssistantMessage = {
      id,
      object: "realtime.item",
      type: "message",
      status: "in_progress",
      role: "assistant",
      content: [],
    };
    const entry = newEntry(item, id, "", mind);
    const index = this.#add(entry);
    const where = { response_id: this.id, item_id: id, output_index: index, content_index: 0 } as const;
    outbox.send({
      type: "response.content_part.added",
      ...where,
      part: modality === "audio" ? { type: "audio", transcript: "" } : { type: "text", text: "" },
    });
    this.#message = { index, entry, item, where, said: "", bytes: 0, chunks: [] };
    return this.#message;
  }

  #add(entry: Entry): number {
    const { outbox, conversation } = this.#options;
    const output_index = this.#outputs.length;
    this.#outputs.push(entry);
    outbox.send({ type: "response.output_item.added", response_id: this.id, output_index, item: entry.item });
    if (conversation !== undefined) {
      const previous_item_id = conversation.lastId;
      conversation.insert(entry);
      outbox.send({ type: "conversation.item.added", item: entry.item, previous_item_id });
    }
    return output_index;
  }

  #close(status: ItemStatus): void {
    const message = this.#message;
    if (message === undefined) return;
    this.#message = undefined;
    const { outbox, conversation, modality } = this.#options;
    const { entry, where, said } = message;
    this.#textTokens += textTokens(said);
    let part: ContentPart;
    if (modality === "audio") {
      outbox.send({ type: "response.output_audio.done", ...where });
      outbox.send({ type: "response.output_audio_transcript.done", ...where, transcript: said });
      part = { type: "audio", transcript: said };
    } else {
      outbox.send({ type: "response.output_text.done", ...where, text: said });
      part = { type: "text", text: said };
    }
    outbox.send({ type: "response.content_part.done", ...where, part });
    const { heardMs, audioMs } = entry;
    entry.text = heardMs === undefined ? said : heardText(said, heardMs / audioMs);
    entry.item = {
      ...message.item,
      status,
      content: [
        modality === "audio"
          ? { type: "output_audio", transcript: heardMs === undefined ? said : null }
          : { type: "output_text", text: said },
      ],
    };
    conversation?.keepAudio(entry, joined(message.chunks, message.bytes));
    if (conversation?.get(entry.id) !== undefined) {
      const previous_item_id = conversation.previousOf(entry.id);
      outbox.send({ type: "conversation.item.done", item: entry.item, previous_item_id });
    }
    outbox.send({
      type: "response.output_item.done",
      response_id: this.id,
      output_index: message.index,
      item: entry.item,
    });
  }

  #voice(message: OpenMessage, samples: Int16Array): void {
    const { format } = this.#options;
    const most = (rateOf(format) * LONGEST_DELTA) / 1000;
    for (let at = 0; at < samples.length; at += most) this.#utter(message, samples.subarray(at, at + most));
  }

  #utter(message: OpenMessage, samples: Int16Array): void {
    const { outbox, format, media } = this.#options;
    const bytes = encode(samples, format);
    message.bytes += bytes.length;
    message.chunks.push(bytes);
    const ms = bytes.length / bytesPerMs(format);
    message.entry.audioMs += ms;
    this.#spokenMs += ms;
    if (media === "events") {
      outbox.send({ type: "response.output_audio.delta", ...message.where, delta: outbox.toBase64(bytes) });
      return;
    }
    if (!this.#sounds) outbox.send({ type: "output_audio_buffer.started", response_id: this.id });
    this.#sounds = true;
    outbox.do({ do: "play", response: this.id, item: message.entry.id, samples, rate: rateOf(format) });
  }

  #resample({ samples, rate }: AudioFrame): Int16Array {
    if (rate !== this.#rate) {
      this.#rate = rate;
      this.#resampler = new Resampler(rate, rateOf(this.#options.format));
    }
    return this.#resampler?.process(samples) ?? samples;
  }

  /** Lets out what the resampler holds back. */
  #flush(): void {
    const message = this.#message;
    const resampler = this.#resampler;
    if (message === undefined || resampler === undefined || message.bytes === 0) return;
    const tail = new Int16Array(resampler.flushLength);
    this.#voice(message, tail.subarray(0, resampler.flush(tail)));
  }

  #wire(status: WireResponse["status"], details: StatusDetails | null, usage: ResponseUsage | null): WireResponse {
    const { conversation, modality, format, voice, maxTokens, metadata } = this.#options;
    return {
      id: this.id,
      object: "realtime.response",
      status,
      status_details: details,
      output: this.#outputs.map(({ item }) => item),
      conversation_id: conversation?.id ?? null,
      output_modalities: [modality],
      max_output_tokens: maxTokens,
      audio: { output: { format, voice } },
      metadata,
      usage,
    };
  }
}

function encode(samples: Int16Array, format: WireFormat): Uint8Array {
  if (format.type === "audio/pcmu") return encodeMulaw(samples);
  return format.type === "audio/pcma" ? encodeAlaw(samples) : int16ToBytes(samples);
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
