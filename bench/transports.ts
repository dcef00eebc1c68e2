/*
 * What a talking session costs on a socket, and how evenly its audio comes: N callers talk without a pause, the server
 * sends each frame back through a whole session. The server's process alone is counted; it has core 0, the callers have
 * core 1. `bare` is a socket server without sessions: what the echo of a session adds is against it.
 *
 *   npx node bench/transports.ts [--sessions 200] [--seconds 5] [--runs 3] [--kinds bare,v1,stock,phone]
 *
 * Prints medians over the runs.
 */
import { parseArgs } from "node:util";
import { again, CALLER_CORE, loadAverage, MachineLoad, median, SERVER_CORE, start } from "./support/child.ts";
import type { CrowdFigures, Kind } from "./support/crowd.ts";
import type { Strain } from "./support/server.ts";

interface Run {
  readonly crowd: CrowdFigures;
  /** Share of one core per session, %. */
  readonly cpu: number;
  /** Cores in use by everything on this machine. */
  readonly machine: number;
  readonly strain: Strain;
}

/** Until code is compiled and buffers have their size, ms. */
const WARM = 3_000;
/** Well above what any detector sleeps through, dBFS. */
const LEVEL = -20;

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "200" },
    seconds: { type: "string", default: "5" },
    runs: { type: "string", default: "3" },
    kinds: { type: "string", default: "bare,v1,stock,phone" },
  },
});
const sessions = Number(values.sessions);
const kinds = values.kinds.split(",") as Kind[];

const before = loadAverage();
const runs = new Map<Kind, Run[]>(kinds.map((kind) => [kind, []]));
for (let i = 0; i < Number(values.runs); i++) {
  for (const kind of kinds) runs.get(kind)?.push(await again(() => run(kind)));
}

const bareTrip = of("bare", ({ crowd }) => crowd.trip.p50);
const rows = kinds.map((kind) => ({
  kind,
  "cpu % each": round(
    of(kind, ({ cpu }) => cpu),
    3,
  ),
  "late p50": of(kind, ({ crowd }) => crowd.late.p50),
  "late p99": of(kind, ({ crowd }) => crowd.late.p99),
  "late max": of(kind, ({ crowd }) => crowd.late.max),
  "gap max": of(kind, ({ crowd }) => crowd.gap.max),
  "echo p50": of(kind, ({ crowd }) => crowd.trip.p50),
  "over bare": round(of(kind, ({ crowd }) => crowd.trip.p50) - bareTrip, 1),
  "own p99": of(kind, ({ crowd }) => crowd.own.p99),
  "frames %": round(
    of(kind, ({ crowd }) => (crowd.frames / crowd.expected) * 100),
    1,
  ),
  "gc max": round(
    of(kind, ({ strain }) => strain.gcLongestMs),
    1,
  ),
  "waited %": round(
    of(kind, ({ strain }) => strain.waitedMs / Number(values.seconds) / 10),
    1,
  ),
  "cores in use": round(
    of(kind, ({ machine }) => machine),
    2,
  ),
}));
console.log(`${sessions} sessions at once, medians of ${values.runs} runs, load average ${before} before; ms`);
console.table(rows);
console.log(JSON.stringify({ bench: "transports", sessions, runs: Number(values.runs), load: before, rows }));
process.exit(0);

async function run(kind: Kind): Promise<Run> {
  const server = start("server.ts", [kind === "bare" ? "bare" : "echo"], SERVER_CORE);
  const crowd = start("crowd.ts", [], CALLER_CORE);
  try {
    const url = await server.ask("url");
    await crowd.ask("call", { kind, url, sessions, level: LEVEL });
    await sleep(WARM);
    await crowd.ask("take");
    await server.ask("strain");
    const load = new MachineLoad();
    const [cpu, at] = [Number(await server.ask("cpu")), performance.now()];
    await sleep(Number(values.seconds) * 1000);
    const used = Number(await server.ask("cpu")) - cpu;
    const share = (used / (performance.now() - at) / sessions) * 100;
    const machine = load.take();
    const strain = (await server.ask("strain")) as Strain;
    const figures = (await crowd.ask("take")) as CrowdFigures;
    if (figures.stalls > 0) throw new Error("the machine stood still");
    await crowd.ask("hangUp");
    return { crowd: figures, cpu: share, machine, strain };
  } finally {
    await crowd.stop();
    await server.stop();
  }
}

function of(kind: Kind, figure: (run: Run) => number): number {
  return median((runs.get(kind) ?? []).map(figure));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
