import { describe, expect, it } from "vitest";
import type { Brief, Item } from "../agents/types.ts";
import { parsePhrase, matchPhrase } from "../agents/phrase.ts";
import { phrasesFor, responder } from "./responder.ts";

const weather = {
  name: "get_weather",
  description: "",
  parameters: { type: "object", properties: { city: { type: "string" } } },
};
const light = {
  name: "switchLight",
  description: "",
  parameters: {
    type: "object",
    properties: {
      room: { type: "string", enum: ["kitchen", "hall"] },
      level: { type: "number" },
      on: { type: "boolean" },
    },
  },
};

type Part = { readonly type: string; readonly text?: string; readonly toolName?: string; readonly input?: object };

/** What it says and calls. */
async function answer(items: readonly Item[], tools: Brief["tools"] = [weather, light]): Promise<readonly Part[]> {
  const brief: Brief = { agent: "assistant", instructions: "", history: [], turns: "local", tools, phrases: [] };
  const parts: Part[] = [];
  const ask = {
    brief,
    items,
    signal: new AbortController().signal,
    get session(): never {
      throw new TypeError("not needed");
    },
  };
  const all = responder()(ask) as AsyncIterable<Part>;
  for await (const part of all) parts.push(part);
  return parts;
}

const caller = (text: string): Item => ({ id: "q1", at: 0, kind: "message", who: "caller", text });

describe("the responder", () => {
  it.each([
    ["What is the weather in New York?", "get_weather", { city: "New York" }],
    ["weather please", "get_weather", { city: "weather please" }],
    ["Switch the kitchen light on", "switchLight", { room: "kitchen", on: true }],
    ["switch the hall light off at 20", "switchLight", { room: "hall", level: 20, on: false }],
  ])("calls the tool that is named: %s", async (text, toolName, input) => {
    expect(await answer([caller(text)])).toMatchObject([{ type: "tool-call", toolName, input }]);
  });

  it.each([
    ["Hello!", "Hello. How can I help you?"],
    ["Goodbye", "Goodbye."],
    ["What can you do?", "You can ask me for get weather, or switch light."],
    ["The cat sat on the mat.", "You said: The cat sat on the mat."],
  ])("has a word for everything else: %s", async (text, reply) => {
    expect(await answer([caller(text)])).toEqual([{ type: "text-delta", text: reply }]);
  });

  it("says what a tool answered, read out if it is data", async () => {
    const call: Item = { id: "c1", at: 0, kind: "call", name: "get_weather", args: "{}" };
    const result = (output: string): Item => ({ id: "r1", at: 0, kind: "result", call: "c1", output, failed: false });
    expect(await answer([caller("weather"), call, result("Rain.")])).toEqual([{ type: "text-delta", text: "Rain." }]);
    expect(await answer([caller("weather"), call, result('{"sky":"clear","degreesCelsius":20}')])).toEqual([
      { type: "text-delta", text: "sky clear, degrees celsius 20." },
    ]);
    expect(await answer([caller("weather"), call, result("")])).toEqual([{ type: "text-delta", text: "Done." }]);
  });

  it("greets when nothing was said, and says no more than it knows when asked again", async () => {
    expect(await answer([])).toMatchObject([{ text: "Hello. How can I help you?" }]);
    const said: Item = { id: "a1", at: 0, kind: "message", who: "agent", text: "Hello." };
    expect(await answer([caller("Hello"), said])).toMatchObject([
      { text: "I am still here. What else can I do for you?" },
    ]);
  });

  it("tells the recogniser phrases that are phrases, whatever tools are called", () => {
    const phrases = phrasesFor([
      weather,
      light,
      { name: "" },
      { name: "的" },
      { name: "get" },
      { name: "a_b-c.d", parameters: { properties: null } },
      { name: "pick", parameters: { properties: { "名-_": { enum: ["one", " ", "", "two|three", 4, null] } } } },
    ]);
    const parsed = phrases.map(parsePhrase);
    expect(matchPhrase(parsed, "what is the weather")).toBeDefined();
    expect(matchPhrase(parsed, "switch light kitchen")?.slots).toEqual({ room: "kitchen" });
  });
});
