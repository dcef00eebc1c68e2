/*
 * What one call has used and cost: by model, by agent, by turn and in all. A cost that nobody knows is not nothing: it is
 * left out of the sum, and the sum says so.
 */
import { costOf, type NanoDollars, type PriceTable, prices, toUsd } from "./prices.ts";
import type { Unit, Usage } from "./types.ts";

/** A sum of money. */
export interface Spent {
  readonly usd: number;
  /** Something in it has no known price: the real sum is higher. */
  readonly incomplete: boolean;
}

/** What the page is told after each use, and what `onUsage` gets. */
export interface UsageReport extends Usage {
  /** Undefined when nobody knows. */
  readonly costUsd: number | undefined;
  /** Share of the input that was cached, 0 to 1; undefined when nothing was put in. */
  readonly cachedShare: number | undefined;
  readonly turn: Spent;
  readonly agent: Spent & { readonly name: string };
  readonly session: Spent;
  /** What the next answer costs if it is like this one: the whole conversation is put in again, and as much comes out. */
  readonly nextUsd: number | undefined;
  readonly pricesOf: string;
}

class Sum {
  nano: NanoDollars = 0;
  incomplete = false;
  add(cost: NanoDollars | undefined): void {
    if (cost === undefined) this.incomplete = true;
    else this.nano += cost;
  }
  get spent(): Spent {
    return { usd: toUsd(this.nano), incomplete: this.incomplete };
  }
}

/** Adds up. */
export class UsageMeter {
  readonly #table: PriceTable;
  readonly #session = new Sum();
  readonly #agents = new Map<string, Sum>();
  readonly #models = new Map<string, Map<Unit, number>>();
  #turn = new Sum();
  #turnId: string | undefined;

  constructor(table: PriceTable = prices) {
    this.#table = table;
  }

  /** In all, so far. */
  get session(): Spent {
    return this.#session.spent;
  }

  /** What was used of each model, so far. */
  get models(): readonly Usage[] {
    return [...this.#models].map(([model, units]) => ({ model, units: Object.fromEntries(units) }));
  }

  /** One more use, by an agent in a turn. */
  add(usage: Usage, { agent, turn }: { readonly agent: string; readonly turn: string }): UsageReport {
    const cost = costOf(usage, this.#table);
    if (turn !== this.#turnId) {
      this.#turnId = turn;
      this.#turn = new Sum();
    }
    let own = this.#agents.get(agent);
    if (own === undefined) {
      own = new Sum();
      this.#agents.set(agent, own);
    }
    for (const sum of [this.#turn, own, this.#session]) sum.add(cost);
    this.#count(usage);
    return {
      model: usage.model,
      units: usage.units,
      costUsd: cost === undefined ? undefined : toUsd(cost),
      cachedShare: cachedShare(usage.units),
      turn: this.#turn.spent,
      agent: { name: agent, ...own.spent },
      session: this.#session.spent,
      nextUsd: cost === undefined || (usage.units["audio-out"] ?? 0) === 0 ? undefined : toUsd(cost),
      pricesOf: this.#table.date,
    };
  }

  #count({ model, units }: Usage): void {
    let counts = this.#models.get(model);
    if (counts === undefined) {
      counts = new Map();
      this.#models.set(model, counts);
    }
    for (const [unit, amount] of Object.entries(units) as [Unit, number][])
      counts.set(unit, (counts.get(unit) ?? 0) + amount);
  }
}

function cachedShare(units: Usage["units"]): number | undefined {
  const cached = (units["text-cached"] ?? 0) + (units["audio-cached"] ?? 0);
  const all = cached + (units["text-in"] ?? 0) + (units["audio-in"] ?? 0) + (units["image-in"] ?? 0);
  return all === 0 ? undefined : cached / all;
}
