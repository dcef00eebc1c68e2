import type { Millis } from "../base/time.ts";

/** How often the page asks whether the server is still there. */
export const PING_EVERY_MS = 2_000;

/** How many questions may stay open. A vanished server is noticed after two to three periods, 4 to 6 s. */
const OPEN_LIMIT = 2;

/**
 * Notices that the other side is gone. The browser does so too, but only after 7 to 18 s. A server that has never
 * answered a ping may not know them and is not held to it. Pure: its owner sends the pings.
 */
export class Heartbeat {
  #answered = false;
  #open = 0;
  #rtt: Millis | undefined;

  /** Time for the next ping. False: it is of no use any more, the other side is lost. */
  beat(): boolean {
    if (this.#answered && this.#open >= OPEN_LIMIT) return false;
    this.#open += 1;
    return true;
  }

  /** The answer to the ping sent at `sentAt`, on the page's own clock. */
  pong(sentAt: Millis, now: Millis): void {
    this.#answered = true;
    this.#open = 0;
    if (sentAt <= now) this.#rtt = now - sentAt;
  }

  /** Anything else the other side says shows as well that it is there. */
  alive(): void {
    this.#open = 0;
  }

  /** Of the last ping that was answered. */
  get rttMs(): Millis | undefined {
    return this.#rtt;
  }
}
