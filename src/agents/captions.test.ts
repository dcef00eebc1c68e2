import { describe, expect, it } from "vitest";
import { concat, durationOf, silence } from "../audio/frame.ts";
import { silentLog } from "../base/log.ts";
import { noMeters } from "../base/meters.ts";
import { Calls } from "../session/calls.ts";
import type { Session } from "../session/types.ts";
import { LoopbackCall } from "../testing/call.ts";
import { VirtualClock } from "../testing/clock.ts";
import { spoken } from "../testing/speech.ts";
import { EnergyDetector } from "../vad/energy.ts";
import { type Caption, captions } from "./captions.ts";
import { speak } from "./speak.ts";
import { transcribe } from "./transcribe.ts";
import type { Stt, Tts } from "./types.ts";

const can = { partials: true, continuous: false, turns: false, finalMs: 100 };

/** Tells how much it has heard so far, in whole seconds, and at the end in ms. */
class Measuring implements Stt {
  readonly name = "measuring";
  readonly rate = 8_000;
  readonly can = can;
  readonly phrases: (readonly string[])[] = [];
  aborted = 0;

  async *listen(audio: Parameters<Stt["listen"]>[0], ask: Parameters<Stt["listen"]>[1]): ReturnType<Stt["listen"]> {
    this.phrases.push(ask.phrases);
    ask.signal.addEventListener("abort", () => (this.aborted += 1));
    let ms = 0;
    let told = 0;
    for await (const frame of audio) {
      expect(frame.rate).toBe(this.rate);
      ms += durationOf(frame);
      if (Math.floor(ms / 1_000) > told) yield { text: `${(told = Math.floor(ms / 1_000))} s`, final: false };
    }
    yield { text: `${Math.round(ms)} ms`, final: true };
  }
}

async function dial(stt: Stt, handler?: (session: Session) => Promise<void>) {
  const clock = new VirtualClock();
  const random = (bytes: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(bytes));
  const told: Caption[] = [];
  let failure: unknown;
  const all = async (session: Session): Promise<void> => {
    try {
      for await (const caption of captions(session, { stt, phrases: ["hello"] })) told.push(caption);
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  const calls = new Calls(handler ?? all, {
    platform: { clock, log: silentLog, meters: noMeters, random },
    detector: (rate) => new EnergyDetector(rate),
  });
  const call = new LoopbackCall({ clock, can: { rate: 24_000 } });
  await calls.answer(call);
  return { call, calls, clock, told, failure: () => failure };
}

/** About 2.1 s, with half a second of quiet before it. */
const speech = concat(
  [spoken("how many vacation days do I have left", { rate: 24_000, leadMs: 500, tailMs: 0 })],
  24_000,
);

describe("captions", () => {
  it("come while the caller speaks, and end with the stretch, pre-roll and trailing silence included", async () => {
    const stt = new Measuring();
    const { call, told, clock } = await dial(stt);
    await call.say(speech);
    await clock.advance(0);
    expect(told.length).toBeGreaterThan(0);
    expect(told.every(({ final, turn }) => !final && turn === 0)).toBe(true);
    await call.listen(1_500);
    const last = told.at(-1);
    expect(last).toMatchObject({ turn: 0, final: true });
    const heard = Number.parseInt(last?.text ?? "", 10);
    // All of the speech and 300 ms before it; how much silence follows depends on where the detector hears its end.
    const speechMs = durationOf(speech) - 500;
    expect(heard).toBeGreaterThan(speechMs + 300);
    expect(heard).toBeLessThan(speechMs + 300 + 500 + 50);
    expect(stt.phrases).toEqual([["hello"]]);
  });

  it("count the turns, and stop asking when the call is over", async () => {
    const stt = new Measuring();
    const { call, calls, told } = await dial(stt);
    for (let i = 0; i < 3; i++) {
      await call.say(speech);
      await call.listen(1_500);
    }
    expect(told.filter(({ final }) => final).map(({ turn }) => turn)).toEqual([0, 1, 2]);
    await call.say(speech);
    call.hangUp();
    await expect.poll(() => stt.aborted).toBe(4);
    await calls.close();
    expect(told.filter(({ turn, final }) => turn === 3 && final)).toEqual([]);
  });

  it("are none for silence, nor for what was not understood", async () => {
    const deaf: Stt = {
      name: "deaf",
      rate: 16_000,
      can,
      async *listen(audio) {
        for await (const frame of audio) expect(frame.rate).toBe(16_000);
        yield { text: "", final: true, rejected: true };
      },
    };
    const { call, told } = await dial(deaf);
    await call.say(silence(2_000, 24_000));
    await call.say(speech);
    await call.listen(1_500);
    expect(told).toEqual([]);
  });

  it("fail with the recogniser, which ends the call", async () => {
    const broken: Stt = { name: "broken", rate: 16_000, can, listen: () => fails("out of order") };
    const { call, failure } = await dial(broken);
    await call.say(speech);
    await expect.poll(failure).toMatchObject({ code: "provider-unavailable", message: "out of order" });
  });
});

async function* fails(why: string): AsyncGenerator<never> {
  yield* [];
  await Promise.resolve();
  throw new Error(why);
}

describe("the parts on their own", () => {
  const turn = { id: "t", index: 0, audio: silence(500, 24_000), text: undefined, startedAt: 0, endedAt: 500 };
  const session = new Proxy({ signal: new AbortController().signal }, {}) as unknown as Session;

  it("transcribe one turn at the recogniser's rate, and leave typed words as they are", async () => {
    const stt = new Measuring();
    const { signal } = new AbortController();
    expect(await transcribe(stt, { ...turn, signal }, { session, phrases: ["yes"] })).toBe("500 ms");
    expect(stt.phrases).toEqual([["yes"]]);
    expect(await transcribe(stt, { ...turn, signal, text: " As typed " }, { session })).toBe(" As typed ");
    expect(await transcribe(stt, { ...turn, signal: AbortSignal.abort() }, { session })).toBe("");
  });

  it("speak a text in one piece, or as it is written, until the turn is taken back", async () => {
    const asked: unknown[] = [];
    const tts: Tts = {
      name: "fake",
      rate: 8_000,
      can: { input: "piece", words: false, abortable: true },
      async *speak(text, { signal, voice }) {
        for await (const piece of text) {
          asked.push([piece, voice, signal]);
          yield silence(piece.length, 8_000);
        }
      },
    };
    const stop = new AbortController();
    const all = async (frames: AsyncIterable<unknown>): Promise<number> => {
      let n = 0;
      for await (const _ of frames) n += 1;
      return n;
    };
    expect(await all(speak(tts, "Hello.", { session, signal: stop.signal, voice: "rms" }))).toBe(1);
    const written = (async function* () {
      yield "One.";
      yield "Two.";
    })();
    expect(await all(speak(tts, written, { session }))).toBe(2);
    expect(asked).toEqual([
      ["Hello.", "rms", stop.signal],
      ["One.", undefined, session.signal],
      ["Two.", undefined, session.signal],
    ]);
  });
});
