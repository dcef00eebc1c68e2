/*
 * The contract of the browser client: what a page gives it, what it can do, and the snapshot a page draws.
 */
import type { VoiceError } from "../base/errors.ts";
import type { Epoch } from "../base/time.ts";
import type { PageAgent, PageConfig } from "../protocol/config.ts";
import type { AgentState, EndReason, PageEvent, TurnParts } from "../protocol/page.ts";

export interface VoiceClientOptions {
  /** Where the server's paths begin. Default: the folder of the document. */
  readonly baseUrl?: string;
  /** Bearer token, or how to get one; asked for every request. Default: none. */
  readonly auth?: string | (() => string | Promise<string>);
  /** The agent that shall answer. Default: the server's first. */
  readonly agent?: string;
  /** Constraints for the microphone, a stream of your own (never stopped by the client), or `false` for text only. */
  readonly mic?: MediaTrackConstraints | MediaStream | false;
  /** Replaces the browser's connection settings, such as ICE servers. */
  readonly rtc?: RTCConfiguration;
  /** Plays the agent. Default: an element of the client's own, never shown. */
  readonly element?: HTMLAudioElement;
}

export interface VoiceClient {
  /** Reads the server's configuration into the snapshot. `connect` does so too; call it to draw a start screen. */
  load(): Promise<void>;
  /**
   * Asks for the microphone and connects. Call it inside a tap, which also allows sound. While connecting the same promise
   * is returned. Rejects with the VoiceError that the snapshot's connection then holds.
   */
  connect(options?: Pick<VoiceClientOptions, "mic" | "agent">): Promise<void>;
  /** Hangs up. Idempotent. */
  disconnect(): void;
  /** A new conversation on the same call. */
  reset(): void;
  /** Plays sound after the browser refused to: call it inside a tap. */
  unlockAudio(): Promise<void>;
  /** The call goes on with silence in place of the microphone. */
  setMuted(muted: boolean): void;
  /** Changes the microphone, also during a call. Rejects with a VoiceError and keeps the old one when it cannot. */
  setMic(deviceId: string): Promise<void>;
  /** Takes the floor back from the agent. */
  interrupt(): void;
  /** Says something by typing; interrupts first. */
  sendText(text: string): void;
  /** Allows or refuses a tool call that waits for approval. */
  approveTool(callId: string, ok: boolean): void;
  /** Push to talk: the server takes what is said between start and end as one turn. */
  readonly talk: { start(): void; end(): void; cancel(): void };
  /** Any other message, see docs/wire.md. */
  send(type: string, data?: unknown): void;
  /** How loud each side is, 0 to 1. Cheap: call it inside requestAnimationFrame, never store it in a snapshot. */
  readonly levels: { input(): number; output(): number };
  /** The same object until something has changed. */
  getSnapshot(): VoiceSnapshot;
  /** Calls back after every change; the result stops it. */
  subscribe(listener: () => void): () => void;
  on<E extends keyof VoiceEvents>(event: E, listener: (value: VoiceEvents[E]) => void): () => void;
  /** Hangs up and lets go of everything. The client cannot be used again. */
  dispose(): void;
}

export type VoiceEvents = {
  /** Every event of the server, as it came. */
  message: PageEvent;
  /** Every failure, fatal or not. */
  error: VoiceError;
};

/** Immutable and structurally shared: a part that did not change keeps its identity. */
export interface VoiceSnapshot {
  /** What the server said of itself; undefined until it has. */
  readonly config: PageConfig | undefined;
  readonly connection: Connection;
  /** The way to a call, in order; kept after it is up, for its times. */
  readonly steps: readonly Step[];
  readonly agents: readonly AgentView[];
  readonly activeAgent: string | undefined;
  /** The server hears the caller speak. */
  readonly userSpeaking: boolean;
  readonly mic: MicView;
  /** The browser refused to play sound: show a button that calls `unlockAudio`. */
  readonly audioBlocked: boolean;
  readonly transcript: readonly Line[];
  readonly latency: LatencyView;
  readonly net: NetStats;
}

export type Connection =
  | { readonly state: "idle" }
  | { readonly state: "connecting"; readonly since: Epoch }
  | { readonly state: "connected"; readonly transport: "webrtc"; readonly sessionId: string; readonly since: Epoch }
  | {
      readonly state: "ended";
      readonly reason: "user" | EndReason;
      readonly message?: string;
      readonly lastedMs: number;
    }
  /** `lastedMs`: how long the call had been up; 0 when it never was. */
  | { readonly state: "failed"; readonly error: VoiceError; readonly lastedMs: number };

export type StepName = "microphone" | "signalling" | "media" | "agent";
export interface Step {
  readonly name: StepName;
  readonly state: "waiting" | "running" | "done" | "failed";
  readonly ms?: number;
}

export interface AgentView extends PageAgent {
  readonly state: AgentState;
  /** It has spoken for the team and passed the call on. */
  readonly handedOff: boolean;
}

export interface MicView {
  readonly state: "off" | "requesting" | "on" | "error";
  readonly muted: boolean;
  /** Name of the microphone in use. */
  readonly label: string | undefined;
  readonly deviceId: string | undefined;
  /** Nothing was heard for a while, or the system has muted the device. */
  readonly hint: "silent" | "system-muted" | undefined;
  /** Microphones to choose from; empty until one was allowed. */
  readonly devices: readonly { readonly deviceId: string; readonly label: string }[];
}

/** One line of the conversation, in the order of turns rather than of arrival. */
export type Line = { readonly id: string; readonly at: Epoch; readonly turnId: string | undefined } & (
  | {
      readonly kind: "said";
      readonly who: "caller" | "agent";
      readonly agent: string | undefined;
      readonly text: string;
      readonly final: boolean;
      /** The recogniser was not sure enough to pass this on. */
      readonly rejected: boolean;
      /** Characters of `text` the caller has heard; undefined where the server does not tell. */
      readonly heardChars: number | undefined;
      readonly interrupted: { readonly atMs: number } | undefined;
    }
  | {
      readonly kind: "tool";
      readonly name: string;
      readonly agent: string | undefined;
      readonly status: "running" | "needs-approval" | "ok" | "error";
      readonly args: string;
      readonly result: string | undefined;
      readonly progress: string | undefined;
      readonly ms: number | undefined;
    }
  | { readonly kind: "handoff"; readonly from: string | undefined; readonly to: string }
  | { readonly kind: "notice"; readonly level: "info" | "warning" | "error"; readonly text: string }
);

export type LatencyPart = keyof TurnParts | "network";
export interface TurnLatency {
  readonly turnId: string;
  /** End of the caller's speech to the first audible sample of the answer, ms. */
  readonly totalMs: number;
  /** Where `totalMs` was measured. "server" leaves out network and buffers. */
  readonly measuredBy: "page" | "server";
  /** Durations in ms. `network`: everything between the server's first sample and the caller's ear. */
  readonly parts: Partial<Record<LatencyPart, number>>;
}
export interface LatencyView {
  readonly turns: readonly TurnLatency[];
  readonly medianMs?: number;
  readonly p95Ms?: number;
}

/** Of the last five seconds. Times in ms, shares in percent. */
export interface NetStats {
  readonly rttMs?: number;
  readonly jitterMs?: number;
  readonly bufferMs?: number;
  readonly lossPct?: number;
  readonly concealedPct?: number;
  readonly quality?: "good" | "fair" | "poor";
}
