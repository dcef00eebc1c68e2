import { describe, expect, it } from "vitest";
import { monoFrame } from "../audio/frame.ts";
import { LoopbackCall } from "../testing/call.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Outbox } from "./outbox.ts";
import { Ticker } from "./ticker.ts";
import type { Output, TransportCan } from "./types.ts";

const RATE = 8_000;
const sound = (ms: number, item?: string): Output =>
  monoFrame(new Int16Array((RATE * ms) / 1000).fill(4_000), RATE, 0, item);
const note = (name: string): Output => ({ kind: "message", name, data: null });

function setUp(can: Partial<TransportCan> = {}) {
  const clock = new VirtualClock();
  const call = new LoopbackCall({ clock, can: { rate: RATE, lead: 20, ...can } });
  const playing: string[] = [];
  const outbox = new Outbox(call.can, {
    send: (output) => call.send(output),
    clear: () => call.clear(),
    playing: (on) => playing.push(`${on ? "on" : "off"}@${clock.now()}`),
    message: (message) => call.send(message),
  });
  const ticker = new Ticker(clock, (error) => {
    throw error;
  });
  ticker.start((now) => outbox.tick(now));
  const audioMs = (): number => call.heardAudio().length * 20;
  return { clock, call, outbox, playing, audioMs };
}

describe("the outbox", () => {
  it.each([5, 10, 20, 100, 1_000])("plays in real time when the handler yields chunks of %d ms", async (size) => {
    const { clock, outbox, audioMs } = setUp();
    const chunks = Math.ceil(3_000 / size);
    for (let i = 0; i < chunks; i++) outbox.push(sound(size));
    await clock.advance(1_000);
    expect(Math.abs(audioMs() - 1_000)).toBeLessThanOrEqual(40);
    await clock.advance(1_000);
    expect(Math.abs(audioMs() - 2_000)).toBeLessThanOrEqual(40);
  });

  it("never runs further ahead than its lead, even when a minute comes at once", async () => {
    const { clock, outbox, audioMs } = setUp({ lead: 200 });
    outbox.push(sound(60_000));
    for (let i = 0; i < 100; i++) {
      await clock.advance(37);
      expect(audioMs() - clock.now()).toBeLessThanOrEqual(220);
    }
  });

  it("does not drift over an hour", async () => {
    const { clock, outbox, audioMs } = setUp();
    for (let minute = 0; minute < 60; minute++) {
      outbox.push(sound(60_000));
      for (let i = 0; i < 30; i++) await clock.advance(2_000);
    }
    expect(Math.abs(audioMs() - clock.now())).toBeLessThanOrEqual(60);
  });

  it("starts anew after a pause of the source instead of catching up in a burst", async () => {
    const { clock, outbox, audioMs } = setUp();
    outbox.push(sound(100));
    await clock.advance(2_000);
    const before = audioMs();
    outbox.push(sound(500));
    await clock.advance(40);
    expect(audioMs() - before).toBeLessThanOrEqual(80);
  });

  it("sends at once what is whole and due, so that an echo does not wait for the clock", async () => {
    const { clock, outbox, audioMs } = setUp({ lead: 100 });
    outbox.push(sound(20));
    await clock.advance(20);
    expect(audioMs()).toBe(20);
    outbox.push(sound(50));
    outbox.flush(clock.now());
    expect(audioMs()).toBe(60);
    outbox.push(sound(1_000));
    outbox.flush(clock.now());
    expect(audioMs() - clock.now()).toBeLessThanOrEqual(120);
  });

  it("keeps messages in order with the audio around them", async () => {
    const { clock, call, outbox } = setUp();
    outbox.push(sound(60));
    outbox.push(note("after 60 ms"));
    outbox.push(sound(60));
    outbox.push(note("at the end"));
    await clock.advance(500);
    const order = call.sent.map(({ output }) => (output.kind === "message" ? output.name : output.kind));
    expect(order).toEqual(["audio", "audio", "audio", "after 60 ms", "audio", "audio", "audio", "at the end"]);
  });

  it("sends a message at once when nothing is queued", () => {
    const { call, outbox } = setUp();
    outbox.push(note("hello"));
    expect(call.sent).toHaveLength(1);
  });

  it("reckons what was heard from the clock when the transport reports nothing", async () => {
    const { clock, outbox } = setUp();
    outbox.push(sound(1_000, "a"));
    await clock.advance(333);
    const heard = outbox.clear(clock.now());
    expect(heard.item).toBe("a");
    expect(heard.exact).toBe(false);
    expect(Math.abs(heard.played - 333)).toBeLessThanOrEqual(21);
    expect(heard.played + heard.dropped).toBeCloseTo(1_000, 5);
  });

  it("believes the transport's reports, and says that it does", async () => {
    const { clock, outbox } = setUp();
    outbox.push(sound(1_000, "a"));
    await clock.advance(400);
    outbox.played(280, clock.now());
    await clock.advance(50);
    const heard = outbox.clear(clock.now());
    expect(heard.exact).toBe(true);
    expect(Math.abs(heard.played - 330)).toBeLessThanOrEqual(1);
  });

  it("falls silent with a clear and tells the transport", async () => {
    const { clock, call, outbox, audioMs, playing } = setUp();
    outbox.push(sound(1_000));
    outbox.push(note("never"));
    await clock.advance(100);
    outbox.clear(clock.now());
    const before = audioMs();
    await clock.advance(1_000);
    expect(audioMs()).toBe(before);
    expect(call.clears).toBe(1);
    expect(call.sent.some(({ output }) => output.kind === "message")).toBe(false);
    expect(playing.at(-1)?.startsWith("off")).toBe(true);
  });

  it("goes on where the caller stopped hearing it after a hold", async () => {
    const { clock, call, outbox } = setUp({ lead: 200 });
    const ramp = Int16Array.from({ length: RATE }, (_, i) => i);
    outbox.push(monoFrame(ramp, RATE, 0, "a"));
    await clock.advance(300);
    outbox.hold(clock.now());
    const held = call.heardAudio().length;
    await clock.advance(700);
    expect(call.heardAudio()).toHaveLength(held);
    outbox.release(clock.now());
    await clock.advance(100);
    const first = call.heardAudio()[held]?.samples[100] ?? 0;
    expect(Math.abs(first - 100 - 0.3 * RATE)).toBeLessThanOrEqual(0.022 * RATE);
  });

  it("gets quieter by 12 dB while ducked and comes back", async () => {
    const { clock, call, outbox } = setUp();
    outbox.push(sound(2_000));
    await clock.advance(200);
    outbox.duck();
    await clock.advance(200);
    const ducked = call.heardAudio().at(-1)?.samples[0] ?? 0;
    outbox.release(clock.now());
    await clock.advance(200);
    expect(20 * Math.log10(ducked / 4_000)).toBeCloseTo(-12, 0);
    expect(call.heardAudio().at(-1)?.samples[0]).toBe(4_000);
  });

  it("joins two rates in one reply without a step", async () => {
    const { clock, call, outbox } = setUp({ rate: 24_000 });
    const tone = (rate: number, from: number, ms: number): Int16Array =>
      Int16Array.from({ length: (rate * ms) / 1000 }, (_, i) =>
        Math.round(8_000 * Math.sin(2 * Math.PI * 200 * (from / 1000 + i / rate))),
      );
    outbox.push(monoFrame(tone(24_000, 0, 100), 24_000));
    outbox.push(monoFrame(tone(16_000, 100, 100), 16_000));
    await clock.advance(400);
    const all = call
      .heardAudio()
      .flatMap((frame) => Array.from(frame.samples))
      .slice(0, 24_000 * 0.2 - 200);
    const steps = all.slice(1).map((sample, i) => Math.abs(sample - (all[i] ?? 0)));
    // A 200 Hz sine at this level moves by at most 419 from one sample to the next.
    expect(Math.max(...steps)).toBeLessThanOrEqual(600);
  });

  it("takes a live source with a gap now and then for one voice", async () => {
    const { clock, outbox, playing } = setUp();
    for (let i = 0; i < 100; i++) {
      outbox.push(sound(20));
      outbox.flush(clock.now());
      await clock.advance(i % 10 === 0 ? 55 : 20);
    }
    await clock.advance(500);
    expect(playing.map((one) => one.split("@")[0])).toEqual(["on", "off"]);
  });

  it("says once when it begins and once when all was heard", async () => {
    const { clock, outbox, playing } = setUp();
    outbox.push(sound(100));
    await clock.advance(1_000);
    outbox.push(sound(100));
    await clock.advance(1_000);
    expect(playing.map((one) => one.split("@")[0])).toEqual(["on", "off", "on", "off"]);
  });

  it("keeps a message behind its audio after holds have put audio back", async () => {
    const { clock, call, outbox } = setUp({ lead: 200 });
    outbox.push(sound(2_000));
    for (let i = 0; i < 4; i++) {
      await clock.advance(200);
      outbox.hold(clock.now());
      await clock.advance(100);
      outbox.release(clock.now());
    }
    outbox.push(note("end"));
    outbox.push(sound(20));
    await clock.advance(5_000);
    const place = call.sent.findIndex(({ output }) => output.kind === "message");
    expect(call.sent.length - 1 - place).toBe(1);
  });

  it("keeps messages back while it is held", async () => {
    const { clock, call, outbox } = setUp({ lead: 200 });
    outbox.push(sound(100));
    outbox.push(note("after"));
    outbox.hold(clock.now());
    await clock.advance(500);
    expect(call.sent.some(({ output }) => output.kind === "message")).toBe(false);
    outbox.release(clock.now());
    await clock.advance(500);
    expect(call.sent.at(-1)?.output).toMatchObject({ name: "after" });
  });

  it("tells how much of an item was heard when it was moved in the middle of it", async () => {
    const { clock, outbox } = setUp();
    outbox.push(sound(1_000, "a"));
    await clock.advance(400);
    outbox.hold(clock.now());
    outbox.move({ ...new LoopbackCall({ clock }).can, rate: 16_000 });
    outbox.release(clock.now());
    await clock.advance(300);
    const { item, played, dropped } = outbox.clear(clock.now());
    expect(item).toBe("a");
    expect(Math.abs(played - 700)).toBeLessThanOrEqual(40);
    expect(Math.abs(dropped - 300)).toBeLessThanOrEqual(40);
  });

  it("counts what was heard since the last silence when nothing has an item", async () => {
    const { clock, outbox } = setUp();
    outbox.push(sound(500));
    await clock.advance(2_000);
    outbox.push(sound(1_000));
    await clock.advance(300);
    const { played, dropped } = outbox.clear(clock.now());
    expect(Math.abs(played - 300)).toBeLessThanOrEqual(40);
    expect(Math.abs(dropped - 700)).toBeLessThanOrEqual(40);
  });

  it("is silent for good when everything was heard, whatever a late report says", async () => {
    const { clock, outbox } = setUp({ marks: true });
    outbox.push(sound(400));
    await clock.advance(1_000);
    outbox.played(250, clock.now());
    expect(outbox.pending(clock.now())).toBe(0);
  });

  it.each([8_000, 11_025, 22_050, 44_100, 48_000])(
    "plays stereo at %d Hz in frames of any size at its length",
    async (rate) => {
      const { clock, outbox, audioMs } = setUp();
      const total = rate * 2;
      for (let left = total, size = 1; left > 0; left -= size, size = Math.min(left, (size * 7) % 9_973)) {
        outbox.push({
          kind: "audio",
          samples: new Int16Array(size * 2).fill(3_000),
          rate,
          channels: 2,
          at: Number.NaN,
        });
      }
      await clock.advance(4_000);
      expect(Math.abs(audioMs() - 2_000)).toBeLessThanOrEqual(40);
    },
  );
});
