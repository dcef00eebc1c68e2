import { describe, expect, it } from "vitest";
import { RealtimeBench, typesOf } from "../../../test/fixtures/realtime-bench.ts";
import { contextOf } from "./context.ts";
import { entryOf, heardText } from "./conversation.ts";

const update = (input: object, more: object = {}) => ({
  type: "session.update",
  session: { type: "realtime", audio: { input }, ...more },
});
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

describe("the conversation", () => {
  it("takes items at its beginning and in between, and tells the mind the new order", () => {
    const bench = new RealtimeBench();
    bench.send(text("b", { id: "b" }));
    bench.send({ ...text("d", { id: "d" }) });
    bench.send({ ...text("a", { id: "a" }), previous_item_id: "root" });
    bench.send({ ...text("c", { id: "c" }), previous_item_id: "b" });
    expect(bench.oracle.order).toEqual(["a", "b", "c", "d"]);
    const brief = bench.orders.findLast((order) => order.do === "brief");
    expect(brief?.do === "brief" ? brief.ask.context.map(({ id }) => id) : []).toEqual(["a", "b", "c", "d"]);
    bench.send({ type: "conversation.item.delete", item_id: "b" });
    expect(bench.oracle.order).toEqual(["a", "c", "d"]);
    settle(bench);
  });

  it("does not take the same id twice, nor a result without its call", () => {
    const bench = new RealtimeBench();
    bench.send(text("a", { id: "a" }));
    bench.send({ ...text("a", { id: "a" }), event_id: "again" });
    bench.send({
      type: "conversation.item.create",
      event_id: "result",
      item: { type: "function_call_output", call_id: "c", output: "" },
    });
    expect(bench.oracle.errors.map(({ event }) => event)).toEqual(["again", "result"]);
    bench.send({
      type: "conversation.item.create",
      item: { type: "function_call", call_id: "c", name: "t", arguments: "{}" },
    });
    bench.send({ type: "conversation.item.create", item: { type: "function_call_output", call_id: "c", output: "" } });
    expect(bench.oracle.order).toHaveLength(3);
  });

  it("forgets what was not heard: transcript and audio, for readers and for the mind", () => {
    const bench = new RealtimeBench();
    bench.send(create);
    bench.reply("r1", "One two three four", 2_000);
    const item_id = bench.oracle.order[0] ?? "";
    bench.send({ type: "conversation.item.truncate", item_id, content_index: 0, audio_end_ms: 1_000 });
    expect(bench.orders.at(-1)).toEqual({ do: "heard", item: "r1", played: 1_000, dropped: 1_000 });
    expect(bench.call.conversation.get(item_id)).toMatchObject({
      text: "One two",
      item: { content: [{ transcript: null }] },
    });
    bench.send({ type: "conversation.item.retrieve", item_id });
    const [retrieved] = bench.of("conversation.item.retrieved");
    const part =
      retrieved?.item.type === "message" && retrieved.item.role === "assistant" ? retrieved.item.content[0] : undefined;
    expect(part?.type === "output_audio" ? (part.audio?.length ?? 0) : 0).toBe((1_000 * 48 * 4) / 3);
    bench.send({
      type: "conversation.item.truncate",
      item_id,
      content_index: 0,
      audio_end_ms: 1_001,
      event_id: "longer",
    });
    expect(bench.oracle.errors).toEqual([{ code: "invalid_value", event: "longer" }]);
  });

  it("cuts heard text at words", () => {
    expect(heardText("One two three", 0.5)).toBe("One");
    expect(heardText("One two three", 0.54)).toBe("One two");
    expect(heardText("One two three", 0)).toBe("");
    expect(heardText("One two three", 1)).toBe("One two three");
  });

  it("never keeps a result without its call when it is cut to fit", () => {
    const line = (id: string, item: Parameters<typeof entryOf>[0]) => entryOf(item, id, "x".repeat(400));
    const entries = [
      line("1", { type: "message", role: "user", content: [{ type: "input_text", text: "x".repeat(400) }] }),
      line("2", { type: "function_call", call_id: "c", name: "t", arguments: "x".repeat(400) }),
      line("3", { type: "function_call_output", call_id: "c", output: "x".repeat(400) }),
      line("4", { type: "message", role: "user", content: [{ type: "input_text", text: "x".repeat(400) }] }),
    ];
    const kept = (limit: number) => contextOf(entries, "auto", 0, limit)?.map(({ id }) => id);
    expect(kept(1_000)).toEqual(["1", "2", "3", "4"]);
    expect(kept(310)).toEqual(["2", "3", "4"]);
    expect(kept(220)).toEqual(["4"]);
    expect(contextOf(entries, "disabled", 0, 220)).toBeUndefined();
    expect(contextOf(entries, { type: "retention_ratio", retention_ratio: 0.5 }, 0, 310)?.map(({ id }) => id)).toEqual([
      "4",
    ]);
  });
});

describe("the session", () => {
  it("shows its lifetime, and ends with an error when it is over", () => {
    const bench = new RealtimeBench({ lifetimeMs: 3_600_000 });
    expect(bench.call.session.expires_at).toBe(1_700_003_600);
    bench.send(create);
    bench.say("r1", "Until the end", 100);
    bench.advance(3_600_000);
    expect(bench.closedWith).toBe(1001);
    expect(bench.of("error")[0]?.error).toMatchObject({
      code: "session_expired",
      message: expect.stringContaining("60 minutes"),
    });
    settle(bench);
  });

  it("changes as a whole or not at all", () => {
    const bench = new RealtimeBench();
    bench.send(create);
    bench.say("r1", "Speaking", 100);
    bench.send(update({}, { instructions: "no", audio: { output: { voice: "cedar" } } }));
    bench.send(update({}, { instructions: "no", audio: { output: { speed: 1.2 } } }));
    bench.send(update({}, { instructions: "no", model: "other" }));
    expect(bench.oracle.errors.map(({ code }) => code)).toEqual([
      "cannot_update_voice",
      "invalid_value",
      "invalid_value",
    ]);
    expect(bench.call.session).toMatchObject({ instructions: "" });
    bench.mind({ type: "reply", id: "r1", phase: "done" });
    bench.send(update({}, { audio: { output: { speed: 1.2 } } }));
    expect(bench.call.session).toMatchObject({ audio: { output: { speed: 1.2, voice: "marin" } } });
  });

  it("keeps tracing once it is on", () => {
    const bench = new RealtimeBench();
    for (const tracing of [{ workflow_name: "w" }, { workflow_name: "w" }, null]) bench.send(update({}, { tracing }));
    expect(bench.of("session.updated")).toHaveLength(2);
    expect(bench.oracle.errors).toHaveLength(1);
  });

  it("tells that tools of a provider cannot be listed", () => {
    const bench = new RealtimeBench();
    const tools = [{ type: "mcp", server_label: "files", server_url: "https://example.org" }];
    expect(typesOf(bench.send(update({}, { tools })))).toEqual([
      "session.updated",
      "mcp_list_tools.in_progress",
      "mcp_list_tools.failed",
    ]);
    expect(typesOf(bench.send(update({}, { tools })))).toEqual(["session.updated"]);
  });

  it("of the kind transcription answers nothing", () => {
    const bench = new RealtimeBench({ kind: "transcription" });
    bench.turn();
    bench.send({ ...create, event_id: "no" });
    expect(bench.of("response.created")).toEqual([]);
    expect(bench.oracle.errors).toEqual([{ code: "invalid_value", event: "no" }]);
  });
});
