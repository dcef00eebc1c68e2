import { millis } from "../format.ts";
import { useSnapshot } from "../voice.ts";
import { LatencyChart } from "./latency-chart.tsx";
import { LatencyTable } from "./latency-table.tsx";

/** How fast the answers came, where the time went, and how the network is. */
export function LatencyPanel() {
  const latency = useSnapshot(({ latency }) => latency);
  const net = useSnapshot(({ net }) => net);
  const parts = useSnapshot(({ config }) => config?.parts ?? "");
  return (
    <div className="measurements">
      <section>
        <h2>Speech end to first audio</h2>
        <dl className="kpis">
          <Kpi name="median" value={latency.medianMs} />
          <Kpi name="p95" value={latency.p95Ms} />
          <Kpi name="round trip" value={net.rttMs} />
        </dl>
        <LatencyChart turns={latency.turns} />
        {latency.turns.length > 0 && <LatencyTable turns={latency.turns} />}
      </section>
      <section>
        <h2>Network</h2>
        <dl className="rows">
          <Row name="Jitter" value={net.jitterMs} unit="ms" />
          <Row name="Jitter buffer" value={net.bufferMs} unit="ms" />
          <Row name="Packets lost" value={net.lossPct} unit="%" />
          <Row name="Sound made up" value={net.concealedPct} unit="%" />
        </dl>
      </section>
      {parts !== "" && (
        <section>
          <h2>Running on</h2>
          <p className="muted">{parts}</p>
        </section>
      )}
      <p className="keys">
        <kbd>M</kbd> mute <kbd>Esc</kbd> interrupt <kbd>/</kbd> type
      </p>
    </div>
  );
}

function Kpi({ name, value }: { readonly name: string; readonly value: number | undefined }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value === undefined ? "–" : millis(Math.max(1, value))}
        {value !== undefined && <small> ms</small>}
      </dd>
    </div>
  );
}

function Row({
  name,
  value,
  unit,
}: {
  readonly name: string;
  readonly value: number | undefined;
  readonly unit: string;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value === undefined ? "–" : `${value < 10 ? value.toFixed(1) : millis(value)} ${unit}`}</dd>
    </div>
  );
}
