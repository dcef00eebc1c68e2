import { afterAll, describe, expect, it } from "vitest";
import { concat, durationOf, silence } from "../../src/audio/frame.ts";
import { silentLog } from "../../src/base/log.ts";
import { noMeters } from "../../src/base/meters.ts";
import { pocketsphinx } from "../../src/providers/pocketsphinx/index.ts";
import { loadSilero } from "../../src/providers/silero/index.ts";
import { Calls } from "../../src/session/calls.ts";
import { replyOnStopWords, type StopWordOptions, type WordSpotter } from "../../src/session/reply-on-stopwords.ts";
import type { Turn } from "../../src/session/types.ts";
import { LoopbackCall } from "../../src/testing/call.ts";
import { VirtualClock } from "../../src/testing/clock.ts";
import { spoken } from "../../src/testing/speech.ts";

const recognizer = pocketsphinx({ workers: 1 });
afterAll(() => recognizer.close());

/** The real detector and the real recogniser: a stop word that is not heard is the fault that matters. */
async function setUp(options: Partial<StopWordOptions> = {}) {
  const clock = new VirtualClock();
  const turns: Turn[] = [];
  const random = (bytes: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(bytes));
  const handler = replyOnStopWords(
    async function* (turn) {
      turns.push(turn);
      yield silence(40, 16_000);
    },
    { stopWords: ["hello computer"], phrases: ["what time is it", "good morning"], recognizer, ...options },
  );
  const calls = new Calls(handler, {
    platform: { clock, log: silentLog, meters: noMeters, random },
    detector: await loadSilero(),
  });
  const call = new LoopbackCall({ clock, can: { rate: 16_000 } });
  await calls.answer(call);
  const say = async (text: string): Promise<void> => {
    await call.say(concat([spoken(text, { leadMs: 500, tailMs: 200 })], 16_000));
    await call.listen(1_500);
  };
  return { call, clock, turns, say };
}

describe("replyOnStopWords", () => {
  it("answers what follows the stop word in the same breath, and only that", async () => {
    // A real recogniser keeps real time, which a virtual caller outruns: this one names the word as soon as it was said.
    const word = durationOf(spoken("hello computer", { leadMs: 300, tailMs: 0 }));
    const whole = durationOf(spoken("hello computer what time is it", { leadMs: 300, tailMs: 0 }));
    const punctual: WordSpotter = {
      async *listen(audio) {
        let heard = 0;
        for await (const frame of audio) {
          heard += durationOf(frame);
          if (heard > word + 150) yield { text: "Hello, computer.", final: false };
        }
      },
    };
    const { call, say, turns } = await setUp({ recognizer: punctual });
    await say("hello computer what time is it");
    expect(turns).toHaveLength(1);
    expect(call.eventsOf("stopword")).toHaveLength(1);
    const answered = durationOf(turns[0]?.audio ?? silence(0, 16_000));
    // What was said after the word, and the silence that ended the turn.
    expect(Math.abs(answered - (whole - word) - 500)).toBeLessThan(250);
  });

  it("says nothing to what does not begin with the stop word", async () => {
    const { call, say, turns } = await setUp();
    await say("what time is it");
    await say("good morning");
    expect(turns).toHaveLength(0);
    expect(call.eventsOf("stopword")).toHaveLength(0);
  });

  it("answers the next turn when nothing followed the word", async () => {
    const { say, turns } = await setUp();
    await say("hello computer");
    await say("what time is it");
    await expect.poll(() => turns.length, { timeout: 5_000 }).toBe(1);
  });

  it("answers typed text without a stop word", async () => {
    const { call, clock, turns } = await setUp();
    call.message({ type: "text", text: "what time is it" });
    await clock.advance(200);
    expect(turns.map((turn) => turn.text)).toEqual(["what time is it"]);
  });

  it("needs a stop word to be made", () => {
    expect(() => replyOnStopWords(async function* () {}, { stopWords: [], recognizer })).toThrow(TypeError);
  });

  it.each([
    ["über uns", "Erzähl etwas, über uns!", true],
    ["écoute", "Alors écoute, quelle heure est-il", true],
    ["écoute", "réécoute ça", false],
    ["привет", "Привет, как дела", true],
    ["C++", "open C++ please", true],
  ])("knows %s in any alphabet: %s", async (word, said, knows) => {
    const spotter: WordSpotter = {
      async *listen(audio) {
        for await (const _ of audio) yield { text: said, final: false };
      },
    };
    const { call, say } = await setUp({ stopWords: [word], recognizer: spotter });
    await say("good morning");
    expect(call.eventsOf("stopword").length > 0).toBe(knows);
  });

  it("refuses a blank stop word", () => {
    expect(() => replyOnStopWords(async function* () {}, { stopWords: [" "], recognizer })).toThrow(/got a blank one/);
  });
});
