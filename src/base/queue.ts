/*
 * The border between push and pull: media code pushes synchronously, users iterate.
 *
 *   push ──▶ [ oldest … newest ] ──▶ for await
 *
 * Bounded by a weight (milliseconds, bytes or pieces). What does not fit drops the oldest and is counted.
 */

export interface QueueOptions<T> {
  /** The most that may wait, in the unit of `weigh`. Default: no bound. */
  readonly limit?: number;
  /** What one value weighs. Default 1. */
  readonly weigh?: (value: T) => number;
}

/** A bounded queue with one reader. */
export class Queue<T> implements AsyncIterable<T> {
  #values: T[] = [];
  #head = 0;
  #weight = 0;
  #dropped = 0;
  #ended = false;
  #failure: unknown;
  #waiting: { resolve(result: IteratorResult<T>): void; reject(error: unknown): void } | undefined;
  readonly #limit: number;
  readonly #weigh: (value: T) => number;
  #onLeave: (() => void) | undefined;

  constructor({ limit = Number.POSITIVE_INFINITY, weigh = () => 1 }: QueueOptions<T> = {}) {
    this.#limit = limit;
    this.#weigh = weigh;
  }

  /** Adds a value; drops the oldest ones while the queue is over its limit. Ignored after `end`. */
  push(value: T): void {
    if (this.#ended) return;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting.resolve({ value, done: false });
      return;
    }
    this.#values.push(value);
    this.#weight += this.#weigh(value);
    while (this.#weight > this.#limit && this.#values.length - this.#head > 1) {
      this.#take();
      this.#dropped += 1;
    }
  }

  /** No more values will come; what waits is still handed out. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ value: undefined, done: true });
  }

  /** Ends with an error, which the reader gets after what waits. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = error;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) {
      this.#failure = undefined;
      waiting.reject(error);
    }
  }

  /** Forgets what waits. */
  clear(): void {
    this.#values = [];
    this.#head = 0;
    this.#weight = 0;
  }

  /** How much waits, in the unit of `weigh`. */
  get weight(): number {
    return this.#weight;
  }
  get size(): number {
    return this.#values.length - this.#head;
  }
  get ended(): boolean {
    return this.#ended;
  }
  /** How many values were dropped because the reader was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Called once when the reader stops early, so that the source can stop too. */
  onLeave(task: () => void): void {
    this.#onLeave = task;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.size > 0) return Promise.resolve({ value: this.#take(), done: false });
    if (this.#failure !== undefined) {
      const error = this.#failure;
      this.#failure = undefined;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    if (this.#waiting !== undefined) return Promise.reject(new TypeError("a queue has one reader, got a second one"));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () => this.next(),
      return: () => {
        const leave = this.#onLeave;
        this.#onLeave = undefined;
        this.clear();
        this.end();
        leave?.();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #take(): T {
    const value = this.#values[this.#head] as T;
    this.#head += 1;
    this.#weight -= this.#weigh(value);
    if (this.#head > 64 && this.#head * 2 > this.#values.length) {
      this.#values = this.#values.slice(this.#head);
      this.#head = 0;
    }
    return value;
  }
}
