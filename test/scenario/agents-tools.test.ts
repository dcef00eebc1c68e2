import { describe, expect, it } from "vitest";
import { z } from "zod";
import { quiet } from "../../src/agents/quiet.ts";
import { tool } from "../../src/agents/tool.ts";
import { scripted } from "../../src/engines/scripted/index.ts";
import { plainAgent, talkTo } from "./agents-setup.ts";

const days = tool({
  name: "days_left",
  description: "Vacation days left.",
  parameters: z.object({ year: z.number().int() }),
  execute: ({ year }) => `${year - 2000} days`,
});

function waits(
  name: string,
  ms: number,
  output = "done",
  options: { timeoutMs?: number; onInterrupt?: "continue" | "cancel" } = {},
) {
  return tool({
    name,
    description: "Takes its time.",
    ...options,
    execute: async (_args, { session, progress }) => {
      progress("working on it");
      await new Promise<void>((resolve) => void session.clock.at(session.clock.now() + ms, resolve));
      return output;
    },
  });
}

describe("tools in a conversation", () => {
  it("gives the model the result and lets it answer", async () => {
    const engine = scripted({
      replies: [[{ call: "days_left", args: { year: 2026 } }], [{ say: "You have 26 days." }]],
    });
    const { type, agentLines, tools, items } = await talkTo(plainAgent("Ada", { tools: [days] }), { engine });
    await type("How many days do I have?");
    expect(engine.log).toEqual(["open Ada", "add message", "answer", "result 26 days", "answer"]);
    expect(agentLines()).toEqual(["You have 26 days."]);
    expect(tools()).toEqual(["days_left running", "days_left ok"]);
    expect(items.map(({ kind }) => kind)).toContain("result");
  });

  it("answers two calls of one reply once, after the slower one", async () => {
    const engine = scripted({ replies: [[{ call: "fast" }, { call: "slow" }], [{ say: "Both are done." }]] });
    const who = plainAgent("Ada", { tools: [waits("fast", 100, "fast result"), waits("slow", 900, "slow result")] });
    const { type, call } = await talkTo(who, { engine });
    await type("Do both.");
    await call.listen(500);
    expect(engine.log.filter((line) => line === "answer")).toHaveLength(1);
    await call.listen(600);
    expect(engine.log.slice(-3)).toEqual(["result fast result", "result slow result", "answer"]);
    expect(engine.log.filter((line) => line === "answer")).toHaveLength(2);
  });

  it("shows the progress of a slow tool, and fills the silence once", async () => {
    const engine = scripted({ replies: [[{ call: "order" }], [{ say: "It is ordered." }]] });
    const { type, call, agentLines } = await talkTo(plainAgent("Ada", { tools: [waits("order", 3_000)] }), {
      engine,
      filler: { text: "One moment.", afterMs: 1_200 },
    });
    await type("Order a laptop.");
    await call.listen(1_000);
    expect(call.eventsOf("tool").map(({ data }) => data.progress)).toContain("working on it");
    expect(agentLines()).toEqual([]);
    await call.listen(3_000);
    expect(agentLines()).toEqual(["One moment.", "It is ordered."]);
    expect(engine.log.filter((line) => line === "answer")).toHaveLength(2);
  });

  it.each([
    [
      "that throws",
      tool({ name: "act", description: "", execute: () => Promise.reject(new Error("secret: disk full")) }),
      "The tool failed.",
    ],
    [
      "whose answer cannot be written as JSON",
      tool({ name: "act", description: "", execute: () => ({ big: 1n }) }),
      "The tool failed.",
    ],
    ["that never answers", waits("act", 1e9, "", { timeoutMs: 800 }), "timed out after 800 ms"],
    ["that does not exist", tool({ name: "other", description: "", execute: () => "" }), "there is no tool called act"],
    [
      "with wrong arguments",
      tool({ name: "act", description: "", parameters: z.object({ day: z.string() }), execute: () => "" }),
      /^wrong arguments: day: /,
    ],
  ])("tells the model about a tool %s", async (_what, act, expected) => {
    const engine = scripted({ replies: [[{ call: "act" }], [{ say: "That did not work." }]] });
    const { type, call, items, agentLines, session } = await talkTo(plainAgent("Ada", { tools: [act] }), { engine });
    await type("Act.");
    await call.listen(1_000);
    const result = items.find((item) => item.kind === "result");
    expect(result).toMatchObject({ failed: true });
    expect(result?.kind === "result" ? result.output : "").toMatch(expected);
    expect(agentLines()).toEqual(["That did not work."]);
    expect(session.state).toBe("live");
  });

  it("waits for the caller's word where a tool needs it, and takes no for an answer", async () => {
    const delivered: string[] = [];
    const pay = tool({ name: "pay", description: "", approval: true, execute: () => void delivered.push("paid") });
    const script = [
      [{ call: "pay", id: "call_a" }],
      [{ say: "Paid." }],
      [{ call: "pay", id: "call_b" }],
      [{ say: "Then not." }],
    ];
    const { type, call, tools, items } = await talkTo(plainAgent("Ada", { tools: [pay] }), {
      engine: scripted({ replies: script }),
    });
    await type("Pay.");
    expect(tools()).toEqual(["pay needs-approval"]);
    expect(delivered).toEqual([]);
    call.message({ type: "approve", callId: "call_a", ok: true });
    await call.listen(1_000);
    expect(delivered).toEqual(["paid"]);
    await type("Pay again.");
    call.message({ type: "approve", callId: "call_b", ok: false });
    await call.listen(100);
    expect(delivered).toEqual(["paid"]);
    expect(items.findLast((item) => item.kind === "result")).toMatchObject({
      failed: true,
      output: "the caller did not allow this",
    });
  });

  it("cancels on interruption what asks for it, and answers the rest when the caller is done", async () => {
    const who = plainAgent("Ada", {
      tools: [waits("lookup", 1_500, "found", { onInterrupt: "cancel" }), waits("book", 1_500, "booked")],
    });
    const engine = scripted({
      replies: [[{ call: "lookup" }, { call: "book" }], [{ say: "I am here." }], [{ say: "It is booked." }]],
    });
    const { type, call, agentLines, items } = await talkTo(who, { engine });
    await type("Look it up and book it.", 300);
    call.message({ type: "interrupt" });
    await call.listen(60);
    expect(items.flatMap((item) => (item.kind === "result" ? [item.output] : []))).toEqual([
      "cancelled: the caller interrupted",
    ]);
    await type("Are you there?", 400);
    expect(agentLines()).toEqual(["I am here."]);
    await call.listen(2_000);
    expect(agentLines()).toEqual(["I am here.", "It is booked."]);
  });

  it("asks the caller only about the calls that a function picks out", async () => {
    const paid: number[] = [];
    const pay = tool({
      name: "pay",
      description: "",
      parameters: z.object({ amount: z.number() }),
      approval: ({ amount }, { items }) => amount > 100 && items.length > 0,
      execute: ({ amount }) => void paid.push(amount),
    });
    const engine = scripted({
      replies: [
        [
          { call: "pay", args: { amount: 20 } },
          { call: "pay", args: { amount: 200 }, id: "call_b" },
        ],
      ],
    });
    const { type, call, tools } = await talkTo(plainAgent("Ada", { tools: [pay] }), { engine });
    await type("Pay both.");
    expect(paid).toEqual([20]);
    expect(tools()).toContain("pay needs-approval");
    call.message({ type: "approve", callId: "call_b", ok: true });
    await call.listen(40);
    expect(paid).toEqual([20, 200]);
  });

  it("does not run a call whose need of approval cannot be found out", async () => {
    let runs = 0;
    const pay = tool({
      name: "pay",
      description: "",
      timeoutMs: 500,
      approval: () => new Promise<boolean>(() => {}),
      execute: () => (runs += 1),
    });
    const engine = scripted({ replies: [[{ call: "pay" }], [{ say: "It did not work." }]] });
    const { type, items } = await talkTo(plainAgent("Ada", { tools: [pay] }), { engine });
    await type("Pay.", 1_000);
    expect(runs).toBe(0);
    expect(items.find((item) => item.kind === "result")).toMatchObject({
      failed: true,
      output: "timed out after 500 ms",
    });
  });

  it("leaves out of the brief what is not for this caller, and refuses it when it is called all the same", async () => {
    const seen: string[][] = [];
    const open = tool({ name: "open", description: "", execute: () => "" });
    const staff = tool({ name: "staff", description: "", enabled: () => Promise.resolve(false), execute: () => "in" });
    const engine = scripted({
      replies: ({ brief, index }) => {
        seen.push(brief.tools.map(({ name }) => name));
        return index === 0 ? [{ call: "staff" }] : [{ say: "Sorry." }];
      },
    });
    const { type, items } = await talkTo(plainAgent("Ada", { tools: [open, staff] }), { engine });
    await type("Let me in.");
    expect(seen[0]).toEqual(["open"]);
    expect(items.find((item) => item.kind === "result")).toMatchObject({ output: "there is no tool called staff" });
  });

  it("gives the model a quiet result without asking for an answer", async () => {
    const log = tool({ name: "log", description: "", execute: () => quiet({ logged: true }) });
    const engine = scripted({ replies: [[{ say: "Noted." }, { call: "log" }], [{ say: "Yes?" }]] });
    const { type, call, agentLines } = await talkTo(plainAgent("Ada", { tools: [log] }), { engine });
    await type("Write that down.");
    await call.listen(3_000);
    expect(engine.log).toEqual(["open Ada", "add message", "answer", 'result {"logged":true}']);
    expect(agentLines()).toEqual(["Noted."]);
  });

  it("answers once when one of two results is quiet", async () => {
    const log = tool({ name: "log", description: "", execute: () => quiet("logged") });
    const engine = scripted({
      replies: [[{ call: "log" }, { call: "days_left", args: { year: 2026 } }], [{ say: "26." }]],
    });
    const { type, call } = await talkTo(plainAgent("Ada", { tools: [log, days] }), { engine });
    await type("How many?");
    await call.listen(1_000);
    expect(engine.log.filter((line) => line === "answer")).toHaveLength(2);
  });

  it("shows a tool the conversation as it stands", async () => {
    let seen: readonly string[] = [];
    const file = tool({
      name: "file",
      description: "",
      execute: (_args, { items }) => {
        seen = items.map((item) => (item.kind === "message" ? `${item.who}: ${item.text}` : item.kind));
      },
    });
    const engine = scripted({ replies: [[{ call: "file" }]] });
    const { type, call } = await talkTo(plainAgent("Ada", { tools: [file], greeting: "Hello." }), { engine });
    await call.listen(1_000);
    await type("My screen is broken.");
    expect(seen).toEqual(["agent: Hello.", "caller: My screen is broken.", "call"]);
  });

  it("stops a model that calls tools for ever", async () => {
    const engine = scripted({ replies: () => [{ call: "days_left", args: { year: 2026 } }] });
    const { type, call, agentLines } = await talkTo(plainAgent("Ada", { tools: [days] }), { engine });
    await type("Go.");
    await call.listen(2_000);
    expect(engine.log.filter((line) => line === "answer")).toHaveLength(9);
    expect(agentLines()).toEqual(["Sorry, I could not finish that. Please ask me in other words."]);
  });

  it("aborts running tools when the caller hangs up", async () => {
    let reason: unknown;
    const long = tool({
      name: "long",
      description: "",
      execute: (_args, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            reject(signal.reason);
          });
        }),
    });
    const { type, call, clock, session } = await talkTo(plainAgent("Ada", { tools: [long] }), {
      engine: scripted({ replies: [[{ call: "long" }]] }),
    });
    await type("Go.");
    call.hangUp();
    await clock.advance(100);
    expect(reason).toMatchObject({ code: "hung-up" });
    expect(session.state).toBe("closed");
    expect(clock.pending).toBe(0);
  });
});
