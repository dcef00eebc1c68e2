/*
 * How loud samples are. Full scale (32768) is 1.0 and 0 dBFS, for RMS too: a full-scale square wave has 0 dBFS, a
 * full-scale sine -3.01.
 */

/** What `toDecibels` answers for silence, in dB: lower than anything 16 bits can say in one frame. */
export const SILENCE_DB = -120;

/** Root mean square, 0 to 1. 0 when empty. */
export function rmsOf(samples: Int16Array): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (let i = 0; i < samples.length; i++) {
    const v = samples[i]!;
    sum += v * v;
  }
  return Math.sqrt(sum / samples.length) / 32768;
}

/** The largest absolute value, 0 to 1. */
export function peakOf(samples: Int16Array): number {
  let peak = 0;
  for (let i = 0; i < samples.length; i++) {
    const v = samples[i]!;
    if (v > peak) peak = v;
    else if (-v > peak) peak = -v;
  }
  return peak / 32768;
}

/** RMS level in dBFS, from `SILENCE_DB` to 0. */
export function levelOf(samples: Int16Array): number {
  return toDecibels(rmsOf(samples));
}

/** An amplitude in dB; never below `SILENCE_DB`. */
export function toDecibels(amplitude: number): number {
  return amplitude > 1e-6 ? 20 * Math.log10(amplitude) : SILENCE_DB;
}

/** The amplitude of this many dB: -6 dB is about 0.5. */
export function fromDecibels(db: number): number {
  return 10 ** (db / 20);
}
