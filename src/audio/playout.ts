/*
 * Keeps what the caller will hear next and knows how much of it was heard. No clock inside: positions are told.
 *
 *   queued ──pull──▶ sent ──played──▶ heard            take back everything right of "heard": clear()
 *                                                      put it back at the front of the queue: rewind()
 *
 * Positions are ms on the stream of all audio sent since the beginning. What is taken back leaves a hole, so that a late
 * report cannot count new audio as heard. The heard position may be corrected backwards, because it is reckoned from a
 * clock until a report comes, but never to before the last hole. A span remembers which part of which item lies where.
 */
import type { Millis } from "../base/time.ts";

/** What clear() took back. `item` is the utterance that was being heard. */
export interface Cleared {
  readonly item: string | undefined;
  /** Ms of that item heard so far. */
  readonly played: Millis;
  readonly dropped: Millis;
}

const FRAME_MS: Millis = 20;
/** Spans of heard audio are forgotten this many at a time: a list is not rebuilt with every frame. */
const PRUNE = 16;

interface Chunk {
  readonly samples: Int16Array;
  readonly item: string | undefined;
  /** Position of the first sample in its item, in samples. */
  readonly offset: number;
}

interface Span extends Chunk {
  /** Position of the first sample on the sent stream, in samples. */
  readonly from: number;
}

/** A queue of mono audio at one rate with three positions. */
export class Playout {
  readonly rate: number;
  /** Samples of all channels in a second. */
  readonly #perSecond: number;
  readonly #channels: 1 | 2;
  readonly #frame: number;
  #queue: Chunk[] = [];
  #head = 0;
  /** Samples of the first chunk that were pulled already. */
  #used = 0;
  #queued = 0;
  #sent = 0;
  #heard = 0;
  /** End of the last hole: the heard position never moves before it. */
  #floor = 0;
  #flight: Span[] = [];
  #lastItem: string | undefined;
  #lastOffset = 0;
  #waited = false;

  /** `rate` in Hz; frames of 20 ms are pulled. Two channels are interleaved. */
  constructor(rate: number, channels: 1 | 2 = 1) {
    this.rate = rate;
    this.#channels = channels;
    this.#perSecond = rate * channels;
    this.#frame = Math.round((rate * FRAME_MS) / 1000) * channels;
  }

  /** Ms not yet pulled. */
  get queued(): Millis {
    return this.#ms(this.#queued);
  }
  /** End of what was pulled, on the stream of everything sent. */
  get sent(): Millis {
    return this.#ms(this.#sent);
  }
  /** End of what was heard, on the same stream. */
  get heard(): Millis {
    return this.#ms(this.#heard);
  }
  /** Ms queued or sent and not heard. */
  get pending(): Millis {
    return this.#ms(this.#queued + Math.max(0, this.#sent - this.#heard));
  }

  /** Adds audio at `rate`, whole samples of all channels, any length. */
  push(samples: Int16Array, item?: string): void {
    if (samples.length === 0) return;
    if (item !== this.#lastItem) {
      this.#lastItem = item;
      this.#lastOffset = 0;
    }
    this.#queue.push({ samples, item, offset: this.#lastOffset });
    this.#lastOffset += samples.length;
    this.#queued += samples.length;
  }

  /**
   * The next frame: undefined when nothing is queued. It is a view of what was pushed where it lies within one piece, else
   * a new array. When less than a frame is left it waits for one more call, in case the source yields small pieces, and
   * then pads with silence.
   */
  pull(): { readonly samples: Int16Array; readonly item: string | undefined } | undefined {
    if (this.#queued === 0) return undefined;
    if (this.#queued < this.#frame && !this.#waited) {
      this.#waited = true;
      return undefined;
    }
    this.#waited = false;
    let out: Int16Array | undefined;
    let filled = 0;
    let item: string | undefined;
    while (filled < this.#frame && this.#head < this.#queue.length) {
      const chunk = this.#queue[this.#head] as Chunk;
      const take = Math.min(chunk.samples.length - this.#used, this.#frame - filled);
      const part =
        take === chunk.samples.length ? chunk.samples : chunk.samples.subarray(this.#used, this.#used + take);
      if (take === this.#frame) out = part;
      else (out ??= new Int16Array(this.#frame)).set(part, filled);
      if (filled === 0) item = chunk.item;
      this.#flight.push({
        samples: part,
        item: chunk.item,
        offset: chunk.offset + this.#used,
        from: this.#sent + filled,
      });
      filled += take;
      this.#used += take;
      if (this.#used === chunk.samples.length) {
        this.#head += 1;
        this.#used = 0;
      }
    }
    this.#compact();
    this.#queued -= filled;
    this.#sent += this.#frame;
    return out && { samples: out, item };
  }

  /** Everything before `upTo` ms was heard. Later calls may correct it, up to a second back. */
  played(upTo: Millis): void {
    const position = Math.min(
      this.#sent,
      Math.max(this.#floor, Math.floor((upTo * this.rate) / 1000) * this.#channels),
    );
    if (position === this.#heard) return;
    this.#heard = position;
    const old = position - this.#perSecond;
    let gone = 0;
    while (gone < this.#flight.length - 1 && endOf(this.#flight[gone] as Span) <= old) gone += 1;
    if (gone >= PRUNE) this.#flight = this.#flight.slice(gone);
  }

  /** Which item is being heard, and how many ms of it were. */
  hearing(): { readonly item: string | undefined; readonly played: Millis } {
    let last: Span | undefined;
    for (const span of this.#flight) {
      if (span.from >= this.#heard) break;
      last = span;
    }
    if (last === undefined) {
      // Nothing sent was heard: the next sample to be heard is the first one sent, or else the first one queued.
      const next = this.#flight[0];
      if (next !== undefined) return { item: next.item, played: this.#ms(next.offset) };
      const queued = this.#queue[this.#head];
      return { item: queued?.item, played: this.#ms(queued === undefined ? 0 : queued.offset + this.#used) };
    }
    return { item: last.item, played: this.#ms(last.offset + Math.min(last.samples.length, this.#heard - last.from)) };
  }

  /** Takes back all that was not heard. */
  clear(): Cleared {
    const hearing = this.hearing();
    const dropped = this.pending;
    this.#queue = [];
    this.#head = 0;
    this.#used = 0;
    this.#queued = 0;
    this.#flight = [];
    this.#heard = this.#sent;
    this.#floor = this.#sent;
    this.#lastItem = undefined;
    this.#lastOffset = 0;
    this.#waited = false;
    return { ...hearing, dropped };
  }

  /** Puts what was sent and not heard back at the front of the queue: it will be pulled again. */
  rewind(): void {
    const back: Chunk[] = [];
    let count = 0;
    for (const span of this.#flight) {
      const skip = Math.min(span.samples.length, Math.max(0, this.#heard - span.from));
      const samples = skip === 0 ? span.samples : span.samples.subarray(skip);
      if (samples.length === 0) continue;
      back.push({ samples, item: span.item, offset: span.offset + skip });
      count += samples.length;
    }
    if (count === 0) return;
    const first = this.#queue[this.#head];
    const rest = this.#queue.slice(this.#head + 1);
    if (first !== undefined) {
      rest.unshift({
        samples: first.samples.subarray(this.#used),
        item: first.item,
        offset: first.offset + this.#used,
      });
    }
    this.#queue = [...back, ...rest];
    this.#head = 0;
    this.#used = 0;
    this.#queued += count;
    this.#flight = [];
    this.#heard = this.#sent;
    this.#floor = this.#sent;
  }

  /**
   * A queue at another rate with everything that was not heard on this one, at its place in its item: `convert` gets the
   * samples of one item at a time, whole. This one is not to be used any more.
   */
  movedTo(rate: number, convert: (samples: Int16Array) => Int16Array, channels: 1 | 2 = 1): Playout {
    this.rewind();
    const next = new Playout(rate, channels);
    for (const { samples, item, offset } of this.#runs()) {
      next.#lastItem = item;
      next.#lastOffset = Math.round((offset * next.#perSecond) / this.#perSecond);
      next.push(convert(samples), item);
    }
    next.#lastItem = this.#lastItem;
    next.#lastOffset = Math.round((this.#lastOffset * next.#perSecond) / this.#perSecond);
    return next;
  }

  /** Nothing is left to be heard, and no late report changes that: what comes next without an item counts from here. */
  silence(): void {
    if (this.#queued > 0) return;
    this.#heard = this.#sent;
    this.#floor = this.#sent;
    this.#flight = [];
    if (this.#lastItem === undefined) this.#lastOffset = 0;
  }

  /** What is queued, with the chunks of one item joined. */
  *#runs(): Generator<Chunk> {
    let run: Chunk[] = [];
    for (let place = this.#head; place < this.#queue.length; place++) {
      const { samples, item, offset } = this.#queue[place] as Chunk;
      const used = place === this.#head ? this.#used : 0;
      const last = run.at(-1);
      if (last !== undefined && (last.item !== item || last.offset + last.samples.length !== offset)) {
        yield join(run);
        run = [];
      }
      run.push({ samples: samples.subarray(used), item, offset: offset + used });
    }
    if (run.length > 0) yield join(run);
  }

  #compact(): void {
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  #ms(samples: number): Millis {
    return (samples / this.#perSecond) * 1000;
  }
}

function endOf(span: Span): number {
  return span.from + span.samples.length;
}

function join(run: readonly Chunk[]): Chunk {
  const samples = new Int16Array(run.reduce((length, chunk) => length + chunk.samples.length, 0));
  let at = 0;
  for (const chunk of run) {
    samples.set(chunk.samples, at);
    at += chunk.samples.length;
  }
  return { samples, item: run[0]?.item, offset: run[0]?.offset ?? 0 };
}
