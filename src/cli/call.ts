/*
 * `repartee call`: calls a server without a browser, says what a wav file holds or types a line, and keeps the answer as
 * a wav file. Prints who said what and how long the agent took, as it comes.
 */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type AudioFrame, monoFrame, silence } from "../audio/frame.ts";
import { stereoToMono } from "../audio/pcm.ts";
import { resample } from "../audio/resample.ts";
import { readWav, writeWav } from "../audio/wav.ts";
import { isFault, VoiceError } from "../base/errors.ts";
import { isRecord } from "../protocol/page.ts";
import { type Caller, type CallerEvent, webrtcCaller } from "../testing/caller.ts";

const RATE = 24_000;
/** Silence after which somebody has finished. Longer than the pauses within an answer. */
const FINISHED_MS = 1500;
/** A greeting begins within this time, or there is none. */
const GREETING_MS = 1500;
/** No answer is slower than this: models that think included. */
const ANSWER_MS = 30_000;
const LONGEST_MS = 120_000;

const HELP = `Usage: repartee call [--in q.wav] [--text WORDS] [--out a.wav] [--seconds N] URL

  --in FILE      a wav file to say
  --text WORDS   a line to type in place of speaking
  --out FILE     where to keep what the agent says, as a wav file
  --seconds N    hang up after N seconds; default: when the agent has finished
  --agent NAME   which agent to ask for
`;

export interface CallIo {
  out(line: string): void;
  error(line: string): void;
}

const terminal: CallIo = { out: (line) => console.log(line), error: (line) => console.error(line) };

/** Runs the command; answers the exit code: 0 the agent answered, 1 it did not, 2 the arguments are wrong. */
export async function call(args: readonly string[], io: CallIo = terminal): Promise<number> {
  const plan = readPlan(args);
  if (typeof plan === "string") {
    io.error(plan);
    return 2;
  }
  try {
    const words = plan.in === undefined ? undefined : await readSpeech(plan.in);
    return await talk(plan, words, io);
  } catch (error) {
    if (!(error instanceof VoiceError)) throw error;
    io.error(`${error.message}\n${error.cure}`);
    return 1;
  }
}

interface Plan {
  readonly url: URL;
  readonly in: string | undefined;
  readonly out: string | undefined;
  readonly text: string | undefined;
  readonly agent: string | undefined;
  readonly ms: number | undefined;
}

function readPlan(args: readonly string[]): Plan | string {
  const text = { type: "string" } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { in: text, out: text, text, seconds: text, agent: text },
    });
    const [address, ...rest] = positionals;
    if (address === undefined || rest.length > 0) return `Give one address.\n\n${HELP}`;
    const url = URL.parse(address.includes("://") ? address : `http://${address}`);
    if (url === null || !/^https?:$/.test(url.protocol)) return `The address must be http or https, got ${address}`;
    const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
    if (seconds !== undefined && !(seconds > 0)) return `--seconds must be a number above 0, got ${values.seconds}`;
    return {
      url,
      in: values.in,
      out: values.out,
      text: values.text,
      agent: values.agent,
      ms: seconds === undefined ? undefined : seconds * 1000,
    };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`;
  }
}

async function readSpeech(path: string): Promise<AudioFrame> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new VoiceError("config", `the file ${path} cannot be read`, { cause: error });
  }
  const wav = readWav(bytes);
  if (isFault(wav)) throw new VoiceError(wav.fault, `${path} is no wav file: ${wav.why}`);
  const mono = wav.channels === 1 ? wav.samples : stereoToMono(wav.samples);
  return monoFrame(resample(mono, wav.rate, RATE), RATE);
}

async function talk(plan: Plan, words: AudioFrame | undefined, io: CallIo): Promise<number> {
  const body = plan.agent === undefined ? {} : { agent: plan.agent };
  await using caller = await webrtcCaller(plan.url, { rate: RATE, body });
  io.out(`connected after ${Math.round(caller.times.connected ?? 0)} ms`);
  const printer = new Printer(caller, io);
  const hangUpAt = plan.ms === undefined ? Number.POSITIVE_INFINITY : caller.now + plan.ms;
  const listen = async (isSo: () => boolean, ms: number): Promise<boolean> => {
    const until = Math.min(caller.now + ms, hangUpAt);
    await caller.until(() => printer.print() || isSo() || caller.now >= until, { timeoutMs: ms + 1000 });
    return isSo();
  };
  try {
    await listen(() => caller.quietFor < GREETING_MS, GREETING_MS);
    if (caller.quietFor < GREETING_MS) await listen(() => isFinished(caller), LONGEST_MS);
    const asked = await ask(plan, caller, words, listen);
    const answered = await listen(() => caller.quietFor < caller.now - asked, plan.ms ?? ANSWER_MS);
    if (answered)
      io.out(`first sound of the answer ${Math.round(caller.now - asked)} ms after the last of the question`);
    await listen(() => plan.ms === undefined && isFinished(caller), plan.ms ?? LONGEST_MS);
    return await keep(plan, caller, answered, io);
  } catch (error) {
    // The server may hang up when it has answered: what was heard is kept all the same.
    if (!caller.over) throw error;
    printer.print();
    io.out("the server hung up");
    return await keep(plan, caller, caller.quietFor < Number.POSITIVE_INFINITY, io);
  }
}

/** Speaks or types; answers when the question was over. */
async function ask(
  plan: Plan,
  caller: Caller,
  words: AudioFrame | undefined,
  listen: (isSo: () => boolean, ms: number) => Promise<boolean>,
): Promise<number> {
  if (plan.text !== undefined) caller.send("text", { text: plan.text });
  if (words === undefined) return caller.now;
  // A little silence first, so that the first sound is not the first packet of speech.
  caller.say(silence(100, RATE));
  caller.say(words);
  await listen(() => caller.saying === 0, caller.saying + 5000);
  return caller.now;
}

async function keep({ out }: Plan, caller: Caller, answered: boolean, io: CallIo): Promise<number> {
  if (out !== undefined) {
    const recording = caller.recording();
    await writeFile(out, writeWav(recording, RATE));
    io.out(`kept ${(recording.length / RATE).toFixed(1)} s in ${out}`);
  }
  if (!answered) io.error("the agent did not answer");
  return answered ? 0 : 1;
}

/** The agent is silent, and does not say that it thinks or speaks. */
function isFinished(caller: Caller): boolean {
  const state = caller.events.findLast(({ type }) => type === "agent_state")?.data;
  const busy = isRecord(state) && (state["state"] === "thinking" || state["state"] === "speaking");
  return caller.quietFor > (busy ? FINISHED_MS * 4 : FINISHED_MS);
}

/** Prints what a person wants to see of the messages that have come. */
class Printer {
  readonly #caller: Caller;
  readonly #io: CallIo;
  #seen = 0;
  /** Items by id, as printed: a line comes again and again while it is heard. */
  readonly #printed = new Map<string, string>();

  constructor(caller: Caller, io: CallIo) {
    this.#caller = caller;
    this.#io = io;
  }

  /** Always false, so that it can stand in a condition. */
  print(): false {
    for (const event of this.#caller.events.slice(this.#seen)) {
      const line = toLine(event);
      if (line !== undefined && !this.#isOld(event, line)) this.#io.out(line);
    }
    this.#seen = this.#caller.events.length;
    return false;
  }

  #isOld({ type, data }: CallerEvent, line: string): boolean {
    const id = isRecord(data) ? data["id"] : undefined;
    if (type !== "transcript" || typeof id !== "string") return false;
    const old = this.#printed.get(id) === line;
    this.#printed.set(id, line);
    return old;
  }
}

function toLine({ type, data, message }: CallerEvent): string | undefined {
  const facts = isRecord(data) ? data : {};
  if (type === "transcript" && facts["final"] === true) {
    const who = facts["role"] === "user" ? "you" : String(facts["agentId"] ?? facts["role"]);
    return `${who}: ${String(facts["text"])}`;
  }
  if (type === "turn" && facts["phase"] === "answered" && typeof facts["totalMs"] === "number") {
    const parts = isRecord(facts["parts"]) ? Object.entries(facts["parts"]) : [];
    const detail = parts.map(([name, ms]) => `${name} ${Math.round(Number(ms))}`).join(", ");
    return `  answered ${Math.round(facts["totalMs"])} ms after the end of speech${detail === "" ? "" : ` (${detail})`}`;
  }
  if (type === "error" || type === "warning") return `${type}: ${String(message["message"])}`;
  if (type === "handoff") return `  now with ${String(facts["to"])}`;
  return undefined;
}
