/*
 * The input audio buffer: what was appended and not yet committed or cleared.
 *
 *   appended since the beginning of the call
 *   ├──── committed, cleared or passed over ────┤ start ▒▒▒▒▒▒ kept ▒▒▒▒▒▒ end
 *
 * Positions are ms of all audio ever written, as in the events. Every byte is kept, handed out once, or counted as passed
 * over: silence before an utterance that a detector did not want.
 */
import type { Millis } from "../../base/time.ts";

/** Bytes of the caller's audio, in the order in which they came. */
export class InputBuffer {
  #chunks: Uint8Array[] = [];
  #kept = 0;
  #perMs: number;
  /** Where the present format began: ms and bytes. */
  #baseMs: Millis = 0;
  #baseBytes = 0;
  #appended = 0;
  #passedOver = 0;

  /** `perMs`: bytes of one ms. */
  constructor(perMs: number) {
    this.#perMs = perMs;
  }

  /** End of all audio so far. */
  get endMs(): Millis {
    return this.#msOf(this.#appended);
  }
  /** Beginning of what is kept. */
  get startMs(): Millis {
    return this.#msOf(this.#appended - this.#kept);
  }
  get keptMs(): Millis {
    return this.#kept / this.#perMs;
  }
  get keptBytes(): number {
    return this.#kept;
  }
  /** Bytes that were dropped without having been committed or cleared. */
  get passedOver(): number {
    return this.#passedOver;
  }

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#kept += bytes.length;
    this.#appended += bytes.length;
  }

  /** Hands out what is kept up to `endMs`, and passes over what lies before `fromMs`. */
  take(fromMs: Millis = this.startMs, endMs: Millis = this.endMs): Uint8Array {
    this.passOver(fromMs);
    return this.#shift(this.#bytesTo(endMs));
  }

  /** Forgets everything; answers how many bytes that was. */
  clear(): number {
    const bytes = this.#kept;
    this.#chunks = [];
    this.#kept = 0;
    return bytes;
  }

  /** Drops what lies before `ms`. */
  passOver(ms: Millis): void {
    const bytes = this.#bytesTo(ms);
    if (bytes === 0) return;
    this.#passedOver += bytes;
    let left = bytes;
    let whole = 0;
    for (let first = this.#chunks[whole]; first !== undefined && first.length <= left; first = this.#chunks[whole]) {
      left -= first.length;
      whole += 1;
    }
    if (whole > 0) this.#chunks.splice(0, whole);
    if (left > 0 && this.#chunks[0] !== undefined) this.#chunks[0] = this.#chunks[0].subarray(left);
    this.#kept -= bytes;
  }

  /** From now on another format is appended; what is kept of the old one is passed over. */
  reformat(perMs: number): void {
    if (perMs === this.#perMs) return;
    this.#passedOver += this.clear();
    this.#baseMs = this.endMs;
    this.#baseBytes = this.#appended;
    this.#perMs = perMs;
  }

  #msOf(bytes: number): Millis {
    return this.#baseMs + (bytes - this.#baseBytes) / this.#perMs;
  }

  /** How many kept bytes lie before `ms`: whole samples. */
  #bytesTo(ms: Millis): number {
    const size = this.#perMs === 48 ? 2 : 1;
    const samples = Math.round(((ms - this.startMs) * this.#perMs) / size);
    return Math.max(0, Math.min(this.#kept, samples * size));
  }

  #shift(bytes: number): Uint8Array {
    const out = new Uint8Array(bytes);
    let at = 0;
    let whole = 0;
    for (
      let first = this.#chunks[whole];
      first !== undefined && at + first.length <= bytes;
      first = this.#chunks[whole]
    ) {
      out.set(first, at);
      at += first.length;
      whole += 1;
    }
    if (whole > 0) this.#chunks.splice(0, whole);
    const first = this.#chunks[0];
    if (at < bytes && first !== undefined) {
      out.set(first.subarray(0, bytes - at), at);
      this.#chunks[0] = first.subarray(bytes - at);
    }
    this.#kept -= bytes;
    return out;
  }
}
