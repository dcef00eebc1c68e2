/*
 * Rights to come back to a session after its connection was lost. A token is good for one use within its time: using it
 * gives the session and burns it, and the new connection is given the next one. Only digests are kept, so what is in
 * memory opens nothing; finding one by its digest also takes the same time for a near miss as for any other.
 *
 * Time runs only while the session is away: `issue` when a connection is up, `away` when it is lost.
 */
import type { Fault } from "../base/errors.ts";
import { toBase64Url } from "../base/ids.ts";
import type { Millis } from "../base/time.ts";

export interface ResumeTokensOptions {
  /** Bytes that nobody can guess. */
  random(bytes: number): Uint8Array;
  /** A one-way digest of a token, such as SHA-256 in hex. */
  digest(token: string): string;
  /** How long a lost session waits, ms. Default 60 000. */
  readonly windowMs?: Millis;
  /** Most tokens; the oldest are dropped. Default 100 000. */
  readonly limit?: number;
}

interface Right {
  readonly session: string;
  /** Undefined while the connection is up. */
  until: Millis | undefined;
}

/** Gives out, checks and takes back resume tokens. One per session is valid at a time. */
export class ResumeTokens {
  /** How long a lost session waits, ms. */
  readonly windowMs: Millis;
  readonly #options: ResumeTokensOptions;
  readonly #limit: number;
  /** By digest; the oldest first. */
  readonly #rights = new Map<string, Right>();
  readonly #sessions = new Map<string, string>();

  constructor(options: ResumeTokensOptions) {
    this.#options = options;
    this.windowMs = options.windowMs ?? 60_000;
    this.#limit = options.limit ?? 100_000;
  }

  /** How many tokens are valid or waiting to expire. */
  get size(): number {
    return this.#rights.size;
  }

  /** A new token for a session; the one before is void. */
  issue(session: string): string {
    this.revoke(session);
    const token = toBase64Url(this.#options.random(32));
    const digest = this.#options.digest(token);
    this.#rights.set(digest, { session, until: undefined });
    this.#sessions.set(session, digest);
    if (this.#rights.size > this.#limit) {
      const [oldest] = this.#rights.values();
      if (oldest !== undefined) this.revoke(oldest.session);
    }
    return token;
  }

  /** The connection of a session is lost: its token is good until the window is over. */
  away(session: string, now: Millis): void {
    const right = this.#rights.get(this.#sessions.get(session) ?? "");
    if (right !== undefined) right.until = now + this.windowMs;
  }

  /** Uses a token up and answers its session, or a Fault `resume-expired`: the same for expired, used and invented ones. */
  take(token: string, now: Millis): string | Fault {
    const right = this.#rights.get(this.#options.digest(token));
    if (right === undefined) return expired;
    this.revoke(right.session);
    return right.until !== undefined && now > right.until ? expired : right.session;
  }

  /** The session is over. */
  revoke(session: string): void {
    const digest = this.#sessions.get(session);
    if (digest === undefined) return;
    this.#sessions.delete(session);
    this.#rights.delete(digest);
  }

  /** Forgets what has expired; answers the sessions that nobody can come back to any more. */
  expire(now: Millis): string[] {
    const gone: string[] = [];
    for (const { session, until } of this.#rights.values()) if (until !== undefined && now > until) gone.push(session);
    for (const session of gone) this.revoke(session);
    return gone;
  }
}

const expired: Fault = { fault: "resume-expired", why: "the token is not valid any more" };
