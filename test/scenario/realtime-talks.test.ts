import { describe, expect, it } from "vitest";
import { agent } from "../../src/agents/agent.ts";
import { handoff } from "../../src/agents/handoff.ts";
import { tool } from "../../src/agents/tool.ts";
import { scripted } from "../../src/engines/scripted/index.ts";
import { callOver, type Event, voice } from "../fixtures/realtime-upstream.ts";

const ada = agent({ name: "Ada", instructions: "You are Ada.", voice: "marin" });

const typesOf = (events: readonly Event[]): string[] => events.map(({ type }) => type);
const itemOf = (event: Event | undefined): Readonly<Record<string, unknown>> =>
  Object(event?.["item"]) as Readonly<Record<string, unknown>>;

describe("a conversation with a realtime model", () => {
  it("hears the caller, answers, and writes both down in order", async () => {
    const mind = scripted({
      replies: [[{ say: "It is noon." }], [{ say: "You are welcome." }]],
      hears: ["What time is it?", "Thank you."],
    });
    const { speak, items, agentLines, callerLines, call, up, session } = await callOver(ada, { mind });
    await speak();
    await speak();
    expect(agentLines()).toEqual(["It is noon.", "You are welcome."]);
    expect(callerLines()).toEqual(["What time is it?", "Thank you."]);
    expect([...items.values()].map((item) => (item.kind === "message" ? item.text : item.kind))).toEqual([
      "What time is it?",
      "It is noon.",
      "Thank you.",
      "You are welcome.",
    ]);
    expect(call.lastSoundAt()).toBeDefined();
    expect(session.state).toBe("live");
    // The provider answers by itself: nothing but the configuration was sent beside the audio.
    expect(typesOf(up.line.sent)).toEqual(["session.update"]);
    expect(up.line.url).toBe("wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1");
  });

  it("keeps the caller's line before the answer although its words come after it", async () => {
    const mind = scripted({ replies: [[{ say: "It is noon." }]], hears: ["What time is it?"] });
    const { speak, up, items, call } = await callOver(ada, { mind });
    const late: string[] = [];
    up.line.bend = (text) => {
      if (!text.includes("input_audio_transcription")) return [text];
      late.push(text);
      return [];
    };
    await speak(800, 2_500);
    for (const text of late) up.line.say(text);
    await call.listen(100);
    expect([...items.values()].map((item) => (item.kind === "message" ? item.text : ""))).toEqual([
      "It is noon.",
      "What time is it?",
    ]);
    const [answer, question] = [...items.values()];
    expect(question?.at).toBeLessThanOrEqual(answer?.at ?? 0);
    const shown = call.eventsOf("transcript").map(({ data }) => data.role);
    expect(shown[0]).toBe("user");
    up.line.cut();
    await call.listen(1_500);
    const told = up.line.sent.flatMap((event) =>
      event.type === "conversation.item.create" ? [String(itemOf(event)["role"])] : [],
    );
    expect(told).toEqual(["user", "assistant", "system"]);
  });

  it("greets with exactly the words of the agent", async () => {
    const { agentLines, up, call } = await callOver(
      { ...ada, greeting: "Good morning, this is Ada." },
      { mind: scripted({ replies: [] }) },
    );
    await call.listen(500);
    expect(agentLines()).toEqual(["Good morning, this is Ada."]);
    expect(up.line.sent.at(-1)).toMatchObject({
      type: "response.create",
      event_id: "rp_resp_1",
      response: { tool_choice: "none" },
    });
  });

  it("shortens an interrupted reply at the position that was really heard", async () => {
    const long = "This is a very long answer that goes on and on until somebody has heard enough of it.";
    const mind = scripted({ replies: [[{ say: long }], [{ say: "Fine." }]], hears: ["Tell me.", "Stop it."] });
    const { speak, call, up, items } = await callOver(ada, { mind });
    await speak(800, 1_800);
    await call.say(voice(600));
    await call.listen(1_500);
    const truncate = up.line.sent.find(({ type }) => type === "conversation.item.truncate");
    const interrupted = call.eventsOf("interrupted")[0];
    expect(truncate).toMatchObject({ content_index: 0, audio_end_ms: interrupted?.data.heardMs });
    expect(Number(truncate?.["audio_end_ms"])).toBeGreaterThan(300);
    const line = [...items.values()].find((item) => item.kind === "message" && item.unheard !== undefined);
    expect(line).toMatchObject({ kind: "message", who: "agent", text: interrupted?.data.heardText });
    expect(long.startsWith(line?.kind === "message" ? line.text : "?")).toBe(true);
    // The provider stops by itself when the caller speaks.
    expect(typesOf(up.line.sent)).not.toContain("response.cancel");
  });

  it("truncates nothing when everything was heard", async () => {
    const mind = scripted({ replies: [[{ say: "Yes." }], [{ say: "No." }]], hears: ["One?", "Two?"] });
    const { speak, up } = await callOver(ada, { mind });
    await speak(800, 3_000);
    await speak(800, 3_000);
    expect(typesOf(up.line.sent)).toEqual(["session.update"]);
  });

  it("stops a reply at the press of a button, and deletes what nobody heard", async () => {
    const mind = scripted({
      replies: [[{ say: "First thing." }, { wait: 8_000 }, { say: "Second thing that is never said." }]],
      hears: ["Go."],
    });
    const { speak, call, up } = await callOver(ada, { mind });
    await speak(800, 2_500);
    call.message({ type: "interrupt" });
    await call.listen(300);
    expect(typesOf(up.line.sent)).toContain("response.cancel");
    expect(call.events.at(-1)?.event.type).not.toBe("error");
  });

  it("runs parallel tools side by side, and asks once for an answer to all of them", async () => {
    let running = 0;
    let most = 0;
    const slow = (name: string) =>
      tool({
        name,
        description: "",
        execute: async (_args, { session }) => {
          running += 1;
          most = Math.max(most, running);
          await new Promise<void>((resolve) => void session.clock.at(session.clock.now() + 400, resolve));
          running -= 1;
          return `${name} found`;
        },
      });
    const mind = scripted({
      replies: [
        [
          { call: "days", id: "call_a" },
          { call: "team", id: "call_b" },
        ],
        [{ say: "Found both." }],
      ],
      hears: ["Look it up."],
    });
    const { speak, up, agentLines } = await callOver({ ...ada, tools: [slow("days"), slow("team")] }, { mind });
    await speak(800, 2_500);
    expect(most).toBe(2);
    const after = up.line.sent.slice(1);
    expect(typesOf(after)).toEqual(["conversation.item.create", "conversation.item.create", "response.create"]);
    expect(itemOf(after[0])).toMatchObject({ type: "function_call_output", call_id: "call_a", output: "days found" });
    expect(agentLines()).toEqual(["Found both."]);
  });

  it("hands over within the connection when the voice stays the same", async () => {
    const ben = agent({ name: "Ben", instructions: "You are Ben.", voice: "marin" });
    const mind = scripted({
      replies: [[{ call: "transfer_to_ben" }], [{ say: "Ben here." }]],
      hears: ["Ben, please."],
    });
    const { speak, up, agentLines, call } = await callOver({ ...ada, handoffs: [handoff(ben)] }, { mind });
    await speak(800, 2_500);
    expect(up.lines).toHaveLength(1);
    const updates = up.line.sent.filter(({ type }) => type === "session.update");
    expect(updates).toHaveLength(2);
    expect(updates[1]).toMatchObject({ session: { type: "realtime", instructions: "You are Ben.", tools: [] } });
    expect(JSON.stringify(updates[1])).not.toContain("voice");
    expect(agentLines()).toEqual(["Ben here."]);
    expect(call.eventsOf("handoff").map(({ data }) => data.to)).toEqual(["Ben"]);
  });

  it("hands over to another voice by a second connection that knows the conversation, and closes the first", async () => {
    const eve = agent({ name: "Eve", instructions: "You are Eve.", voice: "cedar" });
    const mind = scripted({
      replies: ({ brief, items }) =>
        brief.instructions === "You are Eve."
          ? [
              {
                say: items.some((item) => item.kind === "message" && item.text === "Eve, please.")
                  ? "You asked for me."
                  : "Who are you?",
              },
            ]
          : [{ call: "transfer_to_eve" }],
      hears: ["Eve, please."],
    });
    const { speak, up, agentLines } = await callOver({ ...ada, handoffs: [handoff(eve)] }, { mind });
    await speak(800, 3_500);
    expect(up.lines.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    expect(up.line.sent[0]).toMatchObject({ session: { audio: { output: { voice: "cedar" } } } });
    const told = up.line.sent.filter(({ type }) => type === "conversation.item.create").map((event) => itemOf(event));
    expect(told[0]).toMatchObject({ type: "message", role: "user" });
    expect(told.map(({ type }) => type)).toContain("function_call_output");
    expect(told.findIndex(({ type }) => type === "function_call")).toBe(
      told.findIndex(({ type }) => type === "function_call_output") - 1,
    );
    expect(agentLines()).toEqual(["You asked for me."]);
  });

  it("takes typed lines, and answers them once", async () => {
    const mind = scripted({ replies: [[{ say: "Typed well." }]] });
    const { type, up, agentLines } = await callOver(ada, { mind });
    await type("Hello there.", 1_500);
    expect(typesOf(up.line.sent)).toEqual(["session.update", "conversation.item.create", "response.create"]);
    expect(itemOf(up.line.sent[1])).toMatchObject({
      role: "user",
      content: [{ type: "input_text", text: "Hello there." }],
    });
    expect(agentLines()).toEqual(["Typed well."]);
  });

  it("leaves turns to us when asked to: only what was said is sent, then committed, then answered", async () => {
    const mind = scripted({ replies: [[{ say: "Heard you." }]], hears: ["One thing."] });
    const { speak, up, call, agentLines, callerLines } = await callOver(ada, { mind, converse: { decides: "local" } });
    await call.listen(2_000);
    expect(up.line.audio).toBe(0);
    await speak(800, 3_000);
    expect(up.line.sent[0]).toMatchObject({ session: { audio: { input: { turn_detection: null } } } });
    expect(typesOf(up.line.sent).slice(1)).toEqual(["input_audio_buffer.commit", "response.create"]);
    const ms = up.line.audio / 24;
    expect(ms).toBeGreaterThan(800);
    expect(ms).toBeLessThan(2_400);
    expect(agentLines()).toEqual(["Heard you."]);
    expect(callerLines()).toEqual(["One thing."]);
  });

  it("takes a button for the turn: what is said while it is down is committed when it is let go", async () => {
    const mind = scripted({ replies: [[{ say: "Over." }]], hears: ["Pressed."] });
    const { up, call, agentLines } = await callOver(ada, { mind, converse: { decides: "local" } });
    await call.listen(500);
    call.message({ type: "talk", phase: "start" });
    await call.say(voice(1_000));
    call.message({ type: "talk", phase: "end" });
    expect(typesOf(up.line.sent).slice(1)).toEqual(["input_audio_buffer.commit", "response.create"]);
    expect(up.line.audio / 24).toBeGreaterThanOrEqual(1_000);
    await call.listen(1_500);
    expect(agentLines()).toEqual(["Over."]);
  });

  it("forgets what was said when the button is let go without a turn", async () => {
    const { up, call, agentLines } = await callOver(ada, {
      mind: scripted({ replies: [[{ say: "Over." }]] }),
      converse: { decides: "local" },
    });
    call.message({ type: "talk", phase: "start" });
    await call.say(voice(500));
    call.message({ type: "talk", phase: "cancel" });
    await call.listen(1_500);
    expect(typesOf(up.line.sent).slice(1)).toEqual(["input_audio_buffer.clear"]);
    expect(agentLines()).toEqual([]);
  });

  it("applies what the page tunes to the provider's detector, during the call", async () => {
    const { up, call } = await callOver(ada, { mind: scripted({ replies: [] }) });
    call.message({ type: "tune", policy: { threshold: 0.8, silenceMs: 700, prefixMs: "much" } });
    await call.listen(200);
    expect(up.line.sent.at(-1)).toMatchObject({
      type: "session.update",
      session: {
        audio: {
          input: {
            turn_detection: { type: "server_vad", threshold: 0.8, silence_duration_ms: 700, prefix_padding_ms: 300 },
          },
        },
      },
    });
  });

  it("sends silence while the microphone gives nothing in the middle of a sentence", async () => {
    const mind = scripted({ replies: [[{ say: "Go on." }]], hears: ["I was say"] });
    const { up, call, agentLines } = await callOver(ada, { mind });
    await call.say(voice(800));
    const before = up.line.audio;
    await call.starve(2_000);
    expect(up.line.audio).toBeGreaterThan(before);
    await call.listen(500);
    expect(agentLines()).toEqual(["Go on."]);
  });

  it("speaks the telephone's own codec when told to", async () => {
    const mind = scripted({ replies: [[{ say: "Hello caller." }]], hears: ["Hello."] });
    const { speak, up, agentLines, call } = await callOver(ada, { mind, realtime: { audio: "pcmu" } });
    await speak(800, 2_000);
    expect(up.line.sent[0]).toMatchObject({
      session: { audio: { input: { format: { type: "audio/pcmu" } }, output: { format: { type: "audio/pcmu" } } } },
    });
    expect(agentLines()).toEqual(["Hello caller."]);
    expect(call.lastSoundAt()).toBeDefined();
  });

  it("releases every timer when the caller hangs up", async () => {
    const mind = scripted({ replies: [[{ say: "It is noon." }]], hears: ["What time is it?"] });
    const { speak, call, clock, session } = await callOver(ada, { mind });
    await speak();
    call.hangUp();
    await clock.advance(5_000);
    expect(session.state).toBe("closed");
    expect(clock.pending).toBe(0);
  });
});
