/*
 * What is left of calls that are over: the demo takes 200 calls; most hear the beginning of the greeting and hang up, one in
 * four hangs up before it heard anything. Memory, sockets, timers and sessions of the server's process before and after.
 *
 *   npx node bench/calls-made-and-ended.ts [calls]
 *
 * "Before" is after 24 calls: what is loaded once is loaded. The last line is JSON.
 */
import { webrtcCaller } from "../src/testing/caller.ts";
import { CALLER_CORE, loadAverage, SERVER_CORE, start } from "./support/child.ts";
import type { TeamFigures } from "./support/hr-team.ts";
import { pin } from "./support/speaking.ts";

const AT_ONCE = 8;
const WARM = 24;
/** Longer than anything of a call may live on: its last packets, and its place among the pending. */
const SETTLE_MS = 12_000;

const calls = Number(process.argv[2] ?? 200);
const load = loadAverage();
pin(CALLER_CORE);
const server = start("hr-team.ts", [], SERVER_CORE);
const url = String(await server.ask("url"));

await make(WARM);
const before = await settled();
const began = performance.now();
await make(calls);
const seconds = Math.round((performance.now() - began) / 1_000);
const after = await settled();
await server.stop();

console.log(`before: ${show(before)}`);
console.log(`after:  ${show(after)}`);
const both = (read: (figures: TeamFigures) => number): readonly number[] =>
  [before, after].map((one) => Number(read(one).toFixed(1)));
console.log(
  JSON.stringify({
    bench: "calls-made-and-ended",
    node: process.versions.node,
    calls,
    seconds,
    heapMb: both(({ heapMb }) => heapMb),
    rssMb: both(({ rssMb }) => rssMb),
    files: both(({ files }) => files),
    timers: both(({ resources }) => resources["Timeout"] ?? 0),
    sockets: both(({ resources }) => resources["UDPWrap"] ?? 0),
    sessions: after.sessions,
    load,
  }),
);
process.exit(0);

async function call(index: number): Promise<void> {
  const caller = await webrtcCaller(`${url}/`);
  const isHeard = (): boolean => caller.quietFor < 100;
  if (index % 4 !== 0) await caller.until(isHeard, { timeoutMs: 10_000, what: "the greeting" });
  await caller.hangUp();
}

async function make(count: number): Promise<void> {
  for (let i = 0; i < count; i += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, j) => call(i + j)));
  }
}

async function settled(): Promise<TeamFigures> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return (await server.ask("figures")) as TeamFigures;
}

function show({ rssMb, heapMb, files, resources, sessions }: TeamFigures): string {
  const kinds = Object.entries(resources).map(([kind, count]) => `${count} ${kind}`);
  return `heap ${heapMb.toFixed(1)} MB, resident ${rssMb.toFixed(0)} MB, ${files} files, ${sessions} sessions, ${kinds.join(", ")}`;
}
