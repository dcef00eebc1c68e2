import { describe, expect, it } from "vitest";
import { agent } from "../../src/agents/agent.ts";
import { overridePrices } from "../../src/agents/prices.ts";
import { scripted } from "../../src/engines/scripted/index.ts";
import { callOver, voice } from "../fixtures/realtime-upstream.ts";

const ada = agent({ name: "Ada", instructions: "You are Ada.", voice: "marin" });
const chatty = (turns: number) =>
  scripted({
    replies: Array.from({ length: turns }, (_, i) => [{ say: `Answer number ${i + 1}.` }]),
    hears: Array.from({ length: turns }, (_, i) => `Question ${i + 1}.`),
  });

/** What the call has cost so far, as the page was told. */
const sumOf = (report: Readonly<Record<string, unknown>> | undefined): number =>
  Number((Object(report?.["session"]) as { usd?: number }).usd);

describe("a call with a budget", () => {
  it("tells the page what each use costs, by turn, agent and call, transcription included", async () => {
    const { speak, call } = await callOver(ada, { mind: chatty(2) });
    await speak(800, 3_000);
    const reports = call.eventsOf("usage").map(({ data }) => data);
    expect(reports.map(({ model }) => model)).toEqual(["gpt-live-transcribe", "gpt-realtime-2.1"]);
    const [, last] = reports;
    const sum = reports.reduce((all, { costUsd }) => all + Number(costUsd), 0);
    expect(sum).toBeGreaterThan(0);
    expect(sumOf(last)).toBeCloseTo(sum, 9);
    expect(last?.["agent"]).toMatchObject({ name: "Ada", incomplete: false });
    expect(last?.["pricesOf"]).toBe("2026-09");
  });

  it("warns at 80 %, lets the reply be heard, says goodbye, hangs up, and answers nothing any more", async () => {
    const { speak, call, up, agentLines, warnings, session, clock } = await callOver(ada, {
      mind: chatty(9),
      converse: { budget: { maxUsd: 0.006, farewell: "Time is up." } },
    });
    for (let i = 0; i < 8 && session.state === "live" && !warnings().includes("budget"); i++) await speak(800, 3_000);
    expect(session.state).toBe("live");
    for (let i = 0; i < 8 && session.state === "live"; i++) await speak(800, 3_000);
    await clock.advance(15_000);
    expect(session.state).toBe("closed");
    expect(agentLines().at(-1)).toBe("Time is up.");
    expect(warnings().filter((code) => code === "budget")).toHaveLength(2);
    expect(call.closedWith).toMatchObject({ code: "budget" });
    expect(up.lines[0]?.sent.at(-2)).toMatchObject({
      session: { audio: { input: { turn_detection: { create_response: false } } } },
    });
    const spent = sumOf(call.eventsOf("usage").at(-1)?.data);
    expect(spent).toBeGreaterThan(0.006);
    expect(spent).toBeLessThan(0.012);
    expect(clock.pending).toBe(0);
  });

  it("does not begin when a price is missing, and begins with one of your own", async () => {
    const realtime = { model: "house-model" };
    const budget = { maxUsd: 1 };
    const refused = await callOver(ada, { mind: chatty(1), realtime, converse: { budget } });
    await refused.clock.advance(100);
    expect(refused.session.state).toBe("closed");
    expect(refused.up.lines).toHaveLength(0);
    expect(refused.call.events.some(({ event }) => event.type === "error" && event.data.code === "budget")).toBe(true);
    const own = overridePrices({ "house-model": { free: true } });
    const begun = await callOver(ada, { mind: chatty(1), realtime, converse: { budget, prices: own } });
    await begun.call.say(voice(800));
    await begun.call.listen(1_000);
    expect(begun.session.state).toBe("live");
    expect(begun.agentLines()).toEqual(["Answer number 1."]);
  });

  it("keeps its sums across a connection that breaks", async () => {
    const { speak, call, up } = await callOver(ada, { mind: chatty(4) });
    await speak(800, 3_000);
    up.line.cut();
    await call.listen(1_500);
    await speak(800, 3_000);
    const totals = call.eventsOf("usage").map(({ data }) => sumOf(data));
    expect(totals.length).toBeGreaterThanOrEqual(4);
    expect([...totals].sort((a, b) => a - b)).toEqual(totals);
  });
});
