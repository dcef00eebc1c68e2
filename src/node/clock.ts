/*
 * The production clock: every deadline of the process waits in one binary heap, and one timer waits for its head.
 *
 *        head (earliest)            cancelled deadlines stay in the heap without a task until they surface,
 *       /    \                      or until they are more than half of it
 *     …        …
 */
import type { Clock, Epoch, Millis } from "../base/time.ts";

interface Entry {
  readonly at: Millis;
  /** Tasks with the same time run in the order in which they were added. */
  readonly order: number;
  task: (() => void) | undefined;
}

export interface ClockOptions {
  /** Gets what a task throws; the other tasks run all the same. Default: rethrown outside of the clock's own work. */
  readonly onFault?: (error: unknown) => void;
  /** Whether waiting tasks keep the process alive. Default true. */
  readonly keepAlive?: boolean;
}

/** The longest time Node's timers can wait. */
const FARTHEST = 2 ** 31 - 1;

/** Monotonic time of this process, counting from its start, with one timer for all deadlines. */
export function createClock({ onFault = rethrow, keepAlive = true }: ClockOptions = {}): Clock {
  return new NodeClock(onFault, keepAlive);
}

class NodeClock implements Clock {
  #heap: Entry[] = [];
  #order = 0;
  #cancelled = 0;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;
  #running = false;
  readonly #onFault: (error: unknown) => void;
  readonly #keepAlive: boolean;
  readonly #wake = (): void => this.#run();

  constructor(onFault: (error: unknown) => void, keepAlive: boolean) {
    this.#onFault = onFault;
    this.#keepAlive = keepAlive;
  }

  now(): Millis {
    return performance.now();
  }

  wall(): Epoch {
    return Date.now();
  }

  at(at: Millis, task: () => void): () => void {
    if (Number.isNaN(at)) throw new RangeError("at must be a point in time in ms, got NaN");
    const entry: Entry = { at, order: this.#order++, task };
    push(this.#heap, entry);
    if (!this.#running) this.#arm();
    return () => {
      if (entry.task === undefined) return;
      entry.task = undefined;
      this.#cancelled += 1;
      this.#prune();
    };
  }

  /** Rebuilds the heap when most of it is cancelled, so that what nobody waits for any more is let go. */
  #prune(): void {
    if (this.#running || this.#cancelled < 64 || this.#cancelled * 2 < this.#heap.length) {
      if (this.#cancelled === this.#heap.length && !this.#running) this.#disarm();
      return;
    }
    const live = this.#heap.filter((entry) => entry.task !== undefined);
    live.sort(compare);
    this.#heap = live;
    this.#cancelled = 0;
    this.#arm();
  }

  #disarm(): void {
    this.#heap = [];
    this.#cancelled = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wakeAt = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    let head = this.#heap[0];
    // Nobody waits for a cancelled deadline: a timer for it would only keep the process alive.
    while (head !== undefined && head.task === undefined) {
      pop(this.#heap);
      this.#cancelled -= 1;
      head = this.#heap[0];
    }
    if (head === undefined) return this.#disarm();
    if (this.#timer !== undefined && this.#wakeAt <= head.at) return;
    clearTimeout(this.#timer);
    // Rounded up: Node's timers count whole milliseconds, and a timer that fires early only costs another one.
    const wait = Math.min(FARTHEST, Math.max(0, Math.ceil(head.at - performance.now())));
    this.#wakeAt = head.at;
    this.#timer = setTimeout(this.#wake, wait);
    if (!this.#keepAlive) this.#timer.unref();
  }

  #run(): void {
    this.#timer = undefined;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    const due: Entry[] = [];
    const now = performance.now();
    // All that is due is taken out first: a task that asks for "now" again waits for the next round and starves nobody.
    for (let head = this.#heap[0]; head !== undefined && head.at <= now; head = this.#heap[0]) {
      pop(this.#heap);
      if (head.task === undefined) this.#cancelled -= 1;
      else due.push(head);
    }
    this.#running = true;
    for (const entry of due) {
      const task = entry.task;
      if (task === undefined) {
        // Cancelled by a task of this round: it is out of the heap already.
        this.#cancelled -= 1;
        continue;
      }
      entry.task = undefined;
      try {
        task();
      } catch (error) {
        this.#onFault(error);
      }
    }
    this.#running = false;
    this.#arm();
  }
}

function compare(a: Entry, b: Entry): number {
  return a.at - b.at || a.order - b.order;
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const above = (index - 1) >> 1;
    const parent = heap[above] as Entry;
    if (compare(parent, entry) <= 0) break;
    heap[index] = parent;
    index = above;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = index * 2 + 1;
    if (child >= heap.length) break;
    const right = heap[child + 1];
    if (right !== undefined && compare(right, heap[child] as Entry) < 0) child += 1;
    const smaller = heap[child] as Entry;
    if (compare(last, smaller) <= 0) break;
    heap[index] = smaller;
    index = child;
  }
  heap[index] = last;
}

function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
