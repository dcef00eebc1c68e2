/*
 * The border to realtime models, neutral over providers: what a voice session asks of one and what it is told. A codec
 * turns a provider's frames into these events; whoever reads them asks `can`, never for a provider's name.
 */
import type { VoiceError } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";
import type { Epoch, Millis } from "../base/time.ts";
import type { RealtimeUsage } from "./usage.ts";

/** A model somewhere, to which any number of connections can be opened. */
export interface RealtimeModel {
  /** `openai:gpt-realtime-2.1`: for logs, meters and the breaker. Names no secret. */
  readonly id: string;
  readonly can: RealtimeCapabilities;
  /**
   * Opens a connection that is configured and knows the history. Throws VoiceError `provider-auth`, `provider-config`,
   * `provider-limit`, `provider-unavailable`, `provider-timeout` or `beta-protocol`.
   */
  connect(config: RealtimeConfig, context: RealtimeContext): Promise<RealtimeConnection>;
}

/** What a connection needs from the one who opens it. */
export interface RealtimeContext {
  readonly platform: Platform;
  readonly signal: AbortSignal;
  /** Called synchronously, in wire order, from before `connect` settles until `closed`. */
  on(event: RealtimeEvent): void;
}

export interface RealtimeCapabilities {
  /** `speech` and `turn` events are reported, and it may decide turns itself. */
  readonly turnEvents: boolean;
  /** Who shortens an interrupted reply. */
  readonly truncate: "client" | "server" | false;
  /** The voice may change after the first audio. */
  readonly voiceChange: boolean;
  readonly images: boolean;
  /** It can be told when the caller is done. */
  readonly manualTurns: boolean;
  readonly input: AudioFormat;
  readonly output: AudioFormat;
}

export type AudioFormat =
  | { readonly encoding: "pcm16"; readonly rate: 24000 }
  | { readonly encoding: "pcmu" | "pcma"; readonly rate: 8000 };

/** What a model is told once; parts of it may change while a connection is open. */
export interface RealtimeConfig {
  readonly instructions: string;
  readonly voice?: string | undefined;
  readonly tools: readonly RealtimeTool[];
  readonly turns: RealtimeTurns;
  /** How the caller's words are written down; undefined: not at all. */
  readonly transcription?: RealtimeTranscription | undefined;
  /** What was said before this connection, oldest first. */
  readonly history: readonly RealtimeItem[];
  /** The provider's own fields, laid over the session as they are. */
  readonly provider?: Readonly<Record<string, unknown>> | undefined;
}

export interface RealtimeTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema. */
  readonly parameters: object;
}

export interface RealtimeTranscription {
  readonly model: string;
  readonly language?: string;
  readonly prompt?: string;
}

/** Who decides when the caller has finished. `local`: we say so with `commit` and `respond`. */
export type RealtimeTurns =
  | { readonly by: "local" }
  | {
      readonly by: "provider";
      readonly detector: "server_vad";
      /** 0 to 1. */
      readonly threshold: number;
      readonly prefixMs: Millis;
      readonly silenceMs: Millis;
      /** Say something after this much silence of the caller. */
      readonly idleMs?: Millis | undefined;
      readonly interrupt: boolean;
      /** Answer by itself at the end of a turn. */
      readonly answer: boolean;
    }
  | {
      readonly by: "provider";
      readonly detector: "semantic_vad";
      readonly eagerness: "low" | "medium" | "high" | "auto";
      readonly interrupt: boolean;
      readonly answer: boolean;
    };

/** One line of a conversation, as a model is told it. */
export type RealtimeItem = { readonly id: string } & (
  | { readonly kind: "message"; readonly who: "caller" | "agent" | "system"; readonly text: string }
  /** A data URL. */
  | { readonly kind: "image"; readonly url: string }
  | { readonly kind: "call"; readonly call: string; readonly name: string; readonly args: string }
  | { readonly kind: "result"; readonly call: string; readonly output: string }
);

/** What a response is for: an answer to all there is, or exactly this text. */
export type RealtimeAsk = { readonly type: "answer" } | { readonly type: "say"; readonly text: string };

export type ResponseEnd = "completed" | "cancelled" | "failed" | "incomplete";

export type RealtimeEvent =
  | { readonly type: "audio"; readonly samples: Int16Array; readonly item: string; readonly response: string }
  /** `append`: more of the line. Otherwise `text` is the whole line so far. */
  | {
      readonly type: "words";
      readonly who: "caller" | "agent";
      readonly item: string;
      /** Of an agent's words. */
      readonly response?: string;
      readonly text: string;
      readonly append: boolean;
      readonly final: boolean;
    }
  /** An item has its place: after `after`, first when that is null, unknown when it is undefined. */
  | {
      readonly type: "placed";
      readonly item: string;
      readonly after: string | null | undefined;
      readonly who: "caller" | "agent" | "other";
      /** It is what the caller has just said. */
      readonly committed: boolean;
    }
  /** `at`: ms of audio written to this connection. */
  | { readonly type: "speech"; readonly on: boolean; readonly at: Millis; readonly item: string }
  | {
      readonly type: "call";
      readonly id: string;
      readonly item: string;
      readonly response: string;
      readonly name: string;
      readonly args: string;
    }
  | { readonly type: "started"; readonly response: string; readonly ask: RealtimeAsk | undefined }
  /** `again`: it failed and is asked for once more, unseen by the caller. */
  | {
      readonly type: "ended";
      readonly response: string;
      readonly end: ResponseEnd;
      readonly reason?: string | undefined;
      readonly again: boolean;
    }
  /** What was asked for will not come; no response of it ever started. */
  | { readonly type: "unanswered"; readonly ask: RealtimeAsk; readonly error: VoiceError }
  | { readonly type: "usage"; readonly usage: RealtimeUsage }
  /** The connection goes on. */
  | { readonly type: "trouble"; readonly error: VoiceError }
  /** The last event. */
  | { readonly type: "closed"; readonly error: VoiceError }
  /** What has no neutral meaning, as it came. */
  | { readonly type: "raw"; readonly event: unknown };

/** One open line to a model. Nothing here blocks or throws; after `closed` everything is ignored. */
export interface RealtimeConnection {
  readonly id: string;
  readonly model: RealtimeModel;
  /** When the provider will end it; undefined when it did not say. */
  readonly expiresAt: Epoch | undefined;
  /** When the last sign of life came, on the platform's clock. */
  readonly seenAt: Millis;
  /** What was asked for and has not begun, in order: to be asked again elsewhere. */
  readonly waiting: readonly RealtimeAsk[];
  /** The response under way. */
  readonly active: string | undefined;
  /**
   * Samples at the input format's rate; false when the line is full and nothing was sent. `late`: what was said before,
   * which is sent however full it is.
   */
  sendAudio(samples: Int16Array, late?: boolean): boolean;
  add(item: RealtimeItem): void;
  remove(item: string): void;
  /** Settles when everything added so far is acknowledged, at the latest after 3 s. */
  acknowledged(): Promise<void>;
  /** The caller's audio since the last commit is a turn. */
  commit(): void;
  /** Forgets the caller's audio since the last commit. */
  clear(): void;
  respond(ask: RealtimeAsk): void;
  /** Stops the response under way, and forgets what waits. */
  cancel(): void;
  /** `heard`: whole ms, not more than was produced. */
  truncate(item: string, heard: Millis): void;
  /** Throws VoiceError when the provider refuses, or says nothing for 5 s. */
  update(patch: Partial<Omit<RealtimeConfig, "history">>): Promise<void>;
  /** Bounded, idempotent. */
  close(): Promise<void>;
}
