import { describe, expect, it } from "vitest";
import { seeded } from "../../test/fixtures/speech-like.ts";
import { EnergyDetector } from "./energy.ts";

const RATE = 16000;
const random = seeded(7);

/** White noise of this RMS level. */
function noise(db: number, rate: number = RATE): Float32Array {
  const peak = 10 ** (db / 20) * Math.sqrt(3);
  return Float32Array.from({ length: Math.round(rate * 0.032) }, () => (2 * random() - 1) * peak);
}

function feed(detector: EnergyDetector, db: number, windows: number): number {
  let last = 0;
  for (let i = 0; i < windows; i++) last = detector.push(noise(db, detector.rate));
  return last;
}

describe("an energy detector", () => {
  it("hears a voice 20 dB above the room from the second window on", () => {
    const detector = new EnergyDetector(RATE);
    feed(detector, -60, 60);
    feed(detector, -38, 1);
    expect(feed(detector, -38, 1)).toBeGreaterThan(0.9);
  });

  it("falls below 0.1 within 100 ms after the voice", () => {
    const detector = new EnergyDetector(RATE);
    feed(detector, -60, 60);
    feed(detector, -30, 20);
    expect(feed(detector, -60, 4)).toBeLessThan(0.1);
  });

  it("does not take the steady noise of a room for speech once it knows it", () => {
    const detector = new EnergyDetector(RATE);
    feed(detector, -35, 80);
    for (let i = 0; i < 200; i++) expect(detector.push(noise(-35))).toBeLessThan(0.1);
    expect(feed(detector, -20, 2)).toBeGreaterThan(0.9);
  });

  it("gets used to a louder room within 2.1 s, and to a quieter one at once", () => {
    const detector = new EnergyDetector(RATE);
    feed(detector, -60, 80);
    expect(feed(detector, -40, 2)).toBeGreaterThan(0.9);
    expect(feed(detector, -40, 64)).toBeLessThan(0.1);
    feed(detector, -60, 5);
    expect(feed(detector, -40, 3)).toBeGreaterThan(0.9);
  });

  it("does not take a click for speech", () => {
    const detector = new EnergyDetector(RATE);
    feed(detector, -60, 80);
    for (let i = 0; i < 20; i++) {
      expect(feed(detector, -15, 1)).toBeLessThan(0.1);
      expect(feed(detector, -60, 3)).toBeLessThan(0.1);
    }
  });

  it("keeps hearing somebody who talks for long, because speech has gaps", () => {
    const detector = new EnergyDetector(RATE);
    feed(detector, -60, 80);
    for (let syllable = 0; syllable < 60; syllable++) {
      expect(feed(detector, -25, 7), `syllable ${syllable}`).toBeGreaterThan(0.9);
      feed(detector, -60, 2);
    }
  });

  it("does not take hiss far below speech, digital silence or a constant offset for speech", () => {
    const detector = new EnergyDetector(RATE);
    for (let i = 0; i < 80; i++) expect(detector.push(new Float32Array(detector.window))).toBeLessThan(0.01);
    expect(feed(detector, -58, 5)).toBeLessThan(0.1);
    expect(detector.push(new Float32Array(detector.window).fill(0.5))).toBeLessThan(0.1);
    expect(detector.floor).toBe(-60);
  });

  it("gets over NaN and infinity", () => {
    const detector = new EnergyDetector(RATE);
    feed(detector, -60, 80);
    expect(detector.push(new Float32Array(detector.window).fill(Number.NaN))).toBe(0);
    expect(detector.push(new Float32Array(detector.window).fill(Number.POSITIVE_INFINITY))).toBe(0);
    expect(feed(detector, -38, 2)).toBeGreaterThan(0.9);
  });

  it("works at the rate of the caller, 32 ms at a time", () => {
    for (const rate of [8000, 16000, 22050, 24000, 44100, 48000]) {
      const detector = new EnergyDetector(rate);
      expect(detector.window).toBe(Math.round(rate * 0.032));
      feed(detector, -60, 80);
      expect(feed(detector, -38, 2)).toBeGreaterThan(0.9);
    }
    expect(() => new EnergyDetector(0)).toThrow("rate must be 4000 Hz or more, got 0");
    expect(() => new EnergyDetector(Number.NaN)).toThrow(RangeError);
  });
});
