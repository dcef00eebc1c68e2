/*
 * Which responses of the provider make which reply of ours. A response that fails and is asked for again, and one that
 * goes on after the line broke, are the same reply to everybody outside. What was cancelled is over at once, whatever
 * still comes of it.
 */
export interface LiveReply {
  readonly id: string;
  /** The response that makes it now; undefined while the next one is on its way. */
  response: string | undefined;
  /** Items of ours in it, in order, and whether their words are complete. */
  readonly items: Map<string, { hasAudio: boolean; isComplete: boolean }>;
}

/** The replies of one call. */
export class Replies {
  #live: LiveReply | undefined;
  /** Items of cancelled responses, by response: what of them nobody heard is to be forgotten. */
  readonly #cancelled = new Map<string, LiveReply>();

  /** The reply that is being made. */
  get live(): LiveReply | undefined {
    return this.#live;
  }

  /** A response began. True when it is a new reply, false when it goes on with one. */
  started(response: string): boolean {
    if (this.#live !== undefined && this.#live.response === undefined) {
      this.#live.response = response;
      return false;
    }
    this.#live = { id: response, response, items: new Map() };
    return true;
  }

  /** The live reply, if this response makes it. */
  of(response: string): LiveReply | undefined {
    return this.#live?.response === response ? this.#live : undefined;
  }

  /** Another response will go on with the live reply. */
  suspend(): void {
    if (this.#live !== undefined) this.#live.response = undefined;
  }

  /** The live reply is over; answers it. */
  end(): LiveReply | undefined {
    const live = this.#live;
    this.#live = undefined;
    return live;
  }

  /** As `end`, but something of it may still come. */
  cancel(): LiveReply | undefined {
    const live = this.end();
    if (live?.response !== undefined) this.#cancelled.set(live.response, live);
    return live;
  }

  /** A cancelled response is really over. Answers it, once. */
  settle(response: string): LiveReply | undefined {
    const reply = this.#cancelled.get(response);
    this.#cancelled.delete(response);
    return reply;
  }
}
