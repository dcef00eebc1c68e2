import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../../base/errors.ts";
import { asksForBeta, betaEvent } from "./beta.ts";
import { clientEventTypes, readClientEvent, writeAppend, writeClientEvent } from "./client-events.ts";
import { readServerEvent, serverEventTypes, writeServerEvent } from "./server-events.ts";
import { bytesPerMs, mergeSession, newTranscriptionSession, newVoiceSession } from "./session.ts";
import { readSessionPatch } from "./session-patch.ts";

const client = (event: unknown): unknown => readClientEvent(JSON.stringify(event));
const session = newVoiceSession({ id: "sess_1", expiresAt: 1_700_000_123_456, model: "m" });

describe("events of clients", () => {
  it("are eleven, and those of servers forty-six", () => {
    expect(new Set(clientEventTypes).size).toBe(11);
    expect(new Set(serverEventTypes).size).toBe(46);
  });

  it("are read with their ids and without what nobody knows", () => {
    expect(client({ type: "response.cancel", event_id: "e1", response_id: "r", extra: 1 })).toEqual({
      type: "response.cancel",
      event_id: "e1",
      response_id: "r",
    });
    expect(readClientEvent(writeAppend("AAAA"))).toEqual({ type: "input_audio_buffer.append", audio: "AAAA" });
  });

  it.each([
    [{ type: "response.wish" }, "invalid_value", "type"],
    [{ event_id: "e" }, "missing_required_parameter", "type"],
    [{ type: "session.update" }, "missing_required_parameter", "session"],
    [{ type: "session.update", session: {} }, "missing_required_parameter", "session.type"],
    [{ type: "session.update", session: { type: "live" } }, "invalid_value", "session.type"],
    [{ type: "session.update", session: { type: "realtime", voice: "alloy" } }, "unknown_parameter", "session.voice"],
    [
      { type: "session.update", session: { type: "realtime", output_modalities: ["audio", "text"] } },
      "invalid_value",
      "session.output_modalities",
    ],
    [
      { type: "session.update", session: { type: "realtime", audio: { output: { speed: 9 } } } },
      "invalid_value",
      "session.audio.output.speed",
    ],
    [
      {
        type: "session.update",
        session: { type: "realtime", audio: { input: { format: { type: "audio/pcm", rate: 16000 } } } },
      },
      "invalid_value",
      "session.audio.input.format.rate",
    ],
    [
      { type: "session.update", session: { type: "realtime", tools: [{ type: "function", function: { name: "x" } }] } },
      "missing_required_parameter",
      "session.tools[0].name",
    ],
    [{ type: "input_audio_buffer.append" }, "missing_required_parameter", "audio"],
    [{ type: "conversation.item.create" }, "missing_required_parameter", "item"],
    [
      {
        type: "conversation.item.create",
        item: { type: "message", role: "assistant", content: [{ type: "output_audio" }] },
      },
      "invalid_value",
      "item.content[0].type",
    ],
    [
      { type: "conversation.item.create", item: { type: "function_call_output", output: "1" } },
      "missing_required_parameter",
      "item.call_id",
    ],
    [{ type: "conversation.item.truncate", item_id: "a", audio_end_ms: 1.5 }, "invalid_value", "audio_end_ms"],
    [{ type: "response.create", response: { metadata: { a: 1 } } }, "invalid_value", "response.metadata"],
    [
      { type: "response.create", response: { input: [{ type: "item_reference" }] } },
      "missing_required_parameter",
      "response.input[0].id",
    ],
  ])("are refused with a code and a path: %j", (event, code, param) => {
    expect(client({ event_id: "mine", ...event })).toMatchObject({
      code,
      param,
      eventId: "event_id" in event ? "e" : "mine",
    });
  });

  it("of the beta are told their new name", () => {
    expect(betaEvent("response.audio.delta")).toBe("response.output_audio.delta");
    expect(client({ type: "transcription_session.update" })).toMatchObject({
      fault: "beta-protocol",
      code: "invalid_value",
    });
    expect(asksForBeta("realtime=v1")).toBe(true);
    expect(asksForBeta("assistants=v2")).toBe(false);
  });

  it("never throw, whatever comes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        readClientEvent(text);
        readServerEvent(text);
      }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...clientEventTypes),
        fc.object({ key: fc.constantFrom("session", "item", "type", "response", "audio", "content", "input") }),
        (type, body) => {
          const event = client({ ...body, type });
          if (!isFault(event)) expect(event).toHaveProperty("type");
        },
      ),
    );
  });

  it("survive writing and reading", () => {
    const event = { type: "conversation.item.truncate", item_id: "a", content_index: 0, audio_end_ms: 1480 } as const;
    expect(readClientEvent(writeClientEvent(event))).toEqual(event);
  });
});

describe("events of servers", () => {
  it("are passed on when nobody knows them, and are faults when something is missing", () => {
    expect(readServerEvent('{"type":"response.dream","x":1}')).toEqual({
      type: "unknown",
      name: "response.dream",
      event: { type: "response.dream", x: 1 },
    });
    expect(readServerEvent('{"type":"response.output_audio.delta","delta":"AA"}')).toMatchObject({ fault: "protocol" });
    expect(readServerEvent('{"type":"response.audio.delta","delta":"AA"}')).toMatchObject({ fault: "beta-protocol" });
    for (const text of ["", "[]", "null", '{"type":7}', '{"type":"toString"}'])
      expect(() => readServerEvent(text)).not.toThrow();
  });

  it("survive writing and reading, unknown members included", () => {
    const event = {
      type: "response.output_audio.done",
      event_id: "e",
      response_id: "r",
      item_id: "i",
      output_index: 0,
      content_index: 0,
      new: 1,
    } as const;
    expect(readServerEvent(writeServerEvent(event))).toEqual(event);
  });
});

describe("a session", () => {
  const patch = (value: unknown) => {
    const read = readSessionPatch(value);
    if ("fault" in read) throw new Error(read.why);
    return read;
  };

  it("keeps what an update does not name", () => {
    const next = mergeSession(session, patch({ type: "realtime", tracing: "auto" }));
    expect(next).toEqual({ ...session, tracing: "auto" });
    expect(session.tracing).toBeNull();
  });

  it("merges detection of one kind and begins another one with its defaults", () => {
    const update = (turn_detection: unknown) => patch({ type: "realtime", audio: { input: { turn_detection } } });
    const tuned = mergeSession(session, update({ type: "server_vad", threshold: 0.8 }));
    expect(
      mergeSession(tuned, update({ type: "server_vad", silence_duration_ms: 200 })).audio.input.turn_detection,
    ).toEqual({
      type: "server_vad",
      threshold: 0.8,
      prefix_padding_ms: 300,
      silence_duration_ms: 200,
      idle_timeout_ms: null,
      create_response: true,
      interrupt_response: true,
    });
    const semantic = mergeSession(tuned, update({ type: "semantic_vad", eagerness: "low" }));
    expect(semantic.audio.input.turn_detection).toEqual({
      type: "semantic_vad",
      eagerness: "low",
      create_response: true,
      interrupt_response: true,
    });
    expect(mergeSession(semantic, update(null)).audio.input.turn_detection).toBeNull();
  });

  it("clears instructions and tools when told so", () => {
    const full = mergeSession(
      session,
      patch({ type: "realtime", instructions: "x", tools: [{ type: "function", name: "t", parameters: {} }] }),
    );
    expect(mergeSession(full, patch({ type: "realtime", instructions: "", tools: [] }))).toEqual(session);
  });

  it("takes formats as a whole", () => {
    const next = mergeSession(
      session,
      patch({ type: "realtime", audio: { input: { format: { type: "audio/pcmu" } } } }),
    );
    expect(next.audio.input.format).toEqual({ type: "audio/pcmu" });
    expect(bytesPerMs(next.audio.input.format)).toBe(8);
    expect(session.expires_at).toBe(1_700_000_123);
  });

  it("for transcription has no voice", () => {
    const only = newTranscriptionSession({ id: "s", expiresAt: 0 });
    const next = mergeSession(
      only,
      patch({ type: "transcription", audio: { input: { transcription: { model: "m" } } } }),
    );
    expect(next).toMatchObject({ type: "transcription", audio: { input: { transcription: { model: "m" } } } });
    expect(next.audio).not.toHaveProperty("output");
  });

  it("never lets a prototype in", () => {
    expect(readSessionPatch(JSON.parse('{"type":"realtime","tracing":{"__proto__":{"x":1}}}'))).toMatchObject({
      code: "invalid_value",
    });
  });
});
