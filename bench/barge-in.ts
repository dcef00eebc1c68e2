/*
 * How long the agent goes on talking when somebody talks over it: from the caller's first audible sample, known to the
 * sample at the caller's microphone, to the last packet with audible sound of the agent. On one machine that is when it
 * leaves the server; a browser's jitter buffer comes on top. The agent is the demo, in the middle of an answer.
 *
 *   npx node bench/barge-in.ts [interruptions]
 *
 * The last line is JSON.
 */
import { startDemo } from "../e2e/support/server.ts";
import { webrtcCaller } from "../src/testing/caller.ts";
import { loadAverage, MachineLoad } from "./support/child.ts";
import { lastArrived, quiet, spread, trimmed } from "./support/speaking.ts";

const interruptions = [
  "How many vacation days do I have?",
  "What happens on Friday?",
  "Where is the office?",
  "Who are you?",
  "Stop.",
  "Book Tuesday off.",
  "Can I work from home?",
] as const;
const voices = ["slt", "rms", "awb", "kal"] as const;
/** Their answers are long. */
const asked = [
  "What happens on Tuesday?",
  "What happens on Monday?",
  "What happens on Wednesday?",
  "What happens on Friday?",
] as const;
const FRAME_MS = 20;
/** Our voice is held, not yet taken back, at this time after an onset at the latest. */
const HELD_MS = 600;

const count = Number(process.argv[2] ?? 44);
const load = loadAverage();
const server = await startDemo();
const machine = new MachineLoad();
const caller = await webrtcCaller(`${server.url}/`);
const stopped: number[] = [];
let wentOn = 0;
try {
  await caller.until(() => caller.quietFor < 100, { timeoutMs: 10_000, what: "the greeting" });
  await quiet(caller, 700);
  for (let i = 0; i < count; i++) {
    const text = interruptions[i % interruptions.length] ?? interruptions[0];
    const voice = voices[(i + Math.floor(i / interruptions.length)) % voices.length] ?? voices[0];
    const ms = await interrupt(asked[i % asked.length] ?? asked[0], text, voice, 900 + ((i * 173) % 900));
    if (ms === undefined) wentOn += 1;
    else stopped.push(ms);
    console.log(`${ms === undefined ? "went on" : `${String(Math.round(ms)).padStart(4)} ms`}  ${voice} ${text}`);
  }
} finally {
  await caller.hangUp();
  await server.stop();
}
const after = spread(stopped);
const cores = Math.round(machine.take() * 100) / 100;
console.log(
  `onset to the last of the agent's voice: median ${after.median} ms, p95 ${after.p95} ms; it went on: ${wentOn}`,
);
console.log(
  JSON.stringify({
    bench: "barge-in",
    node: process.versions.node,
    interruptions: stopped.length,
    wentOn,
    after,
    cores,
    load,
  }),
);
process.exit(wentOn === 0 ? 0 : 1);

/** Lets the agent talk for a while and talks over it; answers the ms from the onset to the last of its voice. */
async function interrupt(question: string, text: string, voice: string, intoMs: number): Promise<number | undefined> {
  const events = caller.events.length;
  const speech = trimmed(text, { voice, rate: caller.rate, pad: "after" });
  caller.send("text", { text: question });
  await caller.until(() => caller.quietFor < 50, { timeoutMs: 6_000, what: "an answer" });
  const talking = caller.now;
  const isMiddle = (): boolean => caller.now - talking > intoMs && caller.quietFor < 30;
  await caller.until(isMiddle, { timeoutMs: 4_000, what: "the middle of the answer" });
  caller.say(speech);
  await caller.until(() => caller.saying === 0, { timeoutMs: 10_000, what: "the end of the interruption" });
  const frames = speech.samples.length / (caller.rate / 50);
  // The first frame was captured in the 20 ms before it was sent.
  const onset = (caller.spokeAt ?? Number.NaN) - frames * FRAME_MS;
  const isTaken = (): boolean => caller.events.slice(events).some(({ type }) => type === "interrupted");
  try {
    await caller.until(isTaken, { timeoutMs: 1_500, what: "the interruption" });
  } catch {
    await quiet(caller, 1_200);
    return undefined;
  }
  const last = lastArrived(caller.heard, onset - 200, onset + HELD_MS);
  await quiet(caller, 1_200);
  return last === undefined ? undefined : last - onset;
}
