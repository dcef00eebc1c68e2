/*
 * The RTP side of our voice: numbers, timestamps and where the caller is in it. Sans-IO.
 *
 *   wall clock   ──┬─spurt 1─┬──── silence ────┬─spurt 2─┬──
 *   RTP time       0       960·n            continues by wall clock over the silence
 *   stream         0 ─────── n·20 ms ──────────── goes on where spurt 1 ended
 *
 * Timestamps of a spurt are contiguous however unevenly its frames are sent. After a spurt a few frames of silence let
 * the browser's concealment fade on silence; then one silence mark every 400 ms keeps its track and timers calm.
 */
import { add16, add32, difference32 } from "../../base/sequence.ts";
import type { Millis } from "../../base/time.ts";

/** Where one RTP packet stands. */
export interface Place {
  readonly sequence: number;
  readonly timestamp: number;
  /** First packet of a talk spurt (RFC 3551 section 4.1). */
  readonly marker: boolean;
}

interface Spurt {
  readonly timestamp: number;
  /** Position on the stream of everything sent since open, ms. */
  readonly start: Millis;
  length: Millis;
}

/** Samples of a 20 ms frame at 48 kHz. */
const FRAME = 960;
export const FRAME_MS = 20;
/** A pause this long between two frames ends a spurt. Below it stands a late ticker. */
const PAUSE_MS = 100;
/** Frames of silence after a spurt and after connecting. */
const TAIL_FRAMES = 5;
/** Between two silence marks; the interval of Opus DTX. */
const MARK_MS = 400;
/** How many spurts a page can refer to. */
const REMEMBERED = 64;

/** Counts what was sent to one caller and maps a page's RTP position back to it. */
export class Speech {
  #sequence: number;
  #timestamp: number;
  /** When the frame at `#timestamp` was due. */
  #due: Millis | undefined;
  /** The last packet was voice; otherwise the next voice begins a spurt. */
  #talking = false;
  /** Frames of silence that are left to send; below 0 when the silence is marked. */
  #tail: number = TAIL_FRAMES;
  #sent: Millis = 0;
  #heard: Millis = 0;
  readonly #spurts: Spurt[] = [];

  /** Both numbers begin at random (RFC 3550 section 5.1). */
  constructor(sequence: number, timestamp: number) {
    this.#sequence = sequence & 0xffff;
    this.#timestamp = timestamp >>> 0;
  }

  /** Ms of voice sent since open. */
  get sent(): Millis {
    return this.#sent;
  }

  /** The place of the next 20 ms of voice. */
  voice(now: Millis): Place {
    const pause = this.#due === undefined ? 0 : now - this.#due;
    const marker = !this.#talking || pause >= PAUSE_MS;
    if (marker) {
      this.#skip(now);
      this.#spurts.push({ timestamp: this.#timestamp, start: this.#sent, length: 0 });
      if (this.#spurts.length > REMEMBERED) this.#spurts.shift();
    }
    this.#talking = true;
    this.#tail = TAIL_FRAMES;
    const spurt = this.#spurts.at(-1);
    if (spurt !== undefined) spurt.length += FRAME_MS;
    this.#sent += FRAME_MS;
    return this.#take(now, marker);
  }

  /**
   * What to send in place of voice, asked for every 20 ms or so: a frame of silence, a silence mark, or nothing yet.
   */
  quiet(now: Millis): { readonly kind: "silence" | "mark"; readonly place: Place } | undefined {
    if (this.#due !== undefined && now < this.quietAt) return undefined;
    this.#talking = false;
    this.#skip(now);
    const kind = this.#tail > 0 ? "silence" : "mark";
    this.#tail -= 1;
    return { kind, place: this.#take(now, false) };
  }

  /** When `quiet` is to be called next, if no voice comes first. */
  get quietAt(): Millis {
    if (this.#due === undefined) return 0;
    // Two frames late is more than a busy ticker is: the spurt is over. Sooner, silence would fall between its frames.
    if (this.#talking) return this.#due + 2 * FRAME_MS;
    // The first mark follows the tail at once: without it a browser takes the pause for loss and conceals it.
    return this.#tail >= 0 ? this.#due : this.#due + MARK_MS - FRAME_MS;
  }

  /**
   * The position on the stream of everything sent at this RTP time of the page's speaker. Never goes back, never beyond
   * what was sent; undefined when the time belongs to nothing that is remembered.
   */
  positionOf(timestamp: number): Millis | undefined {
    for (let index = this.#spurts.length - 1; index >= 0; index--) {
      const spurt = this.#spurts[index] as Spurt;
      const into = difference32(timestamp >>> 0, spurt.timestamp) / 48;
      if (into < 0) continue;
      this.#heard = Math.max(this.#heard, spurt.start + Math.min(into, spurt.length));
      return this.#heard;
    }
    return undefined;
  }

  /** Forgets what was sent: no position of it is reported any more. */
  clear(): void {
    this.#spurts.length = 0;
    this.#talking = false;
  }

  /** Moves RTP time on over a silence, by whole ms of the wall clock. */
  #skip(now: Millis): void {
    if (this.#due === undefined || now <= this.#due) return;
    this.#timestamp = add32(this.#timestamp, Math.round((now - this.#due) * 48));
    this.#due = now;
  }

  #take(now: Millis, marker: boolean): Place {
    const place = { sequence: this.#sequence, timestamp: this.#timestamp, marker };
    this.#sequence = add16(this.#sequence, 1);
    this.#timestamp = add32(this.#timestamp, FRAME);
    this.#due = (this.#due ?? now) + FRAME_MS;
    return place;
  }
}
