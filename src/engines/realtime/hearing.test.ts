import { describe, expect, it } from "vitest";
import { monoFrame } from "../../audio/frame.ts";
import type { RealtimeConnection } from "../../realtime/model.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { Hearing } from "./hearing.ts";

const RATE = 8000;

/** What a connection is given; `full` takes nothing but what is late. */
function listener() {
  const log: string[] = [];
  const state = { full: false, samples: 0, last: 0 };
  const connection = {
    seenAt: 0,
    sendAudio: (samples: Int16Array, late = false) => {
      if (state.full && !late) return false;
      state.samples += samples.length;
      state.last = samples.at(-1) ?? 0;
      return true;
    },
    commit: () => log.push(`commit ${state.samples / 8}`),
    clear: () => log.push("clear"),
  } as unknown as RealtimeConnection;
  return { connection, log, state };
}

function make(local: boolean) {
  const clock = new VirtualClock();
  let lost = 0;
  const hearing = new Hearing({ clock, rate: RATE, local, dropped: (ms) => void (lost += ms) });
  let at = 0;
  return {
    clock,
    hearing,
    lost: () => lost,
    /** Frames of 20 ms whose samples tell their number. */
    play: async (ms: number) => {
      for (let t = 0; t < ms; t += 20) {
        await clock.advance(20);
        hearing.hear(monoFrame(new Int16Array(160).fill(at / 20), RATE, at));
        at += 20;
      }
    },
  };
}

describe("the caller's audio on its way to a model", () => {
  it("goes out as it comes where the provider decides", async () => {
    const { hearing, play } = make(false);
    const { connection, state } = listener();
    hearing.attach(connection);
    await play(1_000);
    expect(state.samples).toBe(8_000);
  });

  it("is said again from the beginning of the open utterance", async () => {
    const { hearing, play } = make(false);
    const first = listener();
    hearing.attach(first.connection);
    await play(5_000);
    hearing.speech(true, 4_000);
    await play(1_000);
    const again = hearing.again();
    hearing.detach();
    await play(500);
    const second = listener();
    hearing.attach(second.connection, again);
    expect(second.state.samples / 8).toBe(2_500);
    await play(100);
    expect(second.state.samples / 8).toBe(2_600);
  });

  it("is said again from the utterance whose words nobody has, and not once they are known", async () => {
    const { hearing, play } = make(false);
    hearing.attach(listener().connection);
    await play(5_000);
    hearing.speech(true, 2_000);
    hearing.speech(false, 4_000);
    hearing.committed("item");
    expect(hearing.again().from).toBe(16_000);
    hearing.resolved("another");
    expect(hearing.isPending).toBe(true);
    hearing.resolved("item");
    expect(hearing.again().from).toBeGreaterThanOrEqual(4_000 * 8);
  });

  it("loses what is older than 30 s, and says how much", async () => {
    const { hearing, play, lost } = make(false);
    const first = listener();
    hearing.attach(first.connection);
    hearing.speech(true, 0);
    const again = hearing.again();
    hearing.detach();
    await play(40_000);
    const second = listener();
    hearing.attach(second.connection, again);
    expect(second.state.samples / 8).toBe(30_000);
    expect(lost()).toBe(10_000);
  });

  it("drops the oldest when the line takes nothing for more than a second, and catches up when it does", async () => {
    const { hearing, play, lost } = make(false);
    const { connection, state } = listener();
    hearing.attach(connection);
    state.full = true;
    await play(3_000);
    expect(state.samples).toBe(0);
    expect(lost()).toBe(2_000);
    state.full = false;
    await play(20);
    expect(state.samples / 8).toBe(1_020);
    expect(state.last).toBe(150);
  });

  it("goes out by utterances where we decide, with what lies before the onset", async () => {
    const { hearing, play } = make(true);
    const { connection, state, log } = listener();
    hearing.attach(connection);
    await play(2_000);
    expect(state.samples).toBe(0);
    hearing.begin(1_900);
    await play(500);
    expect(hearing.end()).toBe(true);
    await play(500);
    expect(log).toEqual(["commit 900"]);
    expect(state.samples / 8).toBe(900);
    expect(hearing.end()).toBe(false);
  });

  it("fills up an utterance that is too short to be committed", async () => {
    const { hearing, play } = make(true);
    const { connection, log } = listener();
    hearing.attach(connection);
    await play(20);
    hearing.begin(20);
    hearing.end();
    expect(log).toEqual(["commit 100"]);
  });

  it("commits on the next connection what was committed and not understood on the one that broke", async () => {
    const { hearing, play } = make(true);
    hearing.attach(listener().connection);
    await play(1_000);
    hearing.begin(600);
    await play(400);
    hearing.end();
    const again = hearing.again();
    hearing.detach();
    await play(300);
    hearing.begin(1_700);
    await play(200);
    const { connection, state, log } = listener();
    hearing.attach(connection, again);
    expect(log).toEqual(["commit 1100"]);
    // The utterance under way follows, from where the other one ended.
    expect(state.samples / 8).toBe(1_600);
    hearing.end();
    expect(log).toEqual(["commit 1100", "commit 1600"]);
  });

  it("tells when on the session's axis the provider heard something", async () => {
    const { hearing, play } = make(false);
    hearing.attach(listener().connection);
    await play(3_000);
    const second = listener();
    const again = { from: 16_000, commitAt: undefined };
    hearing.attach(second.connection, again);
    // 500 ms into the second connection, which began at 2 000 ms.
    expect(hearing.speech(true, 500)).toBe(2_500);
  });

  it("stands in for a microphone that gives nothing in the middle of an utterance, and only then", async () => {
    const { hearing, play, clock } = make(false);
    const { connection, state } = listener();
    hearing.attach(connection);
    await play(500);
    await clock.advance(2_000);
    expect(state.samples / 8).toBe(500);
    await play(20);
    hearing.speech(true, 400);
    await clock.advance(2_000);
    expect(state.samples / 8).toBeGreaterThanOrEqual(2_220);
    hearing.speech(false, 1_000);
    const before = state.samples;
    await clock.advance(2_000);
    expect(state.samples).toBe(before);
    expect(clock.pending).toBe(0);
  });
});
