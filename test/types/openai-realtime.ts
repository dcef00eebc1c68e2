/*
 * Our types of the GA protocol against those of the official `openai` package: the same names, and values of ours are
 * values of theirs. Compile-only: the drift alarm when that package is raised.
 */
import type {
  ConversationItem,
  RealtimeClientEvent,
  RealtimeResponse,
  RealtimeServerEvent,
  RealtimeSessionCreateRequest,
  RealtimeTranscriptionSessionCreateRequest,
} from "openai/resources/realtime/realtime";
import type { ClientEvent } from "../../src/protocol/openai/client-events.ts";
import type { WireItem } from "../../src/protocol/openai/items.ts";
import type { ServerEvent, WireResponse } from "../../src/protocol/openai/server-events.ts";
import type { TranscriptionSession, VoiceSession } from "../../src/protocol/openai/session.ts";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Fits<A, B> = [A] extends [B] ? true : false;

/** Members for which the service sends null although the official types do not say so. */
type NullInPractice =
  | "transcript"
  | "transcription"
  | "noise_reduction"
  | "usage"
  | "status_details"
  | "conversation_id"
  | "include";

/** Arrays of ours are read-only, theirs are not; and nulls as above. */
type Theirs<T> = T extends readonly [infer One]
  ? Theirs<One>[]
  : T extends readonly (infer One)[]
    ? Theirs<One>[]
    : T extends object
      ? { -readonly [K in keyof T]: K extends NullInPractice ? Theirs<Exclude<T[K], null>> : Theirs<T[K]> }
      : T;

/** The official response names a voice as a string only; the session, and ours, may hold an id. */
type WithVoice<T> = Omit<T, "audio">;

/** The member with this name; several names may share one member of the union. */
type Named<Union, Type extends string> = Union extends { readonly type: infer Names }
  ? Type extends Names
    ? Omit<Union, "type"> & { readonly type: Type }
    : never
  : never;
type ServerOf<Type extends ServerEvent["type"]> = Named<ServerEvent, Type>;
type OfficialOf<Type extends string> = Extract<RealtimeServerEvent, { type: Type }>;

type WithSession = "session.created" | "session.updated";
type WithResponse = "response.created" | "response.done";

/** For each event: whether ours fits theirs. What must be split apart is checked below. */
type EveryServerEvent = {
  [Type in Exclude<ServerEvent["type"], WithSession | WithResponse>]: Fits<Theirs<ServerOf<Type>>, OfficialOf<Type>>;
};
type Misfits = {
  [Type in keyof EveryServerEvent]: EveryServerEvent[Type] extends true ? never : Type;
}[keyof EveryServerEvent];

export const serverNames: Same<ServerEvent["type"], RealtimeServerEvent["type"]> = true;
export const clientNames: Same<ClientEvent["type"], RealtimeClientEvent["type"]> = true;
export const misfits: Same<Misfits, never> = true;
export const items: Fits<Theirs<WireItem>, ConversationItem> = true;
export const voiceSession: Fits<
  Theirs<Omit<VoiceSession, "include" | "tools">>,
  Omit<RealtimeSessionCreateRequest, "include" | "tools">
> = true;
export const transcriptionSession: Fits<
  Theirs<Omit<TranscriptionSession, "include">>,
  Omit<RealtimeTranscriptionSessionCreateRequest, "include">
> = true;
export const response: Fits<WithVoice<Theirs<WireResponse>>, WithVoice<RealtimeResponse>> = true;

/** And theirs are ours: what the official client sends is what our reader takes. */
type OfficialClient<Type extends string> = Extract<RealtimeClientEvent, { type: Type }>;
export const append: Fits<
  OfficialClient<"input_audio_buffer.append">,
  Extract<ClientEvent, { type: "input_audio_buffer.append" }>
> = true;
export const truncate: Fits<
  OfficialClient<"conversation.item.truncate">,
  Extract<ClientEvent, { type: "conversation.item.truncate" }>
> = true;
export const cancel: Fits<OfficialClient<"response.cancel">, Extract<ClientEvent, { type: "response.cancel" }>> = true;
export const delta: Fits<OfficialOf<"response.output_audio.delta">, ServerOf<"response.output_audio.delta">> = true;

// @ts-expect-error an event nobody has makes the names differ
export const alarm: Same<ServerEvent["type"] | "made.up", RealtimeServerEvent["type"]> = true;
