import { cp, mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { goldenProbabilities, goldenSignal, onnxProbabilities } from "../../../test/fixtures/onnx-silero.ts";
import { spokenSentences } from "../../../test/fixtures/spoken.ts";
import { int16ToFloat32 } from "../../audio/pcm.ts";
import { resample } from "../../audio/resample.ts";
import { loadSilero } from "./index.ts";

const dist = fileURLToPath(new URL("../../../dist", import.meta.url));
const rates = [8000, 16000] as const;

describe("the Silero provider", () => {
  it("loads once per process", () => {
    expect(loadSilero()).toBe(loadSilero());
  });

  it("gives telephone callers the 8 kHz network and everybody else the one for 16 kHz", async () => {
    const make = await loadSilero();
    expect([8000, 16000, 24000, 44100, 48000].map((rate) => make(rate).rate)).toEqual([
      8000, 16000, 16000, 16000, 16000,
    ]);
    expect(make(8000).window).toBe(256);
    expect(make(48000).window).toBe(512);
  });

  it("says how to get missing weights, and finds them once they are there", async () => {
    const folder = await mkdtemp(join(tmpdir(), "repartee silero #1 "));
    try {
      const failure = await loadSilero({ folder }).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: "model-missing",
        message: expect.stringContaining("node scripts/silero.mjs"),
      });
      await cp(dist, folder, { recursive: true, filter: (path) => path === dist || path.endsWith(".bin") });
      expect((await loadSilero({ folder }))(8000).window).toBe(256);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("refuses damaged weights", async () => {
    const folder = await mkdtemp(join(tmpdir(), "repartee-silero-"));
    try {
      await cp(dist, folder, { recursive: true, filter: (path) => path === dist || path.endsWith(".bin") });
      await truncate(join(folder, "silero-v6-8k.bin"), 500_000);
      await expect(loadSilero({ folder })).rejects.toMatchObject({ code: "model-missing" });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("gives each caller a detector of its own", async () => {
    const make = await loadSilero();
    expect(make(16000)).not.toBe(make(16000));
  });

  it.each(rates)(
    "agrees with ONNX Runtime at %i Hz within 1e-5 on 30 s of speech",
    { timeout: 60_000 },
    async (rate) => {
      const { samples, rate: recorded } = await spokenSentences(["slt", "rms"]);
      const speech = int16ToFloat32(resample(samples, recorded, rate)).subarray(0, 30 * rate);
      const detector = (await loadSilero())(rate);
      const ours = (await onnxProbabilities(speech, rate)).map((p, i) => {
        const heard = detector.push(speech.subarray(i * detector.window, (i + 1) * detector.window));
        expect(Math.abs(heard - p), `window ${i}`).toBeLessThanOrEqual(1e-5);
        return heard;
      });
      expect(ours.length).toBe(937);
      expect(ours.filter((p) => p >= 0.5).length).toBeGreaterThan(400);
    },
  );

  it.each(rates)("is held to recorded probabilities that ONNX Runtime still gives at %i Hz", async (rate) => {
    const golden = goldenProbabilities(rate);
    const now = await onnxProbabilities(goldenSignal(rate), rate);
    const worst = now.reduce((most, p, i) => Math.max(most, Math.abs(p - (golden[i] ?? Number.NaN))), 0);
    expect(worst).toBeLessThanOrEqual(1e-6);
  });
});
