/*
 * What can be told from a stretch of samples (floats, -1 to 1): how loud it is, when it was last loud, when it became so.
 * Pure. Blocks are 10 ms: shorter ones follow the pitch of a low voice, longer ones blur the moment.
 */
const BLOCK_MS = 10;

/** Root mean square of `samples` from index `from` on, 0 to 1. */
export function rmsOf(samples: Float32Array, from: number = 0, to: number = samples.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const v = samples[i]!;
    sum += v * v;
  }
  return to > from ? Math.sqrt(sum / (to - from)) : 0;
}

/** An RMS as a level meter shows it: -60 dBFS and below is 0, -12 dBFS and above is 1, in between by decibels. */
export function meterOf(rms: number): number {
  if (rms <= 0.001) return 0;
  return Math.min(1, (20 * Math.log10(rms) + 60) / 48);
}

/** How long before the end of `samples` the last block louder than `threshold` ends, in ms. */
export function lastLoud(samples: Float32Array, from: number, rate: number, threshold: number): number | undefined {
  const block = blockOf(rate);
  for (let to = samples.length; to - block >= from; to -= block) {
    if (rmsOf(samples, to - block, to) > threshold) return ((samples.length - to) / rate) * 1000;
  }
  return undefined;
}

/** How long before the end of `samples` the first block louder than `threshold` begins, in ms. */
export function firstLoud(samples: Float32Array, from: number, rate: number, threshold: number): number | undefined {
  const block = blockOf(rate);
  for (let at = from; at + block <= samples.length; at += block) {
    if (rmsOf(samples, at, at + block) > threshold) return ((samples.length - at) / rate) * 1000;
  }
  return undefined;
}

const blockOf = (rate: number): number => Math.max(1, Math.round((rate * BLOCK_MS) / 1000));

/** Never voiced below this RMS (-45 dBFS), however quiet the room. */
const LOWEST_VOICE = 0.0056;

/** Voice is at least this much louder than the room: 10 dB. */
const ABOVE_FLOOR = 3.2;

/** Follows the noise of a room: falls at once, rises slowly, so that speech does not lift it. */
export class NoiseFloor {
  #floor = LOWEST_VOICE / ABOVE_FLOOR;

  /** Takes the RMS of the last `ms`. */
  push(rms: number, ms: number): void {
    // 3 dB a second upwards: a new fan is learnt in a few seconds, a long sentence hardly counts.
    const risen = this.#floor * 10 ** ((3 * ms) / 1000 / 20);
    this.#floor = Math.max(1e-5, rms < this.#floor ? rms : Math.min(rms, risen));
  }

  /** The RMS above which a block is voiced. */
  get threshold(): number {
    return Math.max(LOWEST_VOICE, this.#floor * ABOVE_FLOOR);
  }
}
