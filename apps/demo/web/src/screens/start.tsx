import type { AgentView, PageConfig } from "../../../../../src/client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Brand } from "../parts/brand.tsx";
import { Icon } from "../parts/icon.tsx";
import { MicChoice } from "../parts/mic-choice.tsx";
import { ProblemNotice } from "../parts/problem-notice.tsx";
import { Steps } from "../parts/steps.tsx";
import { ThemeButton } from "../parts/theme-button.tsx";
import { useSnapshot, useVoice } from "../voice.ts";

/** Who will answer, what to say, and one large button. */
export function Start({ unreachable }: { readonly unreachable: boolean }) {
  const client = useVoice();
  const config = useSnapshot(({ config }) => config);
  const agents = useSnapshot(({ agents }) => agents);
  const connection = useSnapshot(({ connection }) => connection);
  const connecting = connection.state === "connecting";
  const start = (mic?: false): void => {
    // What went wrong is in the snapshot, and drawn from there.
    client.connect(mic === false ? { mic } : {}).catch(() => undefined);
  };

  return (
    <div className="page">
      <header className="top">
        <Brand title={config?.title} />
        <ThemeButton />
      </header>
      <main className="start">
        <h1>{config?.subtitle ?? "Talk. They answer."}</h1>
        <p className="lead">
          Speak as you would on the telephone. Interrupt whenever you like: the agent stops, and knows how far you heard
          it.
        </p>

        {unreachable && connection.state !== "failed" && (
          <div className="notice bad" role="alert">
            <strong>The server does not answer</strong>
            <p>Start it, and this page goes on by itself.</p>
          </div>
        )}
        {connection.state === "failed" && <ProblemNotice error={connection.error} onType={() => start(false)} />}

        <ul className={`team team-${Math.min(agents.length, 4)}`} aria-label="Agents">
          {agents.map((agent, index) => (
            <AgentCard key={agent.name} agent={agent} answers={index === 0 && agents.length > 1} />
          ))}
        </ul>

        {connecting ? <Steps /> : <Go onStart={start} disabled={unreachable} />}
        <MicChoice disabled={connecting} />
        {config !== undefined && <Facts config={config} />}
      </main>
    </div>
  );
}

function Go({ onStart, disabled }: { readonly onStart: (mic?: false) => void; readonly disabled: boolean }) {
  const text = useSnapshot(({ config }) => config?.features.text !== false);
  return (
    <div className="go">
      <button type="button" className="button primary large" onClick={() => onStart()} disabled={disabled}>
        <Icon name="mic" /> Start talking
      </button>
      {text && (
        <button type="button" className="button quiet" onClick={() => onStart(false)} disabled={disabled}>
          Type instead
        </button>
      )}
    </div>
  );
}

function Facts({ config }: { readonly config: PageConfig }) {
  return (
    <>
      {config.suggestions.length > 0 && (
        <p className="try">
          Try{" "}
          {config.suggestions.slice(0, 3).map((line, index) => (
            <span key={line}>
              {index > 0 && " or "}
              <q>{line}</q>
            </span>
          ))}
        </p>
      )}
      {config.parts !== "" && <p className="parts">Running on {config.parts}</p>}
    </>
  );
}

function AgentCard({ agent, answers }: { readonly agent: AgentView; readonly answers: boolean }) {
  return (
    <li className="card">
      <Avatar name={agent.name} picture={agent.avatar} tinted />
      <div className="card-text">
        <strong>{agent.name}</strong>
        {agent.description !== undefined && <p>{agent.description}</p>}
        <p className="facts">
          {answers && <span className="fact first">answers first</span>}
          {agent.voice !== undefined && <span className="fact">voice {agent.voice}</span>}
          {agent.tools.map((tool) => (
            <span key={tool} className="fact tool-name">
              {tool}
            </span>
          ))}
        </p>
      </div>
    </li>
  );
}
