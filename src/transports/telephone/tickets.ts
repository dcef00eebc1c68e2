/*
 * Between the webhook of a call and its media socket: a place is held, and a token waits that opens one socket for this
 * one call.
 *
 *   webhook ──▶ waiting (60 s) ──socket with token──▶ used ──lost──▶ waiting again, for the same session
 *                   └── too late: the place is free again
 *
 * A call id is good for one announcement: a webhook that is played back after its call was connected is refused.
 */
import { toBase64Url } from "../../base/ids.ts";
import type { Platform } from "../../base/platform.ts";
import type { Millis } from "../../base/time.ts";
import type { CallInfo, Slot } from "../../session/types.ts";

/** How many call ids are remembered: a day of calls for a busy server, at 200 bytes each. */
const REMEMBERED = 20_000;

/** A call that waits for its socket. */
export interface Ticket {
  readonly token: string;
  readonly callId: string;
  readonly call: CallInfo;
  /** The place that is held; undefined when a session that was lost has it. */
  readonly slot: Slot | undefined;
  /** The session to go on with. */
  readonly session: string | undefined;
}

/** Gives out tokens, one per call at a time, each good for one use. */
export class Tickets {
  readonly #platform: Platform;
  readonly #waitMs: Millis;
  readonly #byToken = new Map<string, { readonly ticket: Ticket; readonly cancel: () => void }>();
  readonly #tokenOf = new Map<string, string>();
  /** Calls whose token was used, the oldest first. */
  readonly #used = new Set<string>();

  constructor(platform: Platform, waitMs: Millis) {
    this.#platform = platform;
    this.#waitMs = waitMs;
  }

  /** How many calls wait for their socket. */
  get waiting(): number {
    return this.#byToken.size;
  }

  /** Whether a call was connected before. */
  wasUsed(callId: string): boolean {
    return this.#used.has(callId);
  }

  /** The ticket a call waits with. Carriers repeat a webhook when its answer was lost. */
  waitingFor(callId: string): Ticket | undefined {
    return this.#byToken.get(this.#tokenOf.get(callId) ?? "")?.ticket;
  }

  /** A new token for a call; one that it had is void. Its slot is released when no socket comes in time. */
  issue({ callId, call, slot, session }: Omit<Ticket, "token">): Ticket {
    this.#remove(callId);
    const { clock } = this.#platform;
    const ticket: Ticket = { token: toBase64Url(this.#platform.random(32)), callId, call, slot, session };
    const cancel = clock.at(clock.now() + this.#waitMs, () => {
      this.#remove(callId);
      void slot?.release();
    });
    this.#byToken.set(ticket.token, { ticket, cancel });
    this.#tokenOf.set(callId, ticket.token);
    return ticket;
  }

  /** Uses a token up. Undefined when it is not valid, or is that of another call: then it stays as it is. */
  take(token: string | undefined, callId: string): Ticket | undefined {
    const found = token === undefined ? undefined : this.#byToken.get(token);
    if (found === undefined || found.ticket.callId !== callId) return undefined;
    this.#remove(callId);
    this.#used.add(callId);
    const [oldest] = this.#used;
    if (this.#used.size > REMEMBERED && oldest !== undefined) this.#used.delete(oldest);
    return found.ticket;
  }

  /** Releases every place that is held. */
  close(): void {
    for (const { ticket, cancel } of this.#byToken.values()) {
      cancel();
      void ticket.slot?.release();
    }
    this.#byToken.clear();
    this.#tokenOf.clear();
  }

  #remove(callId: string): void {
    const token = this.#tokenOf.get(callId) ?? "";
    this.#byToken.get(token)?.cancel();
    this.#byToken.delete(token);
    this.#tokenOf.delete(callId);
  }
}
