/*
 * Reads what the server says beside the media. Unknown types and unknown members are ignored, a known type with wrong
 * members is a Fault: a server that is newer, or wrong, never breaks the page.
 */
import type { Fault } from "../base/errors.ts";
import { type AgentState, type EndReason, isRecord, type PageEvent, type TurnParts } from "../protocol/page.ts";

type Data = Readonly<Record<string, unknown>>;
export interface Pong {
  readonly type: "pong";
  /** What the ping had sent. */
  readonly t: number;
}

const states: readonly AgentState[] = ["idle", "listening", "thinking", "speaking"];
const reasons: readonly EndReason[] = ["handler", "time_limit", "shutdown", "kicked", "error"];
const phases = ["started", "resumed", "ended", "answered"] as const;
const statuses = ["running", "needs-approval", "ok", "error"] as const;
const roles = ["user", "agent", "system"] as const;

const readers: Readonly<Record<string, (data: Data, message: string) => PageEvent | Pong | undefined>> = {
  agent_state: (data) => {
    const state = oneOf(states, data["state"]);
    return isText(data["id"]) && state !== undefined
      ? { type: "agent_state", data: { id: data["id"], state } }
      : undefined;
  },
  user_state: ({ speaking }) =>
    typeof speaking === "boolean" ? { type: "user_state", data: { speaking } } : undefined,
  transcript: (data) => {
    const { id, text, final } = data;
    const role = oneOf(roles, data["role"]);
    if (!isText(id) || typeof text !== "string" || typeof final !== "boolean" || role === undefined) return undefined;
    return {
      type: "transcript",
      data: {
        id,
        role,
        text,
        final,
        ...texts(data, "turnId", "agentId"),
        ...numbers(data, "heardChars"),
        rejected: data["rejected"] === true,
      },
    };
  },
  interrupted: (data) => {
    const { heardMs, heardText = "" } = data;
    if (!isNumber(heardMs) || typeof heardText !== "string") return undefined;
    return { type: "interrupted", data: { heardMs, heardText, ...texts(data, "turnId", "itemId") } };
  },
  turn: (data) => {
    const phase = oneOf(phases, data["phase"]);
    if (!isText(data["turnId"]) || phase === undefined) return undefined;
    const parts = readParts(data["parts"]);
    return {
      type: "turn",
      data: {
        turnId: data["turnId"],
        phase,
        ...texts(data, "why"),
        ...numbers(data, "totalMs"),
        ...(parts !== undefined && { parts }),
      },
    };
  },
  output: (data) =>
    isText(data["name"]) ? { type: "output", data: { name: data["name"], value: data["value"] } } : undefined,
  tool: (data) => {
    const { callId, name, args } = data;
    const status = oneOf(statuses, data["status"]);
    if (!isText(callId) || !isText(name) || status === undefined) return undefined;
    return {
      type: "tool",
      data: {
        callId,
        name,
        status,
        args: typeof args === "string" ? args : JSON.stringify(args ?? {}),
        ...texts(data, "agentId", "result", "progress"),
        ...numbers(data, "ms"),
      },
    };
  },
  handoff: (data) =>
    isText(data["to"]) ? { type: "handoff", data: { to: data["to"], ...texts(data, "from") } } : undefined,
  usage: (data) => ({ type: "usage", data }),
  turn_detection: (data) => ({ type: "turn_detection", data }),
  limits: (data) => ({ type: "limits", data }),
  send_input: (data) => ({ type: "send_input", data }),
  stopword: (data) => ({ type: "stopword", data }),
  warning: (data, message) => ({ type: "warning", message, data: readTrouble(data) }),
  error: (data, message) => ({ type: "error", message, data: readTrouble(data) }),
  end_stream: (data, message) => ({
    type: "end_stream",
    data: {
      reason: oneOf(reasons, data["reason"]) ?? "handler",
      message: isText(data["message"]) ? data["message"] : message,
    },
  }),
  pong: ({ t }) => (isNumber(t) ? { type: "pong", t } : undefined),
};

/** Reads one text message. `undefined`: a type this version does not know. Never throws. */
export function readPageEvent(text: string): PageEvent | Pong | Fault | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return bad("a message must be JSON");
  }
  if (!isRecord(json)) return bad("a message must be an object");
  const type = json["type"] ?? json["event"];
  if (typeof type !== "string") return bad("a message must have a type");
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (reader === undefined) return undefined;
  const data = isRecord(json["data"]) ? json["data"] : json;
  return reader(data, readMessage(json)) ?? bad(`a ${type} message has wrong members`);
}

/** FastRTC's own servers put the text into `message`, its documentation into `data`. */
function readMessage(json: Data): string {
  if (typeof json["message"] === "string") return json["message"];
  if (typeof json["data"] === "string") return json["data"];
  return isRecord(json["data"]) && typeof json["data"]["message"] === "string" ? json["data"]["message"] : "";
}

function readTrouble(data: Data): { readonly code: string; readonly fatal: boolean } {
  return { code: isText(data["code"]) ? data["code"] : "agent-error", fatal: data["fatal"] === true };
}

function readParts(value: unknown): TurnParts | undefined {
  if (!isRecord(value)) return undefined;
  const part = (name: string): number => (isNumber(value[name]) ? value[name] : 0);
  return {
    endpointing: part("endpointing"),
    stt: part("stt"),
    llm: part("llm"),
    tool: part("tool"),
    tts: part("tts"),
    framework: part("framework"),
  };
}

/** Those of the named members that are texts. */
function texts<Name extends string>(data: Data, ...names: readonly Name[]): { readonly [K in Name]?: string } {
  const found: { [K in Name]?: string } = {};
  for (const name of names) {
    const value = data[name];
    if (typeof value === "string") found[name] = value;
  }
  return found;
}

/** Those of the named members that are finite numbers. */
function numbers<Name extends string>(data: Data, ...names: readonly Name[]): { readonly [K in Name]?: number } {
  const found: { [K in Name]?: number } = {};
  for (const name of names) {
    const value = data[name];
    if (isNumber(value)) found[name] = value;
  }
  return found;
}

const oneOf = <T extends string>(list: readonly T[], value: unknown): T | undefined =>
  list.find((one) => one === value);
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

function bad(why: string): Fault {
  return { fault: "bad-message", why };
}
