/*
 * From what happened to what the page draws. Pure: time comes in, a new snapshot goes out, and every part that did not
 * change keeps its identity, so that a page redraws only what it must.
 */
import type { VoiceError } from "../base/errors.ts";
import type { Epoch } from "../base/time.ts";
import type { PageConfig } from "../protocol/config.ts";
import type { AgentState, PageEvent } from "../protocol/page.ts";
import { addServerParts, noTurns } from "./latency.ts";
import { addHandoff, addInterruption, addNotice, addTool, addTranscript } from "./transcript.ts";
import type { AgentView, Connection, Line, StepName, VoiceSnapshot } from "./types.ts";

export const initialSnapshot: VoiceSnapshot = {
  config: undefined,
  connection: { state: "idle" },
  steps: [],
  agents: [],
  activeAgent: undefined,
  userSpeaking: false,
  mic: { state: "off", muted: false, label: undefined, deviceId: undefined, hint: undefined, devices: [] },
  audioBlocked: false,
  transcript: [],
  latency: noTurns,
  net: {},
};

const stepNames: readonly StepName[] = ["microphone", "signalling", "media", "agent"];

/** The configuration may come, or come anew, during a call: what agents are doing stays. */
export function withConfig(snapshot: VoiceSnapshot, config: PageConfig): VoiceSnapshot {
  const known = new Map(snapshot.agents.map((agent) => [agent.name, agent]));
  const agents = introduce(config).map((agent): AgentView => {
    const { state, handedOff } = known.get(agent.name) ?? agent;
    return { ...agent, state, handedOff };
  });
  const active = snapshot.agents.find(({ name }) => name === snapshot.activeAgent);
  const onCall = snapshot.connection.state === "connecting" || snapshot.connection.state === "connected";
  if (onCall && active !== undefined && !agents.some(({ name }) => name === active.name)) agents.push(active);
  return { ...snapshot, config, agents, activeAgent: (onCall ? active?.name : undefined) ?? config.agents[0]?.name };
}

/** A new attempt: nothing of the last call is left but the configuration and the choice of microphone. */
export function withConnecting(snapshot: VoiceSnapshot, now: Epoch): VoiceSnapshot {
  return {
    ...withoutConversation(snapshot),
    connection: { state: "connecting", since: now },
    steps: stepNames.map((name) => ({ name, state: "waiting" })),
    mic: { ...snapshot.mic, muted: false, hint: undefined },
    latency: noTurns,
    net: {},
  };
}

/** An empty page on the same call. */
export function withoutConversation(snapshot: VoiceSnapshot): VoiceSnapshot {
  return {
    ...snapshot,
    agents: snapshot.config === undefined ? [] : introduce(snapshot.config),
    activeAgent: snapshot.config?.agents[0]?.name,
    userSpeaking: false,
    transcript: [],
  };
}

/** Marks the step as under way and those before it as done; `ms` is how long the one that was under way took. */
export function withStep(snapshot: VoiceSnapshot, name: StepName | "all", ms: number): VoiceSnapshot {
  const index = name === "all" ? snapshot.steps.length : stepNames.indexOf(name);
  return {
    ...snapshot,
    steps: snapshot.steps.map((step, i) => {
      if (i === index) return { name: step.name, state: "running" };
      if (i > index || step.state === "done") return step;
      return { name: step.name, state: "done", ...(step.state === "running" && { ms: Math.round(ms) }) };
    }),
  };
}

/** The call is over, in whatever way; what was said stays to be read. */
export function withEnd(
  snapshot: VoiceSnapshot,
  end:
    | { readonly error: VoiceError }
    | { readonly reason: (Connection & { state: "ended" })["reason"]; readonly message?: string },
  now: Epoch,
): VoiceSnapshot {
  const { connection } = snapshot;
  if (connection.state !== "connecting" && connection.state !== "connected") return snapshot;
  const lastedMs = connection.state === "connected" ? now - connection.since : 0;
  return {
    ...snapshot,
    connection: "error" in end ? { state: "failed", error: end.error, lastedMs } : { state: "ended", ...end, lastedMs },
    steps: snapshot.steps.map((step) => (step.state === "running" ? { ...step, state: "failed" } : step)),
    agents: snapshot.agents.map((agent) => (agent.state === "idle" ? agent : { ...agent, state: "idle" })),
    userSpeaking: false,
    mic: { ...snapshot.mic, state: snapshot.mic.state === "error" ? "error" : "off", hint: undefined },
    transcript: snapshot.transcript.map(settle),
  };
}

/** What the server says while the call is up. */
export function reduceEvent(snapshot: VoiceSnapshot, event: PageEvent, now: Epoch): VoiceSnapshot {
  switch (event.type) {
    case "agent_state":
      return withAgentState(snapshot, event.data.id, event.data.state);
    case "user_state":
      return snapshot.userSpeaking === event.data.speaking
        ? snapshot
        : { ...snapshot, userSpeaking: event.data.speaking };
    case "transcript":
      return withTranscript(snapshot, addTranscript(snapshot.transcript, event.data, now));
    case "interrupted":
      return withTranscript(snapshot, addInterruption(snapshot.transcript, event.data));
    case "tool":
      return withTranscript(snapshot, addTool(snapshot.transcript, event.data, now));
    case "handoff":
      return withHandoff(withTranscript(snapshot, addHandoff(snapshot.transcript, event.data, now)), event.data);
    case "turn": {
      const latency = addServerParts(snapshot.latency, event.data);
      return latency === snapshot.latency ? snapshot : { ...snapshot, latency };
    }
    case "warning":
    case "error":
      return withTranscript(snapshot, addNotice(snapshot.transcript, event.type, event.message, now));
    case "output":
    case "usage":
    case "turn_detection":
    case "limits":
    case "send_input":
    case "stopword":
    case "end_stream":
      return snapshot;
  }
}

function introduce(config: PageConfig): readonly AgentView[] {
  return config.agents.map((agent) => ({ ...agent, state: "idle", handedOff: false }));
}

function withTranscript(snapshot: VoiceSnapshot, transcript: readonly Line[]): VoiceSnapshot {
  return transcript === snapshot.transcript ? snapshot : { ...snapshot, transcript };
}

/** Whoever does anything but wait has the floor of the team; after a farewell it goes to whom the call was handed. */
function withAgentState(snapshot: VoiceSnapshot, name: string, state: AgentState): VoiceSnapshot {
  const known = withAgent(snapshot, name);
  const agents = changeAgent(known.agents, name, (agent) => (agent.state === state ? agent : { ...agent, state }));
  const left = name === known.activeAgent && agents.some((agent) => agent.name === name && agent.handedOff);
  const waiting = left ? lastTaker(known.transcript) : known.activeAgent;
  const activeAgent = state === "idle" ? (waiting ?? name) : name;
  if (agents === snapshot.agents && activeAgent === snapshot.activeAgent) return snapshot;
  return { ...known, agents, activeAgent };
}

/** The one who hands off may still be saying so, and keeps the floor until that was heard. */
function withHandoff(
  snapshot: VoiceSnapshot,
  { from = snapshot.activeAgent, to }: { from?: string; to: string },
): VoiceSnapshot {
  const known = withAgent(snapshot, to);
  let speaking = false;
  const agents = known.agents.map((agent): AgentView => {
    if (agent.name === to) return { ...agent, handedOff: false };
    if (agent.name !== from) return agent;
    speaking = agent.state === "speaking";
    return { ...agent, state: speaking ? "speaking" : "idle", handedOff: true };
  });
  return { ...known, agents, activeAgent: speaking ? from : to };
}

function lastTaker(lines: readonly Line[]): string | undefined {
  const line = lines.findLast(({ kind }) => kind === "handoff");
  return line?.kind === "handoff" ? line.to : undefined;
}

/** An agent the configuration did not name joins the row when it is first heard of. */
function withAgent(snapshot: VoiceSnapshot, name: string): VoiceSnapshot {
  if (snapshot.agents.some((agent) => agent.name === name)) return snapshot;
  return { ...snapshot, agents: [...snapshot.agents, { name, tools: [], state: "idle", handedOff: false }] };
}

function changeAgent(
  agents: readonly AgentView[],
  name: string,
  change: (agent: AgentView) => AgentView,
): readonly AgentView[] {
  let changed = false;
  const next = agents.map((agent) => {
    const after = agent.name === name ? change(agent) : agent;
    changed ||= after !== agent;
    return after;
  });
  return changed ? next : agents;
}

/** Nothing is under way any more once the call is over. */
function settle(line: Line): Line {
  if (line.kind === "said" && !line.final) return { ...line, final: true };
  return line;
}
