/*
 * What a caller waits for an answer: from their last audible sample to the first audible sample of the agent, on the clock
 * of a caller in Node, over WebRTC on one machine. The server is the demo as `npm start` runs it, with the end of a turn
 * fixed at 500 ms of silence. The parts are the server's own account of each turn; `network` is what the caller waited
 * beyond it: frames, coding, UDP, jitter buffers, and what the detector was late in hearing the end.
 *
 *   npx node bench/turns.ts [turns]
 *
 * The last line is JSON.
 */
import { startDemo } from "../e2e/support/server.ts";
import { isRecord } from "../src/protocol/page.ts";
import { type Caller, webrtcCaller } from "../src/testing/caller.ts";
import { loadAverage, MachineLoad } from "./support/child.ts";
import { firstHeard, quiet, spread, trimmed } from "./support/speaking.ts";

const questions = [
  "How many vacation days do I have?",
  "What happens on Monday?",
  "Book Friday off.",
  "What should I wear?",
  "Where is the office?",
  "Can I work from home?",
  "What happens on Wednesday?",
  "When do I start?",
  "What is my vacation balance?",
  "Who are you?",
] as const;
const voices = ["slt", "rms", "awb", "kal"] as const;
const STAGES = ["endpointing", "stt", "llm", "tool", "tts", "framework"] as const;
const PARTS = [...STAGES, "network"] as const;

interface Account {
  readonly totalMs: number;
  readonly parts: Readonly<Record<(typeof STAGES)[number], number>>;
}

interface Measured {
  readonly question: string;
  readonly voice: string;
  readonly waited: number;
  readonly parts: Readonly<Record<(typeof PARTS)[number], number>>;
}

const turns = Number(process.argv[2] ?? 48);
const load = loadAverage();
const server = await startDemo();
const machine = new MachineLoad();
const caller = await webrtcCaller(`${server.url}/`);
const measured: Measured[] = [];
let failed = 0;
try {
  caller.send("turn_detection", { adaptive: false, silenceMs: 500 });
  await caller.until(() => caller.quietFor < 100, { timeoutMs: 10_000, what: "the greeting" });
  await quiet(caller, 700);
  for (let i = 0; i < turns; i++) {
    const question = questions[i % questions.length] ?? questions[0];
    const voice = voices[(i + Math.floor(i / questions.length)) % voices.length] ?? voices[0];
    const one = await turn(question, voice);
    if (one === undefined) failed += 1;
    else measured.push(one);
  }
} finally {
  await caller.hangUp();
  await server.stop();
}

for (const { waited, question, voice, parts } of measured) {
  const shares = PARTS.map((part) => `${part} ${Math.round(parts[part])}`).join(", ");
  console.log(`${String(Math.round(waited)).padStart(5)} ms  ${voice} ${question.padEnd(34)} ${shares}`);
}
const waited = spread(measured.map((one) => one.waited));
const parts = Object.fromEntries(PARTS.map((part) => [part, spread(measured.map((one) => one.parts[part]))]));
const cores = Math.round(machine.take() * 100) / 100;
console.log(`speech end to first sound: median ${waited.median} ms, p95 ${waited.p95} ms; not answered: ${failed}`);
console.log(
  JSON.stringify({
    bench: "turns",
    node: process.versions.node,
    turns: measured.length,
    failed,
    waited,
    parts,
    cores,
    load,
  }),
);
process.exit(failed === 0 ? 0 : 1);

/** Asks, waits for the first sound of the answer, and cuts the answer short. */
async function turn(question: string, voice: string): Promise<Measured | undefined> {
  const events = caller.events.length;
  const heard = caller.heard.length;
  caller.say(trimmed(question, { voice, rate: caller.rate, pad: "before" }));
  await caller.until(() => caller.saying === 0, { timeoutMs: 10_000, what: "the end of the question" });
  // A microphone hands over a frame when its last sample was captured.
  const end = caller.spokeAt ?? Number.NaN;
  const first = (): number | undefined => firstHeard(caller.heard.slice(heard), end);
  try {
    await caller.until(() => first() !== undefined && accountOf(caller, events) !== undefined, { timeoutMs: 6_000 });
  } catch {
    return undefined;
  }
  const account = accountOf(caller, events);
  const at = first();
  caller.send("interrupt");
  await quiet(caller, 800);
  if (account === undefined || at === undefined) return undefined;
  const ms = at - end;
  return { question, voice, waited: ms, parts: { ...account.parts, network: ms - account.totalMs } };
}

/** The server's account of the turn that was answered since. */
function accountOf({ events }: Caller, since: number): Account | undefined {
  for (const { type, data } of events.slice(since)) {
    if (type !== "turn" || !isRecord(data) || data["phase"] !== "answered" || !isRecord(data["parts"])) continue;
    const told = data["parts"];
    const [endpointing = 0, stt = 0, llm = 0, tool = 0, tts = 0, framework = 0] = STAGES.map((part) =>
      Number(told[part]),
    );
    return { totalMs: Number(data["totalMs"]), parts: { endpointing, stt, llm, tool, tts, framework } };
  }
  return undefined;
}
