import type { TurnLatency } from "../../../../../src/client/index.ts";
import { millis } from "../format.ts";
import { latencyParts } from "../latency-parts.ts";

const WIDTH = 316;
const HEIGHT = 148;
const LEFT = 34;
const BOTTOM = 18;
const TOP = 10;
const SHOWN = 16;

/** People take a pause longer than this for a hesitation. */
const TARGET_MS = 800;

/** One stacked bar per turn, the latest at the right, with a line at the target. */
export function LatencyChart({ turns }: { readonly turns: readonly TurnLatency[] }) {
  const shown = turns.slice(-SHOWN);
  const highest = Math.max(1_000, ...shown.map(({ totalMs }) => totalMs));
  const top = Math.ceil(highest / 500) * 500;
  const y = (ms: number): number => HEIGHT - BOTTOM - (ms / top) * (HEIGHT - BOTTOM - TOP);
  const step = (WIDTH - LEFT - 4) / SHOWN;
  const used = latencyParts.filter(({ part }) => shown.some(({ parts }) => (parts[part] ?? 0) > 0));
  const label =
    shown.length === 0
      ? "Latency per turn: nothing measured yet"
      : `Latency of the last ${shown.length} turns, in ms: ${shown.map(({ totalMs }) => totalMs).join(", ")}`;

  return (
    <figure className="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        {[0, top / 2, top].map((ms) => (
          <g key={ms}>
            <line className="grid" x1={LEFT} x2={WIDTH} y1={y(ms)} y2={y(ms)} />
            <text x={LEFT - 6} y={y(ms) + 3.5} textAnchor="end">
              {millis(ms)}
            </text>
          </g>
        ))}
        {shown.map((turn, index) => (
          <Bar key={turn.turnId} turn={turn} x={LEFT + 2 + index * step} width={step - 4} y={y} />
        ))}
        <line className="target" x1={LEFT} x2={WIDTH} y1={y(TARGET_MS)} y2={y(TARGET_MS)} />
        <text className="target-text" x={WIDTH} y={y(TARGET_MS) - 4} textAnchor="end">
          target {TARGET_MS}
        </text>
        {shown.length > 0 && (
          <text x={LEFT + 2} y={HEIGHT - 4}>
            turn {turns.length - shown.length + 1}
            {shown.length > 1 && ` to ${turns.length}`}
          </text>
        )}
      </svg>
      <figcaption className="legend">
        {used.map(({ part, name }) => (
          <span key={part}>
            <i className={`swatch ${part}`} />
            {name}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

interface BarProps {
  readonly turn: TurnLatency;
  readonly x: number;
  readonly width: number;
  readonly y: (ms: number) => number;
}

function Bar({ turn, x, width, y }: BarProps) {
  let from = 0;
  const pieces = latencyParts.flatMap(({ part }) => {
    const ms = turn.parts[part] ?? 0;
    if (ms <= 0) return [];
    const piece = { part, from, to: from + ms };
    from += ms;
    return [piece];
  });
  if (pieces.length === 0)
    return (
      <rect className="fill unknown" x={x} width={width} y={y(turn.totalMs)} height={y(0) - y(turn.totalMs)} rx={1.5} />
    );
  return (
    <g>
      <title>{`${turn.totalMs} ms`}</title>
      {pieces.map((piece) => (
        <rect
          key={piece.part}
          className={`fill ${piece.part}`}
          x={x}
          width={width}
          y={y(piece.to)}
          // A hairline between two parts, so that they are told apart without colour too.
          height={Math.max(0.5, y(piece.from) - y(piece.to) - 0.8)}
          rx={1}
        />
      ))}
    </g>
  );
}
