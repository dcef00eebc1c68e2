/*
 * How fast a call connects, how long it takes until it is heard, and what a connected call costs.
 *
 *   npx node bench/connect.ts [--peer chromium|node] [--runs 12] [--sessions 20]
 *
 * `chromium` (default when there is one) measures what people get; its offer is sent before gathering, as our client does.
 * `node` also contains the 100 ms that werift's client sleeps before its handshake. Prints medians in ms.
 */
import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { silentLog } from "../src/base/log.ts";
import { nodePlatform } from "../src/node/platform.ts";
import type { Transport } from "../src/session/types.ts";
import { webrtcCaller } from "../src/testing/caller.ts";
import { createOffers } from "../src/transports/webrtc/offers.ts";

interface Times {
  readonly answered: number;
  readonly connected: number;
  readonly channel: number;
  readonly media: number;
}

const CHROMIUM: string = process.env["REPARTEE_CHROMIUM"] ?? "/usr/bin/chromium";
const { values } = parseArgs({
  options: {
    peer: { type: "string", default: existsSync(CHROMIUM) ? "chromium" : "node" },
    runs: { type: "string", default: "12" },
    sessions: { type: "string", default: "20" },
    /** Only for the child process: holds this many calls to this address. */
    hold: { type: "string" },
  },
});

if (values.hold === undefined) await main();
else await hold(values.hold, Number(values.sessions));

async function main(): Promise<void> {
  const transports: Transport[] = [];
  const offers = createOffers({
    rehearse: true,
    platform: nodePlatform({ log: silentLog }),
    calls: {
      reserve: async () => ({ renew: () => {}, release: async () => {} }),
      answer: (transport) => {
        transports.push(transport);
        transport.open({ audio: () => {}, video: () => {}, message: () => {}, played: () => {}, closed: () => {} });
      },
    },
  });
  const server = createServer((request, response) => {
    if (request.method !== "POST")
      return void response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      void offers.receive(Buffer.concat(chunks).toString()).then(({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const runs =
    values.peer === "chromium" ? await chromium(url, Number(values.runs)) : await node(url, Number(values.runs));
  console.log(`${values.peer}, ${runs.length} runs, ms after the offer is ready: median (first, slowest)`);
  for (const part of ["answered", "connected", "channel", "media"] as const) {
    const all = runs.map((times) => times[part]);
    const sorted = all.toSorted((a, b) => a - b);
    console.log(`  ${part.padEnd(10)} ${ms(sorted[all.length >> 1])} (${ms(all[0])}, ${ms(sorted.at(-1))})`);
  }
  await cost(url, transports, Number(values.sessions));
  await offers.close();
  process.exit(0);
}

function ms(value: number | undefined): string {
  return (value ?? Number.NaN).toFixed(0);
}

/** The server's CPU while callers in another process hold calls and send audio without a pause. */
async function cost(url: string, transports: Transport[], sessions: number): Promise<void> {
  transports.length = 0;
  const child = fork(new URL(import.meta.url), ["--hold", url, "--sessions", String(sessions)]);
  await new Promise((resolve) => child.once("message", resolve));
  const idle = await cpuOver(8000);
  const frame = { kind: "audio", samples: speech(), rate: 24_000, channels: 1, at: 0 } as const;
  const timer = setInterval(() => {
    for (const transport of transports) transport.send(frame);
  }, 20);
  const busy = await cpuOver(8000);
  clearInterval(timer);
  child.kill();
  console.log(
    `${sessions} calls, % of a core each: ${(idle / sessions).toFixed(2)} listening, ${(busy / sessions).toFixed(2)} also speaking`,
  );
}

async function cpuOver(time: number): Promise<number> {
  const start = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, time));
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 10 / time;
}

/** 20 ms that cost as much to encode as speech. */
function speech(): Int16Array {
  return Int16Array.from(
    { length: 480 },
    (_, i) => 5000 * Math.sin(i * 0.03) + 2000 * Math.sin(i * 0.31) + 500 * Math.sin(i * i),
  );
}

async function hold(url: string, sessions: number): Promise<void> {
  for (let index = 0; index < sessions; index++) await webrtcCaller(url);
  process.send?.("ready");
}

async function node(url: string, runs: number): Promise<Times[]> {
  const all: Times[] = [];
  for (let index = 0; index < runs; index++) {
    const caller = await webrtcCaller(url);
    await caller.until(() => caller.times.media !== undefined);
    const { answered = 0, connected = 0, channel = 0, media = 0 } = caller.times;
    all.push({ answered, connected, channel, media });
    await caller.hangUp();
  }
  return all;
}

async function chromium(url: string, runs: number): Promise<Times[]> {
  const { chromium: launcher } = await import("playwright-core");
  const browser = await launcher.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  const page = await browser.newPage();
  await page.goto(url);
  const all: Times[] = [];
  for (let index = 0; index < runs; index++) all.push(await page.evaluate(callFromPage));
  await browser.close();
  return all;
}

/** Runs in the page. */
async function callFromPage(): Promise<Times> {
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  const peer = new RTCPeerConnection();
  for (const track of microphone.getTracks()) peer.addTrack(track, microphone);
  const channel = peer.createDataChannel("text");
  await peer.setLocalDescription(await peer.createOffer());
  const start = performance.now();
  const since = (): number => performance.now() - start;
  const connected = new Promise<number>((resolve) => {
    peer.addEventListener("connectionstatechange", () => {
      if (peer.connectionState === "connected") resolve(since());
    });
  });
  const opened = new Promise<number>((resolve) => channel.addEventListener("open", () => resolve(since())));
  const body = { v: 1, type: "offer", sdp: peer.localDescription?.sdp, webrtc_id: crypto.randomUUID() };
  const response = await fetch("webrtc/offer", { method: "POST", body: JSON.stringify(body) });
  const answer = await response.json();
  const answered = since();
  await peer.setRemoteDescription(answer);
  let media: number | undefined;
  while (media === undefined) {
    const stats = await peer.getStats();
    stats.forEach((one) => {
      if (one.type === "inbound-rtp" && one.packetsReceived > 0) media ??= since();
    });
  }
  const times = { answered, connected: await connected, channel: await opened, media };
  peer.close();
  for (const track of microphone.getTracks()) track.stop();
  return times;
}
