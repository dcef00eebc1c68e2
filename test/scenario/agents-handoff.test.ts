import { describe, expect, it } from "vitest";
import { handoff } from "../../src/agents/handoff.ts";
import { tool } from "../../src/agents/tool.ts";
import type { Agent, Brief } from "../../src/agents/types.ts";
import { type Script, scripted } from "../../src/engines/scripted/index.ts";
import { broken, plainAgent, talkTo } from "./agents-setup.ts";

/** Two agents who know each other. */
function pair(rest: { say?: string; filter?: Parameters<typeof handoff>[1] } = {}): { ada: Agent; ben: Agent } {
  const ada: Agent = plainAgent("Ada", {
    voice: "slt",
    greeting: "Ada here.",
    handoffs: [handoff(() => ben, { ...(rest.say !== undefined && { say: rest.say }), ...rest.filter })],
  });
  const ben: Agent = plainAgent("Ben", { voice: "rms", handoffs: [() => ada] });
  return { ada, ben };
}

describe("handoffs", () => {
  it("change voice and instructions and take the conversation along", async () => {
    const briefs: Brief[] = [];
    const replies: Script = ({ index, brief }) => {
      briefs.push(brief);
      return index === 0 ? [{ call: "transfer_to_ben" }] : [{ say: `${brief.agent} speaking.` }];
    };
    const engine = scripted({ replies });
    const { type, call, agentLines } = await talkTo(pair().ada, { engine });
    await call.listen(1_000);
    await type("Benefits, please.", 500);
    expect(engine.log).toEqual([
      "open Ada",
      "say Ada here.",
      "add message",
      "answer",
      "result passed on to Ben",
      "rebrief Ben rms",
      "answer",
    ]);
    expect(briefs[1]).toMatchObject({ agent: "Ben", voice: "rms", instructions: "You are Ben." });
    expect(briefs[1]?.tools.map(({ name }) => name)).toEqual(["transfer_to_ada"]);
    expect(briefs[1]?.history.map((item) => item.kind)).toEqual(["message", "message", "call", "result", "handoff"]);
    expect(agentLines()).toEqual(["Ada here.", "Ben speaking."]);
    expect(call.eventsOf("handoff").map(({ data }) => data)).toEqual([{ from: "Ada", to: "Ben" }]);
    expect(call.eventsOf("transcript").findLast(({ data }) => data.role === "agent")?.data.agentId).toBe("Ben");
  });

  it("are announced in the old voice before the new one speaks", async () => {
    const engine = scripted({ replies: [[{ call: "transfer_to_ben" }], [{ say: "Ben here." }]] });
    const { type, call } = await talkTo(pair({ say: "I'll get Ben." }).ada, { engine });
    await call.listen(1_000);
    await type("Benefits.", 3_000);
    expect(engine.log.slice(3)).toEqual([
      "answer",
      "result passed on to Ben",
      "say I'll get Ben.",
      "rebrief Ben rms",
      "answer",
    ]);
    const spoken = call.eventsOf("transcript").map(({ data }) => `${data.agentId ?? "caller"}: ${data.text}`);
    expect(spoken.indexOf("Ada: I'll get Ben.")).toBeLessThan(spoken.indexOf("Ben: Ben here."));
    const speaking = call.eventsOf("agent_state").flatMap(({ data }) => (data.state === "speaking" ? [data.id] : []));
    expect(speaking.slice(-2)).toEqual(["Ada", "Ben"]);
  });

  it("are not announced twice when the model has said so itself", async () => {
    const engine = scripted({
      replies: [[{ say: "Ben knows." }, { call: "transfer_to_ben" }], [{ say: "Ben here." }]],
    });
    const { type, agentLines, call } = await talkTo(pair({ say: "I'll get Ben." }).ada, { engine });
    await call.listen(1_000);
    await type("Benefits.", 3_000);
    expect(agentLines()).toEqual(["Ada here.", "Ben knows.", "Ben here."]);
  });

  it("may be asked for by a tool, and go round in a circle", async () => {
    const { ada, ben } = pair();
    const escalate = tool({ name: "escalate", description: "", execute: () => handoff(ben) });
    const first = { ...ada, tools: [escalate] };
    const replies = [
      [{ call: "escalate" }],
      [{ call: "transfer_to_ada" }],
      [{ call: "transfer_to_ben" }],
      [{ say: "Ben again." }],
    ];
    const engine = scripted({ replies });
    const { type, call, agentLines } = await talkTo(first, { engine });
    await call.listen(1_000);
    await type("Go.", 1_000);
    expect(engine.log.filter((line) => line.startsWith("rebrief"))).toEqual([
      "rebrief Ben rms",
      "rebrief Ada slt",
      "rebrief Ben rms",
    ]);
    expect(agentLines().at(-1)).toBe("Ben again.");
  });

  it("open a second engine session where the voice of the first cannot change", async () => {
    const replies: Script = ({ brief }) => (brief.agent === "Ada" ? [{ call: "transfer_to_ben" }] : [{ say: "Hi." }]);
    const engine = scripted({ replies, can: { revoice: false } });
    const { type, call } = await talkTo(pair().ada, { engine });
    await call.listen(1_000);
    await type("Benefits.", 500);
    expect(engine.log.slice(-3)).toEqual(["open Ben", "close", "answer"]);
  });

  it("give the next one only what the filter lets through", async () => {
    const seen: string[][] = [];
    const replies: Script = ({ index, items }) => {
      seen.push(items.map((item) => item.kind));
      return index === 0 ? [{ call: "transfer_to_ben" }] : [{ say: "Hi." }];
    };
    const filter = {
      filter: {
        filter: (items: readonly { kind: string }[]) => items.filter(({ kind }) => kind === "handoff") as never,
      },
    };
    const { type, call } = await talkTo(pair(filter).ada, { engine: scripted({ replies }) });
    await call.listen(1_000);
    await type("Benefits.", 500);
    expect(seen[1]).toEqual(["handoff"]);
  });

  it("leave the caller with the old agent when the new one cannot be briefed", async () => {
    const ben = plainAgent("Ben", { instructions: () => Promise.reject(broken("no instructions")) });
    const ada = plainAgent("Ada", { handoffs: [ben] });
    const engine = scripted({ replies: [[{ call: "transfer_to_ben" }], [{ say: "Still Ada." }]] });
    const { type, agentLines, warnings, session } = await talkTo(ada, { engine });
    await type("Benefits.", 6_000);
    expect(warnings()).toEqual(["provider-unavailable"]);
    expect(agentLines()).toEqual(["Sorry, something went wrong on my side. Please say that again."]);
    await type("Ada?", 1_000);
    expect(agentLines().at(-1)).toBe("Still Ada.");
    expect(session.state).toBe("live");
  });

  it("do first what has to be done, with what the model wrote, and may lead elsewhere", async () => {
    const asked: unknown[] = [];
    const cleo = plainAgent("Cleo");
    const ben = plainAgent("Ben");
    const way = handoff(ben, {
      name: "escalate",
      parameters: { type: "object", properties: { level: { type: "integer" } }, required: ["level"] },
      onHandoff: (args, { items }) => {
        asked.push([args, items.length > 0]);
        return handoff(cleo);
      },
    });
    const engine = scripted({ replies: [[{ call: "escalate", args: { level: 2 } }], [{ say: "Cleo." }]] });
    const { type, agentLines } = await talkTo(plainAgent("Ada", { handoffs: [way] }), { engine });
    await type("Help!", 500);
    expect(asked).toEqual([[{ level: 2 }, true]]);
    expect(engine.log.slice(-3)).toEqual(["result passed on", "rebrief Cleo", "answer"]);
    expect(agentLines()).toEqual(["Cleo."]);
  });

  it.each([
    ["what comes first fails", { onHandoff: () => Promise.reject(broken("desk closed")) }, {}, /failed|desk/],
    [
      "the model leaves out what it must say",
      { onHandoff: () => {}, parameters: { required: ["level"] } },
      {},
      /level: is missing/,
    ],
    ["the colleague is not for this caller", { enabled: () => false }, {}, /there is no tool called transfer_to_ben/],
  ])("leave the caller where they are when %s", async (_what, options, args, told) => {
    const ada = plainAgent("Ada", { handoffs: [handoff(plainAgent("Ben"), options)] });
    const engine = scripted({ replies: [[{ call: "transfer_to_ben", args }], [{ say: "I am still here." }]] });
    const { type, agentLines, items, call } = await talkTo(ada, { engine });
    await type("Benefits.", 1_000);
    const result = items.find((item) => item.kind === "result");
    expect(result?.kind === "result" && result.failed ? result.output : "").toMatch(told);
    expect(agentLines()).toEqual(["I am still here."]);
    expect(call.eventsOf("handoff")).toEqual([]);
  });

  it("tell instructions that are a function what was said so far", async () => {
    const told: number[] = [];
    const ben = plainAgent("Ben", {
      instructions: (_session, items) => {
        told.push(items.filter((item) => item.kind === "message").length);
        return "Be Ben.";
      },
    });
    const engine = scripted({ replies: [[{ call: "transfer_to_ben" }], [{ say: "Hi." }]] });
    const { type } = await talkTo(plainAgent("Ada", { handoffs: [ben] }), { engine });
    await type("Benefits.", 500);
    expect(told).toEqual([1]);
  });

  it("refuse a team in which two colleagues would be the same tool", async () => {
    const ada = plainAgent("Ada", { handoffs: [plainAgent("Ben B."), plainAgent("ben b")] });
    const { call, session } = await talkTo(ada, { engine: scripted({ replies: [] }) });
    expect(session.state).toBe("closed");
    expect(call.closedWith).toMatchObject({ code: "agent-error" });
  });
});
