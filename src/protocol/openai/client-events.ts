/*
 * The eleven events a client sends, and their reader. Each text is parsed once. Nothing here throws.
 */
import type { WireItem, ItemReference } from "./items.ts";
import { readInput, readItem } from "./items.ts";
import { isSafe } from "../safe.ts";
import { betaEvent } from "./beta.ts";
import { type Complaint, invalid, isRecord, missing } from "./complaint.ts";
import type { FunctionTool, McpTool, Modality, SessionPatch, ToolChoice, VoiceSession, WireFormat } from "./session.ts";
import { checkMembers, outputMembers, readSessionPatch, speakingMembers } from "./session-patch.ts";

interface Head<Type extends string> {
  readonly type: Type;
  /** Any text; an `error` about this event repeats it. */
  readonly event_id?: string;
}

export type ClientEvent =
  | (Head<"session.update"> & { readonly session: SessionPatch })
  | (Head<"input_audio_buffer.append"> & { readonly audio: string })
  | Head<"input_audio_buffer.commit">
  | Head<"input_audio_buffer.clear">
  | (Head<"conversation.item.create"> & {
      readonly item: WireItem;
      /** An id, or "root" for the beginning. Absent: the end. */
      readonly previous_item_id?: string;
    })
  | (Head<"conversation.item.retrieve"> & { readonly item_id: string })
  | (Head<"conversation.item.truncate"> & {
      readonly item_id: string;
      readonly content_index: number;
      readonly audio_end_ms: number;
    })
  | (Head<"conversation.item.delete"> & { readonly item_id: string })
  | (Head<"response.create"> & { readonly response?: ResponseParams })
  | (Head<"response.cancel"> & { readonly response_id?: string })
  | Head<"output_audio_buffer.clear">;

/** What one response may have of its own. */
export interface ResponseParams {
  /** `none`: beside the conversation. */
  readonly conversation?: string;
  /** In place of the conversation; empty means no context at all. */
  readonly input?: readonly (WireItem | ItemReference)[];
  readonly instructions?: string;
  readonly output_modalities?: readonly [Modality];
  readonly audio?: {
    readonly output?: { readonly format?: WireFormat; readonly voice?: string | { readonly id: string } };
  };
  readonly tools?: readonly (FunctionTool | McpTool)[];
  readonly tool_choice?: ToolChoice;
  readonly parallel_tool_calls?: boolean;
  readonly reasoning?: NonNullable<VoiceSession["reasoning"]>;
  readonly max_output_tokens?: number | "inf";
  /** At most 16 pairs; names of 64, values of 512 characters. */
  readonly metadata?: Readonly<Record<string, string>> | null;
}

/** What is wrong with a client's event, and which one it was. */
export interface ClientComplaint extends Complaint {
  readonly eventId: string | null;
}

/** The names of all client events. */
export const clientEventTypes: readonly ClientEvent["type"][] = [
  "session.update",
  "input_audio_buffer.append",
  "input_audio_buffer.commit",
  "input_audio_buffer.clear",
  "conversation.item.create",
  "conversation.item.retrieve",
  "conversation.item.truncate",
  "conversation.item.delete",
  "response.create",
  "response.cancel",
  "output_audio_buffer.clear",
];

/** Reads the text of one frame. */
export function readClientEvent(frame: string): ClientEvent | ClientComplaint {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return {
      fault: "bad-message",
      code: "invalid_json",
      param: null,
      why: "The event is not valid JSON.",
      eventId: null,
    };
  }
  if (!isRecord(value)) return { ...invalid("event", "an object", value), param: null, eventId: null };
  const id = typeof value["event_id"] === "string" ? value["event_id"] : null;
  const event = readBody(value, id === null ? {} : { event_id: id });
  return "fault" in event ? { ...event, eventId: id } : event;
}

/** The text of a client event. */
export function writeClientEvent(event: ClientEvent): string {
  return JSON.stringify(event);
}

/** The text of an append, from base64: nothing of it needs escaping. */
export function writeAppend(audio: string): string {
  return `{"type":"input_audio_buffer.append","audio":"${audio}"}`;
}

function readBody(
  value: Readonly<Record<string, unknown>>,
  head: { readonly event_id?: string },
): ClientEvent | Complaint {
  const { type } = value;
  switch (type) {
    case "input_audio_buffer.append":
      return typeof value["audio"] === "string" ? { ...head, type, audio: value["audio"] } : missing("audio");
    case "input_audio_buffer.commit":
    case "input_audio_buffer.clear":
    case "output_audio_buffer.clear":
      return { ...head, type };
    case "session.update": {
      const session = readSessionPatch(value["session"]);
      return "fault" in session ? session : { ...head, type, session };
    }
    case "conversation.item.create":
      return readCreate(value, head);
    case "conversation.item.retrieve":
    case "conversation.item.delete":
      return typeof value["item_id"] === "string" ? { ...head, type, item_id: value["item_id"] } : missing("item_id");
    case "conversation.item.truncate":
      return readTruncate(value, head);
    case "response.create": {
      if (value["response"] === undefined || value["response"] === null) return { ...head, type };
      const response = readParams(value["response"]);
      return "fault" in response ? response : { ...head, type, response };
    }
    case "response.cancel": {
      const { response_id } = value;
      return { ...head, type, ...(typeof response_id === "string" && { response_id }) };
    }
    case undefined:
      return missing("type");
    default:
      return unknownType(type);
  }
}

function unknownType(type: unknown): Complaint {
  const now = typeof type === "string" ? betaEvent(type) : undefined;
  const complaint = invalid("type", clientEventTypes.join(", "), type);
  return now === undefined
    ? complaint
    : { ...complaint, fault: "beta-protocol", why: `${complaint.why} In the GA protocol: ${now}.` };
}

function readCreate(
  value: Readonly<Record<string, unknown>>,
  head: { readonly event_id?: string },
): ClientEvent | Complaint {
  const item = readItem(value["item"], "item");
  if ("fault" in item) return item;
  const { previous_item_id: previous } = value;
  if (previous !== undefined && previous !== null && typeof previous !== "string")
    return invalid("previous_item_id", "a string", previous);
  return {
    ...head,
    type: "conversation.item.create",
    item,
    ...(typeof previous === "string" && { previous_item_id: previous }),
  };
}

function readTruncate(
  value: Readonly<Record<string, unknown>>,
  head: { readonly event_id?: string },
): ClientEvent | Complaint {
  const { item_id, content_index = 0, audio_end_ms } = value;
  if (typeof item_id !== "string") return missing("item_id");
  if (!isCount(content_index)) return invalid("content_index", "a whole number from 0", content_index);
  if (audio_end_ms === undefined) return missing("audio_end_ms");
  if (!isCount(audio_end_ms)) return invalid("audio_end_ms", "a whole number from 0", audio_end_ms);
  return { ...head, type: "conversation.item.truncate", item_id, content_index, audio_end_ms };
}

function readParams(value: unknown): ResponseParams | Complaint {
  if (!isRecord(value)) return invalid("response", "an object", value);
  if (!isSafe(value)) return invalid("response", "at most 32 levels and no names of prototypes", value);
  const { metadata, input, conversation } = value;
  const complaint =
    checkMembers(value, "response", speakingMembers) ??
    checkMembers(value["audio"] ?? {}, "response.audio", {
      output: (output, path) => checkMembers(output, path, outputMembers),
    }) ??
    checkMetadata(metadata);
  if (complaint !== undefined) return complaint;
  if (conversation !== undefined && typeof conversation !== "string")
    return invalid("response.conversation", "auto or none", conversation);
  const known = Object.fromEntries(
    Object.entries(value).filter(([name, member]) => ownMembers.includes(name) && member !== undefined),
  );
  if (input === undefined || input === null) return known;
  if (!Array.isArray(input)) return invalid("response.input", "an array", input);
  const items: (WireItem | ItemReference)[] = [];
  for (const [index, one] of input.entries()) {
    const item = readInput(one, `response.input[${index}]`);
    if ("fault" in item) return item;
    items.push(item);
  }
  return { ...known, input: items };
}

const ownMembers: readonly string[] = [...Object.keys(speakingMembers), "audio", "metadata", "conversation"];

function checkMetadata(metadata: unknown): Complaint | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  const pairs = isRecord(metadata) ? Object.entries(metadata) : undefined;
  const right =
    pairs !== undefined &&
    pairs.length <= 16 &&
    pairs.every(([name, text]) => name.length <= 64 && typeof text === "string" && text.length <= 512);
  return right ? undefined : invalid("response.metadata", "at most 16 pairs of short strings", metadata);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
