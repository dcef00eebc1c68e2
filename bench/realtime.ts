/*
 * What a realtime session adds to a call: time per frame to the provider and per audio event from it, and what loading it
 * costs. Side by side with @openai/agents-realtime where that is installed: the same frames through its own WebSocket
 * class, over a socket that goes nowhere.
 *
 *   npx node bench/realtime.ts
 */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { monoFrame } from "../src/audio/frame.ts";
import { silentLog } from "../src/base/log.ts";
import { noMeters } from "../src/base/meters.ts";
import type { Session } from "../src/session/types.ts";
import { type Dial, openaiRealtime, type SocketEvents } from "../src/engines/realtime/index.ts";
import { createClock } from "../src/node/clock.ts";
import { measure, report } from "./measure.ts";

const RATE = 24_000;
const tone = (ms: number): Int16Array =>
  Int16Array.from({ length: (RATE * ms) / 1000 }, (_, i) => 9_000 * Math.sin(i / 9));
const frame20 = tone(20);
const bytes20 = Buffer.from(frame20.buffer);
const delta = (ms: number, response: string): string =>
  JSON.stringify({
    type: "response.output_audio.delta",
    event_id: "event_1",
    response_id: response,
    item_id: "item_1",
    output_index: 0,
    content_index: 0,
    delta: Buffer.from(tone(ms).buffer).toString("base64"),
  });

/** A provider that acknowledges and otherwise says what it is told to. */
let say: (text: string) => void = () => {};
let sentBytes = 0;
const dial: Dial = (_url, _headers, events: SocketEvents) => {
  const tell = (event: object): void => queueMicrotask(() => events.text(JSON.stringify({ event_id: "e", ...event })));
  queueMicrotask(() => {
    events.open();
    tell({ type: "session.created", session: { id: "sess_1" } });
  });
  say = (text) => events.text(text);
  return {
    bufferedAmount: 0,
    send: (text) => {
      sentBytes += text.length;
      if (text.startsWith('{"type":"session.update"')) tell({ type: "session.updated", session: {} });
    },
    ping() {},
    close: (code, reason) => events.closed(code, reason),
    terminate: () => events.closed(1006, ""),
  };
};

const clock = createClock();
const platform = {
  clock,
  log: silentLog,
  meters: noMeters,
  random: (n: number) => crypto.getRandomValues(new Uint8Array(n)),
};
const caller = { clock, pending: 0, signal: new AbortController().signal, on: () => () => {} } as unknown as Session;
let heard = 0;
const session = await openaiRealtime({ model: "m", apiKey: "none", dial }).open(
  { agent: "A", instructions: "", history: [], turns: "engine", tools: [], phrases: [] },
  (event) => {
    if (event.type === "audio") heard += event.frame.samples.length;
  },
  { session: caller, signal: caller.signal, platform },
);
say(JSON.stringify({ type: "response.created", event_id: "e", response: { id: "resp_1" } }));

const frame = monoFrame(frame20, RATE);
const texts = { 20: delta(20, "resp_1"), 100: delta(100, "resp_1") };
/** Items change, so that no reply grows beyond what is taken in. */
let items = 0;
const next = (text: string): string => ((items += 1) % 500 === 0 ? text.replaceAll("item_1", `item_${items}`) : text);

const plainOut = measure(
  "20 ms out: base64 and text alone",
  () => `{"type":"input_audio_buffer.append","audio":"${bytes20.toString("base64")}"}`.length,
);
const ourOut = measure("20 ms out: through our session", () => {
  session.hear(frame);
  return sentBytes & 1;
});
let current = texts[20];
const plainIn = measure(
  "20 ms in: JSON.parse and Buffer alone",
  () => Buffer.from((JSON.parse(texts[20]) as { delta: string }).delta, "base64").length,
);
const ourIn = measure("20 ms in: through our session", () => {
  current = next(current);
  say(current);
  return heard & 1;
});
const plainIn100 = measure(
  "100 ms in: JSON.parse and Buffer alone",
  () => Buffer.from((JSON.parse(texts[100]) as { delta: string }).delta, "base64").length,
);
current = texts[100];
const ourIn100 = measure("100 ms in: through our session", () => {
  current = next(current);
  say(current);
  return heard & 1;
});
const all = [plainOut, ourOut, plainIn, ourIn, plainIn100, ourIn100];

const theirs = await loadTheirs();
if (theirs !== undefined) {
  all.push(
    measure("20 ms out: @openai/agents-realtime", () => {
      theirs.sendAudio(bytes20.buffer.slice(bytes20.byteOffset, bytes20.byteOffset + bytes20.byteLength));
      return theirs.sent() & 1;
    }),
    measure("20 ms in: @openai/agents-realtime", () => {
      theirs.receive(texts[20]);
      return theirs.heard() & 1;
    }),
    measure("100 ms in: @openai/agents-realtime", () => {
      theirs.receive(texts[100]);
      return theirs.heard() & 1;
    }),
  );
}

const load = {
  bare: loading(""),
  ours: loading("../dist/engines/realtime/index.js"),
  ws: loading("ws"),
  theirs: theirs === undefined ? undefined : loading("@openai/agents-realtime"),
};
for (const [name, cost] of Object.entries(load))
  if (cost !== undefined)
    console.log(`load ${name.padEnd(8)} ${cost.ms.toFixed(0).padStart(5)} ms  ${cost.mib.toFixed(1).padStart(6)} MiB`);
const over = (cost: { ms: number; mib: number } | undefined): Record<string, number> =>
  cost === undefined
    ? {}
    : { ms: Math.round(cost.ms - load.bare.ms), mib: Number((cost.mib - load.bare.mib).toFixed(1)) };
report("realtime", all, {
  "out overhead us": Number((ourOut.us - plainOut.us).toFixed(3)),
  "in overhead us": Number((ourIn.us - plainIn.us).toFixed(3)),
  "ours load ms": over(load.ours)["ms"] ?? Number.NaN,
  "ours load MiB": over(load.ours)["mib"] ?? Number.NaN,
  ...(load.theirs !== undefined && {
    "theirs load ms": over(load.theirs)["ms"] ?? Number.NaN,
    "theirs load MiB": over(load.theirs)["mib"] ?? Number.NaN,
  }),
});
await session.close();
process.exit(0);

/** Time and memory of loading a module in a fresh process; nothing for the bare one. Median of five. */
function loading(module: string): { readonly ms: number; readonly mib: number } {
  const program = `
    const from = performance.now();
    ${module === "" ? "" : `await import(${JSON.stringify(module.startsWith(".") ? new URL(module, import.meta.url).href : createRequire(import.meta.url).resolve(module))});`}
    const ms = performance.now() - from;
    globalThis.gc();
    console.log(JSON.stringify({ ms, mib: process.memoryUsage.rss() / 1048576 }));`;
  const runs = Array.from({ length: 5 }, () => {
    const text = execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", program], {
      encoding: "utf8",
      cwd: import.meta.dirname,
    });
    return JSON.parse(text) as { ms: number; mib: number };
  });
  const middle = (values: readonly number[]): number =>
    [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  return { ms: middle(runs.map(({ ms }) => ms)), mib: middle(runs.map(({ mib }) => mib)) };
}

/** Their WebSocket class on a socket of ours; undefined when the package is not installed. */
async function loadTheirs(): Promise<
  { sendAudio(audio: ArrayBufferLike): void; receive(text: string): void; sent(): number; heard(): number } | undefined
> {
  let sdk: typeof import("@openai/agents-realtime");
  try {
    sdk = await import("@openai/agents-realtime");
  } catch {
    return undefined;
  }
  let sent = 0;
  let samples = 0;
  const listeners = new Map<string, ((event: unknown) => void)[]>();
  const socket = {
    readyState: 1,
    addEventListener: (type: string, listener: (event: unknown) => void) =>
      void listeners.set(type, [...(listeners.get(type) ?? []), listener]),
    removeEventListener() {},
    on: (type: string, listener: (event: unknown) => void) =>
      void listeners.set(type, [...(listeners.get(type) ?? []), listener]),
    send: (text: string) => void (sent += text.length),
    close() {},
  };
  const transport = new sdk.OpenAIRealtimeWebSocket({
    createWebSocket: () => Promise.resolve(socket as never),
    url: "ws://localhost",
    useInsecureApiKey: true,
    skipOpenEventListeners: true,
  } as never);
  transport.on("audio", (event) => void (samples += event.data.byteLength));
  const fire = (type: string, event: unknown): void => {
    for (const listener of listeners.get(type) ?? []) listener(event);
  };
  await transport.connect({ apiKey: "none", model: "m" } as never);
  // Their sequence of a response, so that deltas belong to one.
  fire("message", {
    data: JSON.stringify({ type: "response.created", event_id: "e", response: { id: "resp_1", output: [] } }),
  });
  return {
    sendAudio: (audio) => transport.sendAudio(audio as ArrayBuffer, {}),
    receive: (text) => fire("message", { data: text }),
    sent: () => sent,
    heard: () => samples,
  };
}
