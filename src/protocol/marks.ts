/*
 * Where the far end is on the stream of everything we sent it. Two kinds of reports are understood: marks, which come back
 * when the audio before them was played, and the count of ms played since the last clear, as our own client sends it.
 *
 *   epoch 0               epoch 1                      A clear begins a new epoch at the end of what was sent. A carrier
 *   ├──── played ──┤///dropped///├── played ──▶        answers a clear by returning all pending marks at once: they carry
 *   0              │             │                     the old epoch in their name and count for nothing.
 *                  clear()       start of epoch 1
 */
import type { Millis } from "../base/time.ts";

/** Audio that was counted as sent but never put on the wire. */
interface Hole {
  /** Ms of the epoch that the far end had been given before it. */
  readonly given: Millis;
  ms: Millis;
}

/** Books on one stream. Positions are ms since its beginning. */
export class Marks {
  #epoch = 0;
  #sent: Millis = 0;
  #began: Millis = 0;
  #marked: Millis = 0;
  #played: Millis = 0;
  #holes: Hole[] = [];
  /** Ms in all holes. */
  #missing: Millis = 0;

  /** Counts the clears. */
  get epoch(): number {
    return this.#epoch;
  }
  /** End of everything sent. */
  get sent(): Millis {
    return this.#sent;
  }
  /** Ms sent since the last mark or clear. */
  get unmarked(): Millis {
    return this.#sent - this.#marked;
  }
  /** Ms sent and neither reported as played, nor taken back, nor dropped. */
  get ahead(): Millis {
    return Math.max(0, this.#sent - this.#played - this.#missing);
  }

  /** Audio was sent. */
  send(ms: Millis): void {
    this.#sent += ms;
  }

  /** Audio counts as sent but was dropped on our side, `waiting` ms of later audio not being on the wire yet. */
  drop(ms: Millis, waiting: Millis): void {
    const given = this.#sent - this.#began - this.#missing - waiting - ms;
    const last = this.#holes.at(-1);
    if (last?.given === given) last.ms += ms;
    else this.#holes.push({ given, ms });
    this.#missing += ms;
  }

  /** The name of a mark at the end of what was sent. */
  mark(): string {
    this.#marked = this.#sent;
    return `${this.#epoch}.${Math.round(this.#sent)}`;
  }

  /** A mark came back. Answers the position it stands for; undefined when it is not ours or was taken back by a clear. */
  returned(name: string): Millis | undefined {
    const match = /^(\d{1,9})\.(\d{1,12})$/.exec(name);
    if (match === null || Number(match[1]) !== this.#epoch) return undefined;
    const position = Number(match[2]);
    this.#pass((hole) => this.#began + hole.given < position);
    return this.#reach(position);
  }

  /**
   * The far end has played this much of an epoch, of the current one when it does not say. Answers the position;
   * undefined when that epoch is over.
   */
  reported(ms: Millis, epoch: number = this.#epoch % 256): Millis | undefined {
    if (epoch !== this.#epoch % 256) return undefined;
    this.#pass((hole) => hole.given < ms);
    return this.#reach(this.#began + ms);
  }

  /** Everything not yet played is taken back. Answers the number of the new epoch. */
  clear(): number {
    this.#epoch += 1;
    this.#began = this.#sent;
    this.#marked = this.#sent;
    this.#played = this.#sent;
    this.#holes = [];
    this.#missing = 0;
    return this.#epoch;
  }

  /** Holes that the far end has come past move the beginning of its count: the list stays as short as what is ahead. */
  #pass(isPast: (hole: Hole) => boolean): void {
    for (let first = this.#holes[0]; first !== undefined && isPast(first); first = this.#holes[0]) {
      this.#began += first.ms;
      this.#missing -= first.ms;
      this.#holes.shift();
    }
  }

  #reach(position: Millis): Millis {
    // Never more than was sent (beyond rounding, a far end that says so is wrong) and never back.
    const reached = Math.min(position, this.#sent);
    if (reached > this.#played) this.#played = reached;
    return this.#played;
  }
}
