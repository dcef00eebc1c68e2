import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AudioFrame, durationOf, monoFrame } from "../audio/frame.ts";
import { createTurnMachine } from "./machine.ts";
import { parsePolicy } from "./policy.ts";
import { createUtterance, type Utterance } from "./utterance.ts";

const RATE = 16_000;

/** 20 ms whose samples are all the number of the frame. */
const frame = (index: number): AudioFrame => monoFrame(new Int16Array(320).fill(index), RATE, index * 20);

function fed(until: number, from = 0, utterance: Utterance = collector()): Utterance {
  for (let index = from; index < until; index++) utterance.push(frame(index));
  return utterance;
}

function collector(options = {}): Utterance {
  return createUtterance({ rate: RATE, prefixMs: 300, maxTurnMs: 60_000, ...options });
}

describe("an utterance", () => {
  it("begins the pre-roll before its onset and goes on to the last frame", () => {
    const utterance = fed(100);
    utterance.begin(1_000);
    const audio = fed(110, 100, utterance).take();
    expect(audio.at).toBe(700);
    expect(durationOf(audio)).toBe(2_200 - 700);
    expect(audio.samples[0]).toBe(35);
    expect(audio.samples.at(-1)).toBe(109);
  });

  it("begins at least 200 ms before the first voiced sample, wherever the onset falls (T5)", () => {
    for (let phase = 0; phase < 100; phase += 7) {
      const machine = createTurnMachine(parsePolicy({}));
      const utterance = collector();
      const speech = 1_000 + phase;
      let windows = 0;
      let audio: AudioFrame | undefined;
      for (let index = 0; index < 200 && audio === undefined; index++) {
        utterance.push(frame(index));
        for (; (windows + 1) * 32 <= (index + 1) * 20; windows++) {
          const voiced = windows * 32 + 16 >= speech && windows * 32 < speech + 1_000;
          for (const event of machine.hear(voiced ? 0.9 : 0, (windows + 1) * 32)) {
            if (event.type === "started") utterance.begin(event.from);
            if (event.type === "ended") audio = utterance.take();
          }
        }
      }
      expect(audio?.at).toBeLessThanOrEqual(speech - 200);
      expect(audio?.at).toBeGreaterThanOrEqual(speech - 360);
    }
  });

  it("has what there is when the call has just begun", () => {
    const utterance = fed(5);
    utterance.begin(40);
    expect(utterance.take()).toMatchObject({ at: 0 });
  });

  it("is empty when none is open", () => {
    const utterance = fed(50);
    expect(utterance.take().samples.length).toBe(0);
    utterance.begin(500);
    utterance.drop();
    expect(utterance.open).toBe(false);
    expect(utterance.take().samples.length).toBe(0);
  });

  it("gives its end to the next one as pre-roll", () => {
    const utterance = fed(100);
    utterance.begin(1_500);
    utterance.take();
    utterance.begin(2_000);
    expect(utterance.take()).toMatchObject({ at: 1_700 });
  });

  it("can be looked at without ending", () => {
    const utterance = fed(100);
    utterance.begin(1_500);
    expect(durationOf(utterance.peek())).toBe(800);
    expect(durationOf(fed(110, 100, utterance).take())).toBe(1_000);
  });

  it("stays the same when begun twice", () => {
    const utterance = fed(100);
    utterance.begin(1_000);
    utterance.begin(1_900);
    expect(utterance.take().at).toBe(700);
  });

  it("keeps no more than the longest turn, and says how much it dropped", () => {
    const utterance = fed(100, 0, collector({ maxTurnMs: 1_000 }));
    utterance.begin(1_900);
    fed(400, 100, utterance);
    expect(utterance.dropped).toBe(6_000 + 400 - 1_000);
    expect(durationOf(utterance.take())).toBe(1_000);
  });

  it("refuses frames of another rate", () => {
    expect(() => collector().push(monoFrame(new Int16Array(160), 8_000))).toThrow("frame must be mono at 16000 Hz");
    expect(() => collector().push({ ...frame(0), channels: 2 })).toThrow(RangeError);
  });

  it("holds every sample once, in order, whatever the lengths of the frames", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 300 }),
        fc.nat(6_000),
        (lengths, onset) => {
          const utterance = collector({ prefixMs: 100 });
          let position = 0;
          let begun = false;
          for (const length of lengths) {
            const samples = Int16Array.from({ length }, (_, index) => (position + index) % 30_000);
            utterance.push(monoFrame(samples, RATE, (position / RATE) * 1_000));
            position += length;
            if (!begun && (position / RATE) * 1_000 >= onset) {
              utterance.begin(onset);
              begun = true;
            }
          }
          const { samples, at } = utterance.take();
          expect(samples.length > 0).toBe(begun);
          const first = Math.round((at / 1_000) * RATE);
          if (!begun) return;
          expect(first / 16).toBeLessThanOrEqual(Math.max(0, onset - 100));
          expect(first + samples.length).toBe(position);
          expect(samples.every((sample, index) => sample === (first + index) % 30_000)).toBe(true);
        },
      ),
    );
  });
});
