/*
 * What the server half asks its owner to do, what a mind tells it, and the list in which the first is collected. The half
 * itself has no socket, no timer and no engine: every call answers with effects, to be carried out in order.
 */
import type { AudioFrame } from "../../audio/frame.ts";
import { encodeBase64 } from "../../base/base64.ts";
import type { VoiceError } from "../../base/errors.ts";
import type { Millis } from "../../base/time.ts";
import type { ServerEvent } from "../../protocol/openai/server-events.ts";
import type { ToolChoice, WireTool } from "../../protocol/openai/session.ts";
import type { TurnEvent } from "../../turn/events.ts";
import type { Entry } from "./conversation.ts";

/** What a mind has to know to answer beside its own conversation. */
export interface Ask {
  readonly instructions: string;
  readonly tools: readonly WireTool[];
  readonly toolChoice: ToolChoice;
  readonly voice: string;
  /** In place of what the mind remembers. */
  readonly context: readonly Entry[];
  /** Exactly this is to be said: what our own client puts in the metadata, beside an order in words for other servers. */
  readonly say?: string | undefined;
}

export type Effect =
  | { readonly do: "send"; readonly event: ServerEvent }
  /** The caller's audio, in order, mono at the session's input rate; `at` counts all audio since the beginning. */
  | { readonly do: "hear"; readonly frame: AudioFrame }
  | { readonly do: "turn"; readonly event: TurnEvent }
  /** One more line of the conversation that the mind has not seen. */
  | { readonly do: "add"; readonly entry: Entry }
  /** The mind must be told all anew: session, conversation or the order of it has changed. */
  | { readonly do: "brief"; readonly ask: Ask }
  /** The mind answers. `ask`: apart from its conversation, with these words only. */
  | { readonly do: "answer"; readonly response: string; readonly ask: Ask | undefined }
  | { readonly do: "cancel"; readonly response: string; readonly apart: boolean }
  /** This much of what the mind said under `item` was heard. */
  | { readonly do: "heard"; readonly item: string; readonly played: Millis; readonly dropped: Millis }
  /** Where audio is a media track: queue this for the caller's ear. */
  | {
      readonly do: "play";
      readonly response: string;
      readonly item: string;
      readonly samples: Int16Array;
      readonly rate: number;
    }
  /** Take back what was not heard, and answer with `hushed`. */
  | { readonly do: "hush" }
  | { readonly do: "close"; readonly code: number; readonly reason: string };

/** What a mind tells. Events of the engine border fit as they are. */
export type MindEvent =
  | { readonly type: "reply"; readonly id: string; readonly phase: "started" | "done" | "cancelled" | "failed" }
  | { readonly type: "audio"; readonly frame: AudioFrame }
  | {
      readonly type: "words";
      readonly who: "caller" | "agent";
      readonly item: string;
      /** All of it so far. */
      readonly text: string;
      readonly final: boolean;
    }
  | { readonly type: "call"; readonly id: string; readonly name: string; readonly args: string }
  | { readonly type: "likely-end"; readonly p: number }
  | { readonly type: "trouble"; readonly error: VoiceError }
  | { readonly type: "closed"; readonly error?: VoiceError }
  | { readonly type: "speech" | "uncall" | "usage" | "stage" | "closing" };

/** A server event before it has an id. */
export type Unsent = ServerEvent extends infer Event
  ? Event extends { readonly event_id: string }
    ? Omit<Event, "event_id">
    : never
  : never;

/** Codes of errors that are not complaints about a member. */
export interface Trouble {
  readonly type?: "invalid_request_error" | "server_error";
  readonly code: string;
  readonly message: string;
  readonly param?: string | null;
  /** The client's event. */
  readonly event?: string | null | undefined;
}

/** Collects effects until they are taken. Nothing goes out after `close`. */
export class Outbox {
  readonly makeId: (prefix: string) => string;
  readonly toBase64: (bytes: Uint8Array) => string;
  #effects: Effect[] = [];
  #closed = false;

  /** `makeId`: a new id behind a prefix such as `item`. */
  constructor(makeId: (prefix: string) => string, toBase64: (bytes: Uint8Array) => string = encodeBase64) {
    this.makeId = makeId;
    this.toBase64 = toBase64;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(event: Unsent): void {
    // Put together from a whole event without its id, and an id.
    this.do({ do: "send", event: { ...event, event_id: this.makeId("event") } as ServerEvent });
  }

  do(effect: Effect): void {
    if (!this.#closed) this.#effects.push(effect);
  }

  error({ type = "invalid_request_error", code, message, param = null, event = null }: Trouble): void {
    this.send({ type: "error", error: { type, code, message, param, event_id: event } });
  }

  close(code: number, reason: string): void {
    this.do({ do: "close", code, reason });
    this.#closed = true;
  }

  take(): readonly Effect[] {
    const effects = this.#effects;
    if (effects.length === 0) return NOTHING;
    this.#effects = [];
    return effects;
  }
}

const NOTHING: readonly Effect[] = Object.freeze([]);
