/*
 * Many socket callers in one process, as cheap as possible: messages are made beforehand, what comes back is only measured.
 * Callers send 20 ms at a time, each on its own phase of a 20 ms grid.
 *
 *   late   when a piece of audio came, against the piece of this caller that came earliest for its place in the stream
 *   gap    time since the piece before, less the audio in that one: what a player without a buffer would be silent
 *   trip   from the moment a frame was sent until the piece came in which it ends
 */
import { performance } from "node:perf_hooks";
import { WebSocket } from "ws";
import { encodeMulaw } from "../../src/audio/g711.ts";
import { int16ToBytes } from "../../src/audio/pcm.ts";
import { encodeBase64 } from "../../src/base/base64.ts";
import { Histogram } from "../../src/base/histogram.ts";
import { answer } from "./child.ts";

/** What a caller is: a stock FastRTC page, a page of ours, a carrier, or a socket that nobody interprets. */
export type Kind = "bare" | "stock" | "v1" | "phone";

export interface CrowdJob {
  readonly kind: Kind;
  readonly url: string;
  readonly sessions: number;
  /** RMS of what the microphones hear, dBFS: noise. */
  readonly level: number;
}

export interface CrowdFigures {
  /** Frames of 20 ms that came, and that were due. */
  readonly frames: number;
  readonly expected: number;
  readonly late: Spread;
  readonly gap: Spread;
  readonly trip: Spread;
  /** How late the callers themselves were with sending. */
  readonly own: Spread;
  /** How often a caller could not send for a second: the machine stood still, and the figures mean nothing. */
  readonly stalls: number;
}

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const FRAME = 20;
/** A microphone that comes back after this long does not send what it missed, ms. */
const STOOD_STILL = 1_000;
/** Frames of noise made beforehand: 1 s. */
const LOOP = 50;
/** Sent frames whose time is remembered. */
const MEMORY = 1_024;
const PAYLOAD = '"payload":"';
const RATES: Readonly<Record<Kind, number>> = { bare: 24_000, stock: 48_000, v1: 24_000, phone: 8_000 };
/** Bytes of audio in 1 ms of what comes back. */
const BYTES: Readonly<Record<Kind, number>> = { bare: 48, stock: 24, v1: 48, phone: 8 };
const V1_HEAD = 4;

class Line {
  readonly socket: WebSocket;
  readonly phase: number;
  readonly #kind: Kind;
  readonly #crowd: Crowd;
  readonly #sentAt = new Float64Array(MEMORY);
  sent = 0;
  /** Code and reason with which the server closed. */
  cutOff: string | undefined;
  #media = 0;
  #base = Number.POSITIVE_INFINITY;
  #lastEnd = 0;

  constructor(socket: WebSocket, kind: Kind, phase: number, crowd: Crowd) {
    this.socket = socket;
    this.#kind = kind;
    this.phase = phase;
    this.#crowd = crowd;
    socket.on("message", (data: Buffer, binary: boolean) => this.#receive(data, binary));
    socket.on("close", (code, reason) => {
      this.cutOff = `${code} ${reason.toString()}`;
    });
  }

  send(message: string | Buffer, now: number): void {
    this.#sentAt[this.sent % MEMORY] = now;
    this.sent += 1;
    this.socket.send(message);
    if (this.#kind !== "v1") return;
    // As our own page does.
    if (this.sent % 100 === 0) this.socket.send('{"event":"ping","t":1}');
    if (this.sent % 10 === 0 && this.#media > 0) {
      this.socket.send(JSON.stringify({ event: "position", epoch: 0, playedMs: this.#media, bufferedMs: 0 }));
    }
  }

  /** Leaves these frames out. */
  skip(frames: number): void {
    this.sent += frames;
  }

  /** Lateness is told against the earliest piece since the last call of this. */
  measure(): void {
    this.#base = Number.POSITIVE_INFINITY;
  }

  #receive(data: Buffer, binary: boolean): void {
    const now = performance.now();
    const ms = this.#lengthOf(data, binary);
    if (ms === undefined) {
      // A carrier that returned no marks would be taken for stuck.
      if (this.#kind === "phone" && data.includes('"mark"')) this.socket.send(data, { binary: false });
      return;
    }
    this.#base = Math.min(this.#base, now - this.#media);
    const late = now - this.#media - this.#base;
    const gap = this.#lastEnd === 0 ? 0 : now - this.#lastEnd;
    this.#media += ms;
    this.#lastEnd = now + ms;
    const frame = Math.round(this.#media / FRAME) - 1;
    const trip = now - (this.#sentAt[frame % MEMORY] ?? now);
    this.#crowd.came(ms, late, gap, trip);
  }

  #lengthOf(data: Buffer, binary: boolean): number | undefined {
    if (binary) return (data.length - V1_HEAD) / BYTES[this.#kind];
    const from = data.indexOf(PAYLOAD);
    if (from < 0) return undefined;
    let length = data.length - 3 - from - PAYLOAD.length;
    if (data[data.length - 4] === 61) length -= data[data.length - 5] === 61 ? 2 : 1;
    return Math.floor((length * 3) / 4) / BYTES[this.#kind];
  }
}

class Crowd {
  readonly #lines: Line[] = [];
  readonly #messages: readonly (string | Buffer)[];
  readonly #job: CrowdJob;
  #late = new Histogram();
  #gap = new Histogram();
  #trip = new Histogram();
  #own = new Histogram();
  #stalls = 0;
  #ms = 0;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(job: CrowdJob) {
    this.#job = job;
    this.#messages = messagesOf(job.kind, job.level);
  }

  /** Connects everybody, one after the other, and begins to talk. */
  async call(): Promise<void> {
    const { kind, url, sessions } = this.#job;
    for (let i = 0; i < sessions; i++) this.#lines.push(await this.#connect(kind, url, i, (i * FRAME) / sessions));
    // Media that comes before a session is there is dropped.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const began = performance.now();
    this.#timer = setInterval(() => {
      for (const line of this.#lines) {
        for (let now = performance.now(); ; now = performance.now()) {
          const due = began + line.phase + line.sent * FRAME;
          if (due > now) break;
          if (now - due > STOOD_STILL) {
            line.skip(Math.floor((now - due) / FRAME));
            this.#stalls += 1;
            continue;
          }
          this.#own.add(now - due);
          line.send(this.#messages[line.sent % LOOP] ?? "", now);
        }
      }
    }, 1);
  }

  came(ms: number, late: number, gap: number, trip: number): void {
    this.#ms += ms;
    this.#late.add(late);
    this.#gap.add(gap);
    this.#trip.add(trip);
  }

  /** What was seen since the last call. */
  take(): CrowdFigures {
    const now = performance.now();
    const figures: CrowdFigures = {
      frames: Math.round(this.#ms / FRAME),
      expected: Math.round(((now - this.#since) / FRAME) * this.#lines.length),
      late: spreadOf(this.#late),
      gap: spreadOf(this.#gap),
      trip: spreadOf(this.#trip),
      own: spreadOf(this.#own),
      stalls: this.#stalls,
    };
    this.#stalls = 0;
    for (const line of this.#lines) line.measure();
    this.#ms = 0;
    this.#since = now;
    this.#late = new Histogram();
    this.#gap = new Histogram();
    this.#trip = new Histogram();
    this.#own = new Histogram();
    return figures;
  }

  async hangUp(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(
      this.#lines.map(({ socket, cutOff }) => {
        if (cutOff !== undefined) throw new Error(`a caller was cut off: ${cutOff}`);
        const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
        socket.close(1000);
        return closed;
      }),
    );
  }

  async #connect(kind: Kind, url: string, index: number, phase: number): Promise<Line> {
    const path = kind === "phone" ? "/telephone/handler" : kind === "bare" ? "/" : "/websocket/offer";
    const token = kind === "phone" ? await announce(url, index) : "";
    const socket = new WebSocket(url.replace(/^http/, "ws") + path, { perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve());
      socket.once("error", reject);
    });
    const line = new Line(socket, kind, phase, this);
    const text = startOf(kind, index, token);
    if (text !== undefined) socket.send(text);
    return line;
  }
}

/** A second of white noise, in the form this kind of caller sends. */
function messagesOf(kind: Kind, level: number): readonly (string | Buffer)[] {
  const samples = (RATES[kind] * FRAME) / 1000;
  const width = 10 ** (level / 20) * 32_768 * Math.sqrt(12);
  let state = 1;
  return Array.from({ length: LOOP }, () => {
    const noise = Int16Array.from({ length: samples }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.round((state / 2 ** 32 - 0.5) * width);
    });
    const text = (): string => encodeBase64(encodeMulaw(noise, new Uint8Array(samples)));
    if (kind === "stock") return JSON.stringify({ event: "media", media: { payload: text() } });
    if (kind === "phone") return JSON.stringify({ event: "media", media: { track: "inbound", payload: text() } });
    return Buffer.concat([Buffer.of(1, 0, 0, 0), int16ToBytes(noise)]);
  });
}

function startOf(kind: Kind, index: number, token: string): string | undefined {
  const id = `page${process.pid}-${index}`;
  const audio = { in: ["pcm16/24000"], out: ["pcm16/24000"], binary: true };
  if (kind === "bare") return undefined;
  if (kind === "stock") return JSON.stringify({ event: "start", websocket_id: id });
  if (kind === "v1") return JSON.stringify({ event: "start", websocket_id: id, v: 1, audio });
  const start = { callSid: `CA${process.pid}${index}`, customParameters: { token } };
  return JSON.stringify({ event: "start", streamSid: `MZ${index}`, start });
}

/** The carrier's webhook; answers the token of the call. */
async function announce(url: string, index: number): Promise<string> {
  const body = new URLSearchParams({ CallSid: `CA${process.pid}${index}` });
  const response = await fetch(`${url}/telephone/incoming`, { method: "POST", body });
  const token = /name="token" value="([^"]+)"/.exec(await response.text())?.[1];
  if (token === undefined) throw new Error(`the call was not taken: ${response.status}`);
  return token;
}

function spreadOf(histogram: Histogram): Spread {
  const round = (ms: number): number => Math.round(ms * 10) / 10;
  const [p50, p99] = [histogram.percentile(0.5), histogram.percentile(0.99)];
  return { p50: round(p50), p99: round(p99), max: round(histogram.max) };
}

let crowd: Crowd | undefined;
answer({
  call: async (job) => {
    crowd = new Crowd(job as CrowdJob);
    await crowd.call();
  },
  take: () => crowd?.take(),
  hangUp: () => crowd?.hangUp(),
});
