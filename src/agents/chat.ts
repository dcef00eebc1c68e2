/*
 * The conversation in the form that chat models read. An agent's line is what was heard of it; calls stand together with
 * their results, whenever those came, because chat models refuse one without the other.
 */
import type { Brief, Item } from "./types.ts";

/** A message as Chat Completions and most other chat models take it. */
export type ChatMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string | null; readonly tool_calls?: readonly ChatCall[] }
  | { readonly role: "tool"; readonly tool_call_id: string; readonly content: string };

export interface ChatCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** Turns brief and items into messages. Calls in a row are one message; one without a result is said to be running. */
export function chatMessages(brief: Brief, items: readonly Item[]): ChatMessage[] {
  const results = new Map(items.flatMap((item) => (item.kind === "result" ? [[item.call, item.output] as const] : [])));
  const messages: ChatMessage[] = [];
  if (brief.instructions !== "") messages.push({ role: "system", content: brief.instructions });
  let calls: Extract<Item, { kind: "call" }>[] = [];
  const flush = (): void => {
    if (calls.length === 0) return;
    messages.push({ role: "assistant", content: null, tool_calls: calls.map(toChatCall) });
    for (const { id } of calls) {
      messages.push({
        role: "tool",
        tool_call_id: id,
        content: results.get(id) ?? "(still running; the result comes later)",
      });
    }
    calls = [];
  };
  for (const item of items) {
    if (item.kind === "call") {
      calls.push(item);
      continue;
    }
    if (item.kind === "result") continue;
    flush();
    if (item.kind === "handoff") messages.push({ role: "system", content: handoffNote(item.from, item.to) });
    else if (item.text !== "") messages.push(toMessage(item));
  }
  flush();
  return messages;
}

/** The brief's tools as Chat Completions takes them. */
export function chatTools(brief: Brief): readonly object[] {
  return brief.tools.map(({ name, description, parameters }) => ({
    type: "function",
    function: { name, description, parameters },
  }));
}

/** What the agent who takes over has to know. */
export function handoffNote(from: string, to: string): string {
  return `${from} has passed the caller on to ${to}. You are ${to} now. Say briefly who you are and go on from here; do not ask again for what was said.`;
}

function toMessage(item: Extract<Item, { kind: "message" }>): ChatMessage {
  if (item.who === "agent") return { role: "assistant", content: item.text };
  return { role: item.who === "caller" ? "user" : "system", content: item.text };
}

function toChatCall({ id, name, args }: Extract<Item, { kind: "call" }>): ChatCall {
  return { id, type: "function", function: { name, arguments: args === "" ? "{}" : args } };
}
