import type { AgentView } from "../../../../../src/client/index.ts";
import { useLevel, useSnapshot, useVoice } from "../voice.ts";
import { Avatar } from "./avatar.tsx";

/** The team. Whoever has the floor is lit, and the rings follow the voice. */
export function Stage() {
  const agents = useSnapshot(({ agents }) => agents);
  const active = useSnapshot(({ activeAgent }) => activeAgent);
  const heard = useSnapshot(({ userSpeaking }) => userSpeaking);
  return (
    <ul className="stage" aria-label="Agents">
      {agents.map((agent) => (
        <OnStage key={agent.name} agent={agent} active={agent.name === active} heard={heard} />
      ))}
    </ul>
  );
}

function OnStage({
  agent,
  active,
  heard,
}: {
  readonly agent: AgentView;
  readonly active: boolean;
  readonly heard: boolean;
}) {
  const client = useVoice();
  const speaking = active && agent.state === "speaking";
  const ring = useLevel<HTMLSpanElement>(speaking ? "output" : "input", active);
  const mood = active ? agent.state : "away";
  return (
    <li
      className={`agent ${mood}${active && heard && !speaking ? " heard" : ""}`}
      aria-current={active ? "true" : undefined}
    >
      <span className="rings" ref={ring}>
        {speaking ? (
          <button
            type="button"
            className="avatar-button"
            onClick={() => client.interrupt()}
            title="Interrupt (Esc)"
            aria-label={`Interrupt ${agent.name}`}
          >
            <Avatar name={agent.name} picture={agent.avatar} tinted />
          </button>
        ) : (
          <Avatar name={agent.name} picture={agent.avatar} tinted={active} />
        )}
      </span>
      <span className="agent-name">{agent.name}</span>
      <span className="agent-state">{stateOf(agent, active, heard)}</span>
    </li>
  );
}

function stateOf(agent: AgentView, active: boolean, heard: boolean): string {
  if (!active) return agent.handedOff ? "handed off" : "waiting";
  if (agent.state === "speaking") return "Speaking";
  if (agent.state === "thinking") return "Thinking";
  return heard ? "Hears you" : "Listening";
}
