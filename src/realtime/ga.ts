/*
 * The codec between OpenAI's GA protocol and the neutral border: frames in, events out; commands in, frames out. It
 * knows how the servers that speak this protocol differ, by flags. Base64 comes as a pair of functions, because the fast
 * ones are not of this floor.
 */
import { decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from "../audio/g711.ts";
import { int16ToBytes, SampleJoiner } from "../audio/pcm.ts";
import { VoiceError } from "../base/errors.ts";
import type { Millis } from "../base/time.ts";
import { type ClientEvent, writeAppend, writeClientEvent } from "../protocol/openai/client-events.ts";
import { isRecord } from "../protocol/openai/complaint.ts";
import type { WireItem } from "../protocol/openai/items.ts";
import type { ServerEvent } from "../protocol/openai/server-events.ts";
import type { SessionPatch, WireFormat } from "../protocol/openai/session.ts";
import { providerError, type Scrub } from "./faults.ts";
import type { AudioFormat, RealtimeAsk, RealtimeConfig, RealtimeEvent, RealtimeItem, RealtimeTurns } from "./model.ts";
import { usageOfTranscription } from "./usage.ts";

/** How a server differs from OpenAI's. */
export interface GaQuirks {
  /** Each transcription delta holds the whole line so far. */
  readonly cumulativeTranscripts?: boolean;
  /** The voice may change after the first audio. */
  readonly voiceChange?: boolean;
  /** Audio and text have to be asked for together. */
  readonly bothModalities?: boolean;
  /** It acknowledges items by no event: nothing is waited for. */
  readonly silentItems?: boolean;
}

export interface Base64 {
  encode(bytes: Uint8Array): string;
  decode(text: string): Uint8Array;
}

export interface GaOptions {
  readonly input: AudioFormat;
  readonly output: AudioFormat;
  readonly base64: Base64;
  readonly quirks?: GaQuirks | undefined;
  /** Takes our secrets out of what the provider wrote. */
  readonly scrub?: Scrub | undefined;
}

/** The longest reply that is taken in, ms: 4,096 tokens of audio are 205 s. */
const REPLY_LIMIT: Millis = 300_000;
const COMPLETED = "completed";

/** The codec of one connection. */
export class GaCodec {
  readonly #options: GaOptions;
  readonly #joiner = new SampleJoiner();
  #transcriber = "";
  #item = "";
  #itemSamples = 0;
  /** Calls that were told, by their ids. */
  readonly #calls = new Set<string>();

  constructor(options: GaOptions) {
    this.#options = options;
  }

  /** The text of an append. */
  audio(samples: Int16Array): string {
    const { input, base64 } = this.#options;
    const bytes =
      input.encoding === "pcm16"
        ? int16ToBytes(samples)
        : input.encoding === "pcmu"
          ? encodeMulaw(samples)
          : encodeAlaw(samples);
    return writeAppend(base64.encode(bytes));
  }

  /** The text of an update with these parts of a configuration. */
  update(config: Partial<RealtimeConfig>, eventId: string): string {
    this.#transcriber = config.transcription?.model ?? this.#transcriber;
    return writeClientEvent({ type: "session.update", event_id: eventId, session: toSession(config, this.#options) });
  }

  create(item: RealtimeItem, eventId: string): string {
    return writeClientEvent({ type: "conversation.item.create", event_id: eventId, item: toWireItem(item) });
  }

  respond(ask: RealtimeAsk, eventId: string): string {
    return writeClientEvent({
      type: "response.create",
      event_id: eventId,
      ...(ask.type === "say" && { response: toSay(ask.text) }),
    });
  }

  send(event: ClientEvent): string {
    return writeClientEvent(event);
  }

  /** Tells what an event means. What concerns only the connection (sessions, errors) and what means nothing gives nothing. */
  read(event: ServerEvent, emit: (event: RealtimeEvent) => void): void {
    switch (event.type) {
      case "response.output_audio.delta":
        this.#audio(event.delta, event.item_id, event.response_id, emit);
        return;
      case "response.output_audio_transcript.delta":
      case "response.output_text.delta":
        emit({
          type: "words",
          who: "agent",
          item: event.item_id,
          response: event.response_id,
          text: event.delta,
          append: true,
          final: false,
        });
        return;
      case "response.output_audio_transcript.done":
        emit({
          type: "words",
          who: "agent",
          item: event.item_id,
          response: event.response_id,
          text: event.transcript,
          append: false,
          final: true,
        });
        return;
      case "response.output_text.done":
        emit({
          type: "words",
          who: "agent",
          item: event.item_id,
          response: event.response_id,
          text: event.text,
          append: false,
          final: true,
        });
        return;
      case "input_audio_buffer.speech_started":
        emit({ type: "speech", on: true, at: event.audio_start_ms, item: event.item_id });
        return;
      case "input_audio_buffer.speech_stopped":
        emit({ type: "speech", on: false, at: event.audio_end_ms, item: event.item_id });
        return;
      case "input_audio_buffer.committed":
        emit({ type: "placed", item: event.item_id, after: event.previous_item_id, who: "caller", committed: true });
        return;
      case "conversation.item.added":
      case "conversation.item.done":
      case "conversation.item.created":
        if (event.item.id !== undefined)
          emit({
            type: "placed",
            item: event.item.id,
            after: event.previous_item_id,
            who: whoOf(event.item),
            committed: false,
          });
        return;
      case "conversation.item.input_audio_transcription.delta":
        if (event.delta === undefined) return;
        emit({
          type: "words",
          who: "caller",
          item: event.item_id,
          text: event.delta,
          append: this.#options.quirks?.cumulativeTranscripts !== true,
          final: false,
        });
        return;
      case "conversation.item.input_audio_transcription.completed": {
        emit({
          type: "words",
          who: "caller",
          item: event.item_id,
          text: event.transcript.trim(),
          append: false,
          final: true,
        });
        const usage = usageOfTranscription(this.#transcriber, event.usage);
        if (usage !== undefined) emit({ type: "usage", usage });
        return;
      }
      case "conversation.item.input_audio_transcription.failed":
        // The turn is answered all the same: the model heard it. Only nobody can read it.
        emit({ type: "words", who: "caller", item: event.item_id, text: "", append: false, final: true });
        emit({
          type: "trouble",
          error: providerError(event.error, "what the caller said could not be written down", this.#options.scrub),
        });
        return;
      case "response.output_item.done":
        this.#call(event.item, event.response_id, emit);
        return;
      case "response.done":
        // A server that leaves out the events of items still lists what the response holds.
        if (Array.isArray(event.response.output))
          for (const item of event.response.output) this.#call(item, event.response.id, emit);
        return;
      default:
        return;
    }
  }

  #audio(delta: string, item: string, response: string, emit: (event: RealtimeEvent) => void): void {
    const { output, base64 } = this.#options;
    if (item !== this.#item) {
      this.#item = item;
      this.#itemSamples = 0;
      this.#joiner.reset();
    }
    const bytes = base64.decode(delta);
    const samples =
      output.encoding === "pcm16"
        ? this.#joiner.push(bytes)
        : output.encoding === "pcmu"
          ? decodeMulaw(bytes)
          : decodeAlaw(bytes);
    if (samples.length === 0) return;
    const before = this.#itemSamples;
    this.#itemSamples += samples.length;
    const limit = (REPLY_LIMIT * output.rate) / 1000;
    if (this.#itemSamples <= limit) emit({ type: "audio", samples, item, response });
    else if (before <= limit)
      emit({
        type: "trouble",
        error: new VoiceError("too-large", `a reply may last ${REPLY_LIMIT} ms: the rest is left out`),
      });
  }

  /** Only what is complete is run: a call that a cancelled response began has half its arguments. */
  #call(item: unknown, response: string, emit: (event: RealtimeEvent) => void): void {
    if (!isRecord(item) || item["type"] !== "function_call") return;
    const { id, status, call_id: call, name, arguments: args } = item;
    if (typeof call !== "string" || typeof name !== "string" || this.#calls.has(call)) return;
    if (status !== undefined && status !== null && status !== COMPLETED) return;
    this.#calls.add(call);
    const text = typeof args === "string" ? args : "{}";
    emit({ type: "call", id: call, item: typeof id === "string" ? id : call, response, name, args: text });
  }
}

/** Parts of a configuration as the session object of the wire. */
export function toSession(
  config: Partial<RealtimeConfig>,
  { input, output, quirks }: Pick<GaOptions, "input" | "output" | "quirks">,
): SessionPatch {
  // The address names the model, and it never changes; formats do not either.
  const isFirst = config.history !== undefined;
  const patch: Record<string, unknown> = { type: "realtime" };
  const inward: Record<string, unknown> = {};
  const outward: Record<string, unknown> = {};
  if (isFirst) {
    patch["output_modalities"] = quirks?.bothModalities === true ? ["audio", "text"] : ["audio"];
    inward["format"] = toWireFormat(input);
    outward["format"] = toWireFormat(output);
  }
  if (config.instructions !== undefined) patch["instructions"] = config.instructions;
  if (config.tools !== undefined) {
    patch["tools"] = config.tools.map(({ name, description, parameters }) => ({
      type: "function",
      name,
      description,
      parameters,
    }));
    patch["tool_choice"] = "auto";
  }
  if (config.turns !== undefined) inward["turn_detection"] = toTurnDetection(config.turns);
  if (config.transcription !== undefined) inward["transcription"] = config.transcription;
  if (config.voice !== undefined) outward["voice"] = config.voice;
  const audio = {
    ...(Object.keys(inward).length > 0 && { input: inward }),
    ...(Object.keys(outward).length > 0 && { output: outward }),
  };
  if (Object.keys(audio).length > 0) patch["audio"] = audio;
  // Native fields are passed on as they are: what they may hold is the provider's business, not this type's.
  return merge(patch, config.provider ?? {}) as SessionPatch;
}

function merge(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const out: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const old = out[name];
    out[name] = isRecord(old) && isRecord(value) ? merge(old, value) : value;
  }
  return out;
}

function toTurnDetection(turns: RealtimeTurns): Readonly<Record<string, unknown>> | null {
  if (turns.by === "local") return null;
  const both = { create_response: turns.answer, interrupt_response: turns.interrupt };
  if (turns.detector === "semantic_vad") return { type: "semantic_vad", eagerness: turns.eagerness, ...both };
  return {
    type: "server_vad",
    threshold: turns.threshold,
    prefix_padding_ms: Math.round(turns.prefixMs),
    silence_duration_ms: Math.round(turns.silenceMs),
    ...(turns.idleMs !== undefined && { idle_timeout_ms: Math.round(turns.idleMs) }),
    ...both,
  };
}

function toWireFormat(format: AudioFormat): WireFormat {
  return format.encoding === "pcm16" ? { type: "audio/pcm", rate: 24000 } : { type: `audio/${format.encoding}` };
}

function toWireItem(item: RealtimeItem): WireItem {
  const { id } = item;
  switch (item.kind) {
    case "message":
      if (item.who === "agent")
        return { id, type: "message", role: "assistant", content: [{ type: "output_text", text: item.text }] };
      return {
        id,
        type: "message",
        role: item.who === "caller" ? "user" : "system",
        content: [{ type: "input_text", text: item.text }],
      };
    case "image":
      return { id, type: "message", role: "user", content: [{ type: "input_image", image_url: item.url }] };
    case "call":
      return { id, type: "function_call", call_id: item.call, name: item.name, arguments: item.args };
    case "result":
      return { id, type: "function_call_output", call_id: item.call, output: item.output };
  }
}

/** A text as metadata may have at most this length. */
const METADATA_LIMIT = 512;

/**
 * Has a fixed text read out: in the agent's voice and manner, in a context of its own, without tools. What is said becomes
 * part of the conversation. Servers of our own find the text in the metadata and need no model for it.
 */
function toSay(text: string): NonNullable<Extract<ClientEvent, { type: "response.create" }>["response"]> {
  const order = `Say exactly the following to the caller, word for word, in its own language, and nothing else:\n\n${text}`;
  return {
    input: [{ type: "message", role: "user", content: [{ type: "input_text", text: order }] }],
    tools: [],
    tool_choice: "none",
    ...(text.length <= METADATA_LIMIT && { metadata: { repartee_say: text } }),
  };
}

function whoOf(item: WireItem): "caller" | "agent" | "other" {
  if (item.type !== "message") return "other";
  if (item.role === "user") return "caller";
  return item.role === "assistant" ? "agent" : "other";
}
