/* Lines T of docs/acceptance.md that no other test proves: options, long speech, and where the windows lie. */
import { describe, expect, it } from "vitest";
import { durationOf, monoFrame } from "../../src/audio/frame.ts";
import { loadSilero } from "../../src/providers/silero/index.ts";
import { replyOnPause, type ReplyOnPauseOptions } from "../../src/session/reply-on-pause.ts";
import type { Turn } from "../../src/session/types.ts";
import { spoken } from "../../src/testing/speech.ts";
import { answer, liveBytes, RATE, talk, voice } from "./talk.ts";

/** One window of the detector, ms: what the place of a window may change. */
const WINDOW = 32;

describe("options", () => {
  /** What a caller can notice of a policy. Times in ms, levels as likelihoods of speech. */
  interface Noticed {
    /** From the first voiced sample until the turn has begun. */
    readonly onset: number;
    /** From the last voiced sample until the turn is handed over. */
    readonly commit: number;
    /** Audio of the turn from before the first voiced sample. */
    readonly preRoll: number;
    /** A turn of somebody who never pauses. */
    readonly longest: number;
    /** The least likelihood that opens a turn. */
    readonly opensAt: number;
    /** The greatest likelihood that still counts as a pause. */
    readonly releasesAt: number;
  }
  const base: ReplyOnPauseOptions = { maxTurnMs: 4_000 };
  const levels = [0.1, 0.2, 0.3, 0.4, 0.55, 0.65, 0.75, 0.85];

  async function dial(options: ReplyOnPauseOptions) {
    const turns: Turn[] = [];
    const reply = replyOnPause(async function* (turn) {
      turns.push(turn);
      yield answer(20);
    }, options);
    return { turns, ...(await talk(reply).dial()) };
  }

  async function notice(options: ReplyOnPauseOptions): Promise<Noticed> {
    const plain = await dial(options);
    await plain.call.listen(1_000);
    await plain.call.say(voice(800));
    await plain.call.listen(2_000);
    const [turn] = plain.turns;
    const started = plain.decided.find((event) => event.type === "started");
    const audio = turn?.audio.samples ?? new Int16Array(0);

    const endless = await dial(options);
    await endless.call.say(voice(9_000));
    const [longest] = endless.turns;

    let opensAt = Number.POSITIVE_INFINITY;
    let releasesAt = 0;
    for (const level of levels) {
      const soft = await dial(options);
      await soft.call.say(voice(700, level));
      await soft.call.listen(1_500);
      if (soft.turns.length > 0) opensAt = Math.min(opensAt, level);
      const fading = await dial(options);
      await fading.call.say(voice(500));
      await fading.call.say(voice(1_500, level));
      if (fading.turns.length > 0) releasesAt = Math.max(releasesAt, level);
    }
    return {
      onset: (started?.at ?? Number.NaN) - 1_000,
      commit: (turn?.endedAt ?? Number.NaN) - 1_800,
      preRoll: (audio.findIndex((sample) => sample !== 0) / RATE) * 1000,
      longest: (longest?.endedAt ?? Number.NaN) - (longest?.startedAt ?? 0),
      opensAt,
      releasesAt,
    };
  }

  const cases: readonly (readonly [string, ReplyOnPauseOptions, keyof Noticed, number])[] = [
    ["minSpeechMs: 200", { minSpeechMs: 200 }, "onset", 200],
    ["minSpeechMs: 320", { minSpeechMs: 320 }, "onset", 320],
    ["silenceMs: 300", { silenceMs: 300 }, "commit", 300],
    ["silenceMs: 900", { silenceMs: 900 }, "commit", 900],
    ["prefixMs: 100", { prefixMs: 100 }, "preRoll", 100],
    ["prefixMs: 700", { prefixMs: 700 }, "preRoll", 700],
    ["maxTurnMs: 3000", { maxTurnMs: 3_000 }, "longest", 3_000],
    ["maxTurnMs: 6000", { maxTurnMs: 6_000 }, "longest", 6_000],
    ["threshold: 0.7", { threshold: 0.7 }, "opensAt", 0.75],
    ["threshold: 0.4", { threshold: 0.4 }, "opensAt", 0.4],
    ["releaseThreshold: 0.25", { releaseThreshold: 0.25 }, "releasesAt", 0.2],
    ["releaseThreshold: 0.45", { releaseThreshold: 0.45 }, "releasesAt", 0.4],
  ];

  it.each(cases)("T4 %s changes its own quantity, and only that", async (_, options, own, value) => {
    const [before, after] = [await notice(base), await notice({ ...base, ...options })];
    const isTime = (name: keyof Noticed): boolean => name !== "opensAt" && name !== "releasesAt";
    // Decisions fall at the end of a window, and audio is kept in frames of 20 ms.
    expect(Math.abs(after[own] - value)).toBeLessThanOrEqual(isTime(own) ? 2 * WINDOW : 0);
    for (const name of Object.keys(before) as (keyof Noticed)[]) {
      if (name !== own) expect([name, after[name]]).toEqual([name, before[name]]);
    }
  });

  it("T4 the defaults are those of the table: 64, 500, 300, 0.5 and 0.35", async () => {
    const { onset, commit, preRoll, opensAt, releasesAt } = await notice(base);
    expect(Math.abs(onset - 64)).toBeLessThanOrEqual(WINDOW);
    expect(commit).toBeGreaterThanOrEqual(500);
    expect(commit).toBeLessThanOrEqual(560);
    expect(Math.abs(preRoll - 300)).toBeLessThanOrEqual(WINDOW);
    expect([opensAt, releasesAt]).toEqual([0.55, 0.3]);
  });
});

describe("somebody who never pauses", () => {
  it("T11 is cut at maxTurnMs for ten minutes, and memory stays flat", async () => {
    const lengths: number[] = [];
    const reply = replyOnPause(async function* (turn) {
      lengths.push(durationOf(turn.audio));
      yield answer(20);
    });
    const { call } = await talk(reply).dial();
    const second = voice(1_000);
    const bytes: number[] = [];
    for (let at = 0; at < 600; at++) {
      await call.say(second);
      // In the middle of a turn, so that each is compared with the same filling.
      if (at % 122 === 121) bytes.push(liveBytes());
    }
    expect(lengths.length).toBeGreaterThanOrEqual(9);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(60_400);
    // A minute of speech at this rate is 1.9 MB: four turns more hold none of it.
    expect((bytes.at(-1) ?? 0) - (bytes[0] ?? 0)).toBeLessThan(1_000_000);
  });
});

describe("where the windows lie", () => {
  it("T12 shifting the audio by 7 ms changes no decision by more than one window", async () => {
    const detector = await loadSilero();
    const speech = spoken("good morning, my name is Nora, and I would like to take a day off next week", {
      rate: RATE,
    });
    const outcomes: { readonly type: string; readonly at: number }[][] = [];
    for (const shift of [0, 7, 14, 21, 28]) {
      const { dial } = talk(
        replyOnPause(async function* () {
          yield answer(20);
        }),
        { detector },
      );
      const { call, decided } = await dial();
      await call.say(monoFrame(new Int16Array(((300 + shift) * RATE) / 1000), RATE));
      await call.say(speech);
      await call.listen(1_500);
      outcomes.push(
        decided
          .filter(({ type }) => type === "started" || type === "ended")
          .map(({ type, at }) => ({ type, at: at - shift })),
      );
    }
    const [first = []] = outcomes;
    expect(first.map(({ type }) => type).slice(0, 2)).toEqual(["started", "ended"]);
    for (const other of outcomes) {
      expect(other.map(({ type }) => type)).toEqual(first.map(({ type }) => type));
      other.forEach(({ at }, i) => expect(Math.abs(at - (first[i]?.at ?? 0))).toBeLessThanOrEqual(WINDOW));
    }
  });
});
