import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { VoiceError } from "../../base/errors.ts";
import type { DetectorMaker } from "../../vad/detector.ts";
import { Silero, SileroNetwork } from "../../vad/silero.ts";

export type { DetectorMaker, VoiceDetector } from "../../vad/detector.ts";

export interface SileroOptions {
  /**
   * The folder with `silero-v6-16k.bin` and `silero-v6-8k.bin`. Default: `dist` of this package; say it when a bundler has
   * moved the code away from there.
   */
  readonly folder?: string;
}

/** From both src/providers/silero and dist/providers/silero the folder is three up and one down. */
const packaged = new URL("../../../dist/", import.meta.url);

/** By folder. The two networks of one take about 4 MB. */
const loaded = new Map<string, Promise<DetectorMaker>>();

/**
 * Loads the Silero v6 voice detector, once per process. The maker gives a caller at 8000 Hz the network for telephone
 * audio and every other caller the one for 16 kHz: resample to `detector.rate`. Fails with VoiceError `model-missing` when
 * the weights are not there or damaged; the next call tries again.
 */
export function loadSilero({ folder }: SileroOptions = {}): Promise<DetectorMaker> {
  const place = folder === undefined ? packaged : pathToFileURL(`${folder}/`);
  let making = loaded.get(place.href);
  if (making === undefined) {
    making = load(place).catch((error: unknown) => {
      loaded.delete(place.href);
      throw error;
    });
    loaded.set(place.href, making);
  }
  return making;
}

async function load(place: URL): Promise<DetectorMaker> {
  const [wide, narrow] = await Promise.all([network(place, 16000), network(place, 8000)]);
  return (rate) => new Silero(rate === 8000 ? narrow : wide);
}

async function network(place: URL, rate: 8000 | 16000): Promise<SileroNetwork> {
  const file = new URL(`silero-v6-${rate / 1000}k.bin`, place);
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
