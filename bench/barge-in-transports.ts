/*
 * How long an agent goes on when its caller begins to speak, on every transport, with the defaults of `replyOnPause` and
 * the real detector. `left`: until the last sound left the server; `heard`: until the caller heard the last of it.
 *
 *   npx node bench/barge-in-transports.ts [--callers 6] [--times 8] [--onset sharp|soft] [--kinds webrtc,v1,stock,phone] [--seed 1]
 *
 * A stock FastRTC page cannot take back what it was sent; all others throw it away when they are told.
 */
import { parseArgs } from "node:util";
import { CALLER_CORE, loadAverage, MachineLoad, SERVER_CORE, start } from "./support/child.ts";
import type { InterruptFigures } from "./support/interrupters.ts";
import { type LineKind, lineKinds } from "./support/lines.ts";

const { values } = parseArgs({
  options: {
    callers: { type: "string", default: "6" },
    times: { type: "string", default: "8" },
    onset: { type: "string", default: "sharp" },
    kinds: { type: "string", default: lineKinds.join() },
    seed: { type: "string", default: "1" },
  },
});
const kinds = values.kinds.split(",") as LineKind[];
const before = loadAverage();
const rows = [];
for (const kind of kinds) rows.push(await run(kind));
console.log(`${values.onset} onset to silence in ms, load average ${before} before`);
console.table(rows);
console.log(JSON.stringify({ bench: "barge-in-transports", onset: values.onset, load: before, rows }));
process.exit(0);

async function run(kind: LineKind): Promise<object> {
  const server = start("server.ts", ["talk"], SERVER_CORE);
  const callers = start("interrupters.ts", [], CALLER_CORE);
  try {
    const load = new MachineLoad();
    const job = { kind, url: await server.ask("url"), callers: Number(values.callers), times: Number(values.times) };
    const { left, heard, missed, silent } = (await callers.ask("interrupt", {
      ...job,
      seed: Number(values.seed),
      onset: values.onset,
    })) as InterruptFigures;
    return {
      kind,
      count: left.length,
      missed,
      silent,
      "left p50": at(left, 0.5),
      "left p95": at(left, 0.95),
      "left max": at(left, 1),
      "heard p50": at(heard, 0.5),
      "heard p95": at(heard, 0.95),
      "heard max": at(heard, 1),
      "cores in use": Number(load.take().toFixed(2)),
    };
  } finally {
    await callers.stop();
    await server.stop();
  }
}

function at(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? Number.NaN);
}
