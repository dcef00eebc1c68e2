/*
 * What is left of calls that are over: on every transport, this many calls are made and ended, and the server's process is
 * looked at before and after: memory after a collection, open files, timers and sockets, sessions.
 *
 *   npx node bench/churn.ts [--calls 1000] [--warm 100] [--at-once 8] [--kinds webrtc,v1,stock,phone]
 *
 * The first `warm` calls are not counted: code is compiled and buffers find their size. Ends with 1 when something is left or
 * calls failed.
 */
import { parseArgs } from "node:util";
import { CALLER_CORE, type Child, loadAverage, SERVER_CORE, start } from "./support/child.ts";
import { type LineKind, lineKinds } from "./support/lines.ts";
import type { ServerFigures } from "./support/server.ts";

/** Ended connections take leave politely, ms. */
const SETTLE = 6_000;
/** How long the server waits for a caller whose line was lost, and a little, ms: a failed call may have looked connected. */
const PATIENCE = 75_000;
/** Growth that is allowed, MB. */
const GROWTH = 10;

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "1000" },
    warm: { type: "string", default: "100" },
    "at-once": { type: "string", default: "8" },
    kinds: { type: "string", default: lineKinds.join() },
  },
});
const before = loadAverage();
const rows = [];
for (const kind of values.kinds.split(",") as LineKind[]) rows.push(await run(kind));
console.log(`${values.calls} calls made and ended on each transport, load average ${before} before`);
console.table(rows);
console.log(JSON.stringify({ bench: "churn", calls: Number(values.calls), load: before, rows }));
process.exit(rows.every(({ clean, failed }) => clean && failed === 0) ? 0 : 1);

interface Row {
  readonly clean: boolean;
  readonly failed: number;
  readonly [column: string]: unknown;
}

async function run(kind: LineKind): Promise<Row> {
  const server = start("server.ts", ["reply"], SERVER_CORE);
  const callers = start("visitors.ts", [], CALLER_CORE);
  try {
    const job = { kind, url: await server.ask("url"), atOnce: Number(values["at-once"]) };
    await callers.ask("visit", { ...job, calls: Number(values.warm) });
    await sleep(SETTLE);
    const from = (await server.ask("figures")) as ServerFigures;
    const began = performance.now();
    const failed = Number(await callers.ask("visit", { ...job, calls: Number(values.calls) }));
    const seconds = (performance.now() - began) / 1000;
    const { to, growth, resources } = await settled(server, from);
    return {
      kind,
      failed,
      "calls / s": Math.round(Number(values.calls) / seconds),
      "cpu ms each": Number(((to.cpuMs - from.cpuMs) / Number(values.calls)).toFixed(1)),
      "heap MB": `${from.heapMb.toFixed(1)} → ${to.heapMb.toFixed(1)}`,
      "rss MB": `${from.rssMb.toFixed(0)} → ${to.rssMb.toFixed(0)}`,
      files: `${from.files} → ${to.files}`,
      resources: resources === "" ? "same" : resources,
      sessions: to.sessions,
      clean: growth <= GROWTH && to.files <= from.files && resources === "" && to.sessions === 0,
    };
  } finally {
    await callers.stop();
    await server.stop();
  }
}

/** What is left once nothing is there any more that was not there before, or patience is over. */
async function settled(
  server: Child,
  from: ServerFigures,
): Promise<{ readonly to: ServerFigures; readonly growth: number; readonly resources: string }> {
  for (const began = performance.now(); ;) {
    await sleep(SETTLE);
    const to = (await server.ask("figures")) as ServerFigures;
    const resources = changes(from.resources, to.resources);
    const growth = to.heapMb - from.heapMb;
    if ((to.sessions === 0 && resources === "") || performance.now() - began > PATIENCE)
      return { to, growth, resources };
  }
}

/** What there is more of, by kind. */
function changes(from: Readonly<Record<string, number>>, to: Readonly<Record<string, number>>): string {
  return Object.entries(to)
    .map(([name, count]) => [name, count - (from[name] ?? 0)] as const)
    .filter(([, more]) => more > 0)
    .map(([name, more]) => `${more} ${name}`)
    .join(", ");
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
