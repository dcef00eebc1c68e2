import { describe, expect, it } from "vitest";
import type { AgentState, PageEvent } from "./page.ts";
import { echoOf, StockPage } from "./stock.ts";

const turn = (turnId: string, phase: "started" | "resumed" | "ended" | "answered"): PageEvent => ({
  type: "turn",
  data: { turnId, phase },
});
const agent = (state: AgentState): PageEvent => ({ type: "agent_state", data: { id: "a", state } });

function told(...events: PageEvent[]): unknown[] {
  const page = new StockPage();
  return events.flatMap((event) => page.translate(event)).map((text) => JSON.parse(text).data);
}

describe("a stock page", () => {
  it("is told each phase of a turn once, whatever else happens in it", () => {
    expect(
      told(
        turn("t1", "started"),
        turn("t1", "ended"),
        agent("thinking"),
        turn("t1", "resumed"),
        turn("t1", "ended"),
        turn("t1", "answered"),
        agent("speaking"),
        turn("t1", "answered"),
        agent("listening"),
      ),
    ).toEqual(["started_talking", "pause_detected", "response_starting"]);
  });

  it("gets response_starting at the end of a reply without audio", () => {
    expect(
      told(turn("t1", "started"), turn("t1", "ended"), agent("listening"), agent("thinking"), agent("listening")),
    ).toEqual(["started_talking", "pause_detected", "response_starting"]);
  });

  it("never keeps its typing indicator when the next turn begins or the call ends", () => {
    expect(told(turn("t1", "started"), turn("t1", "ended"), turn("t2", "started"), turn("t2", "ended"))).toEqual([
      "started_talking",
      "pause_detected",
      "response_starting",
      "started_talking",
      "pause_detected",
    ]);
    expect(
      told(turn("t1", "started"), turn("t1", "ended"), {
        type: "end_stream",
        data: { reason: "handler", message: "" },
      }),
    ).toEqual(["started_talking", "pause_detected", "response_starting", "Stream closed"]);
  });

  it("is not told about a greeting", () => {
    expect(told(agent("speaking"), agent("listening"))).toEqual([]);
  });

  it("gets a whole turn when only its end is known, as when it was typed", () => {
    expect(told(turn("t1", "answered"))).toEqual(["started_talking", "pause_detected", "response_starting"]);
  });

  it("gets errors with their text in message and in data", () => {
    const page = new StockPage();
    const data = { code: "agent-error", fatal: false };
    expect(page.translate({ type: "error", message: "it broke", data })).toEqual([
      '{"type":"error","message":"it broke","data":"it broke"}',
    ]);
    expect(page.translate({ type: "warning", message: "careful", data })[0]).toContain('"message":"careful"');
  });

  it("gets FastRTC's own messages and nothing of ours", () => {
    const page = new StockPage();
    expect(page.translate({ type: "output", data: { name: "x", value: { secret: 1 } } })).toEqual([
      '{"type":"fetch_output","data":[]}',
    ]);
    expect(page.translate({ type: "send_input", data: {} })).toEqual(['{"type":"send_input","data":[]}']);
    expect(page.translate({ type: "stopword", data: "computer" })).toEqual(['{"type":"stopword","data":""}']);
    expect(page.translate({ type: "handoff", data: { to: "b" } })).toEqual([]);
    expect(page.translate({ type: "user_state", data: { speaking: true } })).toEqual([]);
  });
});

it("echoes short text that is no JSON and nothing longer", () => {
  expect(JSON.parse(echoOf('hand"shake') ?? "")).toEqual({ type: "log", data: 'Server received: hand"shake' });
  expect(echoOf("x".repeat(1025))).toBeUndefined();
});
