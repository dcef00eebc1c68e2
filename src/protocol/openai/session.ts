/*
 * The session object and the rules by which `session.update` changes it: absent members keep their value, null switches
 * off what may be off, lists are replaced as a whole. A session value is never changed: a response keeps the one it began
 * with.
 */
import type { Epoch } from "../../base/time.ts";

export type WireFormat =
  | { readonly type: "audio/pcm"; readonly rate: 24000 }
  | { readonly type: "audio/pcmu" }
  | { readonly type: "audio/pcma" };

export interface ServerVad {
  readonly type: "server_vad";
  /** 0 to 1. Default 0.5. */
  readonly threshold: number;
  /** Default 300. */
  readonly prefix_padding_ms: number;
  /** Default 500. */
  readonly silence_duration_ms: number;
  /** Default null: never. */
  readonly idle_timeout_ms: number | null;
  readonly create_response: boolean;
  readonly interrupt_response: boolean;
}

export interface SemanticVad {
  readonly type: "semantic_vad";
  /** `auto` is `medium`. */
  readonly eagerness: "low" | "medium" | "high" | "auto";
  readonly create_response: boolean;
  readonly interrupt_response: boolean;
}

export interface Transcription {
  readonly model?: string;
  readonly language?: string;
  readonly languages?: readonly string[];
  readonly prompt?: string;
  readonly keywords?: readonly string[];
  readonly delay?: "minimal" | "low" | "medium" | "high" | "xhigh";
}

export interface NoiseReduction {
  readonly type?: "near_field" | "far_field";
  readonly strength?: number;
}

export interface SessionInput {
  readonly format: WireFormat;
  readonly noise_reduction: NoiseReduction | null;
  readonly transcription: Transcription | null;
  readonly turn_detection: ServerVad | SemanticVad | null;
}

export interface SessionOutput {
  readonly format: WireFormat;
  readonly voice: string | { readonly id: string };
  /** 0.25 to 1.5. */
  readonly speed: number;
}

export interface FunctionTool {
  readonly type: "function";
  readonly name: string;
  readonly description?: string;
  /** JSON Schema. */
  readonly parameters?: object;
}

/** A tool that the provider runs itself. What it holds is passed on as it is. */
export interface McpTool {
  readonly type: "mcp";
  readonly server_label: string;
}

export type WireTool = FunctionTool | McpTool;

export type ToolChoice =
  | "none"
  | "auto"
  | "required"
  | { readonly type: "function"; readonly name: string }
  | { readonly type: "mcp"; readonly server_label: string; readonly name?: string | null };

export type Modality = "audio" | "text";

export type Truncation =
  | "auto"
  | "disabled"
  | {
      readonly type: "retention_ratio";
      readonly retention_ratio: number;
      readonly token_limits?: { readonly post_instructions?: number };
    };

interface Head {
  readonly id: string;
  /** Unix seconds. */
  readonly expires_at: number;
}

/** A session in which a model speaks. */
export interface VoiceSession extends Head {
  readonly type: "realtime";
  readonly object: "realtime.session";
  readonly model: string;
  readonly instructions: string;
  /** Exactly one. Audio always brings a transcript. */
  readonly output_modalities: readonly [Modality];
  readonly audio: { readonly input: SessionInput; readonly output: SessionOutput };
  readonly tools: readonly WireTool[];
  readonly tool_choice: ToolChoice;
  readonly parallel_tool_calls?: boolean;
  readonly reasoning?: { readonly effort?: "minimal" | "low" | "medium" | "high" | "xhigh" };
  readonly max_output_tokens: number | "inf";
  readonly truncation: Truncation;
  readonly tracing: "auto" | Readonly<Record<string, unknown>> | null;
  readonly include: readonly string[] | null;
}

/** A session that only recognises speech. */
export interface TranscriptionSession extends Head {
  readonly type: "transcription";
  readonly object: "realtime.transcription_session";
  readonly audio: { readonly input: SessionInput };
  readonly include: readonly string[] | null;
}

/** The full effective session, as `session.created` and `session.updated` show it. */
export type WireSession = VoiceSession | TranscriptionSession;

type Deep<T> = T extends readonly unknown[] ? T : T extends object ? { readonly [K in keyof T]?: Deep<T[K]> } : T;

/** What `session.update` may carry. `format` and `turn_detection` may be given in part. */
export type SessionPatch =
  | (Deep<Omit<VoiceSession, "type" | "object" | keyof Head>> & { readonly type: "realtime" })
  | (Deep<Omit<TranscriptionSession, "type" | "object" | keyof Head>> & { readonly type: "transcription" });

export interface NewSession {
  readonly id: string;
  readonly expiresAt: Epoch;
  readonly model: string;
  readonly instructions?: string;
  readonly voice?: string;
}

const pcm: WireFormat = { type: "audio/pcm", rate: 24000 };

const serverVad: ServerVad = {
  type: "server_vad",
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 500,
  idle_timeout_ms: null,
  create_response: true,
  interrupt_response: true,
};

const semanticVad: SemanticVad = {
  type: "semantic_vad",
  eagerness: "auto",
  create_response: true,
  interrupt_response: true,
};

const input: SessionInput = { format: pcm, noise_reduction: null, transcription: null, turn_detection: serverVad };

/** The session a connection begins with: the service's documented defaults. */
export function newVoiceSession({
  id,
  expiresAt,
  model,
  instructions = "",
  voice = "marin",
}: NewSession): VoiceSession {
  return {
    type: "realtime",
    object: "realtime.session",
    id,
    expires_at: Math.floor(expiresAt / 1000),
    model,
    instructions,
    output_modalities: ["audio"],
    audio: { input, output: { format: pcm, voice, speed: 1 } },
    tools: [],
    tool_choice: "auto",
    max_output_tokens: "inf",
    truncation: "auto",
    tracing: null,
    include: null,
  };
}

/** As above, for a connection that only recognises speech. */
export function newTranscriptionSession({ id, expiresAt }: Pick<NewSession, "id" | "expiresAt">): TranscriptionSession {
  return {
    type: "transcription",
    object: "realtime.transcription_session",
    id,
    expires_at: Math.floor(expiresAt / 1000),
    audio: { input },
    include: null,
  };
}

/** The session after an update. Whether the update is allowed is for the caller to ask first. */
export function mergeSession(session: WireSession, patch: SessionPatch): WireSession {
  const given = defined(patch);
  if (session.type === "transcription") {
    const include = patch.include === undefined ? session.include : patch.include;
    return { ...session, include, audio: { input: mergeInput(session.audio.input, patch.audio?.input) } };
  }
  const output = patch.type === "realtime" ? patch.audio?.output : undefined;
  const audio = {
    input: mergeInput(session.audio.input, patch.audio?.input),
    output: mergeOutput(session.audio.output, output),
  };
  return { ...session, ...(given as Partial<VoiceSession>), type: "realtime", audio };
}

/** Bytes of one ms of audio. */
export function bytesPerMs(format: WireFormat): number {
  return format.type === "audio/pcm" ? 48 : 8;
}

/** Samples per second, Hz. */
export function rateOf(format: WireFormat): number {
  return format.type === "audio/pcm" ? 24_000 : 8000;
}

type InputPatch = NonNullable<NonNullable<SessionPatch["audio"]>["input"]>;
/** Any part of an output. */
export type OutputPatch = Deep<SessionOutput>;

function mergeInput(old: SessionInput, patch: InputPatch | undefined): SessionInput {
  if (patch === undefined) return old;
  const { format, noise_reduction, transcription, turn_detection } = patch;
  return {
    format: formatOf(format) ?? old.format,
    noise_reduction: noise_reduction === undefined ? old.noise_reduction : noise_reduction,
    transcription: mergeNullable(old.transcription, transcription),
    turn_detection: turn_detection === undefined ? old.turn_detection : mergeTurns(old.turn_detection, turn_detection),
  };
}

/** The same rules for what a single response has of its own. */
export function mergeOutput(old: SessionOutput, patch: OutputPatch | undefined): SessionOutput {
  if (patch === undefined) return old;
  const { format, voice, speed } = patch;
  return {
    format: formatOf(format) ?? old.format,
    voice: voiceOf(voice) ?? old.voice,
    speed: speed ?? old.speed,
  };
}

/** Another kind of detection begins with its own defaults. */
function mergeTurns(
  old: ServerVad | SemanticVad | null,
  patch: Deep<ServerVad> | Deep<SemanticVad> | null,
): ServerVad | SemanticVad | null {
  if (patch === null) return null;
  const type = patch.type ?? old?.type ?? "server_vad";
  if (type === "semantic_vad") {
    return { ...semanticVad, ...(old?.type === type ? old : {}), ...defined(patch as Deep<SemanticVad>), type };
  }
  return { ...serverVad, ...(old?.type === type ? old : {}), ...defined(patch as Deep<ServerVad>), type };
}

function mergeNullable<T extends object>(old: T | null, patch: Deep<T> | null | undefined): T | null {
  if (patch === undefined) return old;
  return patch === null ? null : { ...old, ...(defined(patch) as T) };
}

function formatOf(patch: Deep<WireFormat> | undefined): WireFormat | undefined {
  if (patch?.type === undefined) return undefined;
  return patch.type === "audio/pcm" ? pcm : { type: patch.type };
}

function voiceOf(voice: OutputPatch["voice"]): SessionOutput["voice"] | undefined {
  if (typeof voice === "string" || voice === undefined) return voice;
  return voice.id === undefined ? undefined : { id: voice.id };
}

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
