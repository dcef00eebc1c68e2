/*
 * What a silent call costs: N sessions of `replyOnPause` with the real detector, microphones open with room tone, so that
 * the detector never rests. The server's process alone is counted.
 *
 *   npx node bench/idle-transports.ts [--sessions 40] [--seconds 6] [--runs 3] [--level -55] [--kinds v1,stock,phone]
 */
import { parseArgs } from "node:util";
import { again, CALLER_CORE, loadAverage, MachineLoad, median, SERVER_CORE, start } from "./support/child.ts";
import type { Kind } from "./support/crowd.ts";

const WARM = 4_000;

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "40" },
    seconds: { type: "string", default: "6" },
    runs: { type: "string", default: "3" },
    level: { type: "string", default: "-55" },
    kinds: { type: "string", default: "v1,stock,phone" },
  },
});
const sessions = Number(values.sessions);
const before = loadAverage();
const rows = [];
for (const kind of values.kinds.split(",") as Kind[]) {
  const runs = [];
  for (let i = 0; i < Number(values.runs); i++) runs.push(await again(() => run(kind)));
  rows.push({
    kind,
    "cpu % each": Number(median(runs.map(({ cpu }) => cpu)).toFixed(3)),
    "cores in use": Number(median(runs.map(({ machine }) => machine)).toFixed(2)),
  });
}
console.log(
  `${sessions} idle sessions, room tone of ${values.level} dBFS, medians of ${values.runs} runs, load ${before} before`,
);
console.table(rows);
console.log(JSON.stringify({ bench: "idle-transports", sessions, level: Number(values.level), load: before, rows }));
process.exit(0);

async function run(kind: Kind): Promise<{ readonly cpu: number; readonly machine: number }> {
  const server = start("server.ts", ["reply"], SERVER_CORE);
  const crowd = start("crowd.ts", [], CALLER_CORE);
  try {
    await crowd.ask("call", { kind, url: await server.ask("url"), sessions, level: Number(values.level) });
    await sleep(WARM);
    const load = new MachineLoad();
    const [cpu, at] = [Number(await server.ask("cpu")), performance.now()];
    await sleep(Number(values.seconds) * 1000);
    const share = ((Number(await server.ask("cpu")) - cpu) / (performance.now() - at) / sessions) * 100;
    const machine = load.take();
    await crowd.ask("hangUp");
    return { cpu: share, machine };
  } finally {
    await crowd.stop();
    await server.stop();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
