/*
 * What a talking session costs on a socket: N callers in another process speak without a pause, the server echoes each
 * frame through a whole session. Prints, per kind of transport: CPU of the server per session, the share of one core, how
 * late frames come (against an even 20 ms, per caller), and for v1 the way there and back of a sample.
 *
 *   npx node bench/socket-echo.ts [kind] [sessions] [seconds]      kinds: bare stock stock24 v1 phone, or all
 */
import { type ChildProcess, fork } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import { WebSocket, WebSocketServer } from "ws";
import { encodeBase64 } from "../src/base/base64.ts";
import { Histogram } from "../src/base/histogram.ts";
import { silentLog } from "../src/base/log.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { Calls } from "../src/session/calls.ts";
import { createTelephone, twilio } from "../src/transports/telephone/index.ts";
import { answerSocket, socketServerOptions } from "../src/transports/websocket/index.ts";

type Kind = "bare" | "stock" | "stock24" | "v1" | "phone";
interface Job {
  readonly kind: Kind;
  readonly url: string;
  readonly sessions: number;
  readonly seconds: number;
  readonly tokens: readonly string[];
}
interface Result {
  readonly frames: number;
  readonly expected: number;
  readonly lateP50: number;
  readonly lateP99: number;
  readonly lateMax: number;
  readonly tripP50: number;
  readonly tripP99: number;
}

const WARM = 3_000;

if (process.argv[2] === "callers") process.on("message", (job: Job) => void call(job));
else await main();

async function main(): Promise<void> {
  const [, , kind = "all", sessions = "100", seconds = "10"] = process.argv;
  const kinds: Kind[] = kind === "all" ? ["bare", "stock", "stock24", "v1", "phone"] : [kind as Kind];
  for (const one of kinds) await measure(one, Number(sessions), Number(seconds));
}

async function measure(kind: Kind, sessions: number, seconds: number): Promise<void> {
  const platform = nodePlatform({ log: silentLog });
  const calls = new Calls(
    async (session) => {
      session.tap((frame) => session.send(frame));
      await new Promise<void>((resolve) => session.signal.addEventListener("abort", () => resolve()));
    },
    { platform },
  );
  const telephone = createTelephone({ calls, carrier: twilio({ authToken: "", verify: false }) });
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, ...socketServerOptions });
  sockets.on("connection", (socket) => {
    if (kind === "bare") socket.on("message", (data, binary) => socket.send(data, { binary }));
    else if (kind === "phone") telephone.answerMediaStream(socket);
    else answerSocket(socket, { calls, options: kind === "stock24" ? { inputRate: 24_000 } : {} });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const tokens: string[] = [];
  for (let i = 0; kind === "phone" && i < sessions; i++) {
    const { body } = await telephone.incomingCall({
      method: "POST",
      url: "/telephone/incoming",
      headers: {},
      body: `CallSid=CA${i}`,
    });
    tokens.push(/value="([^"]+)"/.exec(body)?.[1] ?? "");
  }
  const child = fork(new URL(import.meta.url).pathname, ["callers"]);
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
  child.send({ kind, url, sessions, seconds, tokens } satisfies Job);
  await next(child, "measuring");
  const [cpu, at] = [process.cpuUsage(), performance.now()];
  await next(child, "measured");
  const used = process.cpuUsage(cpu);
  const ms = (used.user + used.system) / 1_000;
  const share = (ms / (performance.now() - at)) * 100;
  const result = (await next(child, "result")) as Result;
  child.kill();
  await calls.close();
  sockets.close();
  http.close();
  process.stdout.write(
    `${kind.padEnd(8)} ${sessions} sessions: ${share.toFixed(1)} % of a core, ${(share / sessions).toFixed(3)} % each; ` +
      `late p50 ${result.lateP50.toFixed(1)} p99 ${result.lateP99.toFixed(1)} max ${result.lateMax.toFixed(1)} ms; ` +
      `${result.frames} of ${result.expected} frames` +
      (result.tripP50 > 0 ? `; trip p50 ${result.tripP50.toFixed(1)} p99 ${result.tripP99.toFixed(1)} ms\n` : "\n"),
  );
}

function next(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: { readonly name: string; readonly value?: unknown }): void => {
      if (message.name !== name) return;
      child.off("message", onMessage);
      resolve(message.value);
    };
    child.on("message", onMessage);
    child.once("exit", (code) => reject(new Error(`the callers ended with ${code}`)));
  });
}

/** The other process: every caller sends 20 ms at a time, on its own phase of a 20 ms grid. */
async function call({ kind, url, sessions, seconds, tokens }: Job): Promise<void> {
  const late = new Histogram();
  const trip = new Histogram();
  let frames = 0;
  let measuring = false;
  const lines: { readonly socket: WebSocket; readonly phase: number; sent: number }[] = [];
  const startOf: Record<Kind, (i: number) => string | undefined> = {
    bare: () => undefined,
    stock: (i) => JSON.stringify({ event: "start", websocket_id: `page${i}` }),
    stock24: (i) => JSON.stringify({ event: "start", websocket_id: `page${i}` }),
    v1: (i) =>
      JSON.stringify({
        event: "start",
        websocket_id: `page${i}`,
        v: 1,
        audio: { in: ["pcm16/24000"], out: ["pcm16/24000"], binary: true },
      }),
    phone: (i) =>
      JSON.stringify({
        event: "start",
        streamSid: `MZ${i}`,
        start: { callSid: `CA${i}`, customParameters: { token: tokens[i] } },
      }),
  };
  const payload = (samples: number): string =>
    encodeBase64(Uint8Array.from({ length: samples }, (_, i) => 0x80 | (i & 0x3f)));
  const texts: Partial<Record<Kind, string>> = {
    stock: JSON.stringify({ event: "media", media: { payload: payload(960) } }),
    stock24: JSON.stringify({ event: "media", media: { payload: payload(480) } }),
    phone: JSON.stringify({ event: "media", media: { track: "inbound", payload: payload(160) } }),
  };
  const text = texts[kind];
  const perMessage = kind === "stock" || kind === "stock24" ? 100 : 20;
  for (let i = 0; i < sessions; i++) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const line = { socket, phase: (i * 20) / sessions, sent: 0 };
    lines.push(line);
    // Lateness: against the earliest that any frame of this caller came, counted in even steps.
    let count = 0;
    let base = Number.POSITIVE_INFINITY;
    socket.on("message", (data: Buffer, binary: boolean) => {
      const now = performance.now();
      if (!binary && data.length < 200) {
        // A carrier that returned no marks would be taken for stuck.
        if (kind === "phone") socket.send(data, { binary: false });
        return;
      }
      base = Math.min(base, now - count * perMessage);
      if (measuring) {
        frames += perMessage / 20;
        late.add(now - count * perMessage - base);
        if (binary) {
          const passed = (Math.round(now * 8) & 0x7fff) - data.readUInt16LE(4);
          trip.add((passed < 0 ? passed + 0x8000 : passed) / 8);
        }
      }
      count += 1;
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve());
      socket.once("error", reject);
    });
    const start = startOf[kind](i);
    if (start !== undefined) socket.send(start);
  }
  const began = performance.now();
  const end = began + WARM + seconds * 1_000;
  const timer = setInterval(() => {
    const now = performance.now();
    for (const line of lines) {
      while (began + line.phase + line.sent * 20 <= now) {
        line.sent += 1;
        if (text !== undefined) line.socket.send(text);
        else {
          const frame = Buffer.alloc(964, 1);
          frame[0] = 1;
          frame.writeUInt16LE(Math.round(now * 8) & 0x7fff, 4);
          line.socket.send(frame);
        }
        if (line.sent % 100 === 0 && kind === "v1") line.socket.send('{"event":"ping","t":1}');
      }
    }
    if (!measuring && now - began > WARM && now < end) {
      measuring = true;
      process.send?.({ name: "measuring" });
    }
    if (now < end) return;
    // The machine stood still for longer than the measurement: there is nothing to tell.
    if (!measuring) process.exit(1);
    clearInterval(timer);
    process.send?.({ name: "measured" });
    const value: Result = {
      frames,
      expected: sessions * seconds * 50,
      lateP50: late.percentile(0.5),
      lateP99: late.percentile(0.99),
      lateMax: late.max,
      tripP50: trip.percentile(0.5),
      tripP99: trip.percentile(0.99),
    };
    process.send?.({ name: "result", value });
  }, 2);
}
