/* The low-level client of the `openai` package, over wss. */
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { afterEach, describe, expect, it } from "vitest";
import { VoiceError } from "../../src/base/errors.ts";
import { Client, type ClientEvent } from "./openai-client.ts";
import { bench, type Bench, type BenchOptions, speech, until } from "./setup.ts";

const open: { close(): unknown }[] = [];

async function connect(options: BenchOptions): Promise<{ client: Client; bench: Bench }> {
  const made = await bench({ tls: true, ...options });
  open.push(made);
  const client = new Client(made);
  await client.wait("session.created");
  return { client, bench: made };
}

const vad = (more: object = {}): ClientEvent => ({
  type: "session.update",
  session: {
    type: "realtime",
    audio: {
      input: {
        transcription: { model: "t" },
        turn_detection: { type: "server_vad", silence_duration_ms: 300, ...more },
      },
    },
  },
});

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe("the openai package over WebSocket", () => {
  it("is greeted with the session and gets a spoken answer to a spoken turn", async () => {
    const { client } = await connect({ replies: [[{ say: "It is sunny." }]], hears: ["How is the weather?"] });
    client.send(vad());
    const updated = await client.wait("session.updated");
    expect(updated.session).toMatchObject({
      type: "realtime",
      object: "realtime.session",
      model: "gpt-realtime-2.1",
      output_modalities: ["audio"],
      audio: { input: { turn_detection: { create_response: true, interrupt_response: true, threshold: 0.5 } } },
    });
    client.speak(speech("How is the weather?"));
    const done = await client.wait("response.done");
    await client.wait("conversation.item.input_audio_transcription.completed");
    expect(done.response).toMatchObject({
      status: "completed",
      audio: { output: { format: { type: "audio/pcm", rate: 24_000 } } },
    });
    // Twelve characters of 60 ms, two bytes a sample.
    expect(client.audioBytes).toBe(12 * 60 * 48);
    expect(client.of("response.output_audio_transcript.done")[0]?.transcript).toBe("It is sunny.");
    expect(client.of("conversation.item.input_audio_transcription.completed")[0]?.transcript).toBe(
      "How is the weather?",
    );
    expect(client.of("input_audio_buffer.speech_started")[0]?.audio_start_ms).toBeLessThan(400);
    expect(done.response.usage?.output_token_details.audio_tokens).toBe(Math.ceil((12 * 60) / 50));
    client.oracle.settle();
    expect(client.oracle.faults).toEqual([]);
    expect(client.errors).toEqual([]);
  });

  it("sends the events of a spoken turn in the order of the service", async () => {
    const { client } = await connect({ replies: [[{ say: "Yes." }]] });
    client.send(vad());
    client.speak(speech("Are you there?"));
    await client.wait("rate_limits.updated", 2);
    const names = client.events.map(({ type }) => type).filter((type) => !type.endsWith(".delta"));
    expect(names).toEqual([
      "session.created",
      "session.updated",
      "input_audio_buffer.speech_started",
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "conversation.item.added",
      "conversation.item.done",
      "response.created",
      "rate_limits.updated",
      "response.output_item.added",
      "conversation.item.added",
      "response.content_part.added",
      "response.output_audio.done",
      "response.output_audio_transcript.done",
      "response.content_part.done",
      "conversation.item.done",
      "response.output_item.done",
      "response.done",
      "rate_limits.updated",
    ]);
  });

  it("makes a tool call, a preamble before it, and an answer to its result", async () => {
    const { client, bench: made } = await connect({
      replies: [
        [{ say: "Let me look." }, { call: "get_weather", args: { city: "Oslo" } }, { call: "get_time", args: {} }],
        [{ say: "Rain at noon." }],
      ],
    });
    client.send({
      type: "session.update",
      session: {
        type: "realtime",
        tools: [{ type: "function", name: "get_weather", description: "", parameters: { type: "object" } }],
      },
    });
    client.send({
      type: "conversation.item.create",
      item: { type: "message", role: "user", content: [{ type: "input_text", text: "Weather?" }] },
    });
    client.send({ type: "response.create" });
    const done = await client.wait("response.done");
    expect(done.response.output.map(({ type }) => type)).toEqual(["message", "function_call", "function_call"]);
    const calls = client.of("response.output_item.done").filter(({ item }) => item.type === "function_call");
    expect(calls[0]?.item).toMatchObject({ status: "completed", name: "get_weather", arguments: '{"city":"Oslo"}' });
    for (const { item } of calls)
      if (item.type === "function_call")
        client.send({
          type: "conversation.item.create",
          item: { type: "function_call_output", call_id: item.call_id, output: "ok" },
        });
    client.send({ type: "response.create" });
    await client.wait("response.done", 2);
    expect(made.engine.log.filter((line) => line.startsWith("result"))).toHaveLength(2);
    expect(client.of("response.output_audio_transcript.done").at(-1)?.transcript).toBe("Rain at noon.");
    client.oracle.settle();
    expect(client.oracle.faults).toEqual([]);
  });

  it("is interrupted by speech: the response ends first, then comes the next one, and truncation shortens what is remembered", async () => {
    const { client, bench: made } = await connect({
      replies: [
        [{ say: "A very long story about the sea." }, { wait: 60_000 }, { say: "And more." }],
        [{ say: "Yes?" }],
      ],
    });
    client.send(vad());
    client.speak(speech("Tell me a story."));
    const item = (await client.wait("response.content_part.added")).item_id;
    await client.wait("response.output_audio.delta", 3);
    client.speak(speech("Stop, please stop.", 100));
    const done = await client.wait("response.done");
    expect(done.response).toMatchObject({
      status: "cancelled",
      status_details: { type: "cancelled", reason: "turn_detected" },
    });
    expect(done.response.output[0]).toMatchObject({ status: "incomplete" });
    client.send({ type: "conversation.item.truncate", item_id: item, content_index: 0, audio_end_ms: 480 });
    await client.wait("conversation.item.truncated");
    client.send({ type: "conversation.item.retrieve", item_id: item });
    const retrieved = await client.wait("conversation.item.retrieved");
    expect(retrieved.item).toMatchObject({
      status: "incomplete",
      content: [{ type: "output_audio", transcript: null }],
    });
    client.send({
      type: "conversation.item.truncate",
      item_id: item,
      content_index: 0,
      audio_end_ms: 99_000,
      event_id: "too_long",
    });
    await until("an error", () => client.oracle.errors.some(({ event }) => event === "too_long"));
    client.speak(Buffer.alloc(48 * 900));
    await client.wait("response.done", 2);
    const order = client.events.map(({ type }) => type);
    expect(order.indexOf("response.done")).toBeLessThan(order.lastIndexOf("response.created"));
    await until("heard", () => made.engine.log.some((line) => line.startsWith("heard")));
    expect(made.engine.log.find((line) => line.startsWith("heard"))).toMatch(/ 480$/);
    client.oracle.settle();
    expect(client.oracle.faults).toEqual([]);
  });

  it("takes manual turns: append, commit, create", async () => {
    const { client } = await connect({ replies: [[{ say: "Heard you." }]], hears: ["hello"] });
    client.send({
      type: "session.update",
      session: { type: "realtime", audio: { input: { turn_detection: null, transcription: { model: "t" } } } },
    });
    client.send({ type: "input_audio_buffer.commit", event_id: "too_soon" });
    client.speak(speech("Hello there."));
    client.send({ type: "input_audio_buffer.clear" });
    client.speak(speech("Hello there."));
    client.send({ type: "input_audio_buffer.commit" });
    await client.wait("input_audio_buffer.committed");
    expect(client.of("response.created")).toEqual([]);
    client.send({ type: "response.create" });
    await client.wait("response.done");
    await client.wait("conversation.item.input_audio_transcription.completed");
    expect(client.oracle.errors).toEqual([{ code: "input_audio_buffer_commit_empty", event: "too_soon" }]);
    const item = client.of("input_audio_buffer.committed")[0]?.item_id ?? "";
    client.send({ type: "conversation.item.retrieve", item_id: item });
    const { item: whole } = await client.wait("conversation.item.retrieved");
    const part = whole.type === "message" && whole.role === "user" ? whole.content[0] : undefined;
    expect(
      Buffer.from(part?.type === "input_audio" ? (part.audio ?? "") : "", "base64").equals(speech("Hello there.")),
    ).toBe(true);
    expect(client.of("input_audio_buffer.speech_started")).toEqual([]);
    client.oracle.settle();
    expect(client.oracle.faults).toEqual([]);
  });

  it("answers in text when text is asked for", async () => {
    const { client } = await connect({ replies: [[{ say: "Written." }]] });
    client.send({ type: "session.update", session: { type: "realtime", output_modalities: ["text"] } });
    client.send({
      type: "conversation.item.create",
      item: { type: "message", role: "user", content: [{ type: "input_text", text: "Write." }] },
    });
    client.send({ type: "response.create" });
    const done = await client.wait("response.done");
    expect(client.of("response.output_text.done")[0]?.text).toBe("Written.");
    expect(client.audioBytes).toBe(0);
    expect(done.response.output[0]).toMatchObject({ content: [{ type: "output_text", text: "Written." }] });
  });

  it("runs responses beside the conversation", async () => {
    const { client } = await connect({
      replies: ({ brief }) => [
        { wait: brief.instructions === "Title" ? 0 : 150 },
        { say: brief.instructions === "Title" ? "A title" : "An answer" },
      ],
    });
    client.send({
      type: "conversation.item.create",
      item: { type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] },
    });
    client.send({ type: "response.create" });
    client.send({
      type: "response.create",
      response: {
        conversation: "none",
        instructions: "Title",
        output_modalities: ["text"],
        metadata: { for: "title" },
        input: [],
      },
    });
    await client.wait("response.done", 2);
    const title = client.of("response.done").find(({ response }) => response.metadata?.["for"] === "title");
    expect(title?.response).toMatchObject({
      conversation_id: null,
      output: [{ content: [{ type: "output_text", text: "A title" }] }],
    });
    expect(client.oracle.order).toHaveLength(2);
    client.oracle.settle();
    expect(client.oracle.faults).toEqual([]);
  });

  it("gets an error for each thing that cannot be done, and goes on", async () => {
    const { client } = await connect({ replies: [[{ say: "Long." }, { wait: 60_000 }], [{ say: "Fine." }]] });
    const wrong: Record<string, object> = {
      voice_beta: { type: "session.update", session: { type: "realtime", voice: "alloy" } },
      no_type: { type: "session.update", session: {} },
      unknown: { type: "response.wish" },
      no_item: { type: "conversation.item.delete", item_id: "item_nobody" },
      no_call: {
        type: "conversation.item.create",
        item: { type: "function_call_output", call_id: "call_nobody", output: "" },
      },
      no_place: {
        type: "conversation.item.create",
        previous_item_id: "item_nobody",
        item: { type: "message", role: "user", content: [] },
      },
      nothing_active: { type: "response.cancel" },
      only_webrtc: { type: "output_audio_buffer.clear" },
      not_base64: { type: "input_audio_buffer.append", audio: "***" },
    };
    for (const [event_id, event] of Object.entries(wrong))
      client.socket.socket.send(JSON.stringify({ event_id, ...event }));
    client.socket.socket.send("{half a");
    client.socket.socket.send(Buffer.from([1, 2, 3]));
    client.send({
      type: "conversation.item.create",
      item: { type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] },
    });
    client.send({ type: "response.create" });
    await client.wait("response.output_audio.delta");
    client.send({ type: "response.create", event_id: "second" });
    client.send({
      type: "session.update",
      event_id: "voice",
      session: { type: "realtime", instructions: "x", audio: { output: { voice: "cedar" } } },
    });
    await until("all errors", () => client.oracle.errors.length >= 13);
    expect(client.oracle.errors).toEqual([
      { code: "unknown_parameter", event: "voice_beta" },
      { code: "missing_required_parameter", event: "no_type" },
      { code: "invalid_value", event: "unknown" },
      { code: "item_delete_invalid_item_id", event: "no_item" },
      { code: "invalid_value", event: "no_call" },
      { code: "invalid_value", event: "no_place" },
      { code: "response_cancel_not_active", event: "nothing_active" },
      { code: "invalid_value", event: "only_webrtc" },
      { code: "invalid_value", event: "not_base64" },
      { code: "invalid_json", event: null },
      { code: "invalid_json", event: null },
      { code: "conversation_already_has_active_response", event: "second" },
      { code: "cannot_update_voice", event: "voice" },
    ]);
    client.send({ type: "response.cancel" });
    const done = await client.wait("response.done");
    expect(done.response.status_details).toMatchObject({ reason: "client_cancelled" });
    client.send({ type: "session.update", session: { type: "realtime" } });
    expect((await client.wait("session.updated")).session).toMatchObject({ instructions: "" });
    client.send({ type: "response.create" });
    await client.wait("response.done", 2);
    client.oracle.settle();
    expect(client.oracle.faults).toEqual([]);
  });

  it("hears a failed response as failed, and goes on", async () => {
    const { client } = await connect({
      replies: [[{ say: "I" }, { fail: new VoiceError("provider-limit", "slow down") }], [{ say: "Better." }]],
    });
    client.send({
      type: "conversation.item.create",
      item: { type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] },
    });
    client.send({ type: "response.create" });
    expect((await client.wait("response.done")).response).toMatchObject({
      status: "failed",
      status_details: { type: "failed", error: { code: "provider-limit", message: "slow down" } },
    });
    client.send({ type: "response.create" });
    expect((await client.wait("response.done", 2)).response.status).toBe("completed");
    client.oracle.settle();
    expect(client.oracle.faults).toEqual([]);
  });

  it("speaks G.711 both ways", async () => {
    const { client } = await connect({ replies: [[{ say: "Ja." }]] });
    client.send({
      type: "session.update",
      session: {
        type: "realtime",
        audio: {
          input: { format: { type: "audio/pcmu" }, turn_detection: null },
          output: { format: { type: "audio/pcma" } },
        },
      },
    });
    client.send({ type: "input_audio_buffer.append", audio: Buffer.alloc(8 * 200, 0xff).toString("base64") });
    client.send({ type: "input_audio_buffer.commit" });
    client.send({ type: "response.create" });
    await client.wait("response.done");
    expect(client.audioBytes).toBe(3 * 60 * 8);
    expect(client.of("conversation.item.added")[0]).toBeDefined();
  });

  it("takes an append of 15 MiB", async () => {
    const { client } = await connect({ replies: [] });
    client.send({ type: "session.update", session: { type: "realtime", audio: { input: { turn_detection: null } } } });
    client.send({ type: "input_audio_buffer.append", audio: Buffer.alloc(15 * 1024 * 1024).toString("base64") });
    client.send({ type: "input_audio_buffer.commit" });
    const { item_id } = await client.wait("input_audio_buffer.committed");
    expect(client.oracle.errors).toEqual([]);
    expect(item_id).toMatch(/^item_/);
  });

  it("transcribes only, when that is what it came for", async () => {
    const made = await bench({ tls: true, replies: [], hears: ["good morning"] });
    open.push(made);
    const client = new Client(made, { intent: "transcription" });
    expect((await client.wait("session.created")).session).toMatchObject({
      type: "transcription",
      object: "realtime.transcription_session",
    });
    client.send({
      type: "session.update",
      session: {
        type: "transcription",
        audio: {
          input: { transcription: { model: "t" }, turn_detection: { type: "server_vad", silence_duration_ms: 300 } },
        },
      },
    });
    client.speak(speech("Good morning."));
    const { transcript } = await client.wait("conversation.item.input_audio_transcription.completed");
    expect(transcript).toBe("good morning");
    client.send({ type: "response.create", event_id: "no" });
    await until("an error", () => client.oracle.errors.length > 0);
    expect(client.of("response.created")).toEqual([]);
  });

  it("is refused a call that is not there, and others do not notice", async () => {
    const { client, bench: made } = await connect({ replies: [] });
    const missing = new Client(made, { callID: "rtc_nobody" });
    await until("a refusal", () => missing.errors.length > 0);
    expect(String(missing.errors[0])).toMatch(/404/);
    expect(client.closed).toBeUndefined();
  });

  it("is told when its time is over, and then the line is closed with 1001", async () => {
    const { client } = await connect({ replies: [], lifetimeMs: 150 });
    await until("the end", () => client.closed !== undefined);
    expect(client.closed).toBe(1001);
    expect(client.of("error")[0]?.error).toMatchObject({ code: "session_expired" });
  });

  it("reconnects by itself after the line was lost", async () => {
    const made = await bench({ tls: true, replies: [[{ say: "Back." }]], lifetimeMs: 300 });
    open.push(made);
    const client = new OpenAI({ apiKey: "sk-test", baseURL: `https://127.0.0.1:${made.port}/v1` });
    const socket = new OpenAIRealtimeWS(
      { model: "m", reconnect: true, options: { rejectUnauthorized: false } },
      client,
    );
    let sessions = 0;
    socket.on("error", () => {});
    socket.on("session.created", () => {
      sessions += 1;
    });
    await until("a second session", () => sessions >= 2);
    socket.close();
    expect(sessions).toBeGreaterThanOrEqual(2);
  });
});
