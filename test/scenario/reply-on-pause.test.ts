import { describe, expect, it } from "vitest";
import { type AudioFrame, durationOf, monoFrame } from "../../src/audio/frame.ts";
import { silentLog } from "../../src/base/log.ts";
import { MemoryMeters } from "../../src/base/meters.ts";
import { Calls } from "../../src/session/calls.ts";
import { replyOnPause, type ReplyOnPauseOptions } from "../../src/session/reply-on-pause.ts";
import type { Heard, Reply, Turn } from "../../src/session/types.ts";
import { LoopbackCall } from "../../src/testing/call.ts";
import { VirtualClock } from "../../src/testing/clock.ts";
import type { TurnEvent, TurnMachine } from "../../src/turn/events.ts";
import type { DetectorMaker } from "../../src/vad/detector.ts";

const RATE = 16_000;

/** Hears speech wherever a window is loud: these are claims about turns, not about the detector. */
const loudness: DetectorMaker = () => ({
  rate: RATE,
  window: 512,
  push(samples) {
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    return Math.sqrt(sum / samples.length) > 0.02 ? 0.95 : 0.02;
  },
  reset() {},
});

/** Noise that counts as speech. */
function voice(ms: number): AudioFrame {
  let seed = 1;
  const samples = Int16Array.from({ length: (RATE * ms) / 1000 }, () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (seed >> 16) % 8_000;
  });
  return monoFrame(samples, RATE);
}

const answer = (ms: number): AudioFrame => monoFrame(new Int16Array((RATE * ms) / 1000).fill(5_000), RATE);

async function setUp(reply: Reply, options: ReplyOnPauseOptions = {}) {
  const clock = new VirtualClock();
  const platform = {
    clock,
    log: silentLog,
    meters: new MemoryMeters(),
    random: (bytes: number) => globalThis.crypto.getRandomValues(new Uint8Array(bytes)),
  };
  const calls = new Calls(replyOnPause(reply, options), { platform, detector: loudness });
  const call = new LoopbackCall({ clock, can: { rate: RATE } });
  const session = await calls.answer(call);
  const heard: Heard[] = [];
  session.on("heard", (one) => {
    if (one.dropped > 0) heard.push(one);
  });
  return { clock, calls, call, session, heard };
}

const echo: Reply = async function* (turn) {
  yield turn.audio;
};

describe("replyOnPause", () => {
  it("answers when the caller pauses", async () => {
    const turns: Turn[] = [];
    const { call } = await setUp(async function* (turn) {
      turns.push(turn);
      yield answer(400);
    });
    await call.listen(500);
    await call.say(voice(800));
    await call.listen(1_500);
    expect(turns).toHaveLength(1);
    expect(call.heardAudio().length * 20).toBe(400);
    expect(call.eventsOf("turn").map(({ data }) => data.phase)).toEqual(["started", "ended", "answered"]);
  });

  it("commits a turn within the configured silence plus 60 ms, whatever the phase of the phrase", async () => {
    const delays: number[] = [];
    for (let phase = 0; phase < 24; phase++) {
      let endedAt = 0;
      const { call, clock } = await setUp(async function* () {
        endedAt = clock.now();
        yield answer(20);
      });
      await call.listen(500 + phase * 25);
      await call.say(voice(700));
      const end = clock.now();
      await call.listen(1_200);
      delays.push(endedAt - end);
    }
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...delays)).toBeLessThanOrEqual(560);
    expect(Math.max(...delays) - Math.min(...delays)).toBeLessThanOrEqual(40);
  });

  it("gives the reply at least 200 ms from before the first voiced sample", async () => {
    let audio: AudioFrame | undefined;
    const { call } = await setUp(async function* (turn) {
      audio = turn.audio;
      yield answer(20);
    });
    await call.listen(1_000);
    await call.say(voice(600));
    await call.listen(1_000);
    const first = audio?.samples.findIndex((sample) => sample !== 0) ?? -1;
    expect((first / RATE) * 1000).toBeGreaterThanOrEqual(200);
    expect(audio === undefined ? 0 : durationOf(audio)).toBeGreaterThanOrEqual(800);
  });

  it("does not take a gap of 600 ms for the end when 700 are configured", async () => {
    for (let phase = 0; phase < 8; phase++) {
      let turns = 0;
      const { call } = await setUp(
        async function* () {
          turns += 1;
          yield answer(20);
        },
        { silenceMs: 700 },
      );
      await call.listen(300 + phase * 5);
      await call.say(voice(500));
      await call.listen(600);
      await call.say(voice(500));
      await call.listen(1_500);
      expect(turns).toBe(1);
    }
  });

  it("falls silent within 200 ms of the caller's onset, however long they go on", async () => {
    const { call, clock, heard } = await setUp(async function* () {
      yield answer(20_000);
    });
    await call.listen(500);
    await call.say(voice(600));
    await call.listen(2_000);
    const onset = clock.now();
    await call.say(voice(4_000));
    const last = call.lastSoundAt() ?? 0;
    expect(last - onset).toBeLessThanOrEqual(200);
    expect(heard).toHaveLength(1);
  });

  it("aborts the turn's signal in the tick in which our voice is cleared", async () => {
    const order: string[] = [];
    const { call, session } = await setUp(async function* (turn) {
      turn.signal.addEventListener("abort", () => order.push("abort"));
      yield answer(20_000);
      await new Promise(() => {});
    });
    session.on("heard", ({ dropped }) => {
      if (dropped > 0) order.push("cleared");
    });
    await call.listen(300);
    await call.say(voice(600));
    await call.listen(2_000);
    await call.say(voice(600));
    expect(order).toEqual(["cleared", "abort"]);
  });

  it("sends nothing of a reply that ignores its signal", async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let turns = 0;
    const { call, clock } = await setUp(async function* () {
      turns += 1;
      if (turns > 1) return;
      yield answer(5_000);
      await gate;
      yield answer(5_000);
    });
    await call.listen(300);
    await call.say(voice(600));
    await call.listen(1_500);
    await call.say(voice(600));
    release();
    await call.listen(300);
    const before = call.heardAudio().length;
    await clock.advance(3_000);
    expect(call.heardAudio()).toHaveLength(before);
  });

  it("knows within 40 ms what was heard of an interrupted reply", async () => {
    const { call, heard } = await setUp(async function* () {
      yield { ...answer(20_000), item: "itm_1" };
    });
    await call.listen(300);
    await call.say(voice(600));
    await call.listen(2_000);
    const began = call.sent.find(({ output }) => output.kind === "audio")?.at ?? 0;
    await call.say(voice(600));
    const sounding = call.heardAudio().length * 20;
    expect(heard[0]?.item).toBe("itm_1");
    expect(Math.abs((heard[0]?.played ?? 0) - sounding)).toBeLessThanOrEqual(40);
    expect(began).toBeGreaterThan(0);
  });

  it("keeps the reply when the caller only coughs for 80 ms", async () => {
    const { call, heard } = await setUp(async function* () {
      yield answer(5_000);
    });
    await call.listen(300);
    await call.say(voice(600));
    await call.listen(2_000);
    await call.say(voice(80));
    await call.listen(6_000);
    expect(heard).toEqual([]);
    expect(call.heardAudio().length * 20).toBeGreaterThanOrEqual(5_000);
  });

  it("cannot be interrupted until its reply has been played when interrupt is false, and answers then", async () => {
    let turns = 0;
    const { call, heard } = await setUp(
      async function* () {
        turns += 1;
        yield answer(turns === 1 ? 3_000 : 100);
      },
      { interrupt: false },
    );
    await call.listen(300);
    await call.say(voice(600));
    await call.listen(1_500);
    await call.say(voice(800));
    await call.listen(500);
    expect(turns).toBe(1);
    await call.listen(4_000);
    expect(heard).toEqual([]);
    expect(turns).toBe(2);
  });

  it("ends the turn of a caller whose microphone stops sending in the middle of a word", async () => {
    let turns = 0;
    const { call, clock } = await setUp(async function* () {
      turns += 1;
      yield answer(20);
    });
    await call.listen(300);
    await call.say(voice(700));
    await call.starve(900);
    expect(turns).toBe(1);
    await clock.advance(5_000);
    expect(turns).toBe(1);
  });

  it("hears a caller whose microphone stops between sentences without its media clock going on", async () => {
    let turns = 0;
    const { call, clock } = await setUp(async function* () {
      turns += 1;
      yield answer(1_000);
    });
    for (let i = 0; i < 4; i++) {
      await call.say(voice(700));
      await clock.advance(4_000);
    }
    expect(turns).toBe(4);
  });

  it("lets a reply that takes 90 seconds finish", async () => {
    let finished = false;
    const { call, clock } = await setUp(async function* (_, session) {
      yield answer(100);
      await new Promise<void>((resolve) => session.clock.at(session.clock.now() + 90_000, resolve));
      yield answer(100);
      finished = true;
    });
    await call.listen(300);
    await call.say(voice(600));
    await call.listen(1_000);
    await clock.advance(95_000);
    expect(finished).toBe(true);
    expect(call.heardAudio().length * 20).toBe(200);
  });

  it("cuts a turn at its longest and keeps memory bounded", async () => {
    const lengths: number[] = [];
    const { call } = await setUp(
      async function* (turn) {
        lengths.push(durationOf(turn.audio));
        yield answer(20);
      },
      { maxTurnMs: 5_000 },
    );
    await call.listen(300);
    await call.say(voice(20_000));
    expect(lengths.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(5_600);
  });

  it("greets, and can be interrupted while it does", async () => {
    let turns = 0;
    const { call, heard } = await setUp(
      async function* () {
        turns += 1;
        yield answer(100);
      },
      {
        startup: async function* () {
          yield answer(3_000);
        },
      },
    );
    await call.listen(1_000);
    expect(call.heardAudio().length).toBeGreaterThan(40);
    await call.say(voice(700));
    await call.listen(1_500);
    expect(heard).toHaveLength(1);
    expect(turns).toBe(1);
  });

  it("takes a typed line as a turn that interrupts", async () => {
    const texts: (string | undefined)[] = [];
    const { call, clock, heard } = await setUp(async function* (turn) {
      texts.push(turn.text);
      yield answer(4_000);
    });
    call.message({ type: "text", text: "hello" });
    await clock.advance(1_000);
    call.message({ type: "text", text: "and another thing" });
    await clock.advance(500);
    expect(texts).toEqual(["hello", "and another thing"]);
    expect(heard).toHaveLength(1);
  });

  it("ends a push-to-talk turn at the release of the button", async () => {
    let turns = 0;
    const { call } = await setUp(async function* () {
      turns += 1;
      yield answer(20);
    });
    await call.listen(200);
    call.message({ type: "talk", phase: "start" });
    await call.say(voice(500));
    call.message({ type: "talk", phase: "end" });
    await call.listen(60);
    expect(turns).toBe(1);
  });

  it("shows a page the error of a reply and answers the next turn", async () => {
    let turns = 0;
    const { call, session } = await setUp(async function* () {
      turns += 1;
      if (turns === 1) throw new Error("broken");
      yield answer(100);
    });
    await call.listen(300);
    await call.say(voice(600));
    await call.listen(1_500);
    await call.say(voice(600));
    await call.listen(1_500);
    expect(call.eventsOf("error")).toHaveLength(1);
    expect(session.state).toBe("live");
    expect(call.heardAudio().length).toBe(5);
  });

  it("lets a machine of one's own decide when a turn ends", async () => {
    const lengths: number[] = [];
    const fixed = (): TurnMachine => {
      let open = false;
      const none: readonly TurnEvent[] = [];
      return {
        state: "idle",
        deadline: undefined,
        hear: (_, now) => {
          if (!open && now > 500 && now < 1_000) {
            open = true;
            return [{ type: "started", at: now, from: now }];
          }
          if (!open || now < 1_500) return none;
          open = false;
          return [{ type: "ended", at: now, why: "length" }];
        },
        note: () => none,
        tick: () => none,
      };
    };
    const { call } = await setUp(
      async function* (turn) {
        lengths.push(durationOf(turn.audio));
        yield answer(20);
      },
      { machine: fixed },
    );
    await call.listen(1_600);
    expect(lengths).toHaveLength(1);
    expect(lengths[0]).toBeGreaterThan(1_000);
  });

  it("echoes in five lines", async () => {
    const { call } = await setUp(echo);
    await call.listen(500);
    await call.say(voice(1_000));
    await call.listen(2_500);
    expect(call.heardAudio().length * 20).toBeGreaterThanOrEqual(1_300);
  });

  it("accounts for the whole time of a turn", async () => {
    const { call, clock } = await setUp(async function* (_, session) {
      await new Promise<void>((resolve) => session.clock.at(session.clock.now() + 120, resolve));
      yield answer(100);
    });
    await call.listen(500);
    await call.say(voice(600));
    await call.listen(1_500);
    const answered = call.eventsOf("turn").find(({ data }) => data.phase === "answered")?.data;
    const { parts, totalMs } = answered ?? {};
    const sum = Object.values(parts ?? {}).reduce((all, part) => all + part, 0);
    expect(sum).toBeCloseTo(totalMs ?? 0, 6);
    expect(parts?.llm).toBeCloseTo(120, 0);
    expect(parts?.framework ?? 99).toBeLessThanOrEqual(1);
    expect(clock.now()).toBeGreaterThan(0);
  });

  it("releases everything when the caller hangs up in the middle of a reply", async () => {
    const { call, clock, calls } = await setUp(async function* () {
      yield answer(20_000);
    });
    await call.listen(300);
    await call.say(voice(600));
    await call.listen(1_500);
    call.hangUp();
    await clock.advance(3_000);
    expect(calls.sessions.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("gives a typed turn an id of its own", async () => {
    const turns: Turn[] = [];
    const { call, clock } = await setUp(async function* (turn) {
      turns.push(turn);
      yield answer(100);
    });
    await call.listen(300);
    await call.say(voice(800));
    await call.listen(2_000);
    for (const text of ["one", "two"]) {
      call.message({ type: "text", text });
      await clock.advance(1_000);
    }
    expect(turns.map(({ text }) => text)).toEqual([undefined, "one", "two"]);
    expect(new Set(turns.map(({ id }) => id)).size).toBe(3);
    const told = call
      .eventsOf("turn")
      .map(({ data }) => `${turns.findIndex(({ id }) => id === data.turnId)} ${data.phase}`);
    expect(told).toEqual(
      ["0", "1", "2"].flatMap((turn) => ["started", "ended", "answered"].map((phase) => `${turn} ${phase}`)),
    );
  });

  it("answers nothing when the button is let go of without a turn", async () => {
    let replies = 0;
    const { call } = await setUp(async function* () {
      replies += 1;
      yield answer(100);
    });
    await call.listen(300);
    call.message({ type: "talk", phase: "start" });
    await call.say(voice(800));
    call.message({ type: "talk", phase: "cancel" });
    await call.listen(2_000);
    expect(replies).toBe(0);
    call.message({ type: "talk", phase: "start" });
    await call.say(voice(800));
    call.message({ type: "talk", phase: "end" });
    await call.listen(1_000);
    expect(replies).toBe(1);
  });

  it.each<[string, (turn: Turn) => unknown]>([
    [
      "throws at once",
      () => {
        throw new Error("not async");
      },
    ],
    ["answers nothing", () => undefined],
    ["answers a promise", () => Promise.resolve()],
    [
      "is a plain generator",
      function* () {
        yield answer(20);
      },
    ],
    [
      "yields rubbish",
      async function* () {
        yield "hello";
      },
    ],
    [
      "yields an impossible rate",
      async function* () {
        yield { ...answer(20), rate: 0 };
      },
    ],
  ])("goes on with the call when a reply %s", async (_, broken) => {
    let count = 0;
    const errors: string[] = [];
    const { call, session } = await setUp(((turn: Turn) => {
      count += 1;
      return count === 1 ? broken(turn) : echo(turn, session);
    }) as Reply);
    session.on("error", (error) => errors.push(error.message));
    for (let i = 0; i < 2; i++) {
      await call.listen(300);
      await call.say(voice(600));
      await call.listen(2_500);
    }
    expect([count, session.state, errors.length]).toEqual([2, "live", 1]);
    expect(errors[0]).not.toMatch(/Symbol|undefined \(reading/);
    expect(call.heardAudio().length).toBeGreaterThan(20);
    expect(call.eventsOf("agent_state").at(-1)?.data.state).toBe("listening");
  });

  it("runs the finally of a reply that yielded what cannot be sent", async () => {
    const seen: string[] = [];
    const { call } = await setUp(async function* () {
      try {
        yield { kind: "sound" } as never;
      } finally {
        seen.push("finally");
      }
    });
    await call.listen(300);
    await call.say(voice(600));
    await call.listen(1_500);
    expect(seen).toEqual(["finally"]);
  });

  it.each([true, false])(
    "answers a line that was typed over its own voice, interruptible or not: %s",
    async (interrupt) => {
      const typed: (string | undefined)[] = [];
      const { call, clock, heard } = await setUp(
        async function* (turn) {
          typed.push(turn.text);
          yield answer(turn.text === undefined ? 3_000 : 200);
        },
        { interrupt },
      );
      await call.listen(300);
      await call.say(voice(600));
      await call.listen(1_500);
      call.message({ type: "text", text: "stop that" });
      await call.listen(300);
      expect(typed).toEqual(interrupt ? [undefined, "stop that"] : [undefined]);
      call.message({ type: "text", text: "please" });
      await call.listen(4_000);
      expect(typed).toEqual(interrupt ? [undefined, "stop that", "please"] : [undefined, "stop that\nplease"]);
      expect(heard.length > 0).toBe(interrupt);
      expect(clock.now() - (call.lastSoundAt() ?? 0)).toBeGreaterThan(500);
    },
  );

  it("says that it listens once, not twice, when a reply is over", async () => {
    const { call } = await setUp(echo);
    await call.listen(300);
    await call.say(voice(600));
    await call.listen(3_000);
    expect(call.eventsOf("agent_state").map(({ data }) => data.state)).toEqual(["thinking", "speaking", "listening"]);
  });

  it("keeps nothing from turn to turn for three hours", { timeout: 60_000 }, async () => {
    const { call, clock, session } = await setUp(async function* (turn) {
      yield { kind: "message", name: "turn", data: turn.index };
      yield answer(300);
    });
    const before = clock.pending;
    for (let minute = 0; minute < 180; minute++) {
      await call.say(voice(400));
      await call.listen(1_600);
      await clock.advance(58_000);
    }
    expect(call.eventsOf("turn").filter(({ data }) => data.phase === "answered")).toHaveLength(180);
    expect([session.state, clock.pending - before]).toEqual(["live", 0]);
    expect(session.pending).toBe(0);
  });

  it("survives a detector that fails while no media comes", async () => {
    let calm = true;
    const errors: string[] = [];
    const { call, clock, session } = await setUp(echo, {
      detector: () => {
        const real = loudness(RATE);
        return {
          ...real,
          push: (window) => {
            if (!calm) throw new Error("no memory");
            return real.push(window);
          },
        };
      },
    });
    session.on("error", (error) => errors.push(error.message));
    await call.listen(300);
    await call.say(voice(600));
    calm = false;
    await clock.advance(1_000);
    expect(errors.length).toBeGreaterThan(0);
    calm = true;
    await clock.advance(2_000);
    expect(session.state).toBe("live");
  });
});
