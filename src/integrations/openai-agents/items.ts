/*
 * Our items and those of the SDK: the history that its functions read, and the input that its filters take and give back.
 */
import type { Item } from "../../agents/types.ts";
import { isRecord } from "../../protocol/page.ts";
import type { InputFilter } from "./shape.ts";

/** The conversation as `context.history` of a `RealtimeSession` has it. */
export function toHistory(items: readonly Item[]): readonly object[] {
  const outputs = new Map(items.flatMap((item) => (item.kind === "result" ? [[item.call, item.output] as const] : [])));
  return items.flatMap((item): object[] => {
    if (item.kind === "message") return [{ itemId: item.id, type: "message", ...spoken(item) }];
    if (item.kind !== "call") return [];
    const output = outputs.get(item.id) ?? null;
    const status = output === null ? "in_progress" : "completed";
    return [{ itemId: item.id, type: "function_call", name: item.name, arguments: item.args, status, output }];
  });
}

/**
 * What a colleague is told: the items as the SDK's filter leaves them, and who has passed the caller on. Throws TypeError
 * when the filter answers with something else.
 */
export function filtered(items: readonly Item[], filter: InputFilter, runContext: object): readonly Item[] {
  const originals = new Map<unknown, Item>(items.map((item) => [item.id, item]));
  const kept = filter({
    inputHistory: items.flatMap((item) => toInput(item) ?? []),
    preHandoffItems: [],
    newItems: [],
    runContext,
  });
  if (!isRecord(kept)) throw new TypeError(`an inputFilter must return the data it was given, got ${String(kept)}`);
  const before = kept["inputHistory"];
  const history = typeof before === "string" ? [{ role: "user", content: before }] : listOf(before);
  const generated = [...listOf(kept["preHandoffItems"]), ...listOf(kept["newItems"])].map(rawOf);
  const note = items.findLast((item) => item.kind === "handoff");
  // What is new stands where the caller was passed on.
  const { id = "itm", at = 0 } = note ?? items.at(-1) ?? {};
  const told = [...history, ...generated].map((value, index) => {
    const original = isRecord(value) ? originals.get(value["id"]) : undefined;
    return fromInput(value, original, { id: original?.id ?? `${id}_${index}`, at: original?.at ?? at });
  });
  return note === undefined ? told : [...told, note];
}

function spoken({ who, text, unheard }: Extract<Item, { kind: "message" }>): object {
  if (who === "system") return { role: "system", content: [{ type: "input_text", text }] };
  if (who === "caller")
    return { role: "user", status: "completed", content: [{ type: "input_audio", transcript: text }] };
  const status = unheard === undefined ? "completed" : "incomplete";
  return { role: "assistant", status, content: [{ type: "output_audio", transcript: text }] };
}

/** An item of the SDK's runner; a handoff has none. */
function toInput(item: Item): object | undefined {
  switch (item.kind) {
    case "message":
      if (item.who === "system") return { id: item.id, role: "system", content: item.text };
      if (item.who === "caller") return { id: item.id, role: "user", content: item.text };
      return {
        id: item.id,
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: item.text }],
      };
    case "call":
      return {
        id: item.id,
        type: "function_call",
        callId: item.id,
        name: item.name,
        arguments: item.args,
        status: "completed",
      };
    case "result":
      return {
        id: item.id,
        type: "function_call_result",
        callId: item.call,
        name: "",
        status: "completed",
        output: { type: "text", text: item.output },
      };
    case "handoff":
      return undefined;
  }
}

function fromInput(value: unknown, original: Item | undefined, head: Pick<Item, "id" | "at">): Item {
  if (!isRecord(value)) throw new TypeError(`an inputFilter must return items, got ${String(value)}`);
  const { type, name, callId } = value;
  if (type === "function_call" && typeof name === "string" && typeof callId === "string")
    return { ...head, id: callId, kind: "call", name, args: textOf(value["arguments"]) };
  if (type === "function_call_result" && typeof callId === "string") {
    const failed = original?.kind === "result" && original.failed;
    return { ...head, kind: "result", call: callId, output: textOf(value["output"]), failed };
  }
  const text = textOf(value["content"]);
  return original?.kind === "message" ? { ...original, text } : { ...head, kind: "message", who: whoOf(value), text };
}

function whoOf({ role, type }: Readonly<Record<string, unknown>>): "caller" | "agent" | "system" {
  if (role === "user") return "caller";
  if (role === "assistant") return "agent";
  if (role === "system") return "system";
  throw new TypeError(`an inputFilter must return messages and function calls, got ${String(type ?? role)}`);
}

/** Text, a part with text, or a list of them. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.map(textOf).join(" ");
  if (!isRecord(content)) return "";
  const { text, transcript } = content;
  return typeof text === "string" ? text : typeof transcript === "string" ? transcript : "";
}

/** The runner wraps what the model made. */
function rawOf(item: unknown): unknown {
  return isRecord(item) && isRecord(item["rawItem"]) ? item["rawItem"] : item;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
