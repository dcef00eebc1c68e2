/*
 * One channel or two: the few places that care. Everything else counts samples of all channels together.
 */
import { type AudioFrame, monoFrame } from "./frame.ts";
import { monoToStereo, stereoToMono } from "./pcm.ts";
import { Resampler } from "./resample.ts";

/** The samples with this many channels: the same array where there is nothing to do. */
export function withChannels(samples: Int16Array, from: 1 | 2, to: 1 | 2): Int16Array {
  if (from === to) return samples;
  return to === 1 ? stereoToMono(samples) : monoToStereo(samples);
}

/** The frame mixed down; itself when it is mono. */
export function mixedDown(frame: AudioFrame): AudioFrame {
  if (frame.channels === 1) return frame;
  return monoFrame(stereoToMono(frame.samples), frame.rate, frame.at, frame.item);
}

/** A resampler for a stream of one channel, or of two that are interleaved. */
export function resamplerFor(channels: 1 | 2, from: number, to: number): Resampler | StereoResampler {
  return channels === 1 ? new Resampler(from, to) : new StereoResampler(from, to);
}

/** Resamples interleaved stereo as `Resampler` does mono; lengths are those of both channels together. */
export class StereoResampler {
  readonly from: number;
  readonly #left: Resampler;
  readonly #right: Resampler;

  constructor(from: number, to: number) {
    this.from = from;
    this.#left = new Resampler(from, to);
    this.#right = new Resampler(from, to);
  }

  process(samples: Int16Array): Int16Array {
    return interleaved(this.#left.process(channelOf(samples, 0)), this.#right.process(channelOf(samples, 1)));
  }

  get flushLength(): number {
    return this.#left.flushLength * 2;
  }

  flush(output: Int16Array): number {
    const [left, right] = [new Int16Array(this.#left.flushLength), new Int16Array(this.#right.flushLength)];
    this.#left.flush(left);
    this.#right.flush(right);
    output.set(interleaved(left, right));
    return left.length * 2;
  }
}

function channelOf(samples: Int16Array, channel: 0 | 1): Int16Array {
  const out = new Int16Array(samples.length >> 1);
  for (let i = 0; i < out.length; i++) out[i] = samples[i * 2 + channel]!;
  return out;
}

function interleaved(left: Int16Array, right: Int16Array): Int16Array {
  const out = new Int16Array(left.length * 2);
  for (let i = 0; i < left.length; i++) {
    out[i * 2] = left[i]!;
    out[i * 2 + 1] = right[i]!;
  }
  return out;
}
