/*
 * `repartee bench`: N real callers who talk and listen, and what they saw. The server's own cost is read from its
 * /metrics, so only the server's process counts, wherever the callers run.
 */
import { parseArgs } from "node:util";
import type { AudioFrame } from "../audio/frame.ts";
import type { Histogram } from "../base/histogram.ts";
import { VoiceError } from "../base/errors.ts";
import { babble, LoadCaller, LoadFigures, type LoadTransport } from "../testing/load.ts";

const USAGE = `Usage: repartee bench [options] URL
  --transport webrtc|websocket|telephone   default webrtc
  --sessions N                             callers at once, default 10
  --seconds S                              how long they talk, default 20
  --pause MS                               quiet after each sentence, for the answer; default 2500
  --measure answer|echo                    from the end of a sentence to the answer, or from its start to its echo; default answer
  --auth-token TOKEN                       of the telephone's carrier, default TWILIO_AUTH_TOKEN
  --json                                   only the JSON line`;

/** How often callers are looked at, ms. */
const TICK = 5;
/** Calls that are set up side by side: a handshake costs the server about 20 ms. */
const DIALS = 8;

interface Wanted {
  readonly transport: LoadTransport;
  readonly sessions: number;
  readonly seconds: number;
  readonly pauseMs: number;
  readonly measure: "answer" | "echo";
  readonly authToken: string;
  readonly url: string;
  readonly json: boolean;
}

/** The server's own account of its process. */
interface Cost {
  readonly cpuSeconds: number;
  readonly bytes: number;
}

/** Runs the load; answers the exit code. */
export async function bench(args: readonly string[]): Promise<number> {
  const wanted = read(args);
  if (wanted === undefined) {
    console.error(USAGE);
    return 2;
  }
  const now = (): number => performance.now();
  const figures = new LoadFigures();
  const speech = await sentence();
  const callers = Array.from({ length: wanted.sessions }, () => new LoadCaller({ ...wanted, speech, now }, figures));
  const before = await costOf(wanted.url);
  const progress = new Progress(wanted.json);

  const connected: LoadCaller[] = [];
  const queue = callers.map((caller, index) => ({ caller, index }));
  await Promise.all(
    Array.from({ length: Math.min(DIALS, queue.length) }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        try {
          await next.caller.connect(next.index);
          connected.push(next.caller);
        } catch (error) {
          progress.note(`a call failed: ${error instanceof Error ? error.message : String(error)}`);
        }
        progress.show(`connected ${connected.length}/${wanted.sessions}, failed ${figures.failed}`);
      }
    }),
  );
  if (connected.length === 0) throw new VoiceError("server-unreachable", `no call to ${wanted.url} could be set up`);

  const talking = await costOf(wanted.url);
  const began = now();
  const end = began + wanted.seconds * 1_000;
  while (now() < end) {
    for (const caller of connected) caller.tick();
    const p99 = figures.lateness.percentile(0.99).toFixed(1);
    progress.show(
      `${connected.length} talking, frame lateness p99 ${p99} ms, ${Math.ceil((end - now()) / 1_000)} s left`,
    );
    await new Promise((resolve) => setTimeout(resolve, TICK));
  }
  const after = await costOf(wanted.url);
  const seconds = (now() - began) / 1_000;
  await Promise.all(connected.map((caller) => caller.hangUp().catch(() => (figures.lost += 1))));
  progress.end();
  report(wanted, figures, connected.length, share(before, talking, after, connected.length, seconds));
  return figures.failed === 0 ? 0 : 1;
}

function read(args: readonly string[]): Wanted | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      transport: { type: "string", default: "webrtc" },
      sessions: { type: "string", default: "10" },
      seconds: { type: "string", default: "20" },
      measure: { type: "string", default: "answer" },
      pause: { type: "string", default: "2500" },
      "auth-token": { type: "string", default: process.env["TWILIO_AUTH_TOKEN"] ?? "" },
      json: { type: "boolean", default: false },
    },
  });
  const { transport, measure } = values;
  const [url] = positionals;
  const [sessions, seconds, pauseMs] = [Number(values.sessions), Number(values.seconds), Number(values.pause)];
  if (url === undefined || positionals.length > 1) return undefined;
  if (transport !== "webrtc" && transport !== "websocket" && transport !== "telephone") return undefined;
  if (measure !== "answer" && measure !== "echo") return undefined;
  if (!Number.isInteger(sessions) || sessions < 1 || !(seconds > 0) || !(pauseMs >= 100)) return undefined;
  return { transport, sessions, seconds, pauseMs, measure, authToken: values["auth-token"], url, json: values.json };
}

/** A real sentence where a voice is installed, else a buzz that detectors take for one. */
async function sentence(): Promise<AudioFrame> {
  try {
    const { spoken } = await import("../testing/speech.ts");
    return fromFirstSound(spoken("how many vacation days do i have", { leadMs: 0, tailMs: 0 }));
  } catch {
    return babble();
  }
}

/** Without the soft beginning of the first consonant: an echo is timed from its first loud sample. */
function fromFirstSound(frame: AudioFrame): AudioFrame {
  const loud = frame.samples.findIndex((sample) => Math.abs(sample) > 1_500);
  return { ...frame, samples: frame.samples.subarray(Math.max(0, loud)) };
}

async function costOf(url: string): Promise<Cost | undefined> {
  try {
    const text = await (await fetch(new URL("metrics", url.endsWith("/") ? url : `${url}/`))).text();
    const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
    const cost = { cpuSeconds: value("process_cpu_seconds_total"), bytes: value("process_resident_memory_bytes") };
    return Number.isNaN(cost.cpuSeconds) || Number.isNaN(cost.bytes) ? undefined : cost;
  } catch {
    return undefined;
  }
}

interface Share {
  readonly cpuPercent: number;
  readonly megabytes: number;
}

/** What one session costs the server, when it tells. */
function share(
  idle: Cost | undefined,
  from: Cost | undefined,
  to: Cost | undefined,
  sessions: number,
  seconds: number,
): Share | undefined {
  if (idle === undefined || from === undefined || to === undefined) return undefined;
  return {
    cpuPercent: ((to.cpuSeconds - from.cpuSeconds) / seconds / sessions) * 100,
    megabytes: Math.max(0, to.bytes - idle.bytes) / 1e6 / sessions,
  };
}

function report(
  { transport, measure, json }: Wanted,
  figures: LoadFigures,
  sessions: number,
  cost: Share | undefined,
): void {
  const rows: readonly (readonly [string, Histogram])[] = [
    ["connect", figures.connect],
    ["frame lateness", figures.lateness],
    ["gap between frames", figures.gap],
    [measure === "echo" ? "echo" : "speech end to answer", figures.answer],
  ];
  const at = (histogram: Histogram): Readonly<Record<string, number>> => ({
    p50: round(histogram.percentile(0.5)),
    p95: round(histogram.percentile(0.95)),
    p99: round(histogram.percentile(0.99)),
    max: round(histogram.max),
    count: histogram.count,
  });
  if (!json) {
    console.log(
      `${transport}: ${sessions} sessions, ${figures.failed} failed, ${figures.frames} frames of audio came back\n`,
    );
    console.log(`${"ms".padEnd(22)}${["p50", "p95", "p99", "max", "count"].map((head) => head.padStart(10)).join("")}`);
    for (const [name, histogram] of rows) {
      console.log(
        `${name.padEnd(22)}${Object.values(at(histogram))
          .map((value) => String(value).padStart(10))
          .join("")}`,
      );
    }
    const own =
      cost === undefined
        ? "unknown: the server has no /metrics"
        : `${cost.cpuPercent.toFixed(2)} % of a core and ${cost.megabytes.toFixed(2)} MB`;
    console.log(`\nserver, per session: ${own}\n`);
  }
  const told = Object.fromEntries(rows.map(([name, histogram]) => [name, at(histogram)]));
  console.log(
    JSON.stringify({ bench: "load", transport, sessions, failed: figures.failed, ...told, server: cost ?? null }),
  );
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** One line that is written over while the run goes on; nothing where nobody watches. */
class Progress {
  readonly #quiet: boolean;
  #last = 0;

  constructor(json: boolean) {
    this.#quiet = json || !process.stderr.isTTY;
  }
  show(text: string): void {
    if (this.#quiet || performance.now() - this.#last < 200) return;
    this.#last = performance.now();
    process.stderr.write(`\r\u001B[2K${text}`);
  }
  note(text: string): void {
    process.stderr.write(`${this.#quiet ? "" : "\r\u001B[2K"}${text}\n`);
  }
  end(): void {
    if (!this.#quiet) process.stderr.write("\r\u001B[2K");
  }
}
