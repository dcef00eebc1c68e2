import type { TurnLatency } from "../../../../../src/client/index.ts";
import { millis } from "../format.ts";
import { latencyParts } from "../latency-parts.ts";

/** The chart in numbers, the latest turn on top. */
export function LatencyTable({ turns }: { readonly turns: readonly TurnLatency[] }) {
  const used = latencyParts.filter(({ part }) => turns.some(({ parts }) => (parts[part] ?? 0) > 0));
  return (
    <details className="numbers">
      <summary>Numbers, in ms</summary>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">turn</th>
              <th scope="col">total</th>
              {used.map(({ part, name }) => (
                <th key={part} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {turns
              .map((turn, index) => (
                <tr key={turn.turnId}>
                  <th scope="row">{index + 1}</th>
                  <td>
                    {millis(turn.totalMs)}
                    {turn.measuredBy === "server" && <sup title="measured at the server, without the network">s</sup>}
                  </td>
                  {used.map(({ part }) => (
                    <td key={part}>{turn.parts[part] === undefined ? "" : millis(turn.parts[part])}</td>
                  ))}
                </tr>
              ))
              .toReversed()}
          </tbody>
        </table>
      </div>
    </details>
  );
}
