import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readServerEvent, serverEventTypes } from "../protocol/openai/server-events.ts";
import { GaCodec, toSession } from "./ga.ts";
import type { RealtimeConfig, RealtimeEvent } from "./model.ts";

const base64 = {
  encode: (bytes: Uint8Array) => Buffer.from(bytes).toString("base64"),
  decode: (text: string) => Buffer.from(text, "base64"),
};
const pcm = { encoding: "pcm16", rate: 24_000 } as const;
const makeCodec = (quirks = {}) => new GaCodec({ input: pcm, output: pcm, base64, quirks });
const config: RealtimeConfig = { instructions: "Be kind.", tools: [], turns: { by: "local" }, history: [] };

function read(codec: GaCodec, ...frames: readonly unknown[]): RealtimeEvent[] {
  const events: RealtimeEvent[] = [];
  for (const frame of frames) {
    const event = readServerEvent(typeof frame === "string" ? frame : JSON.stringify(frame));
    if (!("fault" in event) && event.type !== "unknown") codec.read(event, (one) => events.push(one));
  }
  return events;
}

const place = { event_id: "e", response_id: "r", item_id: "i", output_index: 0, content_index: 0 };
const delta = (bytes: readonly number[], item = "i") => ({
  ...place,
  item_id: item,
  type: "response.output_audio.delta",
  delta: base64.encode(Uint8Array.from(bytes)),
});
const doneCall = (status: string | undefined) => ({
  type: "response.output_item.done",
  ...place,
  item: { id: "f", type: "function_call", status, call_id: "c", name: "look", arguments: "{}" },
});

describe("the GA codec", () => {
  it("gives samples as they were sent, also when a sample is cut in two", () => {
    const samples = read(makeCodec(), delta([1, 0, 2]), delta([0, 3, 0])).flatMap((event) =>
      event.type === "audio" ? [...event.samples] : [],
    );
    expect(samples).toEqual([1, 2, 3]);
  });

  it("does not carry half a sample over to another item", () => {
    const samples = read(makeCodec(), delta([1, 0, 2], "a"), delta([3, 0], "b")).flatMap((event) =>
      event.type === "audio" ? [...event.samples] : [],
    );
    expect(samples).toEqual([1, 3]);
  });

  it("takes in five minutes of one reply and says once that the rest is left out", () => {
    const codec = makeCodec();
    const minute = { ...delta([]), delta: Buffer.alloc(24_000 * 2 * 60).toString("base64") };
    const events = read(codec, minute, minute, minute, minute, minute, minute, minute);
    expect(events.map(({ type }) => type)).toEqual(["audio", "audio", "audio", "audio", "audio", "trouble"]);
  });

  it("runs a call once, and only when it is complete", () => {
    expect(read(makeCodec(), doneCall("in_progress"), doneCall("incomplete"))).toEqual([]);
    const events = read(makeCodec(), doneCall("completed"), doneCall("completed"), {
      type: "response.done",
      event_id: "e",
      response: { id: "r", output: [doneCall("completed").item] },
    });
    expect(events).toEqual([{ type: "call", id: "c", item: "f", response: "r", name: "look", args: "{}" }]);
  });

  it("finds calls where a server lists them only at the end", () => {
    expect(
      read(makeCodec(), {
        type: "response.done",
        event_id: "e",
        response: { id: "r", output: [doneCall(undefined).item] },
      }),
    ).toHaveLength(1);
  });

  it.each([
    [false, true],
    [true, false],
  ])("takes transcription deltas as they are meant: cumulative %s", (cumulativeTranscripts, append) => {
    const event = {
      type: "conversation.item.input_audio_transcription.delta",
      event_id: "e",
      item_id: "i",
      delta: "Hel",
    };
    expect(read(makeCodec({ cumulativeTranscripts }), event)).toMatchObject([
      { type: "words", who: "caller", append, final: false },
    ]);
  });

  it("writes a session in GA's words", () => {
    const turns = {
      by: "provider",
      detector: "server_vad",
      threshold: 0.6,
      prefixMs: 300,
      silenceMs: 500.4,
      interrupt: true,
      answer: true,
    } as const;
    const session = toSession(
      {
        ...config,
        voice: "cedar",
        turns,
        transcription: { model: "t" },
        provider: { reasoning: { effort: "low" }, audio: { output: { speed: 1.1 } } },
      },
      { input: pcm, output: pcm },
    );
    expect(session).toEqual({
      type: "realtime",
      output_modalities: ["audio"],
      instructions: "Be kind.",
      tools: [],
      tool_choice: "auto",
      reasoning: { effort: "low" },
      audio: {
        input: {
          format: { type: "audio/pcm", rate: 24_000 },
          turn_detection: {
            type: "server_vad",
            threshold: 0.6,
            prefix_padding_ms: 300,
            silence_duration_ms: 500,
            create_response: true,
            interrupt_response: true,
          },
          transcription: { model: "t" },
        },
        output: { format: { type: "audio/pcm", rate: 24_000 }, voice: "cedar", speed: 1.1 },
      },
    });
  });

  it("changes only what it is told to change", () => {
    expect(toSession({ turns: { by: "local" } }, { input: pcm, output: pcm })).toEqual({
      type: "realtime",
      audio: { input: { turn_detection: null } },
    });
    expect(toSession({ instructions: "", tools: [] }, { input: pcm, output: pcm })).toEqual({
      type: "realtime",
      instructions: "",
      tools: [],
      tool_choice: "auto",
    });
  });

  it("never throws, whatever a server sends", () => {
    const member = fc.constantFrom(
      "item",
      "item_id",
      "delta",
      "response",
      "response_id",
      "transcript",
      "error",
      "session",
      "usage",
      "status",
      "output",
      "content_index",
      "output_index",
      "previous_item_id",
      "audio_start_ms",
      "audio_end_ms",
      "text",
      "arguments",
      "call_id",
      "name",
      "part",
    );
    const junk = fc.oneof(fc.constant("x"), fc.integer(), fc.constant(null), fc.jsonValue());
    const event = fc
      .record({ type: fc.constantFrom(...serverEventTypes), more: fc.dictionary(member, junk) })
      .map(({ type, more }) => ({ type, event_id: "e", ...more }));
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            event,
            event.map((one) => ({ ...place, ...one, item: {}, response: { id: "r", output: [one] }, part: {} })),
          ),
          { maxLength: 12 },
        ),
        (events) => {
          const codec = makeCodec();
          for (const found of read(codec, ...events)) expect(typeof found.type).toBe("string");
        },
      ),
      { numRuns: 1_500 },
    );
  });
});
