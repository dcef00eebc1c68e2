/*
 * One handler, two ways to it: calls itself over WebRTC and over a WebSocket, prints what each costs, and stays for you.
 * Run it: npx repartee dev examples/compare-transports.ts
 */
import { replyOnPause, Stream } from "repartee";
import { levelOf } from "repartee/audio";
import { SocketCaller, spoken, webrtcCaller } from "repartee/testing";

export const stream = new Stream(
  replyOnPause(async function* (turn) {
    yield turn.audio;
  }),
);
const { url } = await stream.launch();
const question = spoken("is one of them faster than the other", { rate: 24_000, tailMs: 0 });

async function webrtc(): Promise<Record<string, number>> {
  const began = performance.now();
  await using caller = await webrtcCaller(url);
  const connected = performance.now();
  caller.send("ping", { t: 0 });
  await caller.waitFor("pong");
  const pinged = performance.now();
  caller.say(question);
  await caller.until(() => caller.saying === 0, { timeoutMs: 10_000 });
  const asked = performance.now();
  await caller.until(() => caller.quietFor < 1_000, { timeoutMs: 10_000 });
  const answered = performance.now();
  await caller.until(() => caller.quietFor > 1_000, { timeoutMs: 20_000 });
  return row({ began, connected, pinged, asked, answered, bytes: caller.bytes });
}

async function websocket(): Promise<Record<string, number>> {
  const began = performance.now();
  const caller = await new SocketCaller(`${url.replace("http", "ws")}/websocket/offer`).start();
  const connected = performance.now();
  caller.json({ event: "ping", t: 0 });
  await caller.next("pong");
  const pinged = performance.now();
  const answer = new Promise<number>((resolve) => {
    caller.onAudio = (samples) => levelOf(samples) > -50 && resolve(performance.now());
  });
  await caller.speak(question);
  const asked = performance.now();
  const answered = await answer;
  await caller.until(caller.clock.now() + 4_000);
  await caller.stop();
  return row({ began, connected, pinged, asked, answered, bytes: caller.bytes });
}

type Times = Record<"began" | "connected" | "pinged" | "asked" | "answered" | "bytes", number>;
const row = ({ began, connected, pinged, asked, answered, bytes }: Times): Record<string, number> => ({
  "connect ms": Math.round(connected - began),
  "round trip ms": Math.round(pinged - connected),
  "answer ms": Math.round(answered - asked),
  "kB received": Math.round(bytes / 1_000),
});

console.table({ WebRTC: await webrtc(), WebSocket: await websocket() });
