/*
 * The 46 events a server sends, and their reader. A known event has its required members, an unknown one is passed on, and
 * anything else is a fault. Each text is parsed once. Nothing here throws.
 */
import type { Fault } from "../../base/errors.ts";
import { betaEvent } from "./beta.ts";
import { isRecord } from "./complaint.ts";
import type { ItemStatus, WireItem } from "./items.ts";
import type { Modality, WireFormat, WireSession } from "./session.ts";

interface Head<Type extends string> {
  readonly type: Type;
  readonly event_id: string;
}

interface OfItem<Type extends string> extends Head<Type> {
  readonly item_id: string;
}

interface OfContent<Type extends string> extends OfItem<Type> {
  readonly content_index: number;
}

interface OfOutput<Type extends string> extends OfItem<Type> {
  readonly response_id: string;
  readonly output_index: number;
}

interface OfPart<Type extends string> extends OfOutput<Type> {
  readonly content_index: number;
}

interface Placed<Type extends string> extends Head<Type> {
  readonly item: WireItem;
  /** Null at the beginning of the conversation. */
  readonly previous_item_id?: string | null;
}

export interface WireError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | null;
  readonly param?: string | null;
  /** The client's event that it is about. */
  readonly event_id?: string | null;
}

export interface RateLimit {
  readonly name: "requests" | "tokens";
  readonly limit: number;
  readonly remaining: number;
  readonly reset_seconds: number;
}

/** A part of a response. Items call the same things `output_audio` and `output_text`. */
export interface ContentPart {
  readonly type: "audio" | "text";
  readonly transcript?: string;
  readonly text?: string;
}

export interface LogProb {
  readonly token: string;
  readonly bytes: readonly number[];
  readonly logprob: number;
}

export type TranscriptionUsage =
  | {
      readonly type: "tokens";
      readonly input_tokens: number;
      readonly output_tokens: number;
      readonly total_tokens: number;
      readonly input_token_details: { readonly audio_tokens: number; readonly text_tokens: number };
    }
  | { readonly type: "duration"; readonly seconds: number };

export interface TokenCounts {
  readonly text_tokens: number;
  readonly audio_tokens: number;
  readonly image_tokens: number;
}

export interface ResponseUsage {
  readonly total_tokens: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** Cached tokens are among the input tokens, not beside them. */
  readonly input_token_details: TokenCounts & {
    readonly cached_tokens: number;
    readonly cached_tokens_details: TokenCounts;
  };
  readonly output_token_details: { readonly text_tokens: number; readonly audio_tokens: number };
}

export interface StatusDetails {
  readonly type: "completed" | "cancelled" | "failed" | "incomplete";
  readonly reason?: "turn_detected" | "client_cancelled" | "max_output_tokens" | "content_filter";
  readonly error?: { readonly type: string; readonly code?: string; readonly message?: string };
}

export interface WireResponse {
  readonly id: string;
  readonly object: "realtime.response";
  readonly status: ItemStatus | "cancelled" | "failed";
  readonly status_details: StatusDetails | null;
  readonly output: readonly WireItem[];
  /** Null beside the conversation. */
  readonly conversation_id: string | null;
  readonly output_modalities: readonly Modality[];
  readonly max_output_tokens: number | "inf";
  /** The voice by name or id: stock clients take no object here. */
  readonly audio: { readonly output: { readonly format: WireFormat; readonly voice: string } };
  readonly metadata: Readonly<Record<string, string>> | null;
  /** Null until the response is done. */
  readonly usage: ResponseUsage | null;
}

export type ServerEvent =
  | (Head<"session.created" | "session.updated"> & { readonly session: WireSession })
  | (Head<"conversation.created"> & {
      readonly conversation: { readonly id: string; readonly object: "realtime.conversation" };
    })
  | (Head<"error"> & { readonly error: WireError })
  | (Head<"rate_limits.updated"> & { readonly rate_limits: readonly RateLimit[] })
  | (OfItem<"input_audio_buffer.speech_started"> & { readonly audio_start_ms: number })
  | (OfItem<"input_audio_buffer.speech_stopped"> & { readonly audio_end_ms: number })
  | (OfItem<"input_audio_buffer.committed"> & { readonly previous_item_id?: string | null })
  | Head<"input_audio_buffer.cleared">
  | (OfItem<"input_audio_buffer.timeout_triggered"> & {
      readonly audio_start_ms: number;
      readonly audio_end_ms: number;
    })
  /** The one event without an `event_id`. `received_at`: unix seconds. */
  | { readonly type: "input_audio_buffer.dtmf_event_received"; readonly event: string; readonly received_at: number }
  | Placed<"conversation.item.added" | "conversation.item.done" | "conversation.item.created">
  | (Head<"conversation.item.retrieved"> & { readonly item: WireItem })
  | (OfContent<"conversation.item.truncated"> & { readonly audio_end_ms: number })
  | OfItem<"conversation.item.deleted">
  | (OfItem<"conversation.item.input_audio_transcription.delta"> & {
      readonly content_index?: number;
      readonly delta?: string;
      readonly logprobs?: readonly LogProb[] | null;
    })
  | (OfContent<"conversation.item.input_audio_transcription.completed"> & {
      readonly transcript: string;
      readonly usage: TranscriptionUsage;
      readonly languages?: readonly { readonly code: string }[];
      readonly logprobs?: readonly LogProb[] | null;
    })
  | (OfContent<"conversation.item.input_audio_transcription.failed"> & {
      readonly error: {
        readonly type?: string;
        readonly code?: string;
        readonly message?: string;
        readonly param?: string;
      };
    })
  | (OfContent<"conversation.item.input_audio_transcription.segment"> & {
      readonly id: string;
      /** Seconds. */
      readonly start: number;
      readonly end: number;
      readonly speaker: string;
      readonly text: string;
    })
  | (Head<"response.created" | "response.done"> & { readonly response: WireResponse })
  | (Head<"response.output_item.added" | "response.output_item.done"> & {
      readonly response_id: string;
      readonly output_index: number;
      readonly item: WireItem;
    })
  | (OfPart<"response.content_part.added" | "response.content_part.done"> & { readonly part: ContentPart })
  | (OfPart<"response.output_text.delta" | "response.output_audio.delta" | "response.output_audio_transcript.delta"> & {
      readonly delta: string;
    })
  | (OfPart<"response.output_text.done"> & { readonly text: string })
  | OfPart<"response.output_audio.done">
  | (OfPart<"response.output_audio_transcript.done"> & { readonly transcript: string })
  | (OfOutput<"response.function_call_arguments.delta"> & { readonly call_id: string; readonly delta: string })
  | (OfOutput<"response.function_call_arguments.done"> & {
      readonly call_id: string;
      readonly name: string;
      readonly arguments: string;
    })
  | OfItem<"mcp_list_tools.in_progress" | "mcp_list_tools.completed" | "mcp_list_tools.failed">
  | (OfOutput<"response.mcp_call_arguments.delta"> & { readonly delta: string; readonly obfuscation?: string | null })
  | (OfOutput<"response.mcp_call_arguments.done"> & { readonly arguments: string })
  | (OfItem<"response.mcp_call.in_progress" | "response.mcp_call.completed" | "response.mcp_call.failed"> & {
      readonly output_index: number;
    })
  | (Head<"output_audio_buffer.started" | "output_audio_buffer.stopped" | "output_audio_buffer.cleared"> & {
      readonly response_id: string;
    });

/** An event this version does not know. */
export interface UnknownEvent {
  readonly type: "unknown";
  readonly name: string;
  readonly event: Readonly<Record<string, unknown>>;
}

type Kind = "string" | "number" | "object" | "array";
type Member = readonly [name: string, kind: Kind];

/** Required members of each event beside `type` and `event_id`: `#` a number, `{` an object, `[` an array, else a string. */
const required: Readonly<Record<ServerEvent["type"], readonly Member[]>> = {
  "session.created": spec("{session"),
  "session.updated": spec("{session"),
  "conversation.created": spec("{conversation"),
  error: spec("{error"),
  "rate_limits.updated": spec("[rate_limits"),
  "input_audio_buffer.speech_started": spec("item_id #audio_start_ms"),
  "input_audio_buffer.speech_stopped": spec("item_id #audio_end_ms"),
  "input_audio_buffer.committed": spec("item_id"),
  "input_audio_buffer.cleared": [],
  "input_audio_buffer.timeout_triggered": spec("item_id #audio_start_ms #audio_end_ms"),
  "input_audio_buffer.dtmf_event_received": spec("event #received_at"),
  "conversation.item.added": spec("{item"),
  "conversation.item.done": spec("{item"),
  "conversation.item.created": spec("{item"),
  "conversation.item.retrieved": spec("{item"),
  "conversation.item.truncated": spec("item_id #content_index #audio_end_ms"),
  "conversation.item.deleted": spec("item_id"),
  "conversation.item.input_audio_transcription.delta": spec("item_id"),
  "conversation.item.input_audio_transcription.completed": spec("item_id #content_index transcript"),
  "conversation.item.input_audio_transcription.failed": spec("item_id #content_index {error"),
  "conversation.item.input_audio_transcription.segment": spec("item_id #content_index id #start #end speaker text"),
  "response.created": spec("{response"),
  "response.done": spec("{response"),
  "response.output_item.added": spec("response_id #output_index {item"),
  "response.output_item.done": spec("response_id #output_index {item"),
  "response.content_part.added": spec("response_id item_id #output_index #content_index {part"),
  "response.content_part.done": spec("response_id item_id #output_index #content_index {part"),
  "response.output_text.delta": spec("response_id item_id #output_index #content_index delta"),
  "response.output_text.done": spec("response_id item_id #output_index #content_index text"),
  "response.output_audio.delta": spec("response_id item_id #output_index #content_index delta"),
  "response.output_audio.done": spec("response_id item_id #output_index #content_index"),
  "response.output_audio_transcript.delta": spec("response_id item_id #output_index #content_index delta"),
  "response.output_audio_transcript.done": spec("response_id item_id #output_index #content_index transcript"),
  "response.function_call_arguments.delta": spec("response_id item_id #output_index call_id delta"),
  "response.function_call_arguments.done": spec("response_id item_id #output_index call_id name arguments"),
  "mcp_list_tools.in_progress": spec("item_id"),
  "mcp_list_tools.completed": spec("item_id"),
  "mcp_list_tools.failed": spec("item_id"),
  "response.mcp_call_arguments.delta": spec("response_id item_id #output_index delta"),
  "response.mcp_call_arguments.done": spec("response_id item_id #output_index arguments"),
  "response.mcp_call.in_progress": spec("item_id #output_index"),
  "response.mcp_call.completed": spec("item_id #output_index"),
  "response.mcp_call.failed": spec("item_id #output_index"),
  "output_audio_buffer.started": spec("response_id"),
  "output_audio_buffer.stopped": spec("response_id"),
  "output_audio_buffer.cleared": spec("response_id"),
};

/** The names of all server events. */
export const serverEventTypes: readonly string[] = Object.keys(required);

/** Reads the text of one frame. */
export function readServerEvent(frame: string): ServerEvent | UnknownEvent | Fault {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return bad("an event must be JSON");
  }
  if (!isRecord(value)) return bad("an event must be an object");
  const { type } = value;
  if (typeof type !== "string") return bad("an event must have a type");
  if (isServerEvent(value)) return value;
  if (!Object.hasOwn(required, type)) {
    const now = betaEvent(type);
    if (now === undefined) return { type: "unknown", name: type, event: value };
    return { fault: "beta-protocol", why: `${type} is of the beta protocol; in the GA protocol it is ${now}` };
  }
  const lacking = required[type as ServerEvent["type"]].filter((member) => !has(value, member));
  return bad(`${type} must have ${lacking.map(([name, kind]) => `${name} (${kind})`).join(", ")}`);
}

/** The text of a server event. */
export function writeServerEvent(event: ServerEvent): string {
  return JSON.stringify(event);
}

function isServerEvent(value: object): value is ServerEvent {
  const { type } = value as { readonly type?: unknown };
  if (typeof type !== "string" || !Object.hasOwn(required, type)) return false;
  const members = required[type as ServerEvent["type"]];
  for (const member of members) if (!has(value, member)) return false;
  return true;
}

function has(value: object, [name, kind]: Member): boolean {
  const member = (value as Readonly<Record<string, unknown>>)[name];
  if (kind === "array") return Array.isArray(member);
  return kind === "object" ? isRecord(member) : typeof member === kind;
}

function spec(text: string): readonly Member[] {
  const kinds: Readonly<Record<string, Kind>> = { "#": "number", "{": "object", "[": "array" };
  return text.split(" ").map((name) => {
    const kind = kinds[name.charAt(0)];
    return kind === undefined ? [name, "string"] : [name.slice(1), kind];
  });
}

function bad(why: string): Fault {
  return { fault: "protocol", why };
}
