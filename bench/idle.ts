/*
 * What a call to the demo costs the server while nobody speaks: N callers over WebRTC whose microphones are open in a quiet
 * room, as a browser sends it: 50 packets a second of noise. CPU of the server's process with all its threads,
 * and its memory, less the same process without calls.
 *
 *   npx node bench/idle.ts [sessions] [seconds] [level]
 *
 * The last line is JSON.
 */
import { type AudioFrame, monoFrame } from "../src/audio/frame.ts";
import { isRecord } from "../src/protocol/page.ts";
import { type Caller, webrtcCaller } from "../src/testing/caller.ts";
import { CALLER_CORE, loadAverage, SERVER_CORE, start } from "./support/child.ts";
import type { TeamFigures } from "./support/hr-team.ts";
import { pin, quiet } from "./support/speaking.ts";

const sessions = Number(process.argv[2] ?? 10);
const seconds = Number(process.argv[3] ?? 20);
/** RMS of the noise, dBFS: -60 is a room with a computer in it, -72 what a browser's noise suppression leaves of it. */
const level = Number(process.argv[4] ?? -60);
const load = loadAverage();
pin(CALLER_CORE);
const server = start("hr-team.ts", [], SERVER_CORE);
const url = String(await server.ask("url"));

// What is loaded once is loaded by a call before.
const first = await webrtcCaller(`${url}/`);
await first.until(() => first.quietFor < 100, { timeoutMs: 10_000, what: "the greeting" });
await quiet(first, 1_000);
await first.hangUp();
await pause(8_000);
const before = (await server.ask("figures")) as TeamFigures;
const alone = await share(8);

const callers: Caller[] = [];
for (let i = 0; i < sessions; i++) {
  const caller = await webrtcCaller(`${url}/`);
  caller.say(roomTone(caller.rate, seconds + 60, i + 1));
  callers.push(caller);
}
await pause(8_000);
await Promise.all(callers.map((caller) => quiet(caller, 1_500)));
const busy = await share(seconds);
const during = (await server.ask("figures")) as TeamFigures;
const taken = callers.filter(({ events }) =>
  events.some(({ type, data }) => type === "user_state" && isRecord(data) && data["speaking"] === true),
).length;
await Promise.all(callers.map((caller) => caller.hangUp()));
await server.stop();

const cpuPercent = Number((((busy - alone) / sessions) * 100).toFixed(3));
const heapMb = Number(((during.heapMb - before.heapMb) / sessions).toFixed(2));
const rssMb = Number(((during.rssMb - before.rssMb) / sessions).toFixed(2));
console.log(
  `${during.sessions} idle sessions, each: ${cpuPercent} % of a core, ${heapMb} MB live, ${rssMb} MB resident; taken for speech: ${taken}`,
);
console.log(
  JSON.stringify({
    bench: "idle",
    node: process.versions.node,
    sessions: during.sessions,
    seconds,
    level,
    cpuPercent,
    alonePercent: Number((alone * 100).toFixed(3)),
    heapMb,
    rssMb,
    taken,
    load,
  }),
);
process.exit(0);

/** CPU time of the server's process per second of time, over so many seconds. */
async function share(over: number): Promise<number> {
  const from = performance.now();
  const cpu = Number(await server.ask("cpu"));
  await pause(over * 1_000);
  return (Number(await server.ask("cpu")) - cpu) / (performance.now() - from);
}

/** White noise of the level of a quiet room. */
function roomTone(rate: number, length: number, seed: number): AudioFrame {
  const width = 10 ** (level / 20) * 32_768 * Math.sqrt(12);
  let state = seed;
  const samples = Int16Array.from({ length: rate * length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.round((state / 2 ** 32 - 0.5) * width);
  });
  return monoFrame(samples, rate);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
