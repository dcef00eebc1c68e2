/*
 * A cap on what one call may cost, and the polite way to end one.
 *
 *   spend ──▶ 80 %: a warning, once ──▶ 100 %: the reply under way is finished ─▶ farewell ─▶ hang up
 *
 * A cap on costs that nobody knows would be no cap: such a call does not start, and ends when it happens on the way.
 */
import { VoiceError } from "../base/errors.ts";
import type { Clock, Millis } from "../base/time.ts";
import { priceOf, type PriceTable } from "./prices.ts";
import type { Spent } from "./usage.ts";

export interface BudgetOptions {
  /** The most a call may cost, US dollars. */
  readonly maxUsd: number;
  /** Share of it at which the page is warned. Default 0.8. */
  readonly warnAt?: number | undefined;
  /** The last words. Default: a plain goodbye; empty: nothing is said. */
  readonly farewell?: string | undefined;
}

/** Share of the budget at which the page is warned. */
const WARN_AT = 0.8;

/** Watches what is spent. */
export class Budget {
  readonly #max: number;
  readonly #warnAt: number;
  #said: "nothing" | "warn" | "over" = "nothing";

  /** Throws RangeError for a cap that is not above 0, or a share that is none. */
  constructor({ maxUsd, warnAt = WARN_AT }: BudgetOptions) {
    if (!(maxUsd > 0)) throw new RangeError(`maxUsd must be above 0, got ${maxUsd}`);
    if (!(warnAt > 0 && warnAt <= 1)) throw new RangeError(`warnAt must be above 0 and at most 1, got ${warnAt}`);
    this.#max = maxUsd;
    this.#warnAt = warnAt;
  }

  /** What has to happen now that this much is spent in all; each only once. */
  spent({ usd, incomplete }: Spent): "warn" | "over" | undefined {
    if (this.#said === "over") return undefined;
    if (incomplete || usd >= this.#max) {
      this.#said = "over";
      return "over";
    }
    if (usd < this.#max * this.#warnAt || this.#said === "warn") return undefined;
    this.#said = "warn";
    return "warn";
  }
}

/** Throws VoiceError `budget` when a model has no price: its cap could not be kept. */
export function checkPrices(models: readonly string[], table: PriceTable): void {
  const unknown = models.filter((model) => priceOf(model, table) === undefined);
  if (unknown.length > 0)
    throw new VoiceError(
      "budget",
      `a budget needs the price of every model, got none for ${unknown.join(", ")}: give it in \`prices\``,
    );
}

/** For the reply under way, and for the farewell. */
const PATIENCE: Millis = 10_000;
const FAREWELL = "I am sorry, our time is up and I have to end the call here. Goodbye.";

export interface PoliteEndParts {
  readonly clock: Clock;
  /** Nothing is being made and nothing is left to be heard. */
  isIdle(): boolean;
  say(text: string): void;
  hangUp(): void;
}

/** Lets the reply under way be heard, says goodbye, and hangs up; each within 10 s. */
export class PoliteEnd {
  readonly #parts: PoliteEndParts;
  readonly #farewell: string;
  #stage: "off" | "finishing" | "parting" | "over" = "off";
  #cancelTimer = (): void => {};

  constructor(parts: PoliteEndParts, farewell: string = FAREWELL) {
    this.#parts = parts;
    this.#farewell = farewell;
  }

  get isUnderWay(): boolean {
    return this.#stage !== "off";
  }

  /** The farewell is being said: whatever else wants to be said is not. */
  get isParting(): boolean {
    return this.#stage === "parting";
  }

  begin(): void {
    if (this.#stage !== "off") return;
    this.#stage = "finishing";
    this.#wait();
    this.step();
  }

  /** Call whenever something was finished. */
  step(): void {
    if ((this.#stage === "finishing" || this.#stage === "parting") && this.#parts.isIdle()) this.#next();
  }

  stop(): void {
    this.#stage = "over";
    this.#cancelTimer();
  }

  #next(): void {
    this.#cancelTimer();
    if (this.#stage === "finishing" && this.#farewell !== "") {
      this.#stage = "parting";
      this.#wait();
      this.#parts.say(this.#farewell);
      return;
    }
    this.#stage = "over";
    this.#parts.hangUp();
  }

  #wait(): void {
    const { clock } = this.#parts;
    this.#cancelTimer = clock.at(clock.now() + PATIENCE, () => this.#next());
  }
}
