import { readFile } from "node:fs/promises";
import { VoiceError } from "../../base/errors.ts";
import type { DetectorMaker } from "../../vad/detector.ts";
import { Silero, SileroNetwork } from "../../vad/silero.ts";

export type { DetectorMaker, VoiceDetector } from "../../vad/detector.ts";

/** Read once per process; the two networks take about 4 MB. */
let loading: Promise<DetectorMaker> | undefined;

/**
 * Loads the Silero v6 voice detector. The maker gives a caller at 8000 Hz the network for telephone audio and every other
 * caller the one for 16 kHz: resample to `detector.rate`. Fails with VoiceError `model-missing` when the weights are not
 * there or damaged; the next call tries again.
 */
export function loadSilero(): Promise<DetectorMaker> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<DetectorMaker> {
  const [wide, narrow] = await Promise.all([network(16000), network(8000)]);
  return (rate) => new Silero(rate === 8000 ? narrow : wide);
}

async function network(rate: 8000 | 16000): Promise<SileroNetwork> {
  // The folder `dist` is three up and one down from both src/providers/silero and dist/providers/silero.
  const file = new URL(`../../../dist/silero-v6-${rate / 1000}k.bin`, import.meta.url);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new VoiceError(
      "model-missing",
      "the weights of the voice detector are missing: run `node scripts/silero.mjs` in a checkout, or install the package repartee again",
      { cause, meta: { file: file.pathname } },
    );
  }
  return new SileroNetwork(bytes, rate);
}
