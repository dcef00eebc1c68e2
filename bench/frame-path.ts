/*
 * What the session itself costs per 20 ms frame, without codec, network and detector: one frame in (axis, tap, windows,
 * turn machine, utterance) and one frame out (outbox, pacing, positions). The floor is the same number of direct calls.
 *
 *   npx node bench/frame-path.ts [sessions]
 */
import { monoFrame } from "../src/audio/frame.ts";
import { silentLog } from "../src/base/log.ts";
import { noMeters } from "../src/base/meters.ts";
import { Calls } from "../src/session/calls.ts";
import { listen } from "../src/session/turns.ts";
import type { Session, Transport, TransportSink } from "../src/session/types.ts";
import { VirtualClock } from "../src/testing/clock.ts";

const RATE = 16_000;
const FRAMES = 3_000;
const sessions = Number(process.argv[2] ?? 100);

/** Moves by hand, without the waiting of the test clock: only the work itself is measured. */
class BenchClock extends VirtualClock {
  time = 0;
  readonly tasks: { readonly at: number; readonly task: () => void; live: boolean }[] = [];
  override now(): number {
    return this.time;
  }
  override at(at: number, task: () => void): () => void {
    const entry = { at, task, live: true };
    this.tasks.push(entry);
    return () => {
      entry.live = false;
    };
  }
  run(to: number): void {
    this.time = to;
    for (const entry of this.tasks.splice(0)) {
      if (!entry.live) continue;
      if (entry.at <= to) entry.task();
      else this.tasks.push(entry);
    }
  }
}

class Sink implements Transport {
  readonly name = "bench";
  readonly can = { rate: RATE, lead: 20, video: false, messages: true, digits: false, clears: true, marks: false };
  sink: TransportSink | undefined;
  frames = 0;
  open(sink: TransportSink): void {
    this.sink = sink;
  }
  send(): void {
    this.frames += 1;
  }
  tell(): void {}
  clear(): void {}
  close(): void {
    this.sink?.closed(undefined, false);
  }
}

const clock = new BenchClock();
const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
const talking: Session[] = [];
const calls = new Calls(
  (session) => {
    talking.push(session);
    listen(session, { onEvent() {} });
    return new Promise(() => {});
  },
  {
    platform: { clock, log: silentLog, meters: noMeters, random },
    detector: () => ({ rate: RATE, window: 512, push: () => 0.1, reset() {} }),
  },
);
const lines = await Promise.all(
  Array.from({ length: sessions }, async () => {
    const line = new Sink();
    await calls.answer(line);
    return line;
  }),
);

const sound = new Int16Array(RATE / 50).fill(1_000);
function round(index: number): void {
  clock.run((index + 1) * 20);
  for (const [i, line] of lines.entries()) {
    line.sink?.audio(monoFrame(sound, RATE, index * 20));
    talking[i]?.send(monoFrame(sound, RATE));
  }
}

for (let i = 0; i < 300; i++) round(i);
const before = process.memoryUsage().heapUsed;
const began = performance.now();
for (let i = 300; i < FRAMES; i++) round(i);
const micros = ((performance.now() - began) * 1000) / ((FRAMES - 300) * sessions);

let floor = 0;
const direct = (frame: { samples: Int16Array }): void => {
  floor += frame.samples.length;
};
const floorBegan = performance.now();
for (let i = 0; i < FRAMES * sessions; i++) direct(monoFrame(sound, RATE, i));
const floorMicros = ((performance.now() - floorBegan) * 1000) / (FRAMES * sessions);

const sent = lines.reduce((all, line) => all + line.frames, 0) / sessions;
console.log(`${sessions} sessions, one frame in and one out each 20 ms: ${micros.toFixed(2)} µs per session and frame`);
console.log(`floor (one direct call with a frame): ${floorMicros.toFixed(3)} µs; frames sent per session: ${sent}`);
console.log(
  JSON.stringify({
    bench: "frame-path",
    sessions,
    micros,
    floorMicros,
    heapMb: (process.memoryUsage().heapUsed - before) / 1e6,
    floor: floor > 0,
  }),
);
process.exit(0);
