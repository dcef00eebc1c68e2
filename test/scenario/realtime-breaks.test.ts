import { describe, expect, it } from "vitest";
import { agent } from "../../src/agents/agent.ts";
import { tool } from "../../src/agents/tool.ts";
import { scripted } from "../../src/engines/scripted/index.ts";
import { callOver, type Event, KEY, voice } from "../fixtures/realtime-upstream.ts";

const ada = agent({ name: "Ada", instructions: "You are Ada.", voice: "marin" });
const HOUR = 3_600_000;

const typesOf = (events: readonly Event[]): string[] => events.map(({ type }) => type);
const textsOf = (events: readonly Event[]): string[] =>
  events.flatMap((event) => {
    const { role, content } = Object(event["item"]) as { role?: string; content?: readonly { text?: string }[] };
    return event.type === "conversation.item.create" && content !== undefined ? [`${role}: ${content[0]?.text}`] : [];
  });

/** Answers with what it was told of the conversation, so that a test hears whether the history came along. */
const remembering = (hears: readonly string[]) =>
  scripted({
    hears,
    replies: ({ items }) => [
      {
        say: `I know: ${items.flatMap((item) => (item.kind === "message" && item.who === "caller" ? [item.text] : [])).join(" ")}`.trim(),
      },
    ],
  });

describe("when the line to a realtime model breaks", () => {
  it("opens another one, tells it what was said, and goes on without the caller noticing", async () => {
    const { speak, up, call, agentLines, warnings } = await callOver(ada, { mind: remembering(["One."]) });
    await speak(800, 3_500);
    up.line.cut();
    await call.listen(1_000);
    expect(up.lines).toHaveLength(2);
    expect(textsOf(up.line.sent).slice(0, 2)).toEqual(["user: One.", "assistant: I know:"]);
    expect(textsOf(up.line.sent).at(-1)).toMatch(/^system: The line was interrupted .* Do not greet/);
    expect(typesOf(up.line.sent)).not.toContain("response.create");
    expect(agentLines()).toEqual(["I know:"]);
    expect(warnings()).toEqual([]);
  });

  it("answers a sentence that was being said when it broke", async () => {
    const { up, call, agentLines, session } = await callOver(ada, {
      mind: scripted({ replies: [[{ say: "Understood." }]], hears: ["A long sentence."] }),
    });
    await call.say(voice(700));
    up.line.cut();
    await call.say(voice(700));
    await call.listen(2_000);
    expect(up.lines).toHaveLength(2);
    // All of it, from its beginning, is on the new line.
    expect(up.line.audio / 24).toBeGreaterThan(1_400);
    expect(agentLines()).toEqual(["Understood."]);
    expect(session.state).toBe("live");
  });

  it("answers a sentence that was said while there was no line at all", async () => {
    const { up, call, agentLines } = await callOver(ada, {
      mind: scripted({ replies: [[{ say: "Understood." }]], hears: ["Into the gap."] }),
    });
    await call.listen(3_000);
    let refuse = true;
    up.accept = () => (refuse ? 503 : undefined);
    up.line.cut();
    await call.listen(300);
    await call.say(voice(800));
    refuse = false;
    await call.listen(6_000);
    expect(agentLines()).toEqual(["Understood."]);
  });

  it("answers a sentence whose words had not come back", async () => {
    const { up, call, agentLines } = await callOver(ada, {
      mind: scripted({ replies: [[{ say: "Understood." }]], hears: ["Lost words.", "Lost words."] }),
    });
    up.line.bend = (text) => (/transcription|response\./.test(text) ? [] : [text]);
    await call.say(voice(800));
    await call.listen(900);
    up.line.cut();
    await call.listen(2_500);
    expect(agentLines()).toEqual(["Understood."]);
  });

  it("asks again for an answer when the words are known and nobody has begun to answer", async () => {
    const { up, call, agentLines } = await callOver(ada, { mind: remembering(["Known words."]) });
    up.line.bend = (text) => (/"response\./.test(text) ? [] : [text]);
    await call.say(voice(800));
    await call.listen(900);
    up.line.cut();
    await call.listen(2_500);
    expect(typesOf(up.line.sent)).toContain("response.create");
    expect(agentLines()).toEqual(["I know: Known words."]);
  });

  it("goes on from where its voice broke off, in one reply", async () => {
    const mind = scripted({
      replies: ({ items }) =>
        items.some((item) => item.kind === "message" && item.who === "system")
          ? [{ say: "and a second half." }]
          : [{ say: "A first half" }, { wait: 60_000 }, { say: "never said" }],
      hears: ["Tell me."],
    });
    const { speak, up, call, agentLines, session } = await callOver(ada, { mind });
    await speak(800, 1_200);
    expect(agentLines()).toEqual(["A first half"]);
    up.line.cut();
    await call.listen(3_000);
    expect(textsOf(up.line.sent).at(-1)).toContain('these words of yours: "A first half"');
    expect(agentLines()).toEqual(["A first half", "and a second half."]);
    // Nobody apologised: to everybody outside it was one reply.
    expect(call.eventsOf("agent_state").at(-1)?.data.state).toBe("idle");
    expect(session.state).toBe("live");
  });

  it("takes a caller for silent whom the next connection does not hear", async () => {
    const { up, call } = await callOver(ada, { mind: scripted({ replies: [] }) });
    await call.listen(1_000);
    up.line.say({ type: "input_audio_buffer.speech_started", event_id: "e", item_id: "ghost", audio_start_ms: 900 });
    await call.listen(100);
    expect(call.eventsOf("user_state").at(-1)?.data.speaking).toBe(true);
    up.line.cut();
    await call.listen(5_000);
    expect(up.lines).toHaveLength(2);
    expect(call.eventsOf("user_state").at(-1)?.data.speaking).toBe(false);
  });

  it("delivers the result of a tool that ran meanwhile, together with its call", async () => {
    const slow = tool({
      name: "look",
      description: "",
      execute: async (_args, { session }) => {
        await new Promise<void>((resolve) => void session.clock.at(session.clock.now() + 3_000, resolve));
        return "found";
      },
    });
    const mind = scripted({
      replies: ({ items }) =>
        items.some((item) => item.kind === "result") ? [{ say: "It was found." }] : [{ call: "look", id: "call_1" }],
      hears: ["Look."],
    });
    const { speak, up, call, agentLines, items } = await callOver({ ...ada, tools: [slow] }, { mind });
    await speak(800, 1_000);
    up.line.cut();
    await call.listen(6_000);
    const kinds = up.line.sent
      .map((event) => (Object(event["item"]) as { type?: string }).type)
      .filter((type) => type?.startsWith("function"));
    expect(kinds).toEqual(["function_call", "function_call_output"]);
    expect(agentLines()).toEqual(["It was found."]);
    expect([...items.values()].filter((item) => item.kind === "result")).toHaveLength(1);
  });

  it.each([
    [
      "the session ran out",
      (up: { line: { say(e: unknown): void; cut(c: number, r: string): void } }) => {
        up.line.say({
          type: "error",
          event_id: "e",
          error: { type: "invalid_request_error", code: "session_expired", message: "60 minutes" },
        });
        up.line.cut(1001, "expired");
      },
    ],
    ["the socket was closed as gone", (up: { line: { cut(c: number): void } }) => up.line.cut(1001)],
    ["the socket just ended", (up: { line: { cut(c: number): void } }) => up.line.cut(1006)],
    ["an overload", (up: { line: { cut(c: number): void } }) => up.line.cut(1013)],
  ])("recovers when %s", async (_what, fault) => {
    const { speak, up, agentLines, call } = await callOver(ada, { mind: remembering(["One.", "Two."]) });
    await speak(800, 3_500);
    fault(up);
    await call.listen(1_500);
    await speak(800, 3_000);
    expect(agentLines().at(-1)).toContain("One.");
    expect(agentLines()).toHaveLength(2);
  });

  it("notices a line that died without a word, and recovers", async () => {
    const { speak, up, agentLines, call } = await callOver(ada, { mind: remembering(["One.", "Two."]) });
    await speak(800, 3_500);
    up.line.deaf = true;
    up.line.bend = () => [];
    await call.listen(31_000);
    expect(up.lines).toHaveLength(2);
    await speak(800, 3_000);
    expect(agentLines().at(-1)).toContain("One.");
  });

  it("notices a provider that hears and does not answer, and asks elsewhere", async () => {
    const { up, agentLines, call } = await callOver(ada, { mind: remembering(["Anybody?", "Anybody?"]) });
    up.line.bend = (text) => (/"response\./.test(text) ? [] : [text]);
    await call.say(voice(800));
    await call.listen(20_000);
    expect(up.lines.length).toBeGreaterThan(1);
    expect(agentLines()).toEqual(["I know: Anybody?"]);
  });

  it("goes to the next provider when the first one refuses, with the same history", async () => {
    const { speak, up, agentLines, call } = await callOver(ada, {
      mind: remembering(["One."]),
      realtime: {
        failover: [
          {
            provider: "azure",
            baseUrl: "https://res.openai.azure.com",
            model: "deployment",
            apiKey: "azure-secret-key",
          },
        ],
      },
    });
    await speak(800, 3_500);
    up.accept = (line) => (line.url.includes("azure") ? undefined : 503);
    up.line.cut();
    await call.listen(1_500);
    expect(up.line.url).toBe("wss://res.openai.azure.com/openai/v1/realtime?model=deployment");
    expect(up.line.headers).toMatchObject({ "api-key": "azure-secret-key" });
    expect(up.line.headers).not.toHaveProperty("authorization");
    await speak(800, 3_500);
    expect(agentLines().at(-1)).toBe("I know: One.");
  });

  it.each([
    [401, "provider-auth"],
    [403, "provider-auth"],
    [404, "provider-config"],
  ])("does not try again after status %i, and ends the call with a clear error", async (status, code) => {
    const { up, call, session, clock } = await callOver(ada, { mind: scripted({ replies: [] }) });
    up.accept = () => status;
    up.line.cut();
    await clock.advance(20_000);
    expect(up.lines).toHaveLength(2);
    expect(session.state).toBe("closed");
    expect(call.events.some(({ event }) => event.type === "error" && event.data.code === code)).toBe(true);
  });

  it("gives up within a bounded time when nobody answers, and says so", async () => {
    const { up, call, session, clock, warnings } = await callOver(ada, { mind: scripted({ replies: [] }) });
    const from = clock.now();
    up.accept = () => 503;
    up.line.cut();
    await clock.advance(60_000);
    expect(session.state).toBe("closed");
    expect(up.lines.length).toBe(6);
    expect(warnings()).toContain("provider-unavailable");
    const error = call.events.find(({ event }) => event.type === "error" || event.type === "end_stream");
    expect((error?.at ?? Number.POSITIVE_INFINITY) - from).toBeLessThan(25_000);
    expect(clock.pending).toBe(0);
  });

  it("ends the incident when every connection breaks at once", async () => {
    const { up, session, clock } = await callOver(ada, { mind: scripted({ replies: [] }) });
    for (let i = 0; i < 12 && session.state === "live"; i++) {
      up.line.cut();
      await clock.advance(1_500);
    }
    expect(session.state).toBe("closed");
    expect(up.lines.length).toBeLessThan(6);
  });

  it("fails to connect to a server that opens, complains and closes", async () => {
    const { session, call, clock } = await callOver(ada, {
      mind: scripted({ replies: [] }),
      before: (up) => {
        up.accept = (line) => {
          line.bend = () => [
            JSON.stringify({
              type: "error",
              event_id: "e",
              error: { type: "invalid_request_error", code: "beta_api_shape_disabled", message: "no" },
            }),
          ];
          return undefined;
        };
      },
    });
    await clock.advance(1_000);
    expect(session.state).toBe("closed");
    expect(call.events.some(({ event }) => event.type === "error" && event.data.code === "beta-protocol")).toBe(true);
  });

  it("gives a handshake that hangs 10 s, and then tries again", async () => {
    let count = 0;
    const { up, clock, session } = await callOver(ada, {
      mind: scripted({ replies: [] }),
      before: (line) => {
        line.accept = () => (++count === 1 ? "hang" : undefined);
      },
    });
    await clock.advance(15_000);
    expect(up.lines).toHaveLength(2);
    expect(up.lines[1]?.openedAt).toBeGreaterThanOrEqual(10_000);
    expect(session.state).toBe("live");
  });

  it("is not shaken by half a JSON text, unknown events, wrong members, repeated and shuffled events", async () => {
    const { speak, up, agentLines, callerLines, session, items } = await callOver(ada, {
      mind: remembering(["One.", "Two."]),
    });
    up.line.bend = (text) => [
      text.slice(0, text.length / 2),
      "[]",
      "null",
      '{"type":5}',
      '{"type":"future.event","event_id":"x"}',
      '{"type":"response.output_audio.delta","event_id":"x","delta":7}',
      '{"type":"response.done","event_id":"x","response":{}}',
      '{"type":"conversation.item.added","event_id":"x","item":{}}',
      '{"type":"error","event_id":"x","error":{}}',
      text,
      ...(text.includes("output_audio.delta") || text.includes("_transcript.delta") ? [] : [text]),
    ];
    await speak(800, 3_500);
    await speak(800, 3_500);
    expect(session.state).toBe("live");
    expect(callerLines()).toEqual(["One.", "Two."]);
    expect(agentLines()).toEqual(["I know:", "I know:"]);
    expect(new Set(items.keys()).size).toBe(4);
  });

  it("takes an audio event of any size", async () => {
    const { speak, up, call, session } = await callOver(ada, {
      mind: scripted({ replies: [[{ say: "Long." }]], hears: ["Go."] }),
    });
    up.line.bend = (text) => {
      const event = JSON.parse(text) as Event;
      return [
        event.type === "response.output_audio.delta"
          ? JSON.stringify({ ...event, delta: Buffer.alloc(24_000 * 2 * 30, 9).toString("base64") })
          : text,
      ];
    };
    await speak(800, 4_000);
    expect(session.pending).toBeGreaterThan(20_000);
    expect(call.heardAudio().length).toBeGreaterThan(100);
    expect(session.state).toBe("live");
  });

  it("tries a failed answer once more, unseen by the caller", async () => {
    const { up, agentLines, call, speak } = await callOver(ada, { mind: remembering(["One."]) });
    let failed = 0;
    up.line.bend = (text) => {
      const event = JSON.parse(text) as Event & { response: object };
      if (failed > 0 || !event.type.startsWith("response.") || event.type === "response.created") return [text];
      if (event.type !== "response.done") return [];
      failed += 1;
      const details = { type: "failed", error: { type: "server_error", code: "server_error", message: "oops" } };
      return [
        JSON.stringify({
          ...event,
          response: { ...event.response, status: "failed", status_details: details, output: [] },
        }),
      ];
    };
    await speak(800, 4_000);
    await call.listen(500);
    expect(failed).toBe(1);
    expect(agentLines()).toEqual(["I know: One."]);
    expect(call.events.some(({ event }) => event.type === "warning")).toBe(false);
  });

  it("never shows the key: not in a log line, not in a page's event, not in an error", async () => {
    const { speak, up, call, logs, clock, session } = await callOver(ada, {
      mind: scripted({ replies: [[{ say: "Yes." }]], hears: ["Hm."] }),
      realtime: { headers: { "x-tenant": "tenant-secret-0123456789" } },
    });
    expect(up.line.headers["authorization"]).toBe(`Bearer ${KEY}`);
    await speak();
    const echo = {
      type: "invalid_request_error",
      message: `Incorrect API key provided: ${KEY} tenant-secret-0123456789`,
    };
    up.line.say({ type: "error", event_id: "e", error: { ...echo, code: "weird" } });
    up.line.say({
      type: "conversation.item.input_audio_transcription.failed",
      event_id: "e",
      item_id: "i",
      content_index: 0,
      error: echo,
    });
    up.line.cut(1011, `bad ${KEY}`);
    await call.listen(1_000);
    up.line.say({ type: "error", event_id: "e", error: { ...echo, code: "invalid_api_key" } });
    up.accept = () => 401;
    await clock.advance(30_000);
    expect(session.state).toBe("closed");
    const seen = logs.join("\n") + JSON.stringify(call.events) + String(call.closedWith);
    expect(logs.length).toBeGreaterThan(3);
    expect(seen).toContain("***");
    for (const secret of [KEY, KEY.slice(3), "tenant-secret"]) expect(seen).not.toContain(secret);
  });
});

describe("when a connection is about to end", () => {
  it("is replaced between two turns, long before that, and the conversation goes on", async () => {
    const { speak, up, call, clock, agentLines } = await callOver(ada, { mind: remembering(["One.", "Two."]) });
    await speak(800, 3_500);
    await call.starve(HOUR - 330_000);
    expect(up.lines).toHaveLength(1);
    await call.listen(60_000);
    expect(up.lines.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    expect(up.line.openedAt).toBeLessThanOrEqual(HOUR - 270_000);
    await speak(800, 3_500);
    expect(agentLines()).toEqual(["I know:", "I know: One."]);
    expect(clock.now()).toBeLessThan(HOUR);
  });

  it("waits for the end of a turn, and is forced a minute before", async () => {
    const mind = scripted({
      replies: ({ index }) => (index === 0 ? [{ say: "Well" }, { wait: 2 * HOUR }] : [{ say: "Go on." }]),
      hears: ["Go."],
    });
    const { speak, up, call } = await callOver(ada, { mind });
    await call.starve(HOUR - 310_000);
    await speak(800, 1_000);
    // Keeps the reply alive, which the watchdog of silent responses would end.
    const beat = {
      type: "response.output_audio_transcript.delta",
      event_id: "x",
      response_id: "",
      item_id: "",
      output_index: 0,
      content_index: 0,
      delta: "",
    };
    const started = call.eventsOf("transcript").findLast(({ data }) => data.role === "agent")?.data.id ?? "";
    for (let i = 0; i < 13; i++) {
      await call.starve(15_000);
      up.lines[0]?.say({ ...beat, response_id: started, item_id: "item" });
    }
    expect(up.lines).toHaveLength(2);
    expect(up.lines[0]?.isOpen).toBe(true);
    for (let i = 0; i < 5; i++) {
      await call.starve(15_000);
      up.lines[0]?.say({ ...beat, response_id: started, item_id: "item" });
    }
    expect(up.lines[0]?.isOpen).toBe(false);
    expect(up.lines[1]?.isOpen).toBe(true);
  });
});
