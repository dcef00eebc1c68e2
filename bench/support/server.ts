/*
 * The server under test, as users run it: a stream, launched. Its parent asks for the address and for figures of this
 * process alone.
 *
 *   bare   no session: sends every message back, what a socket costs by itself
 *   echo   a session that sends back each frame as it comes
 *   reply  answers a pause with what was said
 *   talk   answers a pause with 20 s of sound, and begins with it
 */
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { PerformanceObserver } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { WebSocketServer } from "ws";
import { type AudioFrame, monoFrame } from "../../src/audio/frame.ts";
import { silentLog } from "../../src/base/log.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { replyOnPause } from "../../src/session/reply-on-pause.ts";
import type { Handler } from "../../src/session/types.ts";
import { Stream } from "../../src/server/stream.ts";
import { socketServerOptions } from "../../src/transports/websocket/index.ts";
import { answer } from "./child.ts";

export interface ServerFigures {
  /** CPU time of this process, user and system, ms. */
  readonly cpuMs: number;
  readonly rssMb: number;
  /** Live after a collection: heap, and what lies outside of it. */
  readonly heapMb: number;
  readonly files: number;
  /** What keeps the process alive, by kind. */
  readonly resources: Readonly<Record<string, number>>;
  readonly sessions: number;
}

/** What disturbs a server from one question to the next. */
export interface Strain {
  /** How long it was ready to run and had no core, because others had it, ms. */
  readonly waitedMs: number;
  /** Collections of garbage: all of them, and the longest, ms. */
  readonly gcMs: number;
  readonly gcLongestMs: number;
}

const RATE = 24_000;

const echo: Handler = async (session) => {
  session.tap((frame) => session.send(frame));
  await new Promise<void>((resolve) => session.signal.addEventListener("abort", () => resolve()));
};

/** 20 s without a pause: whenever it is taken back, that can be heard. */
async function* sound(): AsyncGenerator<AudioFrame> {
  const piece = Int16Array.from({ length: RATE / 5 }, (_, i) => 6_000 * Math.sin((2 * Math.PI * 400 * i) / RATE));
  for (let i = 0; i < 100; i++) yield monoFrame(piece, RATE);
}

const handlers: Readonly<Record<string, Handler>> = {
  echo,
  reply: replyOnPause(async function* (turn) {
    yield turn.audio;
  }),
  talk: replyOnPause(sound, { startup: sound }),
};

const [, , kind = "echo", inputRate = "48000"] = process.argv;
setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
const handler = handlers[kind];
const stream =
  handler &&
  new Stream(handler, {
    platform: nodePlatform({ log: silentLog }),
    telephone: { verify: false },
    websocket: { inputRate: Number(inputRate) },
  });
const url = stream === undefined ? await bare() : (await stream.launch({ port: 0, host: "127.0.0.1" })).url;

let gcMs = 0;
let gcLongestMs = 0;
let waited = waitedMs();
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    gcMs += duration;
    gcLongestMs = Math.max(gcLongestMs, duration);
  }
}).observe({ entryTypes: ["gc"] });

answer({
  url: () => url,
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  strain: (): Strain => {
    const strain = { waitedMs: waitedMs() - waited, gcMs, gcLongestMs };
    waited = waitedMs();
    gcMs = 0;
    gcLongestMs = 0;
    return strain;
  },
  figures: (): ServerFigures => {
    collect();
    collect();
    const { user, system } = process.cpuUsage();
    const { heapUsed, external, rss } = process.memoryUsage();
    const resources: Record<string, number> = {};
    for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
    return {
      cpuMs: (user + system) / 1_000,
      rssMb: rss / 1e6,
      heapMb: (heapUsed + external) / 1e6,
      files: readdirSync("/proc/self/fd").length,
      resources,
      sessions: stream?.sessions.size ?? 0,
    };
  },
});

async function bare(): Promise<string> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, ...socketServerOptions });
  sockets.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `http://127.0.0.1:${address.port}`;
}

/** The kernel's count for the main thread; 0 where there is none. */
function waitedMs(): number {
  try {
    return Number(readFileSync("/proc/self/schedstat", "utf8").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
}
