/*
 * Items: the lines of a realtime conversation, and the reader for those that clients create.
 *
 * Items say `output_audio` and `output_text` where the content parts of a response say `audio` and `text`.
 */
import { type Complaint, invalid, isRecord, missing } from "./complaint.ts";

export type ItemStatus = "completed" | "incomplete" | "in_progress";

interface Common {
  readonly id?: string;
  readonly object?: "realtime.item";
  /** No effect on input. */
  readonly status?: ItemStatus;
}

export interface TextPart {
  readonly type: "input_text";
  readonly text: string;
}

export interface AudioPart {
  readonly type: "input_audio";
  /** Base64, in the session's input format. Only in `conversation.item.retrieved` and in what clients create. */
  readonly audio?: string;
  /** Null until it is recognised. The key is always there in what a server sends: a stock client dies without it. */
  readonly transcript?: string | null;
}

export interface ImagePart {
  readonly type: "input_image";
  /** A data URL. */
  readonly image_url: string;
  readonly detail?: "auto" | "low" | "high";
}

export type AssistantPart =
  | { readonly type: "output_text"; readonly text: string }
  | { readonly type: "output_audio"; readonly audio?: string; readonly transcript?: string | null };

export interface SystemMessage extends Common {
  readonly type: "message";
  readonly role: "system";
  readonly content: readonly TextPart[];
}

export interface UserMessage extends Common {
  readonly type: "message";
  readonly role: "user";
  readonly content: readonly (TextPart | AudioPart | ImagePart)[];
}

export interface AssistantMessage extends Common {
  readonly type: "message";
  readonly role: "assistant";
  readonly content: readonly AssistantPart[];
}

export interface FunctionCall extends Common {
  readonly type: "function_call";
  readonly name: string;
  /** A JSON text. */
  readonly arguments: string;
  readonly call_id: string;
}

export interface FunctionCallOutput extends Common {
  readonly type: "function_call_output";
  readonly call_id: string;
  readonly output: string;
}

export interface McpListTools {
  readonly type: "mcp_list_tools";
  readonly id?: string;
  readonly server_label: string;
  readonly tools: readonly {
    readonly name: string;
    readonly input_schema: unknown;
    readonly description?: string | null;
    readonly annotations?: unknown;
  }[];
}

export interface McpCall {
  readonly type: "mcp_call";
  readonly id: string;
  readonly server_label: string;
  readonly name: string;
  readonly arguments: string;
  readonly output?: string | null;
  readonly error?:
    | { readonly type: "protocol_error" | "http_error"; readonly code: number; readonly message: string }
    | { readonly type: "tool_execution_error"; readonly message: string }
    | null;
  readonly approval_request_id?: string | null;
}

export interface McpApprovalRequest {
  readonly type: "mcp_approval_request";
  readonly id: string;
  readonly server_label: string;
  readonly name: string;
  readonly arguments: string;
}

export interface McpApprovalResponse {
  readonly type: "mcp_approval_response";
  readonly id: string;
  readonly approval_request_id: string;
  readonly approve: boolean;
  readonly reason?: string | null;
}

/** One line of the conversation, as it stands on the wire. */
export type WireItem =
  | SystemMessage
  | UserMessage
  | AssistantMessage
  | FunctionCall
  | FunctionCallOutput
  | McpListTools
  | McpCall
  | McpApprovalRequest
  | McpApprovalResponse;

/** Stands for an item of the conversation, in the `input` of a response only. */
export interface ItemReference {
  readonly type: "item_reference";
  readonly id: string;
}

const statuses: readonly unknown[] = ["completed", "incomplete", "in_progress"];
const details: readonly unknown[] = ["auto", "low", "high"];

/** Which parts each role may hold. A client cannot create audio of the assistant, only text. */
const partsOf: Readonly<Record<string, readonly string[]>> = {
  system: ["input_text"],
  user: ["input_text", "input_audio", "input_image"],
  assistant: ["output_text"],
};

/** An item as a client creates it. `path` names it in complaints. Members it does not know are left out. */
export function readItem(value: unknown, path: string): WireItem | Complaint {
  if (value === undefined) return missing(path);
  if (!isRecord(value)) return invalid(path, "an object", value);
  const { id, status } = value;
  if (id !== undefined && !isName(id)) return invalid(`${path}.id`, "a string of 1 to 64 characters", id);
  if (status !== undefined && status !== null && !statuses.includes(status))
    return invalid(`${path}.status`, "completed, incomplete or in_progress", status);
  const common: Common = { ...(id !== undefined && { id }) };
  switch (value["type"]) {
    case "message":
      return readMessage(value, path, common);
    case "function_call": {
      const text = readStrings(value, path, ["name", "arguments", "call_id"]);
      if ("fault" in text) return text;
      const [name, args, call] = text.read;
      return { ...common, type: "function_call", name, arguments: args, call_id: call };
    }
    case "function_call_output": {
      const text = readStrings(value, path, ["call_id", "output", "call_id"]);
      if ("fault" in text) return text;
      const [call, output] = text.read;
      return { ...common, type: "function_call_output", call_id: call, output };
    }
    case "mcp_approval_response": {
      const text = readStrings(value, path, ["id", "approval_request_id", "id"]);
      if ("fault" in text) return text;
      const [own, request] = text.read;
      const { approve } = value;
      if (typeof approve !== "boolean") return invalid(`${path}.approve`, "true or false", approve);
      return { type: "mcp_approval_response", id: own, approval_request_id: request, approve };
    }
    case undefined:
      return missing(`${path}.type`);
    default:
      return invalid(
        `${path}.type`,
        "message, function_call, function_call_output or mcp_approval_response",
        value["type"],
      );
  }
}

/** A reference to an item, or an item: what the `input` of a response holds. */
export function readInput(value: unknown, path: string): WireItem | ItemReference | Complaint {
  if (!isRecord(value) || value["type"] !== "item_reference") return readItem(value, path);
  const { id } = value;
  return isName(id) ? { type: "item_reference", id } : missing(`${path}.id`);
}

function readMessage(value: Readonly<Record<string, unknown>>, path: string, common: Common): WireItem | Complaint {
  const { role, content } = value;
  const allowed = typeof role === "string" && Object.hasOwn(partsOf, role) ? partsOf[role] : undefined;
  if (role === undefined) return missing(`${path}.role`);
  if (allowed === undefined) return invalid(`${path}.role`, "system, user or assistant", role);
  if (!Array.isArray(content))
    return content === undefined ? missing(`${path}.content`) : invalid(`${path}.content`, "an array", content);
  const parts: (TextPart | AudioPart | ImagePart | AssistantPart)[] = [];
  for (const [index, part] of content.entries()) {
    const read = readPart(part, `${path}.content[${index}]`, allowed);
    if ("fault" in read) return read;
    parts.push(read);
  }
  if (role === "system") return { ...common, type: "message", role, content: parts.filter(isText) };
  if (role === "assistant") return { ...common, type: "message", role, content: parts.filter(isAssistant) };
  return { ...common, type: "message", role: "user", content: parts.filter(isUser) };
}

type Part = TextPart | AudioPart | ImagePart | AssistantPart;

function readPart(value: unknown, path: string, allowed: readonly string[]): Part | Complaint {
  if (!isRecord(value)) return invalid(path, "an object", value);
  const { type, text, audio, transcript, image_url, detail } = value;
  if (typeof type !== "string" || !allowed.includes(type)) return invalid(`${path}.type`, allowed.join(" or "), type);
  switch (type) {
    case "input_text":
    case "output_text":
      return typeof text === "string" ? { type, text } : missing(`${path}.text`);
    case "input_image":
      if (typeof image_url !== "string" || !image_url.startsWith("data:"))
        return invalid(`${path}.image_url`, "a data URL", image_url);
      if (detail !== undefined && !details.includes(detail))
        return invalid(`${path}.detail`, "auto, low or high", detail);
      return { type, image_url, ...(isDetail(detail) && { detail }) };
    default:
      if (audio !== undefined && typeof audio !== "string") return invalid(`${path}.audio`, "base64", audio);
      return {
        type: "input_audio",
        ...(audio !== undefined && { audio }),
        transcript: typeof transcript === "string" ? transcript : null,
      };
  }
}

function readStrings(
  value: Readonly<Record<string, unknown>>,
  path: string,
  names: readonly [string, string, string],
): { readonly read: readonly [string, string, string] } | Complaint {
  const [a, b, c] = names.map((name) => value[name]);
  if (typeof a === "string" && typeof b === "string" && typeof c === "string") return { read: [a, b, c] };
  const name = names.find((one) => typeof value[one] !== "string") ?? names[0];
  return value[name] === undefined ? missing(`${path}.${name}`) : invalid(`${path}.${name}`, "a string", value[name]);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= 64;
}

function isDetail(value: unknown): value is "auto" | "low" | "high" {
  return details.includes(value);
}

function isText(part: Part): part is TextPart {
  return part.type === "input_text";
}

function isAssistant(part: Part): part is AssistantPart {
  return part.type === "output_text" || part.type === "output_audio";
}

function isUser(part: Part): part is TextPart | AudioPart | ImagePart {
  return !isAssistant(part);
}
