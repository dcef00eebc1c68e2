import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { peakOf } from "../../audio/level.ts";
import { SpeechGate } from "./speech-gate.ts";

/** `ms` of a tone of this peak, 0 to 1, with a little noise under it. */
function sound(ms: number, peak: number): Int16Array {
  return Int16Array.from({ length: ms * 16 }, (_, i) =>
    Math.round((peak * Math.sin(i / 5) + 0.0005 * Math.sin(i * i)) * 32_767),
  );
}

function join(...parts: readonly Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => Array.from(part)));
}

/** Everything that passes, and the gate. */
function passed(audio: Int16Array, block: number = 1600): { readonly samples: Int16Array; readonly gate: SpeechGate } {
  const gate = new SpeechGate();
  const parts: Int16Array[] = [];
  for (let at = 0; at < audio.length; at += block) parts.push(gate.push(audio.slice(at, at + block)));
  return { samples: join(...parts, gate.end()), gate };
}

describe("the speech gate", () => {
  it("lets 80 ms of quiet pass before a voice and 150 ms behind it", () => {
    const { samples, gate } = passed(join(sound(500, 0), sound(400, 0.3), sound(500, 0)));
    expect(samples.length / 16).toBe(80 + 400 + 150);
    expect(gate.voiced).toBe(400);
  });

  it("keeps pauses between words", () => {
    const { samples } = passed(join(sound(300, 0), sound(300, 0.3), sound(400, 0), sound(300, 0.3), sound(100, 0)));
    expect(samples.length / 16).toBe(80 + 300 + 400 + 300 + 100);
  });

  it("lets nothing pass of silence, of steady noise or of a click", () => {
    expect(passed(sound(2000, 0)).samples.length).toBe(0);
    expect(passed(sound(2000, 0.02)).samples.length).toBe(0);
    expect(passed(join(sound(300, 0), sound(20, 0.5), sound(300, 0))).samples.length).toBe(0);
  });

  it("hears a voice that is there from the first sample", () => {
    expect(passed(join(sound(400, 0.3), sound(300, 0))).samples.length / 16).toBe(400 + 150);
  });

  it("brings a quiet voice up and a loud one down to a peak of 0.6", () => {
    for (const peak of [0.1, 0.3, 0.99])
      expect(peakOf(passed(join(sound(300, 0), sound(600, peak))).samples)).toBeCloseTo(0.6, 1);
  });

  it("raises a voice eightfold at most and clips none", () => {
    expect(peakOf(passed(join(sound(300, 0), sound(600, 0.02))).samples)).toBeLessThan(0.18);
    const rising = join(sound(300, 0), sound(300, 0.1), sound(300, 1));
    expect(peakOf(passed(rising).samples)).toBeLessThanOrEqual(1);
  });

  it("passes the same length however the audio is cut", () => {
    const audio = join(sound(350, 0), sound(270, 0.3), sound(180, 0), sound(130, 0.2), sound(220, 0));
    const wanted = passed(audio).samples.length;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (block) => {
        expect(passed(audio, block).samples.length).toBe(wanted);
      }),
      { numRuns: 20 },
    );
  });
});
