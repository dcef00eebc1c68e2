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
  #live = false;
  #rounds = 0;

  /** Whether calls are running. */
  get working(): boolean {
    return this.#running.size > 0;
  }

  /** Whether results wait to be answered, or will. */
  get owes(): boolean {
    return this.#owed.size > 0 || this.#running.size > 0;
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

  started(): void {
    this.#reply += 1;
    this.#live = true;
    for (const reply of this.#owed) if (!this.#busy(reply)) this.#owed.delete(reply);
  }

  ended(): void {
    this.#live = false;
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
    if (this.#live || !floor) return undefined;
    const done = [...this.#owed].filter((reply) => !this.#busy(reply));
    if (done.length === 0) return undefined;
    for (const reply of done) this.#owed.delete(reply);
    this.#rounds += 1;
    return this.#rounds > MAX_ROUNDS ? "enough" : "answer";
  }

  /** Forgets everything: the conversation starts anew. */
  reset(): void {
    this.#running.clear();
    this.#owed.clear();
    this.#live = false;
    this.#rounds = 0;
  }

  #busy(reply: number): boolean {
    for (const asked of this.#running.values()) if (asked === reply) return true;
    return false;
  }
}
