/*
 * The contract of the session floor: what a handler sees of its caller, and what a transport has to offer.
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { VoiceError } from "../base/errors.ts";
import type { Clock, Millis } from "../base/time.ts";
import type { CallerMessage, EndReason, PageEvent } from "../protocol/page.ts";
import type { TurnEvent } from "../turn/events.ts";
import type { VideoFrame } from "../video/frame.ts";

/** A value beside the media, for the caller's page. Delivered in order with the audio around it. */
export interface Message {
  readonly kind: "message";
  readonly name: string;
  readonly data: unknown;
}

export type Output = AudioFrame | VideoFrame | Message;

/** Your program, called once per caller. State is its closure; clean-up is its `finally`. Returning hangs up politely. */
export type Handler<In = unknown> = (session: Session<In>) => AsyncIterable<Output> | Promise<void>;

/** Your answer to one utterance. */
export type Reply<In = unknown> = (turn: Turn, session: Session<In>) => AsyncIterable<Output>;

/** One thing the caller said, and the right to answer it. */
export interface Turn {
  readonly id: string;
  /** Counts from 0. */
  readonly index: number;
  /** What was said, 300 ms of pre-roll included; empty when the turn was typed. */
  readonly audio: AudioFrame;
  /** Typed instead of spoken. */
  readonly text: string | undefined;
  /** Onset of speech. */
  readonly startedAt: Millis;
  /** When the turn was handed over. */
  readonly endedAt: Millis;
  /** Aborted when the caller takes the floor back or hangs up. */
  readonly signal: AbortSignal;
}

/** Generated, sent and heard are three different things; this is the third. */
export interface Heard {
  /** The utterance that was being played, if it was tied to one. */
  readonly item: string | undefined;
  /** Ms of that utterance (of everything since the last silence, without an item) that the caller heard. */
  readonly played: Millis;
  /** Ms that were queued or sent and taken back. */
  readonly dropped: Millis;
  /** The transport reported the position; otherwise it is reckoned from the clock. */
  readonly exact: boolean;
}

/** One caller, from answer to hang-up, whatever carries the call. */
export interface Session<In = unknown> extends AsyncDisposable {
  readonly id: string;
  /** Counts from 0 at the opening of the session. */
  readonly clock: Clock;
  readonly transport: { readonly name: string; readonly can: TransportCan };
  /** What came with the call: numbers, parameters, metadata. */
  readonly call: CallInfo;
  readonly state: "opening" | "live" | "away" | "closing" | "closed";
  /** The microphone. Bounded to 5 s: the oldest is dropped and counted. Costs nothing until read. */
  readonly audio: AsyncIterable<AudioFrame>;
  /** The camera; the newest picture wins. */
  readonly video: AsyncIterable<VideoFrame>;
  /** Latest values the page has set. */
  readonly inputs: In;
  /** Asks the page for new inputs; the latest ones when it does not answer in time (default 1000 ms). */
  requestInputs(options?: { readonly timeoutMs?: number }): Promise<In>;
  /** Aborted once, at the end, with the reason. */
  readonly signal: AbortSignal;
  /** The same microphone, synchronously. The result stops it. */
  tap(listener: (frame: AudioFrame) => void): () => void;
  /** Queues for the listener; never blocks. */
  send(output: Output): void;
  /** Tells the page something beside the media at once, ahead of queued audio. */
  tell(event: PageEvent): void;
  /** Shows the caller a warning. */
  warn(message: string): void;
  /** Takes back what was not yet heard. */
  interrupt(): Heard;
  /** Ms of our voice that wait to be heard. */
  readonly pending: Millis;
  on<E extends keyof SessionEvents>(event: E, listener: (event: SessionEvents[E]) => void): () => void;
  /** Hangs up. Idempotent: every call returns the same promise, which settles when everything is released. */
  close(reason?: unknown): Promise<void>;
}

export type SessionEvents = {
  turn: TurnEvent;
  message: CallerMessage;
  inputs: unknown;
  /** Our voice as heard: something began to be played, or nothing is left to be heard. */
  playing: { readonly on: boolean; readonly at: Millis };
  /** Position of our voice, at most every 20 ms while it plays. */
  heard: Heard;
  moved: { readonly transport: string };
  error: VoiceError;
  closed: { readonly reason: unknown };
  latency: { readonly turn: string; readonly stage: LatencyStage; readonly ms: Millis };
};

export type LatencyStage = "endpointing" | "stt" | "llm" | "tool" | "tts" | "model" | "network" | "framework" | "total";

/** The way to one caller. Ask what it can, never who it is. */
export interface Transport {
  /** For logs and meters only. */
  readonly name: string;
  readonly can: TransportCan;
  /** What is known about the call from the way it came in. */
  readonly call?: CallInfo;
  /** Called once, when the session is ready to listen. */
  open(sink: TransportSink): void;
  /** Audio comes at `can.rate` with `can.channels`, 20 ms at a time, already paced. */
  send(output: Output): void;
  /** An event for the page, ahead of queued audio; ignored where `can.messages` is false. */
  tell(event: PageEvent): void;
  /** Forget what was sent and not played; `played` may never count it. */
  clear(): void;
  /** Closes after telling the page why. Idempotent; `sink.closed` follows. */
  close(reason?: unknown): void;
}

/** What came with a call: telephone numbers, or what the page said about itself. None of it is proof of anything. */
export interface CallInfo {
  /** Who calls, as the carrier says: personal data. */
  readonly from?: string;
  readonly to?: string;
  /** The carrier's id of the call. */
  readonly callId?: string;
  /** The agent that the page asks for. */
  readonly agent?: string;
  /** Custom parameters of a telephone call, metadata of a page. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface TransportCan {
  /** Rate of audio both ways, in Hz. */
  readonly rate: number;
  /** Channels of audio both ways; two are interleaved. Default 1. */
  readonly channels?: 1 | 2;
  /** How far ahead of the caller's ear it wants to be fed, ms. */
  readonly lead: Millis;
  readonly video: boolean;
  readonly messages: boolean;
  readonly digits: boolean;
  /** It can take back what was sent. */
  readonly clears: boolean;
  /** It reports what was played. */
  readonly marks: boolean;
}

/** Where a transport delivers. Nothing here throws. */
export interface TransportSink {
  /** At `can.rate` with `can.channels`; `at` counts from the transport's first sample. */
  audio(frame: AudioFrame): void;
  video(frame: VideoFrame): void;
  message(message: CallerMessage): void;
  /** Position on the stream of everything sent since `open`, in ms. */
  played(upTo: Millis): void;
  /** The last call it will ever make. */
  closed(reason: unknown, resumable: boolean): void;
}

/** Gives out the right to hold a call. The memory version counts; the cluster version leases. */
export interface Admission {
  /** Throws VoiceError `concurrency-limit` when there is no room. */
  reserve(session: string, keys: readonly string[]): Promise<Slot>;
}

export interface Slot {
  renew(): void;
  release(): Promise<void>;
}

export type { EndReason };
