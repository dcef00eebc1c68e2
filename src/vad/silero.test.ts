import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { goldenProbabilities, goldenSignal } from "../../test/fixtures/onnx-silero.ts";
import { Silero, SileroNetwork } from "./silero.ts";
import { readTensors, writeTensors } from "./tensors.ts";
import { isFault } from "../base/errors.ts";

const fileOf = (rate: 8000 | 16000): Uint8Array =>
  readFileSync(new URL(`../../dist/silero-v6-${rate / 1000}k.bin`, import.meta.url));
const networks = { 8000: new SileroNetwork(fileOf(8000), 8000), 16000: new SileroNetwork(fileOf(16000), 16000) };
const rates = [8000, 16000] as const;

/** Made once with ONNX Runtime: see test/fixtures/onnx-silero.ts. */
const wanted = { 8000: goldenProbabilities(8000), 16000: goldenProbabilities(16000) };

function windowsOf(samples: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: Math.floor(samples.length / size) }, (_, i) =>
    samples.subarray(i * size, (i + 1) * size),
  );
}

describe("the Silero network", () => {
  it.each(rates)("at %i Hz gives the probabilities that ONNX Runtime gave, within 1e-5", (rate) => {
    const network = networks[rate];
    const state = network.begin();
    const probabilities = windowsOf(goldenSignal(rate), network.window).map((window) => network.run(state, window));
    expect(probabilities.length).toBe(200);
    const worst = probabilities.reduce(
      (most, p, i) => Math.max(most, Math.abs(p - (wanted[rate][i] ?? Number.NaN))),
      0,
    );
    expect(worst).toBeLessThanOrEqual(1e-5);
    expect(Math.max(...probabilities)).toBeGreaterThan(0.9);
    expect(Math.min(...probabilities)).toBeLessThan(0.1);
  });

  it("serves many callers in turn without mixing them up", () => {
    const network = networks[16000];
    const windows = windowsOf(goldenSignal(16000), network.window).slice(0, 60);
    const alone = new Silero(network);
    const expected = windows.map((window) => alone.push(window));
    const one = new Silero(network);
    const other = new Silero(network);
    windows.forEach((window, i) => {
      other.push(windows[(i * 7) % windows.length]!);
      expect(one.push(window)).toBe(expected[i]);
    });
  });

  it("is refused when tensors are missing or of another shape, or when the file is another one", () => {
    expect(() => new SileroNetwork(fileOf(8000), 16000)).toThrow(
      /encoder.0.reparam_conv.weight \[128, 129, 3\], got \[128, 65, 3\]/,
    );
    expect(() => new SileroNetwork(new Uint8Array(10), 16000)).toThrow(
      expect.objectContaining({ code: "model-missing" }),
    );
    const tensors = readTensors(fileOf(16000));
    if (isFault(tensors)) throw new Error(tensors.why);
    const less = writeTensors(new Map([...tensors].filter(([name]) => name !== "decoder.rnn.bias_hh")));
    expect(() => new SileroNetwork(less, 16000)).toThrow(/decoder.rnn.bias_hh \[512\], got none/);
  });

  it("reads files that our own writer would have written byte for byte", () => {
    for (const rate of rates) {
      const tensors = readTensors(fileOf(rate));
      if (isFault(tensors)) throw new Error(tensors.why);
      expect(Buffer.compare(writeTensors(tensors), fileOf(rate))).toBe(0);
    }
  });
});

describe("the Silero detector", () => {
  it("does not rest during the pauses of a conversation", () => {
    const detector = new Silero(networks[16000]);
    const probabilities = windowsOf(goldenSignal(16000), 512).map((window) => detector.push(window));
    const worst = probabilities.reduce(
      (most, p, i) => Math.max(most, Math.abs(p - (wanted[16000][i] ?? Number.NaN))),
      0,
    );
    expect(worst).toBeLessThanOrEqual(1e-5);
  });

  it.each(rates)("at %i Hz rests after 1 s of a muted microphone and hears the first word after it", (rate) => {
    const detector = new Silero(networks[rate]);
    const muted = new Float32Array(detector.window).fill(0.0009);
    const during = Array.from({ length: 400 }, () => detector.push(muted));
    expect(during.slice(0, 32).every((p) => p > 0)).toBe(true);
    expect(during.slice(32).every((p) => p === 0)).toBe(true);
    const after = windowsOf(goldenSignal(rate), detector.window).map((window) => detector.push(window));
    const first = after.findIndex((p) => p >= 0.5);
    const usual = wanted[rate].findIndex((p) => p >= 0.5);
    expect(Math.abs(first - usual)).toBeLessThanOrEqual(2);
  });

  it("wakes for anything above -60 dBFS", () => {
    const detector = new Silero(networks[16000]);
    for (let i = 0; i < 100; i++) detector.push(new Float32Array(512));
    const window = new Float32Array(512);
    window[300] = -0.0011;
    expect(detector.push(window)).toBeGreaterThan(0);
  });

  it("gets over NaN and infinity", () => {
    const detector = new Silero(networks[16000]);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const window = new Float32Array(512).fill(0.1);
      window[5] = bad;
      expect(detector.push(window)).toBe(0);
      const after = windowsOf(goldenSignal(16000), 512).map((next) => detector.push(next));
      expect(Math.max(...after)).toBeGreaterThan(0.9);
    }
  });
});
