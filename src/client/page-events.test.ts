import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../base/errors.ts";
import { type PageEvent, writePageEvent } from "../protocol/page.ts";
import { readPageEvent } from "./page-events.ts";

const events: readonly PageEvent[] = [
  { type: "agent_state", data: { id: "Olive", state: "speaking" } },
  { type: "user_state", data: { speaking: true } },
  {
    type: "transcript",
    data: {
      id: "i",
      turnId: "t",
      role: "agent",
      agentId: "Olive",
      text: "Hi",
      final: false,
      heardChars: 1,
      rejected: false,
    },
  },
  { type: "interrupted", data: { turnId: "t", itemId: "i", heardMs: 1_900, heardText: "Hi" } },
  {
    type: "turn",
    data: {
      turnId: "t",
      phase: "answered",
      why: "pause",
      totalMs: 9,
      parts: { endpointing: 1, stt: 2, llm: 3, tool: 0, tts: 2, framework: 1 },
    },
  },
  { type: "output", data: { name: "n", value: [1, { a: null }] } },
  {
    type: "tool",
    data: {
      callId: "c",
      name: "find",
      agentId: "Olive",
      status: "ok",
      args: '{"a":1}',
      result: "r",
      ms: 4,
      progress: "p",
    },
  },
  { type: "handoff", data: { from: "Olive", to: "Bert" } },
  { type: "usage", data: { costUsd: 1 } },
  { type: "limits", data: {} },
  { type: "warning", message: "slow", data: { code: "overloaded", fatal: false } },
  { type: "error", message: "gone", data: { code: "stuck", fatal: true } },
  { type: "end_stream", data: { reason: "time_limit", message: "Time is up" } },
];

describe("reading what the server says", () => {
  it.each(events.map((event) => [event.type, event] as const))("understands %s as the server writes it", (_, event) => {
    expect(readPageEvent(writePageEvent(event, 3, 1_234.5))).toEqual(event);
  });

  it("understands the answer to a ping in both envelopes", () => {
    expect(readPageEvent('{"type":"pong","data":{"t":5}}')).toEqual({ type: "pong", t: 5 });
    expect(readPageEvent('{"event":"pong","t":5,"s":9}')).toEqual({ type: "pong", t: 5 });
  });

  it("takes FastRTC's texts from wherever its servers put them", () => {
    expect(readPageEvent('{"type":"error","message":"no"}')).toMatchObject({
      type: "error",
      message: "no",
      data: { fatal: false },
    });
    expect(readPageEvent('{"type":"warning","data":"slow"}')).toMatchObject({ message: "slow" });
    expect(readPageEvent('{"type":"end_stream","data":"Stream closed"}')).toEqual({
      type: "end_stream",
      data: { reason: "handler", message: "Stream closed" },
    });
  });

  it("leaves out what a missing part does not say and counts it as 0", () => {
    expect(
      readPageEvent('{"type":"turn","data":{"turnId":"t","phase":"answered","parts":{"llm":7,"stt":"x"}}}'),
    ).toEqual({
      type: "turn",
      data: {
        turnId: "t",
        phase: "answered",
        parts: { endpointing: 0, stt: 0, llm: 7, tool: 0, tts: 0, framework: 0 },
      },
    });
  });

  it.each([
    '{"type":"log","data":"started_talking"}',
    '{"type":"__proto__"}',
    '{"type":"toString"}',
    '{"type":"fetch_output","data":[]}',
  ])("ignores %s", (text) => expect(readPageEvent(text)).toBeUndefined());

  it.each([
    "",
    "handshake",
    "[1]",
    "null",
    '{"data":{}}',
    '{"type":"agent_state","data":{"id":"x","state":"dancing"}}',
    '{"type":"transcript","data":{"id":"i","role":"user","text":5,"final":true}}',
    '{"type":"interrupted","data":{"heardMs":"1"}}',
    '{"type":"handoff","data":{"to":""}}',
  ])("answers %s with a fault", (text) => {
    expect(isFault(readPageEvent(text))).toBe(true);
  });

  it("never throws", () => {
    const types = fc.constantFrom(...events.map(({ type }) => type), "pong");
    fc.assert(fc.property(types, fc.jsonValue(), (type, data) => void readPageEvent(JSON.stringify({ type, data }))));
    fc.assert(fc.property(fc.string(), (text) => void readPageEvent(text)));
  });
});
