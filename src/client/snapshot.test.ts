import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault, VoiceError } from "../base/errors.ts";
import type { PageConfig } from "../protocol/config.ts";
import type { PageEvent } from "../protocol/page.ts";
import { readPageEvent } from "./page-events.ts";
import {
  initialSnapshot,
  reduceEvent,
  withConfig,
  withConnecting,
  withEnd,
  withoutConversation,
  withStep,
} from "./snapshot.ts";
import type { VoiceSnapshot } from "./types.ts";

const config: PageConfig = {
  v: 1,
  title: "Onboarding",
  agents: [
    { name: "Olive", voice: "slt", tools: ["find"] },
    { name: "Bert", tools: [] },
  ],
  parts: "",
  suggestions: [],
  features: { text: true, interrupt: true, tuning: false },
  limits: {},
};
const connecting = withConnecting(withConfig(initialSnapshot, config), 1_000);
const connected: VoiceSnapshot = {
  ...withStep(connecting, "all", 10),
  connection: { state: "connected", transport: "webrtc", sessionId: "ses_1", since: 2_000 },
};
const play = (events: readonly PageEvent[], from: VoiceSnapshot = connected): VoiceSnapshot =>
  events.reduce((snapshot, event) => reduceEvent(snapshot, event, 5_000), from);
const stateOf = ({ agents }: VoiceSnapshot): Record<string, string> =>
  Object.fromEntries(agents.map(({ name, state, handedOff }) => [name, handedOff ? "handed off" : state]));

describe("the way to a call", () => {
  it("begins with the first agent of the team and four steps", () => {
    expect(connecting.activeAgent).toBe("Olive");
    expect(connecting.steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "microphone waiting",
      "signalling waiting",
      "media waiting",
      "agent waiting",
    ]);
  });

  it("gives the time to the step that was under way when the next one begins", () => {
    const steps = withStep(withStep(connecting, "microphone", 0), "signalling", 81.4).steps;
    expect(steps.slice(0, 3)).toEqual([
      { name: "microphone", state: "done", ms: 81 },
      { name: "signalling", state: "running" },
      { name: "media", state: "waiting" },
    ]);
  });

  it("gives no time to a step that was never under way", () => {
    expect(withStep(connecting, "media", 50).steps[0]).toEqual({ name: "microphone", state: "done" });
  });

  it("marks the step that failed and holds the error", () => {
    const error = new VoiceError("mic-denied", "no");
    const failed = withEnd(withStep(connecting, "microphone", 0), { error }, 3_000);
    expect(failed.steps[0]?.state).toBe("failed");
    expect(failed.connection).toEqual({ state: "failed", error, lastedMs: 0 });
  });

  it("forgets the last conversation and its figures but not who is on the team", () => {
    const again = withConnecting(play([{ type: "handoff", data: { to: "Bert" } }]), 9_000);
    expect(again).toMatchObject({ transcript: [], activeAgent: "Olive", latency: { turns: [] }, config });
    expect(stateOf(again)).toEqual({ Olive: "idle", Bert: "idle" });
  });
});

describe("the configuration", () => {
  it("may come during a call without changing who speaks", () => {
    const bare = withConnecting(initialSnapshot, 0);
    const speaking = play([{ type: "agent_state", data: { id: "Bert", state: "speaking" } }], bare);
    const known = withConfig(speaking, config);
    expect(known.activeAgent).toBe("Bert");
    expect(stateOf(known)).toEqual({ Olive: "idle", Bert: "speaking" });
    expect(known.agents[0]?.voice).toBe("slt");
  });

  it("does not take away the agent who speaks, though it does not name it", () => {
    const speaking = play([{ type: "agent_state", data: { id: "Zoe", state: "speaking" } }]);
    expect(withConfig(speaking, config)).toMatchObject({ activeAgent: "Zoe" });
    expect(stateOf(withConfig(speaking, config))["Zoe"]).toBe("speaking");
  });

  it("replaces the team between calls", () => {
    const ended = withEnd(
      play([{ type: "agent_state", data: { id: "Zoe", state: "speaking" } }]),
      { reason: "user" },
      9_000,
    );
    expect(Object.keys(stateOf(withConfig(ended, config)))).toEqual(["Olive", "Bert"]);
  });
});

describe("the end of a call", () => {
  it("counts from the moment the call was up", () => {
    expect(withEnd(connected, { reason: "user" }, 9_500).connection).toEqual({
      state: "ended",
      reason: "user",
      lastedMs: 7_500,
    });
  });

  it("leaves nobody speaking and no line unfinished", () => {
    const over = withEnd(
      play([
        { type: "agent_state", data: { id: "Bert", state: "speaking" } },
        { type: "user_state", data: { speaking: true } },
        { type: "transcript", data: { id: "u", role: "user", text: "and can", final: false } },
      ]),
      { reason: "handler" },
      9_000,
    );
    expect(over.userSpeaking).toBe(false);
    expect(stateOf(over)["Bert"]).toBe("idle");
    expect(over.transcript).toMatchObject([{ text: "and can", final: true }]);
  });

  it("is the first one: a second end changes nothing", () => {
    const ended = withEnd(connected, { reason: "user" }, 9_000);
    expect(withEnd(ended, { error: new VoiceError("connection-lost", "late") }, 9_100)).toBe(ended);
    expect(withEnd(initialSnapshot, { reason: "user" }, 1)).toBe(initialSnapshot);
  });
});

describe("the team", () => {
  it("lights whoever does anything but wait", () => {
    expect(play([{ type: "agent_state", data: { id: "Bert", state: "thinking" } }]).activeAgent).toBe("Bert");
  });

  it("does not take the floor from the active agent when another one goes idle", () => {
    const events: PageEvent[] = [
      { type: "agent_state", data: { id: "Bert", state: "speaking" } },
      { type: "agent_state", data: { id: "Olive", state: "idle" } },
    ];
    expect(play(events).activeAgent).toBe("Bert");
  });

  it("shows who handed off, until the call comes back", () => {
    const away = play([{ type: "handoff", data: { from: "Olive", to: "Bert" } }]);
    expect(away.activeAgent).toBe("Bert");
    expect(stateOf(away)).toEqual({ Olive: "handed off", Bert: "idle" });
    expect(stateOf(play([{ type: "handoff", data: { from: "Bert", to: "Olive" } }], away))).toEqual({
      Olive: "idle",
      Bert: "handed off",
    });
  });

  it("leaves the floor to the one who hands off until the farewell was heard", () => {
    const saying = play([
      { type: "agent_state", data: { id: "Olive", state: "speaking" } },
      { type: "handoff", data: { from: "Olive", to: "Bert" } },
    ]);
    expect(saying.activeAgent).toBe("Olive");
    const said = play([{ type: "agent_state", data: { id: "Olive", state: "idle" } }], saying);
    expect(said.activeAgent).toBe("Bert");
    expect(stateOf(said)).toEqual({ Olive: "handed off", Bert: "idle" });
  });

  it("takes the active agent for the one who hands off when the server does not say", () => {
    expect(stateOf(play([{ type: "handoff", data: { to: "Bert" } }]))["Olive"]).toBe("handed off");
  });

  it("takes in an agent the configuration did not name", () => {
    expect(stateOf(play([{ type: "agent_state", data: { id: "Zoe", state: "speaking" } }]))["Zoe"]).toBe("speaking");
  });
});

describe("structural sharing", () => {
  it("returns the same snapshot for an event that changes nothing", () => {
    const events: PageEvent[] = [
      { type: "agent_state", data: { id: "Olive", state: "speaking" } },
      { type: "user_state", data: { speaking: false } },
      { type: "transcript", data: { id: "a", role: "agent", text: "Hello", final: false, heardChars: 3 } },
      { type: "tool", data: { callId: "c", name: "find", status: "running", args: "{}" } },
      { type: "turn", data: { turnId: "t", phase: "started" } },
      { type: "usage", data: {} },
    ];
    const once = play(events);
    for (const event of events) expect(reduceEvent(once, event, 8_000)).toBe(once);
  });

  it("keeps the lines, agents and figures that an event does not touch", () => {
    const before = play([{ type: "transcript", data: { id: "a", role: "agent", text: "Hello", final: true } }]);
    const after = play([{ type: "transcript", data: { id: "b", role: "user", text: "Hi", final: true } }], before);
    expect(after.transcript[0]).toBe(before.transcript[0]);
    expect(after.agents).toBe(before.agents);
    expect(after.latency).toBe(before.latency);
  });

  it("never changes a snapshot it has handed out, nor throws, whatever the server sends", () => {
    const ids = fc.constantFrom("a", "b", "c");
    const event = fc.oneof(
      fc.record({
        type: fc.constant("transcript"),
        data: fc.record({
          id: ids,
          turnId: ids,
          role: fc.constantFrom("user", "agent", "system"),
          text: fc.string(),
          final: fc.boolean(),
          heardChars: fc.integer(),
        }),
      }),
      fc.record({
        type: fc.constant("interrupted"),
        data: fc.record({ itemId: ids, heardMs: fc.double(), heardText: fc.string() }),
      }),
      fc.record({
        type: fc.constant("tool"),
        data: fc.record({
          callId: ids,
          name: ids,
          status: fc.constantFrom("running", "ok", "odd"),
          args: fc.jsonValue(),
        }),
      }),
      fc.record({ type: fc.constant("handoff"), data: fc.record({ to: ids }) }),
      fc.record({
        type: fc.constant("turn"),
        data: fc.record({
          turnId: ids,
          phase: fc.constantFrom("ended", "answered"),
          parts: fc.dictionary(fc.constantFrom("stt", "llm"), fc.double()),
        }),
      }),
      fc.record({ type: fc.constantFrom("warning", "error", "end_stream", "agent_state"), data: fc.jsonValue() }),
    );
    fc.assert(
      fc.property(fc.array(event), (events) => {
        let snapshot = connected;
        for (const json of events) {
          const read = readPageEvent(JSON.stringify(json));
          if (read === undefined || isFault(read) || read.type === "pong") continue;
          const copy = structuredClone(snapshot);
          const next = reduceEvent(snapshot, read, 5_000);
          expect(snapshot).toEqual(copy);
          expect(new Set(next.transcript.map(({ id }) => id)).size).toBe(next.transcript.length);
          snapshot = next;
        }
      }),
    );
  });
});

describe("a new conversation on the same call", () => {
  it("empties the page and goes back to the first agent, with the call still up", () => {
    const fresh = withoutConversation(play([{ type: "handoff", data: { to: "Bert" } }]));
    expect(fresh).toMatchObject({ transcript: [], activeAgent: "Olive", connection: { state: "connected" } });
  });
});
