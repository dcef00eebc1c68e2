import type { Millis } from "../../base/time.ts";
import type { RateLimit } from "../../protocol/openai/server-events.ts";

export interface LimitsOptions {
  /** Default 1000. */
  readonly requestsPerMinute?: number;
  /** Default 1 000 000. */
  readonly tokensPerMinute?: number;
}

const MINUTE: Millis = 60_000;

/** Counts requests and tokens in windows of a minute. */
export class Limits {
  readonly #requests: number;
  readonly #tokens: number;
  #since: Millis = Number.NEGATIVE_INFINITY;
  #usedRequests = 0;
  #usedTokens = 0;

  constructor({ requestsPerMinute = 1_000, tokensPerMinute = 1_000_000 }: LimitsOptions = {}) {
    this.#requests = requestsPerMinute;
    this.#tokens = tokensPerMinute;
  }

  /** One more request. False when the minute's are used up. */
  request(now: Millis): boolean {
    this.#turn(now);
    if (this.#usedRequests >= this.#requests || this.#usedTokens >= this.#tokens) return false;
    this.#usedRequests += 1;
    return true;
  }

  tokens(count: number, now: Millis): void {
    this.#turn(now);
    this.#usedTokens += count;
  }

  /** As `rate_limits.updated` tells them. */
  at(now: Millis): readonly RateLimit[] {
    this.#turn(now);
    const reset = Math.max(0, this.#since + MINUTE - now) / 1000;
    return [
      row("requests", this.#requests, this.#usedRequests, reset),
      row("tokens", this.#tokens, this.#usedTokens, reset),
    ];
  }

  #turn(now: Millis): void {
    if (now - this.#since < MINUTE) return;
    this.#since = now;
    this.#usedRequests = 0;
    this.#usedTokens = 0;
  }
}

function row(name: RateLimit["name"], limit: number, used: number, reset: number): RateLimit {
  return { name, limit, remaining: Math.max(0, limit - used), reset_seconds: reset };
}
