import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/clock.ts";
import { Lifeline, Outlet, type ServerSocket } from "./socket.ts";

class Pipe implements ServerSocket {
  bufferedAmount = 0;
  sent: (string | Uint8Array)[] = [];
  pings = 0;
  pong = (): void => {};
  on(event: string, listener: (...values: never[]) => void): void {
    if (event === "pong") this.pong = listener as () => void;
  }
  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }
  ping(): void {
    this.pings += 1;
  }
  close(): void {}
  terminate(): void {}
}

function outlet(room?: () => boolean): {
  clock: VirtualClock;
  pipe: Pipe;
  out: Outlet;
  dropped: number[];
  stuck: () => number;
} {
  const clock = new VirtualClock();
  const pipe = new Pipe();
  const dropped: number[] = [];
  let stuck = 0;
  const out = new Outlet({
    socket: pipe,
    clock,
    dropped: (ms, waiting) => dropped.push(ms, waiting),
    stuck: () => (stuck += 1),
    ...(room === undefined ? {} : { room }),
  });
  return { clock, pipe, out, dropped, stuck: () => stuck };
}

const frame = (n: number): Uint8Array => new Uint8Array(960).fill(n);

describe("an outlet", () => {
  it("passes everything while the socket drains, and arms no timer", () => {
    const { clock, pipe, out } = outlet();
    for (let i = 0; i < 100; i++) out.send(frame(i), true, 20);
    expect(pipe.sent).toHaveLength(100);
    expect(clock.pending).toBe(0);
  });

  it("holds audio back in order with its marks and lets text pass it", async () => {
    const { clock, pipe, out } = outlet();
    out.send(frame(0), true, 20);
    pipe.bufferedAmount = 20_000;
    out.send(frame(1), true, 20);
    out.send("mark", false, 0);
    out.send(frame(2), true, 20);
    out.urgent("pong");
    expect(pipe.sent).toEqual([frame(0), "pong"]);
    expect(out.held).toBe(40);
    pipe.bufferedAmount = 0;
    await clock.advance(20);
    expect(pipe.sent).toEqual([frame(0), "pong", frame(1), "mark", frame(2)]);
    expect(clock.pending).toBe(0);
  });

  it("drops the oldest audio above 1 s and says what still waits behind it", () => {
    const { pipe, out, dropped } = outlet();
    pipe.bufferedAmount = 20_000;
    for (let i = 0; i < 52; i++) out.send(frame(i), true, 20);
    expect(out.held).toBe(1_000);
    expect(dropped).toEqual([20, 1_000, 20, 1_000]);
  });

  it("gives up after 5 s in which nothing left, once, and not while something does", async () => {
    const { clock, pipe, out, stuck } = outlet();
    pipe.bufferedAmount = 20_000;
    for (let second = 0; second < 8; second++) {
      out.send(frame(1), true, 20);
      await clock.advance(999);
      pipe.bufferedAmount = second < 4 ? 0 : 20_000;
      await clock.advance(20);
      pipe.bufferedAmount = 20_000;
    }
    expect(stuck()).toBe(0);
    await clock.advance(5_000);
    expect(stuck()).toBe(1);
    out.send(frame(1), true, 20);
    expect(clock.pending).toBe(0);
  });

  it("gives up when text alone fills the socket", () => {
    const { pipe, out, stuck } = outlet();
    pipe.bufferedAmount = 2 * 1024 * 1024;
    out.urgent("x");
    out.urgent("y");
    expect(pipe.sent).toEqual([]);
    expect(stuck()).toBe(1);
  });

  it("waits for room at the far end, when it is told of it", async () => {
    let room = true;
    const { clock, pipe, out } = outlet(() => room);
    out.send(frame(0), true, 20);
    room = false;
    out.send(frame(1), true, 20);
    expect(pipe.sent).toHaveLength(1);
    room = true;
    await clock.advance(20);
    expect(pipe.sent).toHaveLength(2);
  });

  it("forgets what it holds when it is cleared or closed", async () => {
    const { clock, pipe, out } = outlet();
    pipe.bufferedAmount = 20_000;
    out.send(frame(0), true, 20);
    out.clear();
    pipe.bufferedAmount = 0;
    await clock.advance(100);
    expect(pipe.sent).toEqual([]);
    out.close();
    out.send(frame(1), true, 20);
    out.urgent("x");
    expect(pipe.sent).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

describe("a lifeline", () => {
  it("pings a silent peer, and gives it up when it does not answer", async () => {
    const clock = new VirtualClock();
    const pipe = new Pipe();
    let lost = 0;
    const line = new Lifeline({ socket: pipe, clock, pingMs: 15_000, lostMs: 30_000, lost: () => (lost += 1) });
    await clock.advance(15_000);
    expect(pipe.pings).toBe(1);
    pipe.pong();
    await clock.advance(29_999);
    expect(lost).toBe(0);
    await clock.advance(1);
    expect(lost).toBe(1);
    line.stop();
    expect(clock.pending).toBe(0);
  });

  it("leaves a peer that speaks alone", async () => {
    const clock = new VirtualClock();
    const pipe = new Pipe();
    const line = new Lifeline({
      socket: pipe,
      clock,
      pingMs: 15_000,
      lostMs: 30_000,
      lost: () => expect.unreachable(),
    });
    for (let i = 0; i < 100; i++) {
      await clock.advance(1_000);
      line.seen();
    }
    expect(pipe.pings).toBe(0);
    line.stop();
  });
});
