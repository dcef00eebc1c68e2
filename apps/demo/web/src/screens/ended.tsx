import type { Connection } from "../../../../../src/client/index.ts";
import { duration, millis } from "../format.ts";
import { Brand } from "../parts/brand.tsx";
import { Icon } from "../parts/icon.tsx";
import { LatencyChart } from "../parts/latency-chart.tsx";
import { ProblemNotice } from "../parts/problem-notice.tsx";
import { ThemeButton } from "../parts/theme-button.tsx";
import { Transcript } from "../parts/transcript.tsx";
import { useSnapshot, useVoice } from "../voice.ts";

type Over = Extract<Connection, { state: "ended" | "failed" }>;

/** What remains of a call. */
export function Ended({ connection, onHome }: { readonly connection: Connection; readonly onHome: () => void }) {
  const client = useVoice();
  const title = useSnapshot(({ config }) => config?.title);
  const latency = useSnapshot(({ latency }) => latency);
  const turns = useSnapshot(
    ({ transcript }) => transcript.filter((line) => line.kind === "said" && line.who === "caller").length,
  );
  const mic = useSnapshot(({ mic }) => mic.state);
  if (connection.state !== "ended" && connection.state !== "failed") return null;
  const again = (): void => void client.connect().catch(() => undefined);

  return (
    <div className="page">
      <header className="top">
        <Brand title={title} />
        <ThemeButton />
      </header>
      <main className="ended">
        <section className="summary">
          {connection.state === "failed" ? <ProblemNotice error={connection.error} /> : <h1>{farewell(connection)}</h1>}
          <dl className="figures">
            <Figure name="Duration" value={duration(connection.lastedMs)} />
            <Figure name="Turns" value={String(Math.max(turns, latency.turns.length))} />
            <Figure
              name="Median answer"
              value={latency.medianMs === undefined ? "–" : `${millis(latency.medianMs)} ms`}
            />
          </dl>
          {latency.turns.length > 0 && <LatencyChart turns={latency.turns} />}
          <div className="go">
            <button type="button" className="button primary large" onClick={again}>
              <Icon name={mic === "error" ? "send" : "mic"} /> Start again
            </button>
            <button type="button" className="button quiet" onClick={onHome}>
              Back to the team
            </button>
          </div>
        </section>
        <section className="record" aria-label="What was said">
          <Transcript live={false} />
        </section>
      </main>
    </div>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function farewell(connection: Over & { state: "ended" }): string {
  switch (connection.reason) {
    case "user":
      return "You hung up";
    case "handler":
      return "The agent said goodbye";
    case "time_limit":
      return "Time is up";
    case "shutdown":
      return "The server was stopped";
    case "kicked":
      return "The call was ended from outside";
    case "error":
      return connection.message === undefined || connection.message === "" ? "The agent failed" : connection.message;
  }
}
