/** Keeps the values used last, up to a number of bytes. Greetings, fillers and questions asked again cost nothing. */
export class RecentlyUsed<T> {
  readonly #values = new Map<string, { readonly value: T; readonly bytes: number }>();
  readonly #limit: number;
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): T | undefined {
    const entry = this.#values.get(key);
    if (entry === undefined) return undefined;
    // A map walks in the order of insertion: the one put in again is the youngest.
    this.#values.delete(key);
    this.#values.set(key, entry);
    return entry.value;
  }

  /** Keeps a value; the oldest ones go when there is no room. One that is larger than the limit is not kept. */
  set(key: string, value: T, bytes: number): void {
    this.#drop(key);
    if (bytes > this.#limit) return;
    this.#values.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const old of this.#values.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.#drop(old);
    }
  }

  #drop(key: string): void {
    const entry = this.#values.get(key);
    if (entry === undefined) return;
    this.#values.delete(key);
    this.#bytes -= entry.bytes;
  }
}
