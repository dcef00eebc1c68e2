import type { AudioFrame } from "../../audio/frame.ts";
import { stereoToMono } from "../../audio/pcm.ts";
import { Resampler } from "../../audio/resample.ts";

/** Turns frames of any rate, length and number of channels into mono blocks of at least 100 ms at one rate. */
export class BlockMaker {
  readonly #rate: number;
  #parts: Int16Array[] = [];
  #length = 0;
  #from = 0;
  #resampler: Resampler | undefined;

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** A block, once enough has come. It is the receiver's own. */
  push({ samples, rate, channels }: AudioFrame): Int16Array<ArrayBuffer> | undefined {
    if (rate !== this.#from) {
      this.#flush();
      this.#from = rate;
      this.#resampler = rate === this.#rate ? undefined : new Resampler(rate, this.#rate);
    }
    const mono = channels === 2 ? stereoToMono(samples) : samples;
    this.#add(this.#resampler?.process(mono) ?? mono);
    return this.#length < this.#rate / 10 ? undefined : this.#take();
  }

  /** What is left, possibly nothing. */
  end(): Int16Array<ArrayBuffer> {
    this.#flush();
    return this.#take();
  }

  #flush(): void {
    const resampler = this.#resampler;
    if (resampler === undefined) return;
    const rest = new Int16Array(resampler.flushLength);
    this.#add(rest.subarray(0, resampler.flush(rest)));
  }

  #add(samples: Int16Array): void {
    this.#parts.push(samples);
    this.#length += samples.length;
  }

  #take(): Int16Array<ArrayBuffer> {
    const block = new Int16Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      block.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#length = 0;
    return block;
  }
}
