/*
 * When to ask the engine for an answer to what tools have found.
 *
 *   call, call ──▶ results come in ──▶ all of that reply are in, no reply is live, the caller is silent ──▶ ONE answer
 *
 * A result that comes while the caller speaks, or while another reply is live, waits; several merge into one answer. A
 * reply that starts for another reason has seen every result added before it, so nothing more is owed for those. Rounds
 * are counted, so that a model which calls tools for ever comes to an end. A plain machine: its owner does the asking.
 */

/** The most answers in a row without a word from the caller. */
export const MAX_ROUNDS = 8;

/** Keeps count of what is owed. */
export class Answering {
  /** Running calls, and the reply that asked for each. */
  readonly #running = new Map<string, number>();
  /** Replies whose results nobody has answered yet. */
  readonly #owed = new Set<number>();
  #reply = 0;
  /** The id of the live reply; "asked" between asking for one and its start. */
  #live: string | undefined;
  #last: string | undefined;
  #saying = 0;
  #rounds = 0;

  /** Whether a reply is being made, or was asked for. */
  get live(): boolean {
    return this.#live !== undefined;
  }

  /** Whether results wait to be answered, or will. */
  get owes(): boolean {
    return this.#owed.size > 0 || this.#running.size > 0;
  }

  isRunning(call: string): boolean {
    return this.#running.has(call);
  }

  /** The live reply asked for a tool. */
  called(call: string): void {
    this.#running.set(call, this.#reply);
  }

  /** A result was added to the conversation; false when it was not expected any more. */
  answered(call: string): boolean {
    const reply = this.#running.get(call);
    if (reply === undefined) return false;
    this.#running.delete(call);
    this.#owed.add(reply);
    return true;
  }

  /** The call needs no answer: it was taken back, or its result leads elsewhere. */
  dropped(call: string): void {
    this.#running.delete(call);
  }

  /** The engine was asked for an answer: it will see every result added so far. */
  asked(): void {
    this.#live = "asked";
    this.#cover();
  }

  /** The engine was asked to say a fixed text, which answers nothing. */
  said(): void {
    this.#live = "asked";
    this.#saying += 1;
  }

  /** A reply began. */
  started(reply: string): void {
    this.#reply += 1;
    this.#live = reply;
    this.#last = reply;
    if (this.#saying > 0) this.#saying -= 1;
    else this.#cover();
  }

  /** A reply ended, in whatever way; false for one that is not the live one. */
  ended(reply: string): boolean {
    const isLive = this.#live === "asked" ? reply !== this.#last : reply === this.#live;
    if (isLive) this.#live = undefined;
    return isLive;
  }

  /** The caller took the floor: whatever was being made, or asked for, is no more. */
  stopped(): void {
    this.#live = undefined;
    this.#saying = 0;
  }

  /** The caller said something: the model may call tools again. */
  turn(): void {
    this.#rounds = 0;
  }

  /**
   * What is due now. `answer`: ask the engine. `enough`: the model went round too often and gets no further answer. Call
   * after every change, with whether the caller leaves us the floor; the answer counts as asked for.
   */
  next(floor: boolean): "answer" | "enough" | undefined {
    if (this.live || !floor) return undefined;
    const owed = this.#owed.size;
    this.#cover();
    if (this.#owed.size === owed) return undefined;
    this.#rounds += 1;
    if (this.#rounds > MAX_ROUNDS) return "enough";
    this.#live = "asked";
    return "answer";
  }

  /** Forgets everything: the conversation starts anew. */
  reset(): void {
    this.#running.clear();
    this.#owed.clear();
    this.#rounds = 0;
    this.stopped();
  }

  /** Replies of which every result is in need no answer of their own any more. */
  #cover(): void {
    const busy = new Set(this.#running.values());
    for (const reply of this.#owed) if (!busy.has(reply)) this.#owed.delete(reply);
  }
}
