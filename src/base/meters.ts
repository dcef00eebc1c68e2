import { Histogram } from "./histogram.ts";

/** Labels come from closed sets (transport, engine, code), never from ids: each combination is kept for ever. */
export type Labels = Readonly<Record<string, string>>;

/** Counts what happens. Names are `repartee_<noun>_<unit>`. */
export interface Meters {
  /** Adds to a counter that only grows. */
  count(name: string, by?: number, labels?: Labels): void;
  /** Sets or moves a value that goes up and down. */
  gauge(name: string, value: number, labels?: Labels): void;
  /** Records one duration in ms. */
  observe(name: string, value: number, labels?: Labels): void;
}

/** One line of what was measured, for `/metrics` and for tests. */
export type Measurement =
  | { readonly kind: "counter" | "gauge"; readonly name: string; readonly labels: Labels; readonly value: number }
  | { readonly kind: "histogram"; readonly name: string; readonly labels: Labels; readonly histogram: Histogram };

/** Meters kept in memory. */
export class MemoryMeters implements Meters {
  readonly #all = new Map<string, Measurement>();

  count(name: string, by = 1, labels: Labels = {}): void {
    const key = keyOf(name, labels);
    const old = this.#all.get(key);
    const value = (old !== undefined && old.kind !== "histogram" ? old.value : 0) + by;
    this.#all.set(key, { kind: "counter", name, labels, value });
  }

  gauge(name: string, value: number, labels: Labels = {}): void {
    this.#all.set(keyOf(name, labels), { kind: "gauge", name, labels, value });
  }

  observe(name: string, value: number, labels: Labels = {}): void {
    const key = keyOf(name, labels);
    let entry = this.#all.get(key);
    if (entry === undefined || entry.kind !== "histogram") {
      entry = { kind: "histogram", name, labels, histogram: new Histogram() };
      this.#all.set(key, entry);
    }
    entry.histogram.add(value);
  }

  /** Everything measured so far, in the order of first use. */
  all(): IterableIterator<Measurement> {
    return this.#all.values();
  }
}

/** Meters that count nothing. */
export const noMeters: Meters = { count() {}, gauge() {}, observe() {} };

function keyOf(name: string, labels: Labels): string {
  let key = name;
  for (const label of Object.keys(labels).sort()) key += `|${label}=${labels[label]}`;
  return key;
}
