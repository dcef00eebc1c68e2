/*
 * The messages of one session for whoever subscribes: the page's event stream, the program around the stream. Every
 * subscriber gets every message from when it came; the first one also gets what was sent before it, up to a bound.
 */
import { Queue } from "../base/queue.ts";
import type { Message } from "./types.ts";

/** How many messages are kept for the first subscriber, and for one that comes back. */
const KEPT = 256;

/** A message with its place in the session: counted from 1. */
export interface Numbered {
  readonly seq: number;
  readonly message: Message;
}

/** The messages of one session. */
export class Outputs {
  #kept: Numbered[] = [];
  #seq = 0;
  #subscribed = false;
  #ended = false;
  readonly #readers = new Set<Queue<Numbered>>();

  push(message: Message): void {
    if (this.#ended) return;
    this.#seq += 1;
    const numbered = { seq: this.#seq, message };
    this.#kept.push(numbered);
    if (this.#kept.length > KEPT) this.#kept.shift();
    for (const reader of this.#readers) reader.push(numbered);
  }

  /**
   * All messages from now on, ending with the session. The first subscriber also gets what is kept; `after` asks for
   * what came behind that place, for one that was cut off.
   */
  subscribe(after?: number): Queue<Numbered> {
    const queue = new Queue<Numbered>({ limit: KEPT });
    const from = after ?? (this.#subscribed ? this.#seq : 0);
    this.#subscribed = true;
    for (const numbered of this.#kept) if (numbered.seq > from) queue.push(numbered);
    if (this.#ended) {
      queue.end();
      return queue;
    }
    this.#readers.add(queue);
    queue.onLeave(() => this.#readers.delete(queue));
    return queue;
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }
}
