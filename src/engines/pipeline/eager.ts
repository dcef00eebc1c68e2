/*
 * The reply desk: at most one live reply, begun on speculation or for good. It decides; the session does.
 *
 *   likely ──▶ speculative ──ended, same words──▶ committed ──resumed──▶ parked ──ended, same words──▶ committed
 *                  │ other words, resumed and ended otherwise                │ other words
 *                  └────────────────────────▶ cancelled ◀────────────────────┘
 *
 * Speculation costs tokens when the caller goes on: it stops for the session when fewer than 3 of the last 10 tries hit.
 */

const TRIES_PER_TURN = 3;
const MEMORY = 10;
const LEAST_HITS = 3;

/** What to do now, in this order: cancel the live reply, then start, release or hold one. */
export interface DeskOrder {
  readonly cancel?: boolean;
  readonly start?: "speculative" | "committed";
  /** Let what the live reply has made out, and what it makes from now on. */
  readonly release?: boolean;
  /** Keep what it makes from now on. */
  readonly hold?: boolean;
}

const nothing: DeskOrder = {};

/** Knows which reply is live, and for which words. */
export class Desk {
  #live: { readonly words: string; phase: "speculative" | "committed" | "parked" } | undefined;
  #tries = 0;
  readonly #outcomes: boolean[] = [];

  get live(): "speculative" | "committed" | "parked" | undefined {
    return this.#live?.phase;
  }

  /** Whether speculation pays in this session. */
  get pays(): boolean {
    return this.#outcomes.length < MEMORY || this.#outcomes.filter(Boolean).length >= LEAST_HITS;
  }

  /** Tries of this session and how many of them hit, of the last ten. */
  get record(): { readonly tries: number; readonly hits: number } {
    return { tries: this.#outcomes.length, hits: this.#outcomes.filter(Boolean).length };
  }

  /** The turn may be over with these words. */
  likely(text: string): DeskOrder {
    const words = normalise(text);
    if (words === "" || this.#live?.words === words) return nothing;
    if (this.#live !== undefined && this.#live.phase !== "speculative") return nothing;
    if (!this.pays || this.#tries >= TRIES_PER_TURN) return this.#drop();
    const cancel = this.#drop();
    this.#tries += 1;
    this.#live = { words, phase: "speculative" };
    return { ...cancel, start: "speculative" };
  }

  /** The caller's words changed before the turn was over. */
  changed(text: string): DeskOrder {
    if (this.#live === undefined || this.#live.phase === "committed" || this.#live.words === normalise(text))
      return nothing;
    return this.#drop();
  }

  /** The caller goes on: what is being made is kept back. */
  resumed(): DeskOrder {
    if (this.#live?.phase !== "committed") return nothing;
    this.#live.phase = "parked";
    return { hold: true };
  }

  /** The turn is over with these words, and they want an answer. */
  ended(text: string): DeskOrder {
    const words = normalise(text);
    this.#tries = 0;
    if (this.#live !== undefined && this.#live.words === words) {
      if (this.#live.phase === "speculative") this.#note(true);
      this.#live.phase = "committed";
      return { release: true };
    }
    const cancel = this.#drop();
    this.#live = { words, phase: "committed" };
    return { ...cancel, start: "committed" };
  }

  /** Something else wants an answer than the caller's words: a result, a notice. */
  began(): DeskOrder {
    const cancel = this.#drop();
    this.#live = { words: "", phase: "committed" };
    return { ...cancel, start: "committed" };
  }

  /** The utterance came to nothing: what was parked for it goes on, what was a guess does not. */
  dismissed(): DeskOrder {
    this.#tries = 0;
    if (this.#live?.phase === "speculative") return this.#drop();
    if (this.#live?.phase !== "parked") return nothing;
    this.#live.phase = "committed";
    return { release: true };
  }

  /** The caller took the floor. */
  cancelled(): DeskOrder {
    return this.#drop();
  }

  /** The live reply is complete. */
  done(): void {
    this.#live = undefined;
  }

  #drop(): DeskOrder {
    if (this.#live === undefined) return nothing;
    if (this.#live.phase === "speculative") this.#note(false);
    this.#live = undefined;
    return { cancel: true };
  }

  #note(hit: boolean): void {
    this.#outcomes.push(hit);
    if (this.#outcomes.length > MEMORY) this.#outcomes.shift();
  }
}

/** Two texts are the same words when only case, punctuation and spacing differ. */
export function normalise(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}']+/gu, " ")
    .trim();
}
