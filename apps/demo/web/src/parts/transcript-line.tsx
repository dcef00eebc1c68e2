import { memo } from "react";
import type { Line } from "../../../../../src/client/index.ts";
import { millis, readableArgs, timeOfDay } from "../format.ts";
import { useSnapshot, useVoice } from "../voice.ts";
import { Icon } from "./icon.tsx";

type Said = Extract<Line, { kind: "said" }>;
type Tool = Extract<Line, { kind: "tool" }>;

interface TranscriptLineProps {
  readonly line: Line;
  /** It is the first to answer its turn. */
  readonly answer: boolean;
}

export const TranscriptLine = memo(function TranscriptLine({ line, answer }: TranscriptLineProps) {
  switch (line.kind) {
    case "said":
      return line.who === "caller" ? <CallerLine line={line} /> : <AgentLine line={line} answer={answer} />;
    case "tool":
      return <ToolLine line={line} />;
    case "handoff":
      return (
        <p className="system">
          <Icon name="handoff" />
          {line.from === undefined ? `${line.to} takes over` : `${line.from} handed off to ${line.to}`}
        </p>
      );
    case "notice":
      return <p className={`system ${line.level}`}>{line.text}</p>;
  }
});

function CallerLine({ line }: { readonly line: Said }) {
  const kind = line.rejected ? "said caller rejected" : line.final ? "said caller" : "said caller partial";
  return (
    <div className={kind}>
      <p className="byline">You · {line.final ? timeOfDay(line.at) : "speaking"}</p>
      <p className="bubble">
        {line.text === "" ? "…" : line.text}
        {line.rejected && " "}
        {line.rejected && <span className="tag">not understood</span>}
      </p>
    </div>
  );
}

function AgentLine({ line, answer }: { readonly line: Said; readonly answer: boolean }) {
  const waited = useSnapshot(({ latency }) =>
    answer && line.turnId !== undefined
      ? latency.turns.find(({ turnId }) => turnId === line.turnId)?.totalMs
      : undefined,
  );
  const heard = line.heardChars ?? line.text.length;
  const rest = line.text.slice(heard);
  return (
    <div className="said agent-said">
      <p className="byline">
        {line.agent ?? "Agent"} · {timeOfDay(line.at)}
        {waited !== undefined && <span className="waited"> · {millis(waited)} ms</span>}
      </p>
      <p className="bubble">
        {line.text.slice(0, heard)}
        {line.interrupted === undefined ? (
          <span className="unheard">{rest}</span>
        ) : (
          <>
            {rest !== "" && (
              <del>
                <span className="hidden">not heard: </span>
                {rest}
              </del>
            )}{" "}
            <span className="tag">interrupted at {(line.interrupted.atMs / 1000).toFixed(1)} s</span>
          </>
        )}
      </p>
    </div>
  );
}

function ToolLine({ line }: { readonly line: Tool }) {
  const client = useVoice();
  const args = readableArgs(line.args);
  return (
    <div className={`tool ${line.status}`}>
      <details>
        <summary>
          <Icon name="tool" />
          <span className="call">
            {line.name}({args})
          </span>
          <span className="outcome">{outcomeOf(line)}</span>
        </summary>
        <pre>{line.result ?? line.progress ?? "no result yet"}</pre>
      </details>
      {line.status === "needs-approval" && (
        <span className="approval">
          <button type="button" className="button small primary" onClick={() => client.approveTool(line.id, true)}>
            Allow
          </button>
          <button type="button" className="button small" onClick={() => client.approveTool(line.id, false)}>
            Refuse
          </button>
        </span>
      )}
    </div>
  );
}

function outcomeOf({ status, ms, progress }: Tool): string {
  const took = ms === undefined ? "" : ` · ${millis(ms)} ms`;
  switch (status) {
    case "running":
      return progress ?? "running…";
    case "needs-approval":
      return "asks for your permission";
    case "ok":
      return `ok${took}`;
    case "error":
      return `failed${took}`;
  }
}
