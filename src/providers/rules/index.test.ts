import { describe, expect, it } from "vitest";
import type { Brief, Item } from "../../agents/types.ts";
import type { Session } from "../../session/types.ts";
import { phrasesOf, repromptOf, type RuleBook, rules } from "./index.ts";

const book: RuleBook = {
  Ada: {
    about: "You can ask me about vacation.",
    hello: "Ada here.",
    rules: [
      { phrases: ["how many vacation days do I have [left]"], call: { tool: "balance" } },
      {
        phrases: ["book <day:weekday> off"],
        say: "One moment. I look it up.",
        call: { tool: "book", args: ({ day }) => ({ day }), say: (result, { day }) => `${day} it is: ${result}.` },
      },
      { phrases: ["hello"], say: ["Hello!", "Hello again!"] },
      { phrases: ["what about my teeth"], say: "I'll get Ben.", handoff: "Ben" },
    ],
  },
  Ben: {
    about: "You can ask me about your teeth.",
    hello: "Ben here.",
    rules: [
      { phrases: ["what about my teeth"], say: "They are covered." },
      { phrases: ["how many vacation days do I have"], handoff: "Ada" },
    ],
  },
};
const llm = rules(book);

let ids = 0;
const id = (): string => `itm_${(ids += 1)}`;
const caller = (text: string): Item => ({ id: id(), at: 0, kind: "message", who: "caller", text });
const agent = (text: string): Item => ({ id: id(), at: 0, kind: "message", who: "agent", agent: "Ada", text });
const call = (callId: string, name: string): Item => ({ id: callId, at: 0, kind: "call", name, args: "{}" });
const result = (of: string, output: string, failed = false): Item => ({
  id: id(),
  at: 0,
  kind: "result",
  call: of,
  output,
  failed,
});
const handoff: Item = { id: "h", at: 0, kind: "handoff", from: "Ada", to: "Ben" };

interface Told {
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly input: unknown; readonly id: string }[];
}

async function answer(name: string, items: readonly Item[]): Promise<Told> {
  const tools = ["balance", "book", "transfer_to_ben", "transfer_to_ada"].map((tool) => ({
    name: tool,
    description: "",
    parameters: {},
  }));
  const brief: Brief = { agent: name, instructions: "", history: [], turns: "local", tools, phrases: [] };
  // Rules look at the session only where an app's own functions do; none here do.
  const made = await llm({ brief, items, session: {} as Session, signal: new AbortController().signal });
  let text = "";
  const calls: Told["calls"][number][] = [];
  for await (const part of made as AsyncIterable<{
    type: string;
    text: string;
    toolName: string;
    toolCallId: string;
    input: unknown;
  }>) {
    if (part.type === "text-delta") text += part.text;
    else calls.push({ name: part.toolName, input: part.input, id: part.toolCallId });
  }
  return { text: text.trim(), calls };
}

describe("rules", () => {
  it.each([
    "how many vacation days do I have",
    "How many vacation days do I have left?",
    "Could you please tell me how many vacation days I have left?",
    "um, so how many vacation days do i have, please",
    "Hello! How many vacation days do I have? Thanks.",
    "I'd like to know how many vacation days I have",
  ])("understand %j", async (text) => {
    expect((await answer("Ada", [caller(text)])).calls.map(({ name }) => name)).toEqual(["balance"]);
  });

  it.each([
    "what is the meaning of life",
    "how many vacation days does my boss have",
    "do not book Friday off",
    "how many vacation days do I have to wait for my laptop",
    "please",
    "?!",
  ])("do not guess at %j, but say what they know", async (text) => {
    expect(await answer("Ada", [caller(text)])).toEqual({
      text: "Sorry, I cannot help with that. You can ask me about vacation.",
      calls: [],
    });
  });

  it("hand slots to the tool, say something first, and put its result into words", async () => {
    const items = [caller("Book Friday off, please.")];
    const asked = await answer("Ada", items);
    expect(asked).toMatchObject({
      text: "One moment. I look it up.",
      calls: [{ name: "book", input: { day: "Friday" } }],
    });
    const callId = asked.calls[0]?.id ?? "";
    const done = await answer("Ada", [...items, agent(asked.text), call(callId, "book"), result(callId, "booked")]);
    expect(done).toEqual({ text: "Friday it is: booked.", calls: [] });
  });

  it("speak a result as it is, tell of two at once, and apologise for a failure", async () => {
    const items = [
      caller("how many vacation days do I have"),
      call("c1", "balance"),
      result("c1", "You have 12 days."),
    ];
    expect((await answer("Ada", items)).text).toBe("You have 12 days.");
    const two = [...items, call("c2", "balance"), result("c2", "And 3 hours.")];
    expect((await answer("Ada", two)).text).toBe("You have 12 days. And 3 hours.");
    const failed = [...items.slice(0, 2), result("c1", "The tool failed.", true)];
    expect((await answer("Ada", failed)).text).toBe("Sorry, that did not work: The tool failed.");
  });

  it("answer a result that came late together with what was asked meanwhile", async () => {
    const items = [
      caller("how many vacation days do I have"),
      call("c1", "balance"),
      caller("hello"),
      result("c1", "You have 12 days."),
    ];
    expect((await answer("Ada", items)).text).toBe("You have 12 days. Hello!");
  });

  it("pass the caller on, and the colleague answers the question that came along", async () => {
    const items = [caller("what about my teeth")];
    expect(await answer("Ada", items)).toMatchObject({
      text: "I'll get Ben.",
      calls: [{ name: "transfer_to_ben", input: {} }],
    });
    const after = [
      ...items,
      agent("I'll get Ben."),
      call("c1", "transfer_to_ben"),
      result("c1", "passed on to Ben"),
      handoff,
    ];
    expect(await answer("Ben", after)).toEqual({ text: "Ben here. They are covered.", calls: [] });
  });

  it("never pass a caller on who has just arrived", async () => {
    const items = [caller("how many vacation days do I have"), handoff];
    expect(await answer("Ben", items)).toEqual({ text: "Ben here. You can ask me about your teeth.", calls: [] });
  });

  it("take turns with several texts, and give every call an id of its own", async () => {
    expect((await answer("Ada", [caller("hello")])).text).toBe("Hello!");
    expect((await answer("Ada", [agent("Hello!"), caller("hello")])).text).toBe("Hello again!");
    const made = await Promise.all([1, 2].map(() => answer("Ada", [caller("how many vacation days do I have")])));
    expect(new Set(made.map(({ calls }) => calls[0]?.id)).size).toBe(2);
  });

  it("name what can be asked in a re-prompt, and offer typing the second time", () => {
    const brief: Brief = { agent: "Ada", instructions: "", history: [], turns: "local", tools: [], phrases: [] };
    expect(repromptOf(book)({ brief, inARow: 1 })).toBe("Sorry, I did not catch that. You can ask me about vacation.");
    expect(repromptOf(book)({ brief, inARow: 2 })).toMatch(/type your question/);
  });

  it("refuse a malformed phrase at once, an agent without a page, and a tool the agent does not have", async () => {
    expect(() => rules({ Ada: { about: "", rules: [{ phrases: ["how (many"] }] } })).toThrow(/phrase "how \(many"/);
    await expect(async () => answer("Eve", [])).rejects.toThrow("must have a page for Eve");
    const odd = rules({ Ada: { about: "", rules: [{ phrases: ["go"], call: { tool: "nothing" } }] } });
    const brief: Brief = { agent: "Ada", instructions: "", history: [], turns: "local", tools: [], phrases: [] };
    const made = odd({ brief, items: [caller("go")], session: {} as Session, signal: new AbortController().signal });
    const iterator = (made as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    await expect(iterator.next()).rejects.toThrow("Ada has no tool called nothing");
    expect(phrasesOf(book["Ben"] ?? { rules: [], about: "" })).toHaveLength(2);
  });
});
