/*
 * What travels beside the media between a session and its page, the same on a data channel and on a WebSocket:
 * JSON text `{ type, data, seq, at }`. Server to page: `PageEvent`. Page to server: `CallerMessage`.
 * Unknown types and unknown members are ignored, so that either side may be newer.
 */
import type { Fault } from "../base/errors.ts";
import type { Millis } from "../base/time.ts";

export type AgentState = "idle" | "listening" | "thinking" | "speaking";

/** How long each part of a turn took, in ms. The parts add up to `totalMs`. */
export interface TurnParts {
  /** True end of speech to "the caller has finished". */
  readonly endpointing: number;
  readonly stt: number;
  readonly llm: number;
  readonly tool: number;
  readonly tts: number;
  /** The framework's own share: everything on the server that is none of the others. */
  readonly framework: number;
}

/** Server to page. */
export type PageEvent =
  | { readonly type: "agent_state"; readonly data: { readonly id: string; readonly state: AgentState } }
  | { readonly type: "user_state"; readonly data: { readonly speaking: boolean } }
  | {
      readonly type: "transcript";
      readonly data: {
        /** The item; a later event with the same id replaces the line. */
        readonly id: string;
        readonly turnId?: string;
        readonly role: "user" | "agent" | "system";
        readonly agentId?: string;
        readonly text: string;
        readonly final: boolean;
        /** How many characters of `text` the caller has heard so far. */
        readonly heardChars?: number;
        /** The recogniser was not sure enough to pass this on. */
        readonly rejected?: boolean;
      };
    }
  | {
      readonly type: "interrupted";
      readonly data: {
        readonly turnId?: string;
        readonly itemId?: string;
        readonly heardMs: number;
        readonly heardText: string;
      };
    }
  | {
      readonly type: "turn";
      readonly data: {
        readonly turnId: string;
        readonly phase: "started" | "resumed" | "ended" | "answered";
        readonly why?: string;
        readonly parts?: TurnParts;
        /** End of speech to the first sample leaving the server, ms. */
        readonly totalMs?: number;
      };
    }
  | { readonly type: "output"; readonly data: { readonly name: string; readonly value: unknown } }
  | {
      readonly type: "tool";
      readonly data: {
        readonly callId: string;
        readonly name: string;
        readonly agentId?: string;
        readonly status: "running" | "needs-approval" | "ok" | "error";
        readonly args: string;
        readonly result?: string;
        readonly ms?: number;
        /** What the tool says while it works. */
        readonly progress?: string;
      };
    }
  | { readonly type: "handoff"; readonly data: { readonly from?: string; readonly to: string } }
  | { readonly type: "usage"; readonly data: Readonly<Record<string, unknown>> }
  | { readonly type: "turn_detection"; readonly data: Readonly<Record<string, unknown>> }
  | { readonly type: "limits"; readonly data: Readonly<Record<string, unknown>> }
  | { readonly type: "send_input"; readonly data: unknown }
  | { readonly type: "stopword"; readonly data: unknown }
  | { readonly type: "warning"; readonly message: string; readonly data: Trouble }
  | { readonly type: "error"; readonly message: string; readonly data: Trouble }
  | { readonly type: "end_stream"; readonly data: { readonly reason: EndReason; readonly message: string } };

/** What went wrong, beside a message for people. */
export type Trouble = { readonly code: string; readonly fatal: boolean };

export type EndReason = "handler" | "time_limit" | "shutdown" | "kicked" | "error";

/** Page to server. */
export type CallerMessage =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "talk"; readonly phase: "start" | "end" | "cancel" }
  | { readonly type: "interrupt" }
  | { readonly type: "inputs"; readonly values: Readonly<Record<string, unknown>> }
  | { readonly type: "tune"; readonly policy: Readonly<Record<string, unknown>> }
  | { readonly type: "approve"; readonly callId: string; readonly ok: boolean }
  | { readonly type: "mic"; readonly muted: boolean }
  | { readonly type: "digit"; readonly digit: string }
  /** Where the page's speaker is on the stream of everything it was sent: see docs/wire.md. */
  | { readonly type: "position"; readonly rtpTimestamp: number }
  | { readonly type: "ping"; readonly t: number }
  | { readonly type: "reset" }
  | { readonly type: "stop" }
  | { readonly type: "custom"; readonly name: string; readonly value: unknown };

/** Longest typed line, in characters: ten times what a person types in one go. */
const TEXT_LIMIT = 4_000;

type Data = Readonly<Record<string, unknown>>;

const readers: Readonly<Record<string, (data: Data) => CallerMessage | Fault>> = {
  text: (data) => {
    const text = typeof data["text"] === "string" ? data["text"].trim() : "";
    if (text === "") return bad("text must be a non-empty string");
    if (text.length > TEXT_LIMIT)
      return { fault: "too-large", why: `text may have ${TEXT_LIMIT} characters, got ${text.length}` };
    return { type: "text", text };
  },
  talk: (data) => {
    const phase = data["phase"];
    return phase === "start" || phase === "end" || phase === "cancel"
      ? { type: "talk", phase }
      : bad("talk.phase must be start, end or cancel");
  },
  interrupt: () => ({ type: "interrupt" }),
  inputs: (data) => ({ type: "inputs", values: data }),
  turn_detection: (data) => ({ type: "tune", policy: data }),
  tool_approval: (data) =>
    typeof data["callId"] === "string" && typeof data["ok"] === "boolean"
      ? { type: "approve", callId: data["callId"], ok: data["ok"] }
      : bad("tool_approval needs callId and ok"),
  mic: (data) =>
    typeof data["muted"] === "boolean" ? { type: "mic", muted: data["muted"] } : bad("mic.muted must be a boolean"),
  digit: (data) =>
    typeof data["digit"] === "string" && /^[0-9*#A-D]$/.test(data["digit"])
      ? { type: "digit", digit: data["digit"] }
      : bad("digit must be one of 0-9 * # A-D"),
  position: (data) =>
    typeof data["rtpTimestamp"] === "number" && Number.isInteger(data["rtpTimestamp"])
      ? { type: "position", rtpTimestamp: data["rtpTimestamp"] >>> 0 }
      : bad("position.rtpTimestamp must be an integer"),
  ping: (data) => (typeof data["t"] === "number" ? { type: "ping", t: data["t"] } : bad("ping.t must be a number")),
  reset: () => ({ type: "reset" }),
  stop: () => ({ type: "stop" }),
  custom: (data) =>
    typeof data["name"] === "string"
      ? { type: "custom", name: data["name"], value: data["value"] }
      : bad("custom.name must be a string"),
};

/**
 * Reads one text message of a page, already parsed from JSON. Returns a Fault for a known type with wrong members and
 * `undefined` for a type this version does not know. Never throws.
 */
export function readCallerMessage(json: unknown): CallerMessage | Fault | undefined {
  if (!isRecord(json) || typeof json["type"] !== "string") return bad("a message must be an object with a type");
  const reader = Object.hasOwn(readers, json["type"]) ? readers[json["type"]] : undefined;
  if (reader === undefined) return undefined;
  return reader(isRecord(json["data"]) ? json["data"] : {});
}

/** The wire form of an event: `seq` counts the events of a session, `at` is ms since it opened. */
export function writePageEvent(event: PageEvent, seq: number, at: Millis): string {
  return JSON.stringify({ ...event, seq, at: Math.round(at) });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bad(why: string): Fault {
  return { fault: "bad-message", why };
}
