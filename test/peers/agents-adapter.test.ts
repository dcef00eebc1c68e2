/*
 * Teams written for `@openai/agents-realtime`, with its real objects, on our sessions: the same agents under the scripted
 * engine, under the pipeline with a model, and under the pipeline with rules.
 */
import { type Handoff, handoff, RunContext, ToolGuardrailFunctionOutputFactory as guard } from "@openai/agents-core";
import { removeAllTools } from "@openai/agents-core/extensions";
import { backgroundResult, RealtimeAgent, type RealtimeContextData, tool } from "@openai/agents-realtime";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { teamOf } from "../../src/agents/handoff.ts";
import type { Agent, Brief, Item, Llm } from "../../src/agents/types.ts";
import { pipeline } from "../../src/engines/pipeline/index.ts";
import { type Script, type ScriptStep, scripted } from "../../src/engines/scripted/index.ts";
import { fromOpenAIAgent, fromOpenAITool } from "../../src/integrations/openai-agents/index.ts";
import { rules } from "../../src/providers/rules/index.ts";
import { hearing, plainAgent, talkTo, tone, voice } from "../scenario/agents-setup.ts";

interface Store {
  readonly caller: string;
  readonly booked: string[];
}

/** A front desk and a booking clerk who know each other, written as the SDK's users write them. */
function desk() {
  const weather = tool({
    name: "weather",
    description: "The weather of a city.",
    parameters: z.object({ city: z.string() }),
    execute: ({ city }) => `sunny in ${city}`,
  });
  const book = tool<z.ZodObject<{ day: z.ZodString; seats: z.ZodNumber }>, Store>({
    name: "book",
    description: "Books a table.",
    parameters: z.object({ day: z.string(), seats: z.number().int() }),
    needsApproval: async (_context, { seats }) => seats > 6,
    execute: async ({ day, seats }, runContext) => {
      runContext?.context.booked.push(`${day} for ${seats}`);
      return { day, seats, name: runContext?.context.caller };
    },
  });
  const front = new RealtimeAgent<Store>({
    name: "Front Desk",
    voice: "marin",
    instructions: "You answer the telephone of a restaurant.",
    tools: [weather],
  });
  const clerk = new RealtimeAgent<Store>({
    name: "Booking Clerk",
    voice: "cedar",
    handoffDescription: "books tables",
    instructions: (runContext) =>
      `You book tables for ${runContext.context.caller}. ${runContext.context.history.length} lines so far.`,
    tools: [book, weather],
    handoffs: [front],
  });
  front.handoffs.push(clerk);
  return { front, clerk };
}

const results = (items: readonly Item[]): string[] =>
  items.flatMap((item) => (item.kind === "result" ? [item.output] : []));

/** One agent with these tools, and what came of one reply that calls them. */
async function called(tools: ConstructorParameters<typeof RealtimeAgent>[0]["tools"], steps: readonly ScriptStep[]) {
  const agent = fromOpenAIAgent(new RealtimeAgent({ name: "Ada", instructions: "Be Ada.", tools: tools ?? [] }));
  const engine = scripted({ replies: [steps, [{ say: "So it is." }]] });
  const talk = await talkTo(agent, { engine });
  await talk.type("Go.", 500);
  return { ...talk, engine, results: () => results(talk.items) };
}

describe("a team of the OpenAI Agents SDK", () => {
  it("becomes a team of ours, in a circle, each with what the SDK knows of them", () => {
    const { front } = desk();
    const team = teamOf(
      fromOpenAIAgent(front, { extras: { "Front Desk": { greeting: "Hello, Chez Nous.", voice: "slt" } } }),
    );
    expect(team.map(({ name, voice: speaks, role, greeting }) => ({ name, speaks, role, greeting }))).toEqual([
      { name: "Front Desk", speaks: "slt", role: undefined, greeting: "Hello, Chez Nous." },
      { name: "Booking Clerk", speaks: "cedar", role: "books tables", greeting: undefined },
    ]);
    expect(team[1]?.tools.map(({ name }) => name)).toEqual(["book", "weather"]);
    expect(team[1]?.tools[0]?.parameters).toMatchObject({ required: ["day", "seats"], additionalProperties: false });
  });

  it("passes the caller on with voice, instructions, context and history, and answers two calls once", async () => {
    const { front } = desk();
    const store: Store = { caller: "Zoe", booked: [] };
    const briefs: Brief[] = [];
    const replies: Script = ({ index, brief }) => {
      briefs.push(brief);
      return (
        [
          [{ call: "transfer_to_Booking_Clerk" }],
          [
            { call: "book", args: { day: "Friday", seats: 2 } },
            { call: "weather", args: { city: "Lyon" } },
          ],
          [{ say: "Booked, and it will be sunny." }],
        ][index] ?? []
      );
    };
    const engine = scripted({ replies });
    const { type, call, items, agentLines } = await talkTo(fromOpenAIAgent(front, { context: store }), { engine });
    await type("A table on Friday, please.", 1_000);
    expect(briefs.map(({ agent, voice: speaks }) => [agent, speaks])).toEqual([
      ["Front Desk", "marin"],
      ["Booking Clerk", "cedar"],
      ["Booking Clerk", "cedar"],
    ]);
    expect(briefs[0]?.tools.map(({ name }) => name)).toEqual(["weather", "transfer_to_Booking_Clerk"]);
    expect(briefs[1]?.instructions).toBe("You book tables for Zoe. 2 lines so far.");
    expect(results(items)).toEqual([
      "passed on to Booking Clerk",
      '{"day":"Friday","seats":2,"name":"Zoe"}',
      "sunny in Lyon",
    ]);
    expect(engine.log.filter((line) => line === "answer")).toHaveLength(3);
    expect(agentLines()).toEqual(["Booked, and it will be sunny."]);
    expect(call.eventsOf("handoff").map(({ data }) => data)).toEqual([{ from: "Front Desk", to: "Booking Clerk" }]);
    expect(store.booked).toEqual(["Friday for 2"]);
  });

  it("asks the caller on the page for what needsApproval picks out", async () => {
    const { clerk } = desk();
    const booked: string[] = [];
    const engine = scripted({
      replies: [
        [
          { call: "book", args: { day: "Monday", seats: 2 } },
          { call: "book", args: { day: "Friday", seats: 12 }, id: "call_big" },
          { call: "book", args: { day: "Sunday", seats: 20 }, id: "call_bigger" },
        ],
        [{ say: "Done." }],
      ],
    });
    const agent = fromOpenAIAgent(clerk, { context: { caller: "Zoe", booked } });
    const { type, call, tools, items, agentLines } = await talkTo(agent, { engine });
    await type("Book all three.", 200);
    expect(booked).toEqual(["Monday for 2"]);
    expect(tools().filter((line) => line === "book needs-approval")).toHaveLength(2);
    call.message({ type: "approve", callId: "call_big", ok: true });
    call.message({ type: "approve", callId: "call_bigger", ok: false });
    await call.listen(1_000);
    expect(booked).toEqual(["Monday for 2", "Friday for 12"]);
    expect(results(items)).toContain("the caller did not allow this");
    expect(agentLines()).toEqual(["Done."]);
  });

  it("talks through a pipeline with a streaming model, which sees the SDK's schemas", async () => {
    const { front } = desk();
    const asked: string[][] = [];
    const llm: Llm = async function* ({ brief, items }) {
      asked.push(brief.tools.map(({ name }) => name));
      const said = results(items).at(-1);
      if (brief.agent === "Front Desk")
        yield { type: "tool-call", toolCallId: "c1", toolName: "transfer_to_Booking_Clerk", input: {} };
      else if (said?.startsWith("sunny") === true) yield { type: "text-delta", text: `It is ${said}.` };
      else yield { type: "tool-call", toolCallId: "c2", toolName: "weather", input: { city: "Lyon" } };
    };
    const tts = tone();
    const engine = pipeline({ stt: hearing(["what is the weather in Lyon"]), llm, tts });
    const agent = fromOpenAIAgent(front, { context: { caller: "Zoe", booked: [] } });
    const { call, agentLines, callerLines } = await talkTo(agent, { engine });
    await call.say(voice(900));
    await call.listen(3_000);
    expect(callerLines()).toEqual(["what is the weather in Lyon"]);
    expect(agentLines()).toEqual(["It is sunny in Lyon."]);
    expect(tts.said).toEqual([{ voice: "cedar", text: "It is sunny in Lyon." }]);
    expect(asked).toEqual([
      ["weather", "transfer_to_Booking_Clerk"],
      ["book", "weather", "transfer_to_Front_Desk"],
      ["book", "weather", "transfer_to_Front_Desk"],
    ]);
  });

  it("works with rules in place of a model", async () => {
    const { front } = desk();
    const book = {
      "Front Desk": {
        about: "the weather",
        rules: [
          {
            phrases: ["how is the weather in <city:Lyon|Nice>"],
            call: { tool: "weather", say: (it: string) => `It is ${it}.` },
          },
          { phrases: ["book a table"], handoff: "Booking Clerk" },
        ],
      },
      "Booking Clerk": {
        about: "a table",
        hello: "This is the booking desk.",
        rules: [
          {
            phrases: ["for two on Friday"],
            call: { tool: "book", args: () => ({ day: "Friday", seats: 2 }), say: () => "Booked." },
          },
        ],
      },
    };
    const engine = pipeline({ stt: hearing([]), llm: rules(book), tts: tone() });
    const store: Store = { caller: "Zoe", booked: [] };
    const { type, agentLines } = await talkTo(fromOpenAIAgent(front, { context: store }), { engine });
    await type("How is the weather in Nice?", 3_000);
    await type("Book a table, please", 6_000);
    await type("For two on Friday", 3_000);
    expect(agentLines()).toEqual([
      "It is sunny in Nice.",
      expect.stringMatching(/^This is the booking desk\./),
      "Booked.",
    ]);
    expect(store.booked).toEqual(["Friday for 2"]);
  });

  it("keeps the data of two calls apart when the context is a function, and the conversation is in it", async () => {
    const seen: unknown[] = [];
    const look = tool({
      name: "look",
      description: "",
      parameters: z.object({}),
      execute: (_args, runContext) => {
        seen.push(structuredClone(runContext?.context));
        return "seen";
      },
    });
    const agent = fromOpenAIAgent(new RealtimeAgent({ name: "Ada", instructions: "", tools: [look] }), {
      context: (session) => ({ call: session.id }),
    });
    for (const text of ["One.", "Two."]) {
      const talk = await talkTo(agent, { engine: scripted({ replies: [[{ call: "look" }]] }) });
      await talk.type(text, 100);
      expect(seen.at(-1)).toMatchObject({
        call: talk.session.id,
        history: [
          { type: "message", role: "user", status: "completed", content: [{ type: "input_audio", transcript: text }] },
          { type: "function_call", name: "look", arguments: "{}", status: "in_progress", output: null },
        ],
      });
    }
  });

  it("takes a RunContext as it is", async () => {
    const own = new RunContext({ caller: "Zoe" });
    let given: unknown;
    const agent = fromOpenAIAgent(
      new RealtimeAgent({
        name: "Ada",
        instructions: (runContext) => {
          given = runContext;
          return "Be Ada.";
        },
      }),
      { context: own },
    );
    await talkTo(agent, { engine: scripted({ replies: [] }) });
    expect(given).toBe(own);
    expect(own.context).toMatchObject({ caller: "Zoe", history: [] });
  });
});

describe("a handoff() of the SDK", () => {
  const billing = new RealtimeAgent({ name: "Billing", instructions: "You do bills." });

  async function pass(way: Handoff<RealtimeContextData, "text">, args: unknown = {}) {
    const seen: (readonly Item[])[] = [];
    const replies: Script = ({ index, items }) => {
      seen.push(items);
      if (index === 0) return [{ say: "Let me see." }, { call: "lookup" }];
      return index === 1 ? [{ call: way.toolName, args }] : [{ say: "Hello." }];
    };
    const lookup = tool({ name: "lookup", description: "", parameters: z.object({}), execute: () => "found" });
    const first = new RealtimeAgent({ name: "Ada", instructions: "", tools: [lookup], handoffs: [way] });
    const engine = scripted({ replies });
    const talk = await talkTo(fromOpenAIAgent(first), { engine });
    await talk.type("My bill is wrong. My card is 4111.", 3_000);
    return { ...talk, engine, told: () => seen.at(-1) ?? [] };
  }

  it("runs onHandoff with the checked input, under its own name and description", async () => {
    const reasons: unknown[] = [];
    const way = handoff(billing, {
      toolNameOverride: "escalate",
      toolDescriptionOverride: "For trouble with bills.",
      inputType: z.object({ reason: z.string() }),
      onHandoff: (_context, input) => void reasons.push(input),
    });
    const [entry] = fromOpenAIAgent(new RealtimeAgent({ name: "Ada", instructions: "", handoffs: [way] })).handoffs;
    expect(entry).toMatchObject({ name: "escalate", description: "For trouble with bills." });
    const { engine, agentLines } = await pass(way, { reason: "wrong bill" });
    expect(reasons).toEqual([{ reason: "wrong bill" }]);
    expect(engine.log).toContain("rebrief Billing");
    expect(agentLines().at(-1)).toBe("Hello.");
  });

  it.each([
    ["the input does not fit", { reason: 5 }, () => {}, /reason: expected string, got number/],
    ["onHandoff throws", { reason: "x" }, () => Promise.reject(new Error("desk closed")), /The tool failed/],
  ])("keeps the caller where they are when %s", async (_what, args, onHandoff, told) => {
    const { engine, items } = await pass(
      handoff(billing, { inputType: z.object({ reason: z.string() }), onHandoff }),
      args,
    );
    expect(results(items).at(-1)).toMatch(told);
    expect(engine.log.filter((line) => line.startsWith("rebrief"))).toEqual([]);
  });

  it("tells the next one what the SDK's own filter leaves: no tools", async () => {
    const { told } = await pass(handoff(billing, { inputFilter: removeAllTools }));
    expect(told().map((item) => (item.kind === "message" ? `${item.who}: ${item.text}` : item.kind))).toEqual([
      "caller: My bill is wrong. My card is 4111.",
      "agent: Let me see.",
      "handoff",
    ]);
  });

  it("tells the next one what a filter writes anew", async () => {
    const way = handoff(billing, {
      inputFilter: ({ inputHistory, ...rest }) => ({
        ...rest,
        inputHistory: (Array.isArray(inputHistory) ? inputHistory : []).map((item) =>
          "role" in item && item.role === "user" ? { ...item, content: "(a complaint)" } : item,
        ),
        newItems: [],
      }),
    });
    const { told, items } = await pass(way);
    const texts = told().map((item) => (item.kind === "message" ? item.text : item.kind));
    expect(texts).toEqual(["(a complaint)", "Let me see.", "call", "result", "call", "result", "handoff"]);
    // The conversation itself stays what it was.
    expect(items.some((item) => item.kind === "message" && item.text.includes("4111"))).toBe(true);
  });

  it("is not offered when it is not enabled", async () => {
    const way = handoff(billing, { isEnabled: false });
    const { items, engine } = await pass(way);
    expect(results(items).at(-1)).toBe("there is no tool called transfer_to_Billing");
    expect(engine.log.some((line) => line.startsWith("rebrief"))).toBe(false);
  });

  it("goes where a clone of it leads", async () => {
    const other = new RealtimeAgent({ name: "Other", instructions: "" });
    const way = handoff(billing).clone({ onInvokeHandoff: () => other });
    const { engine } = await pass(way);
    expect(engine.log).toContain("rebrief Other");
  });
});

describe("a tool() of the SDK", () => {
  const none = z.object({});

  it.each([
    [
      "as the default error function tells it",
      undefined,
      "An error occurred while running the tool. Please try again.",
    ],
    ["as its own error function tells it", () => "The desk is closed.", "The desk is closed."],
    ["as a failure, without an error function", null, "The tool failed."],
  ])("that throws is told %s", async (_what, errorFunction, told) => {
    const act = tool({
      name: "act",
      description: "",
      parameters: none,
      ...(errorFunction !== undefined && { errorFunction }),
      execute: () => Promise.reject(new Error("secret")),
    });
    const talk = await called([act], [{ call: "act" }]);
    expect(talk.results()).toEqual([told]);
    expect(talk.agentLines()).toEqual(["So it is."]);
  });

  it("is not run with arguments that do not fit, whatever its approval policy would make of them", async () => {
    const ran: unknown[] = [];
    const pay = tool({
      name: "pay",
      description: "",
      parameters: z.object({ amount: z.number().default(1_000) }),
      needsApproval: async (_context, { amount }) => amount > 100,
      execute: (args) => void ran.push(args),
    });
    const talk = await called([pay], [{ call: "pay" }]);
    expect(talk.results()).toEqual(["wrong arguments: amount: is missing"]);
    expect(ran).toEqual([]);
  });

  it.each([
    ["in the SDK's words", {}, "Tool 'slow' timed out after 20ms."],
    ["in its own words", { timeoutErrorFunction: () => "No luck." }, "No luck."],
    ["as a failure", { timeoutBehavior: "raise_exception" as const }, /timed out|20/],
  ])("says %s that it took too long, and aborts", async (_what, options, told) => {
    let aborted = false;
    const slow = tool({
      name: "slow",
      description: "",
      parameters: none,
      timeoutMs: 20,
      ...options,
      execute: (_args, _context, details) =>
        new Promise<string>((_resolve, reject) => {
          details?.signal?.addEventListener("abort", () => {
            aborted = true;
            reject(details.signal?.reason);
          });
        }),
    });
    const talk = await called([slow], [{ call: "slow" }]);
    // The SDK's own timer runs on real time.
    await expect.poll(() => talk.results()).toHaveLength(1);
    expect(talk.results()[0]).toMatch(told);
    expect(aborted).toBe(true);
  });

  it("without a time of its own is cut by ours, and its signal aborts", async () => {
    let reason: unknown;
    const slow = tool({
      name: "slow",
      description: "",
      parameters: none,
      execute: (_args, _context, details) =>
        new Promise<string>(() => details?.signal?.addEventListener("abort", () => (reason = details.signal?.reason))),
    });
    const talk = await called([slow], [{ call: "slow" }]);
    await talk.call.listen(15_000);
    expect(talk.results()).toEqual(["timed out after 15000 ms"]);
    expect(reason).toMatchObject({ code: "tool-timeout" });
  });

  it("with a background result is not answered", async () => {
    const log = tool({ name: "log", description: "", parameters: none, execute: () => backgroundResult("noted") });
    const talk = await called([log], [{ say: "Fine." }, { call: "log" }]);
    await talk.call.listen(2_000);
    expect(talk.results()).toEqual(["noted"]);
    expect(talk.engine.log.filter((line) => line === "answer")).toHaveLength(1);
  });

  it("passes its guardrails before and after", async () => {
    let runs = 0;
    const options = { description: "", parameters: z.object({ city: z.string() }) };
    const weather = tool({
      ...options,
      name: "weather",
      inputGuardrails: [
        {
          name: "cities",
          run: async ({ toolCall }) =>
            toolCall.arguments.includes("Paris") ? guard.rejectContent("not Paris") : guard.allow(),
        },
      ],
      outputGuardrails: [
        {
          name: "secrets",
          run: async ({ output }) =>
            output === "secret"
              ? guard.throwException()
              : output === "rain"
                ? guard.rejectContent("no bad news")
                : guard.allow(),
        },
      ],
      execute: ({ city }) => {
        runs += 1;
        return city === "Area 51" ? "secret" : city === "Brest" ? "rain" : "sunny";
      },
    });
    const cities = ["Paris", "Area 51", "Brest", "Lyon"].map((city) => ({ call: "weather", args: { city } }));
    const talk = await called([weather], cities);
    expect(talk.results().toSorted()).toEqual([
      "no bad news",
      "not Paris",
      "stopped by the guardrail secrets",
      "sunny",
    ]);
    expect(runs).toBe(3);
  });

  it("that is not enabled is not in the brief", async () => {
    const off = tool({ name: "off", description: "", parameters: none, isEnabled: false, execute: () => "ran" });
    const talk = await called([off], [{ call: "off" }]);
    expect(talk.results()).toEqual(["there is no tool called off"]);
  });

  it("with a plain JSON Schema, not strict, serves an agent of ours too", async () => {
    const weather = tool({
      name: "weather",
      description: "The weather.",
      strict: false,
      parameters: {
        type: "object",
        properties: { city: { type: "string" } },
        required: [],
        additionalProperties: true,
      },
      execute: (args) => JSON.stringify(args),
    });
    const ada = plainAgent("Ada", { tools: [fromOpenAITool(weather)] });
    const engine = scripted({ replies: [[{ call: "weather", args: { town: "Lyon" } }]] });
    const { type, items } = await talkTo(ada, { engine });
    await type("Weather?", 100);
    expect(results(items)).toEqual(['{"town":"Lyon"}']);
  });
});

describe("what cannot be kept", () => {
  const hosted = { type: "hosted_tool", name: "hosted_mcp", providerData: { server_label: "files" } };
  const make = (rest: object): (() => Agent) => {
    const agent = new RealtimeAgent({ name: "Ada", instructions: "", ...rest });
    return () => fromOpenAIAgent(new RealtimeAgent({ name: "First", instructions: "", handoffs: [agent] }));
  };

  it.each([
    ["a hosted tool", { tools: [hosted] }, /tools of Ada must be function tools.*got hosted_tool hosted_mcp/],
    ["an MCP server", { mcpServers: [{ name: "files" }] }, /Ada cannot keep its mcpServers/],
    ["a prompt template", { prompt: { promptId: "p" } }, /Ada cannot keep its prompt/],
    [
      "a guardrail of an agent",
      { outputGuardrails: [{ name: "g", execute: async () => ({}) }] },
      /Ada cannot keep its outputGuardrails/,
    ],
    [
      "something that is no handoff",
      { handoffs: [{ to: "Ben" }] },
      /handoffs of Ada must be agents or handoff\(\) objects/,
    ],
  ])("is refused at once, by name: %s", (_what, rest, why) => {
    expect(make(rest)).toThrow(TypeError);
    expect(make(rest)).toThrow(why);
  });

  it("is refused when two tools of one agent have one name", () => {
    const twin = tool({ name: "twin", description: "", parameters: z.object({}), execute: () => "" });
    expect(make({ tools: [twin, twin] })).toThrow("tools of Ada must have different names, got two called twin");
  });

  it("is refused when extras name nobody of the team", () => {
    const { front } = desk();
    expect(() => fromOpenAIAgent(front, { extras: { Ben: {} } })).toThrow(
      "extras must name one of Front Desk, Booking Clerk, got Ben",
    );
  });

  it("is refused when it is an option of the SDK's session", () => {
    const { front } = desk();
    const options: object = { outputGuardrails: [] };
    expect(() => fromOpenAIAgent(front, options)).toThrow(
      "expected the options context, extras and timeoutMs, got outputGuardrails",
    );
  });

  it("is refused when it is no agent at all", () => {
    expect(() => fromOpenAIAgent({ name: "x" } as never)).toThrow("expected a RealtimeAgent, got an object with name");
  });
});
