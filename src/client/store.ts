/** How long progress (partial words, positions, statistics) may wait to be shown: at most five updates a second. */
const GATHER_MS = 200;

/** Holds one immutable value. Changes are told at once, progress is gathered. */
export class Store<T> {
  #published: T;
  #draft: T;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#published = value;
    this.#draft = value;
  }

  /** The same object until listeners have been called. */
  get value(): T {
    return this.#published;
  }

  /** What the next change builds on: `value`, and the progress that has not been told yet. */
  get latest(): T {
    return this.#draft;
  }

  update(change: (value: T) => T, { soon = false }: { readonly soon?: boolean } = {}): void {
    const next = change(this.#draft);
    if (next === this.#draft) return;
    this.#draft = next;
    if (!soon) this.#publish();
    else this.#timer ??= setTimeout(() => this.#publish(), GATHER_MS);
  }

  subscribe(listener: () => void): () => void {
    // Wrapped, so that one function subscribed twice is called twice and removed one by one.
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Drops all listeners and what still waits to be told. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#listeners.clear();
  }

  #publish(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#published = this.#draft;
    for (const listener of this.#listeners) listener();
  }
}
