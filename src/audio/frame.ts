import type { Millis } from "../base/time.ts";

/** Signed 16-bit PCM, usually 20 ms. Immutable once handed over: copy before you write. */
export interface AudioFrame {
  readonly kind: "audio";
  /** Interleaved when there are two channels. */
  readonly samples: Int16Array;
  /** Samples per second of one channel, in Hz. */
  readonly rate: number;
  readonly channels: 1 | 2;
  /** When the first sample was captured, on the session's axis. */
  readonly at: Millis;
  /** The utterance it belongs to, when an agent speaks. */
  readonly item?: string;
}

/** Length of a frame in ms. */
export function durationOf(frame: AudioFrame): Millis {
  return (frame.samples.length / frame.channels / frame.rate) * 1000;
}

/** Makes a frame around samples without copying them; two channels are interleaved. */
export function audioFrame(samples: Int16Array, rate: number, channels: 1 | 2, at: Millis, item?: string): AudioFrame {
  return item === undefined
    ? { kind: "audio", samples, rate, channels, at }
    : { kind: "audio", samples, rate, channels, at, item };
}

/** Makes a mono frame around samples without copying them. */
export function monoFrame(samples: Int16Array, rate: number, at: Millis = 0, item?: string): AudioFrame {
  return audioFrame(samples, rate, 1, at, item);
}

/** Silence of this length. */
export function silence(ms: Millis, rate: number, at: Millis = 0): AudioFrame {
  return monoFrame(new Int16Array(Math.round((ms * rate) / 1000)), rate, at);
}

/**
 * Joins mono frames of one rate into one; `at` and `item` are those of the first.
 * Throws RangeError when rates or channels differ.
 */
export function concat(frames: readonly AudioFrame[], rate: number): AudioFrame {
  let length = 0;
  for (const frame of frames) {
    if (frame.rate !== rate || frame.channels !== 1) {
      throw new RangeError(`frames must be mono at ${rate} Hz, got ${frame.channels} channels at ${frame.rate} Hz`);
    }
    length += frame.samples.length;
  }
  const samples = new Int16Array(length);
  let offset = 0;
  for (const frame of frames) {
    samples.set(frame.samples, offset);
    offset += frame.samples.length;
  }
  return monoFrame(samples, rate, frames[0]?.at ?? 0, frames[0]?.item);
}
