/*
 * Which responses of the provider make which reply of ours. A response that fails and is asked for again, and one that
 * goes on after the line broke, are the same reply to everybody outside. What was cancelled is over at once, whatever
 * still comes of it.
 */

/** One thing that a reply says. */
export interface ReplyItem {
  /** What it is called outside. */
  readonly name: string;
  hasAudio: boolean;
  isComplete: boolean;
}

/** A reply in the making. */
export interface LiveReply {
  readonly id: string;
  /** The response that makes it now; undefined while the next one is on its way. */
  response: string | undefined;
  /** What it said, in order, by the provider's names. */
  readonly items: Map<string, ReplyItem>;
}

/** The replies of one call. */
export class Replies {
  #live: LiveReply | undefined;
  /** Items by the names they have outside, and the other way round. */
  readonly #inner = new Map<string, string>();
  readonly #outer = new Map<string, string>();
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

  /** An item of the live reply. Outside, the first one has the reply's own name. */
  item(reply: LiveReply, item: string): ReplyItem {
    let known = reply.items.get(item);
    if (known === undefined) {
      known = { name: reply.items.size === 0 ? reply.id : item, hasAudio: false, isComplete: false };
      reply.items.set(item, known);
      this.#inner.set(known.name, item);
      this.#outer.set(item, known.name);
    }
    return known;
  }

  /** The provider's name of an item. */
  inner(name: string): string {
    return this.#inner.get(name) ?? name;
  }

  /** The name that everybody else has for an item of the provider's. */
  outer(item: string): string {
    return this.#outer.get(item) ?? item;
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
