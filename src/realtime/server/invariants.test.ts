import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { monoFrame } from "../../audio/frame.ts";
import { VoiceError } from "../../base/errors.ts";
import { RealtimeBench } from "../../../test/fixtures/realtime-bench.ts";

/** One random step; numbers are taken modulo what there is to choose from. */
type Step = { readonly what: (typeof whats)[number]; readonly a: number; readonly b: number };

const whats = [
  "speak",
  "speak",
  "quiet",
  "quiet",
  "commit",
  "clear",
  "text",
  "text-before",
  "result",
  "delete",
  "truncate",
  "retrieve",
  "create",
  "create",
  "beside",
  "own-input",
  "cancel",
  "cancel-beside",
  "update",
  "garbage",
  "start",
  "start",
  "words",
  "words",
  "audio",
  "audio",
  "call",
  "done",
  "done",
  "fail",
  "stop",
  "caller-words",
  "wait",
] as const;

const updates: readonly object[] = [
  { turn_detection: null },
  { turn_detection: { type: "server_vad", silence_duration_ms: 200 } },
  { turn_detection: { type: "server_vad", interrupt_response: false, create_response: true } },
  { turn_detection: { type: "server_vad", create_response: false, idle_timeout_ms: 5_000 } },
  { turn_detection: { type: "semantic_vad", eagerness: "high" } },
  { transcription: { model: "t" } },
  { format: { type: "audio/pcmu" } },
  { format: { type: "audio/pcm", rate: 24_000 } },
];

const sessions: readonly object[] = [
  { output_modalities: ["text"] },
  { output_modalities: ["audio"] },
  { audio: { output: { voice: "cedar" } } },
  { audio: { output: { format: { type: "audio/pcma" } } } },
  { max_output_tokens: 5 },
  { max_output_tokens: "inf" },
  { instructions: "other" },
  { output_modalities: ["audio", "text"] },
];

/** Plays steps against a call; the mind keeps its contract, the client keeps nothing. */
class Play {
  readonly bench = new RealtimeBench();
  asked = 0;
  answered = 0;
  /** Replies of the mind that are open: name, text so far, and whether it is apart. */
  readonly replies: { id: string; text: string; response: string | undefined }[] = [];
  readonly waiting: (string | undefined)[] = [];
  #seen = 0;
  #names = 0;

  step({ what, a, b }: Step): void {
    const { bench } = this;
    const items = bench.oracle.order;
    const item = items[a % Math.max(1, items.length)] ?? "item_none";
    const reply = this.replies[a % Math.max(1, this.replies.length)];
    switch (what) {
      case "speak":
        bench.speak(40 + (a % 400));
        break;
      case "quiet":
        bench.speak(40 + (a % 900), false);
        break;
      case "commit":
        this.ask({ type: "input_audio_buffer.commit" });
        break;
      case "clear":
        this.ask({ type: "input_audio_buffer.clear" });
        break;
      case "text":
        this.ask({
          type: "conversation.item.create",
          item: { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] },
        });
        break;
      case "text-before":
        this.ask({
          type: "conversation.item.create",
          previous_item_id: b % 3 === 0 ? "root" : b % 3 === 1 ? item : "item_nobody",
          item: {
            id: `mine_${a % 20}`,
            type: "message",
            role: "system",
            content: [{ type: "input_text", text: "note" }],
          },
        });
        break;
      case "result":
        this.ask({
          type: "conversation.item.create",
          item: { type: "function_call_output", call_id: `call_${a % 4}`, output: "1" },
        });
        break;
      case "delete":
        this.ask({ type: "conversation.item.delete", item_id: item });
        break;
      case "truncate":
        this.ask({ type: "conversation.item.truncate", item_id: item, content_index: 0, audio_end_ms: b % 500 });
        break;
      case "retrieve":
        this.ask({ type: "conversation.item.retrieve", item_id: item });
        break;
      case "create":
        this.ask({ type: "response.create" });
        break;
      case "beside":
        this.ask({
          type: "response.create",
          response: { conversation: "none", input: b % 2 === 0 ? [] : [{ type: "item_reference", id: item }] },
        });
        break;
      case "own-input":
        this.ask({ type: "response.create", response: { instructions: "other", input: [] } });
        break;
      case "cancel":
        this.ask({ type: "response.cancel" });
        break;
      case "cancel-beside":
        this.ask({
          type: "response.cancel",
          response_id: [...bench.oracle.responses.keys()][a % Math.max(1, bench.oracle.responses.size)] ?? "resp_none",
        });
        break;
      case "update":
        this.ask({
          type: "session.update",
          session: {
            type: "realtime",
            ...(b % 2 === 0 ? { audio: { input: updates[a % updates.length] } } : sessions[a % sessions.length]),
          },
        });
        break;
      case "garbage":
        this.ask({ type: ["response.wish", "error", 7, null][a % 4] });
        break;
      case "wait":
        bench.advance(a % 4_000);
        break;
      case "caller-words":
        bench.mind({
          type: "words",
          who: "caller",
          item: `heard_${b % 5}`,
          text: "one two".slice(0, a % 8),
          final: b % 2 === 0,
        });
        break;
      case "start": {
        if (this.waiting.length === 0) break;
        const response = this.waiting.shift();
        const id = `reply_${(this.#names += 1)}`;
        this.replies.push({ id, text: "", response });
        bench.mind({ type: "reply", id, phase: "started" }, response);
        break;
      }
      case "words":
        if (reply === undefined) break;
        reply.text += ` word${b % 10}`;
        bench.mind({ type: "words", who: "agent", item: reply.id, text: reply.text, final: false }, reply.response);
        break;
      case "audio":
        if (reply === undefined) break;
        bench.mind(
          { type: "audio", frame: monoFrame(new Int16Array(1 + (b % 4_000)), 16_000, 0, reply.id) },
          reply.response,
        );
        break;
      case "call":
        if (reply === undefined) break;
        bench.mind({ type: "call", id: `call_${(this.#names += 1)}`, name: "tool", args: '{"a":1}' }, reply.response);
        break;
      case "done":
      case "fail":
      case "stop": {
        if (reply === undefined) break;
        this.replies.splice(this.replies.indexOf(reply), 1);
        if (what === "fail")
          bench.mind({ type: "trouble", error: new VoiceError("provider-limit", "slow down") }, reply.response);
        const phase = what === "done" ? "done" : what === "fail" ? "failed" : "cancelled";
        bench.mind({ type: "reply", id: reply.id, phase }, reply.response);
      }
    }
    this.#obey();
  }

  /** A client event that must be answered: by an event that is not about something else, or by an error that names it. */
  ask(event: object): void {
    this.asked += 1;
    const id = `client_${this.asked}`;
    const events = this.bench.send({ event_id: id, ...event });
    const own = events.filter((one) => one.type === "error" && one.error.event_id === id);
    if (own.length > 1) this.bench.oracle.faults.push(`two errors for ${JSON.stringify(event)}`);
    if (events.length > 0) this.answered += 1;
    else this.bench.oracle.faults.push(`no answer to ${JSON.stringify(event)}`);
  }

  finish(): void {
    for (const effect of this.bench.call.close(this.bench.now)) {
      if (effect.do === "send") this.bench.oracle.see(effect.event);
    }
    this.bench.oracle.settle();
  }

  /** The mind hears what it was ordered. */
  #obey(): void {
    for (const order of this.bench.orders.slice(this.#seen)) {
      if (order.do === "answer") this.waiting.push(order.ask === undefined ? undefined : order.response);
      // A cancelled reply may still have words on the way: they are kept and come late.
      if (order.do === "cancel" && this.waiting.includes(order.apart ? order.response : undefined))
        this.waiting.splice(this.waiting.indexOf(order.apart ? order.response : undefined), 1);
    }
    this.#seen = this.bench.orders.length;
  }
}

const steps = fc.array(fc.record({ what: fc.constantFrom(...whats), a: fc.nat(10_000), b: fc.nat(10_000) }), {
  minLength: 1,
  maxLength: 80,
});

describe("whatever clients and minds do, a call", () => {
  it("keeps its orders: one active response, an end for every beginning, one list of items", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const play = new Play();
        for (const step of all) {
          play.step(step);
          expect(play.bench.call.conversation.entries.map(({ id }) => id)).toEqual(play.bench.oracle.order);
          expect(play.bench.oracle.faults).toEqual([]);
        }
        play.finish();
        expect(play.bench.oracle.faults).toEqual([]);
        expect(play.bench.call.deadline).toBeUndefined();
      }),
      { numRuns: 600 },
    );
  });

  it("answers every client event but append", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const play = new Play();
        for (const step of all) play.step(step);
        expect(play.answered).toBe(play.asked);
      }),
      { numRuns: 200 },
    );
  });

  it("loses no byte of the caller and uses none twice", () => {
    const own = fc.array(
      fc.record({
        what: fc.constantFrom("speak", "quiet", "commit", "clear", "update", "wait"),
        a: fc.nat(5_000),
        b: fc.constant(0),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(own, (all) => {
        const play = new Play();
        let appended = 0;
        let cleared = 0;
        for (const step of all) {
          const a = step.what === "update" ? step.a % 5 : step.a;
          if (step.what === "speak") appended += (40 + (a % 400)) * 48;
          if (step.what === "quiet") appended += (40 + (a % 900)) * 48;
          if (step.what === "clear") cleared += play.bench.call.inputBytes.kept;
          play.step({ ...step, a });
        }
        const { kept, passedOver } = play.bench.call.inputBytes;
        const committed = play.bench.call.conversation.entries.reduce(
          (sum, { audio }) => sum + (audio?.length ?? 0),
          0,
        );
        expect(committed + cleared + kept + passedOver).toBe(appended);
        expect(play.bench.heardBytes).toBe(appended);
      }),
      { numRuns: 300 },
    );
  });

  it("says nothing after its end, and ends once", () => {
    fc.assert(
      fc.property(steps, fc.nat(79), (all, at) => {
        const play = new Play();
        for (const step of all.slice(0, at)) play.step(step);
        play.finish();
        play.bench.oracle.close();
        const events = play.bench.events.length;
        expect(play.bench.call.close(play.bench.now)).toEqual([]);
        for (const step of all.slice(at)) if (step.what !== "speak") play.bench.send({ type: "response.create" });
        play.bench.speak(500);
        play.bench.advance(10_000_000);
        play.bench.mind({ type: "reply", id: "late", phase: "started" });
        expect(play.bench.events.length).toBe(events);
      }),
      { numRuns: 100 },
    );
  });

  it("ends every response when the mind is gone, tells why, and hangs up", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const play = new Play();
        for (const step of all) play.step(step);
        play.bench.mind({ type: "closed", error: new VoiceError("provider-unavailable", "gone") });
        expect(play.bench.closedWith).toBe(1011);
        play.bench.oracle.settle();
        expect(play.bench.oracle.faults).toEqual([]);
        expect(play.bench.events.at(-1)).toMatchObject({
          type: "error",
          error: { type: "server_error", code: "provider-unavailable" },
        });
      }),
      { numRuns: 100 },
    );
  });
});
