/*
 * Typed events for the hot path. A listener that throws never stops the others nor the emitter: its error goes to
 * `onFault`. Listeners may be added and removed while an event is under way; a removed one is not called any more.
 */

/** A map from event name to what its listeners get. */
export type EventMap = Record<string, unknown>;

/** Calls listeners synchronously, in the order in which they were added. */
export class Emitter<Events extends EventMap> {
  readonly #listeners = new Map<keyof Events, ((event: never) => void)[]>();
  readonly #onFault: (error: unknown, event: keyof Events) => void;

  constructor(onFault: (error: unknown, event: keyof Events) => void) {
    this.#onFault = onFault;
  }

  /** Adds a listener; the result removes it and may be called more than once. */
  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): () => void {
    // Lists are replaced, never changed, so that an emit under way walks the list it started with.
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    return () => {
      const list = this.#listeners.get(event);
      if (list === undefined || !list.includes(listener)) return;
      this.#listeners.set(
        event,
        list.filter((one) => one !== listener),
      );
    };
  }

  emit<E extends keyof Events>(event: E, value: Events[E]): void {
    const list = this.#listeners.get(event);
    if (list === undefined) return;
    for (const listener of list) {
      if (this.#listeners.get(event) !== list && !this.#listeners.get(event)?.includes(listener)) continue;
      try {
        (listener as (value: Events[E]) => void)(value);
      } catch (error) {
        this.#onFault(error, event);
      }
    }
  }

  /** Whether anybody listens: ask before building a costly event. */
  has(event: keyof Events): boolean {
    return (this.#listeners.get(event)?.length ?? 0) > 0;
  }

  /** Drops all listeners. */
  clear(): void {
    this.#listeners.clear();
  }
}
