import { describe, expect, it } from "vitest";
import { int16ToFloat32 } from "../../src/audio/pcm.ts";
import { resample } from "../../src/audio/resample.ts";
import { loadSilero } from "../../src/providers/silero/index.ts";
import type { DetectorMaker, VoiceDetector } from "../../src/vad/detector.ts";
import { EnergyDetector } from "../../src/vad/energy.ts";
import { spokenSentences } from "../fixtures/spoken.ts";

const detectors: readonly (readonly [string, () => Promise<DetectorMaker>])[] = [
  ["silero", loadSilero],
  ["energy", async () => (rate) => new EnergyDetector(rate)],
];

/** Four voices, two sentences each, with 900 ms of a quiet room between. */
const recording = await spokenSentences(["slt", "rms", "awb", "kal16"], 2);

function probabilities(detector: VoiceDetector, samples: Float32Array): number[] {
  return Array.from({ length: Math.floor(samples.length / detector.window) }, (_, i) =>
    detector.push(samples.subarray(i * detector.window, (i + 1) * detector.window)),
  );
}

describe.each(detectors)("every detector: %s", (_name, load) => {
  describe.each([8000, 16000, 24000, 48000])("for a caller at %i Hz", (callerRate) => {
    const make = async (): Promise<VoiceDetector> => (await load())(callerRate);
    const speechFor = (detector: VoiceDetector): Float32Array => {
      const heard = resample(recording.samples, recording.rate, callerRate);
      return int16ToFloat32(resample(heard, callerRate, detector.rate));
    };

    it("has windows of 32 ms at the rate it wants", async () => {
      const { rate, window } = await make();
      expect(window / rate).toBeCloseTo(0.032, 4);
    });

    it("answers with probabilities", async () => {
      const detector = await make();
      for (const p of probabilities(detector, speechFor(detector))) {
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1);
      }
    });

    it("hears every sentence within 300 ms and its end within 400 ms", async () => {
      const detector = await make();
      const ps = probabilities(detector, speechFor(detector));
      for (const { from, to } of recording.parts) {
        const onset = ps.findIndex((p, i) => i * 32 >= from - 64 && p >= 0.5 && (ps[i + 1] ?? 0) >= 0.5);
        expect(onset * 32 - from, `onset of the sentence at ${from}`).toBeLessThan(300);
        const end = ps.findIndex((p, i) => i * 32 >= to - 64 && p < 0.35);
        expect(end * 32 - to, `end of the sentence at ${from}`).toBeLessThan(400);
      }
    });

    it("hears nothing in the silence between sentences", async () => {
      const detector = await make();
      const ps = probabilities(detector, speechFor(detector));
      const silent = ps.filter((_, i) =>
        recording.parts.every(({ from, to }) => (i + 1) * 32 < from - 64 || i * 32 > to + 400),
      );
      expect(silent.length).toBeGreaterThan(80);
      expect(silent.filter((p) => p >= 0.5).length / silent.length).toBeLessThan(0.04);
    });

    it("answers the same to the same stream after reset", async () => {
      const detector = await make();
      const speech = speechFor(detector).subarray(0, detector.rate * 4);
      const first = probabilities(detector, speech);
      detector.reset();
      expect(probabilities(detector, speech)).toEqual(first);
    });

    it("keeps no reference to what it was given", async () => {
      const kept = await make();
      const reused = await make();
      const speech = speechFor(kept).subarray(0, kept.rate * 3);
      const buffer = new Float32Array(reused.window);
      const first = probabilities(kept, speech);
      first.forEach((p, i) => {
        buffer.set(speech.subarray(i * buffer.length, (i + 1) * buffer.length));
        expect(reused.push(buffer)).toBe(p);
        buffer.fill(0.77);
      });
    });

    it("refuses a window of another length", async () => {
      const detector = await make();
      expect(() => detector.push(new Float32Array(detector.window - 1))).toThrow(RangeError);
      expect(() => detector.push(new Float32Array(0))).toThrow(RangeError);
    });
  });
});
