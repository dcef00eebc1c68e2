/*
 * Cuts the quiet off both ends before the recogniser hears it: it takes noise in front of the first word for fricatives
 * ("from", "Thursday"). In white noise of 20 dB, 300 ms of lead leave a third of all phrases right, 80 ms nearly all.
 *
 *   quiet … [80 ms] voice … [150 ms] quiet …     quiet in the middle is kept, and passed on when voice comes back
 */

const RATE = 16_000;
const FRAME = RATE / 100;
const LEAD_FRAMES = 8;
const TAIL_FRAMES = 15;
/** So many loud frames in a row are a voice. */
const RUN = 3;
/** Loud is 9 dB above the quietest so far, but at least -55 and at most -35 dBFS; as mean squares, full scale is 1. */
const ABOVE = 10 ** 0.9;
const LOWEST = 10 ** -5.5;
const HIGHEST = 10 ** -3.5;
/** Level brought to this peak, by a gain of at most 8. */
const PEAK = 0.6;
const MOST_GAIN = 8;
/** Noise of this width, in steps of 16 bits: the logarithm of digital silence would upset the recogniser's means. */
const DITHER = 4;

/** One stretch of speech at 16 kHz. */
export class SpeechGate {
  #rest = new Int16Array(0);
  #held: Int16Array[] = [];
  #floor = 1;
  #run = 0;
  #open = false;
  #peak = PEAK / MOST_GAIN;
  #gain = 0;
  #noise = 1;
  /** Ms of loud sound so far. */
  voiced = 0;

  /** What of the audio so far the recogniser should hear next, scaled; often nothing. */
  push(samples: Int16Array): Int16Array {
    const all = join([this.#rest, samples]);
    const passed: Int16Array[] = [];
    let at = 0;
    for (; at + FRAME <= all.length; at += FRAME) this.#frame(all.slice(at, at + FRAME), passed);
    this.#rest = all.slice(at);
    return this.#scaled(join(passed));
  }

  /** The last of it: up to 150 ms of the quiet behind the voice. */
  end(): Int16Array {
    return this.#open ? this.#scaled(join(this.#held.slice(0, TAIL_FRAMES))) : new Int16Array(0);
  }

  #frame(frame: Int16Array, passed: Int16Array[]): void {
    let energy = 0;
    for (let i = 0; i < frame.length; i++) energy += (frame[i] ?? 0) ** 2;
    energy /= frame.length * 32_768 ** 2;
    if (energy < this.#floor) this.#floor = energy;
    const loud = energy > Math.min(HIGHEST, Math.max(LOWEST, this.#floor * ABOVE));
    this.#run = loud ? this.#run + 1 : 0;
    if (loud) this.voiced += 10;
    this.#held.push(frame);
    if (this.#run >= RUN) this.#open = true;
    // Once open, quiet frames wait until a voice comes back; before, only the last few are kept.
    if (this.#open && loud) passed.push(...this.#held.splice(0));
    else if (!this.#open && this.#held.length >= LEAD_FRAMES + RUN) this.#held.shift();
  }

  #scaled(samples: Int16Array): Int16Array {
    for (let i = 0; i < samples.length; i++) this.#peak = Math.max(this.#peak, Math.abs(samples[i] ?? 0) / 32_768);
    const to = PEAK / this.#peak;
    const from = this.#gain === 0 ? to : this.#gain;
    this.#gain = samples.length > 0 ? to : this.#gain;
    for (let i = 0; i < samples.length; i++) {
      this.#noise = (Math.imul(this.#noise, 1_664_525) + 1_013_904_223) >>> 0;
      const dither = (this.#noise / 2 ** 32 - 0.5) * DITHER;
      const value = (samples[i] ?? 0) * (from + ((to - from) * i) / samples.length) + dither;
      samples[i] = Math.max(-32_768, Math.min(32_767, Math.round(value)));
    }
    return samples;
  }
}

function join(parts: readonly Int16Array[]): Int16Array<ArrayBuffer> {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
