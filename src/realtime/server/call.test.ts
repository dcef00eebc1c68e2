import { describe, expect, it } from "vitest";
import { RealtimeBench, typesOf } from "../../../test/fixtures/realtime-bench.ts";

const update = (input: object, more: object = {}) => ({
  type: "session.update",
  session: { type: "realtime", audio: { input }, ...more },
});
const vad = (more: object = {}) =>
  update({ turn_detection: { type: "server_vad", silence_duration_ms: 300, ...more } });
const text = (words: string, more: object = {}) => ({
  type: "conversation.item.create",
  item: { type: "message", role: "user", content: [{ type: "input_text", text: words }], ...more },
});
const create = { type: "response.create" };

/** Fails for every fault the oracle found. */
function settle(bench: RealtimeBench): void {
  bench.oracle.settle();
  expect(bench.oracle.faults).toEqual([]);
}

describe("a turn", () => {
  it("begins with the padding before the voice and ends with the silence behind it", () => {
    const bench = new RealtimeBench();
    bench.send(vad());
    bench.speak(1_000, false);
    bench.speak(600);
    bench.speak(600, false);
    const [started] = bench.of("input_audio_buffer.speech_started");
    const [stopped] = bench.of("input_audio_buffer.speech_stopped");
    expect(started?.audio_start_ms).toBeGreaterThan(640);
    expect(started?.audio_start_ms).toBeLessThan(740);
    expect(stopped?.audio_end_ms).toBeGreaterThan(1_860);
    expect(stopped?.audio_end_ms).toBeLessThan(1_990);
    expect(stopped?.item_id).toBe(started?.item_id);
  });

  it("is only told, not answered, without create_response", () => {
    const bench = new RealtimeBench();
    bench.send(vad({ create_response: false }));
    bench.turn();
    expect(bench.of("input_audio_buffer.committed")).toHaveLength(1);
    expect(bench.of("response.created")).toEqual([]);
  });

  it("lets a response go on without interrupt_response, and is answered after it", () => {
    const bench = new RealtimeBench();
    bench.send(vad({ interrupt_response: false }));
    bench.turn();
    bench.say("r1", "One", 500);
    bench.turn();
    expect(bench.of("response.done")).toEqual([]);
    bench.mind({ type: "reply", id: "r1", phase: "done" });
    expect(bench.of("response.created")).toHaveLength(2);
    bench.reply("r2", "Two", 100);
    settle(bench);
  });

  it("interrupts: everything of the response is closed before the turn is committed", () => {
    const bench = new RealtimeBench();
    bench.send(vad());
    bench.turn();
    bench.say("r1", "A long story", 5_000);
    const events = typesOf(bench.turn());
    expect(events.slice(0, 8)).toEqual([
      "input_audio_buffer.speech_started",
      "response.output_audio.done",
      "response.output_audio_transcript.done",
      "response.content_part.done",
      "conversation.item.done",
      "response.output_item.done",
      "response.done",
      "rate_limits.updated",
    ]);
    expect(events.indexOf("input_audio_buffer.committed")).toBeGreaterThan(events.indexOf("response.done"));
    expect(events.indexOf("response.created")).toBeGreaterThan(events.indexOf("input_audio_buffer.committed"));
  });

  it("waits longer under semantic_vad while it sounds unfinished, and less when it is said to be over", () => {
    const lengths = [0.05, 0.98].map((p) => {
      const bench = new RealtimeBench();
      bench.send(update({ turn_detection: { type: "semantic_vad", eagerness: "low" } }));
      bench.speak(600);
      bench.speak(200, false);
      bench.mind({ type: "likely-end", p });
      bench.speak(9_000, false);
      return bench.of("input_audio_buffer.speech_stopped")[0]?.audio_end_ms ?? Number.POSITIVE_INFINITY;
    });
    expect(lengths[1]).toBeLessThan(1_300);
    expect(lengths[0]).toBeGreaterThan(4_000);
  });

  it("ends where it is when the format changes under it", () => {
    const bench = new RealtimeBench();
    bench.send(vad());
    bench.speak(600);
    const events = typesOf(bench.send(update({ format: { type: "audio/pcmu" } })));
    expect(events.slice(0, 2)).toEqual(["input_audio_buffer.speech_stopped", "input_audio_buffer.committed"]);
    expect(events.at(-1)).toBe("session.updated");
    expect(bench.call.conversation.entries[0]?.audioMs).toBeGreaterThan(500);
  });

  it("comes to nothing when the buffer is cleared", () => {
    const bench = new RealtimeBench();
    bench.send(vad());
    bench.speak(600);
    bench.send({ type: "input_audio_buffer.clear" });
    bench.speak(900, false);
    expect(bench.of("input_audio_buffer.committed")).toEqual([]);
    bench.turn();
    expect(bench.of("input_audio_buffer.speech_started")).toHaveLength(2);
    expect(bench.of("input_audio_buffer.committed")).toHaveLength(1);
    settleTurns(bench);
  });
});

function settleTurns(bench: RealtimeBench): void {
  expect(bench.oracle.turn).toBeUndefined();
  expect(bench.oracle.faults).toEqual([]);
}

describe("idle time", () => {
  it("counts from the end of our voice, and asks for a reply to nothing", () => {
    const bench = new RealtimeBench();
    bench.send(vad({ idle_timeout_ms: 5_000 }));
    bench.turn();
    bench.reply("r1", "Three seconds", 3_000);
    expect(bench.advance(7_900)).toEqual([]);
    expect(typesOf(bench.advance(200)).slice(0, 5)).toEqual([
      "input_audio_buffer.timeout_triggered",
      "input_audio_buffer.committed",
      "conversation.item.added",
      "conversation.item.done",
      "response.created",
    ]);
    bench.reply("r2", "Still there?", 100);
    settle(bench);
  });

  it("ends with the first word of the caller", () => {
    const bench = new RealtimeBench();
    bench.send(vad({ idle_timeout_ms: 5_000, create_response: false }));
    bench.send(create);
    bench.reply("r1", "Hello", 100);
    bench.turn();
    expect(bench.advance(60_000)).toEqual([]);
  });
});

describe("transcripts", () => {
  const listening = (): RealtimeBench => {
    const bench = new RealtimeBench();
    bench.send(
      update({ transcription: { model: "t" }, turn_detection: { type: "server_vad", silence_duration_ms: 300 } }),
    );
    return bench;
  };
  const heard = (bench: RealtimeBench, words: string, final: boolean) =>
    bench.mind({ type: "words", who: "caller", item: "h1", text: words, final });

  it("that are known before the commit follow it at once", () => {
    const bench = listening();
    bench.speak(600);
    expect(heard(bench, "good morning", true)).toEqual([]);
    const events = bench.speak(900, false);
    expect(typesOf(events)).toContain("conversation.item.input_audio_transcription.completed");
  });

  it("come during the response and after it, as deltas that add up", () => {
    const bench = listening();
    bench.turn();
    bench.say("r1", "Yes", 100);
    heard(bench, "good", false);
    bench.mind({ type: "reply", id: "r1", phase: "done" });
    heard(bench, "good morning", true);
    const id = bench.of("input_audio_buffer.committed")[0]?.item_id;
    const deltas = bench.of("conversation.item.input_audio_transcription.delta");
    expect(deltas.map(({ delta }) => delta)).toEqual(["good", " morning"]);
    expect(bench.of("conversation.item.input_audio_transcription.completed")).toMatchObject([
      { item_id: id, transcript: "good morning", usage: { type: "tokens", input_token_details: { text_tokens: 0 } } },
    ]);
    bench.send({ type: "conversation.item.retrieve", item_id: id });
    expect(bench.of("conversation.item.retrieved")[0]?.item).toMatchObject({
      status: "completed",
      content: [{ type: "input_audio", transcript: "good morning" }],
    });
  });

  it("fail when the recogniser never answers", () => {
    const bench = listening();
    bench.turn();
    expect(typesOf(bench.advance(15_001))).toEqual(["conversation.item.input_audio_transcription.failed"]);
    expect(heard(bench, "too late", true)).toEqual([]);
  });

  it("are not told when nobody asked for them, but the mind's memory has them", () => {
    const bench = new RealtimeBench();
    bench.send(vad());
    bench.turn();
    expect(heard(bench, "good morning", true)).toEqual([]);
    expect(bench.call.conversation.entries[0]).toMatchObject({ text: "good morning", mind: "h1" });
  });
});

describe("responses", () => {
  it("are said in several items when the mind says several things", () => {
    const bench = new RealtimeBench();
    bench.send(create);
    bench.mind({ type: "reply", id: "r1", phase: "started" });
    bench.mind({ type: "words", who: "agent", item: "r1", text: "First.", final: true });
    bench.mind({ type: "words", who: "agent", item: "r1b", text: "Second.", final: true });
    bench.mind({ type: "call", id: "call_1", name: "t", args: "{}" });
    bench.mind({ type: "call", id: "call_2", name: "t", args: "" });
    bench.mind({ type: "reply", id: "r1", phase: "done" });
    const [done] = bench.of("response.done");
    expect(done?.response.output.map(({ type }) => type)).toEqual([
      "message",
      "message",
      "function_call",
      "function_call",
    ]);
    settle(bench);
  });

  it("that say nothing are completed and empty", () => {
    const bench = new RealtimeBench();
    bench.send(create);
    bench.mind({ type: "reply", id: "r1", phase: "cancelled" });
    expect(bench.of("response.done")[0]?.response).toMatchObject({ status: "completed", output: [] });
  });

  it("are begun for a mind that speaks on its own account", () => {
    const bench = new RealtimeBench();
    bench.reply("r1", "By the way", 100);
    expect(bench.of("response.done")[0]?.response.status).toBe("completed");
    settle(bench);
  });

  it("that were cancelled say nothing more, however late the mind is", () => {
    const bench = new RealtimeBench();
    bench.send(create);
    bench.say("r1", "Old", 100);
    bench.send({ type: "response.cancel" });
    bench.send(create);
    const from = bench.events.length;
    bench.mind({ type: "words", who: "agent", item: "r1", text: "Old news", final: false });
    bench.mind({ type: "reply", id: "r1", phase: "cancelled" });
    expect(bench.events.length).toBe(from);
    bench.reply("r2", "New", 100);
    expect(bench.of("response.output_audio_transcript.done").map(({ transcript }) => transcript)).toEqual([
      "Old",
      "New",
    ]);
    settle(bench);
  });

  it("end when their tokens are used up", () => {
    const bench = new RealtimeBench();
    bench.send(update({}, { max_output_tokens: 10 }));
    bench.send(create);
    bench.say("r1", "Long", 2_000);
    expect(bench.of("response.done")[0]?.response).toMatchObject({
      status: "incomplete",
      status_details: { reason: "max_output_tokens" },
      output: [{ status: "incomplete" }],
    });
    expect(bench.orders.at(-1)?.do).toBe("cancel");
  });

  it("keep the session they began with", () => {
    const bench = new RealtimeBench();
    bench.send(create);
    bench.mind({ type: "reply", id: "r1", phase: "started" });
    bench.send(update({}, { output_modalities: ["text"], instructions: "New." }));
    expect(bench.orders.filter((order) => order.do === "brief")).toHaveLength(1);
    bench.mind({ type: "words", who: "agent", item: "r1", text: "Spoken.", final: true });
    bench.mind({ type: "reply", id: "r1", phase: "done" });
    expect(bench.of("response.output_text.delta")).toEqual([]);
    bench.send(create);
    expect(bench.orders.filter((order) => order.do === "brief").at(-1)).toMatchObject({
      ask: { instructions: "New." },
    });
  });

  it("with a context of their own are asked apart, and the conversation's mind is told what they said", () => {
    const bench = new RealtimeBench();
    bench.send(text("secret"));
    bench.send({ type: "response.create", response: { instructions: "Other.", input: [] } });
    const order = bench.orders.findLast((one) => one.do === "answer");
    expect(order).toMatchObject({ ask: { instructions: "Other.", context: [] } });
    const id = order?.do === "answer" ? order.response : "";
    bench.reply("r1", "Apart", 100, id);
    expect(bench.orders.at(-1)).toMatchObject({ do: "add", entry: { text: "Apart" } });
    settle(bench);
  });

  it("beside the conversation are many, but not without end", () => {
    const bench = new RealtimeBench();
    for (let i = 0; i < 40; i++)
      bench.send({ type: "response.create", event_id: `e${i}`, response: { conversation: "none" } });
    expect(bench.of("response.created")).toHaveLength(32);
    expect(bench.oracle.errors[0]).toEqual({ code: "rate_limit_exceeded", event: "e32" });
  });

  it("may have a format of their own", () => {
    const bench = new RealtimeBench();
    bench.send({ type: "response.create", response: { audio: { output: { format: { type: "audio/pcmu" } } } } });
    bench.reply("r1", "Narrow", 100);
    const [done] = bench.of("response.done");
    expect(done?.response.audio.output).toEqual({ format: { type: "audio/pcmu" }, voice: "marin" });
    const bytes = bench
      .of("response.output_audio.delta")
      .reduce((sum, { delta }) => sum + Buffer.from(delta, "base64").length, 0);
    expect(bytes).toBe(800);
  });

  it("are billed for the whole conversation, and what was read before is among it as cached", () => {
    const bench = new RealtimeBench();
    bench.send(update({}, { instructions: "x".repeat(40) }));
    bench.send(text("y".repeat(20)));
    bench.send(create);
    bench.reply("r1", "z".repeat(12), 1_000);
    const first = bench.of("response.done")[0]?.response.usage;
    expect(first).toMatchObject({
      input_tokens: 15,
      output_tokens: 23,
      total_tokens: 38,
      input_token_details: { text_tokens: 15, audio_tokens: 0, cached_tokens: 0 },
      output_token_details: { text_tokens: 3, audio_tokens: 20 },
    });
    bench.send(create);
    bench.reply("r2", "ok", 100);
    expect(bench.of("response.done")[1]?.response.usage?.input_token_details).toMatchObject({
      text_tokens: 15,
      audio_tokens: 20,
      cached_tokens: 15,
      cached_tokens_details: { text_tokens: 15, audio_tokens: 0 },
    });
  });

  it("fail at once when the limit is reached", () => {
    const bench = new RealtimeBench({ limits: { requestsPerMinute: 1 } });
    bench.send(create);
    bench.reply("r1", "One", 100);
    bench.send(create);
    expect(bench.of("response.done")[1]?.response).toMatchObject({
      status: "failed",
      status_details: { error: { code: "rate_limit_exceeded" } },
    });
    bench.advance(60_000);
    bench.send(create);
    bench.reply("r3", "Three", 100);
    expect(bench.of("response.done")[2]?.response.status).toBe("completed");
    settle(bench);
  });
});
