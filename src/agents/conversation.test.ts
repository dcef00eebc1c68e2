import { describe, expect, it } from "vitest";
import { chatMessages } from "./chat.ts";
import { Conversation } from "./conversation.ts";
import type { Brief, Item } from "./types.ts";

const line = (id: string, who: "caller" | "agent" | "system", text: string): Item => ({
  id,
  at: 0,
  kind: "message",
  who,
  text,
});
const call = (id: string, name: string, args = "{}"): Item => ({ id, at: 0, kind: "call", name, args });
const result = (id: string, of: string, output: string): Item => ({
  id,
  at: 0,
  kind: "result",
  call: of,
  output,
  failed: false,
});
const brief: Brief = { agent: "Ada", instructions: "Be brief.", history: [], turns: "local", tools: [], phrases: [] };

describe("a conversation", () => {
  it("completes a line in its place", () => {
    const conversation = new Conversation();
    conversation.put(line("1", "caller", "how"));
    conversation.put(line("2", "agent", "Yes?"));
    conversation.put(line("1", "caller", "how are you"));
    expect(conversation.items).toEqual([line("1", "caller", "how are you"), line("2", "agent", "Yes?")]);
  });

  it("shortens agents' lines to what was heard, and drops one of which nothing was", () => {
    const conversation = new Conversation();
    for (const item of [line("1", "caller", "Hi"), line("2", "agent", "Hello you there"), line("3", "agent", "More")])
      conversation.put(item);
    const changed = conversation.shorten([
      { id: "1", agent: "Ada", heard: "", unheard: "Hi" },
      { id: "2", agent: "Ada", heard: "Hello", unheard: "you there" },
      { id: "3", agent: "Ada", heard: "", unheard: "More" },
    ]);
    expect(conversation.items).toEqual([
      line("1", "caller", "Hi"),
      { ...line("2", "agent", "Hello"), unheard: "you there" },
    ]);
    expect(changed.map(({ id }) => id)).toEqual(["2", "3"]);
  });

  it("drops the oldest over its limit, a call together with its result", () => {
    const conversation = new Conversation(3);
    for (const item of [call("1", "a"), line("2", "agent", "x"), result("3", "1", "ok"), line("4", "agent", "y")])
      conversation.put(item);
    expect(conversation.items.map(({ id }) => id)).toEqual(["2", "4"]);
  });
});

describe("chat messages", () => {
  it("keep calls of one reply and their results together, whenever the results came", () => {
    const items = [
      line("1", "caller", "Both, please."),
      call("c1", "fast"),
      call("c2", "slow"),
      result("3", "c1", "one"),
      line("4", "caller", "Hello?"),
      line("5", "agent", "A moment."),
      result("6", "c2", "two"),
    ];
    expect(chatMessages(brief, items)).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Both, please." },
      {
        role: "assistant",
        content: null,
        tool_calls: [
          { id: "c1", type: "function", function: { name: "fast", arguments: "{}" } },
          { id: "c2", type: "function", function: { name: "slow", arguments: "{}" } },
        ],
      },
      { role: "tool", tool_call_id: "c1", content: "one" },
      { role: "tool", tool_call_id: "c2", content: "two" },
      { role: "user", content: "Hello?" },
      { role: "assistant", content: "A moment." },
    ]);
  });

  it("say that a call is still running, tell of a handoff, and leave out results without a call", () => {
    const items: Item[] = [
      call("c1", "slow", ""),
      { id: "h", at: 0, kind: "handoff", from: "Ada", to: "Ben" },
      result("r", "gone", "x"),
    ];
    const messages = chatMessages({ ...brief, instructions: "" }, items);
    expect(messages.map(({ role }) => role)).toEqual(["assistant", "tool", "system"]);
    expect(messages[1]?.content).toMatch(/still running/);
    expect(messages[2]?.content).toMatch(/^Ada has passed the caller on to Ben/);
  });
});
