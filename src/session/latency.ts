/*
 * Where the time of one turn went. The caller feels the time from the true end of their speech to our first sample. Each
 * stage reports when it was at work; an instant that two stages claim counts once, for the one that began first, and what
 * nobody claims is the framework's own. So the parts always add up to the total.
 */
import type { Millis } from "../base/time.ts";
import type { TurnParts } from "../protocol/page.ts";

export type Stage = "stt" | "llm" | "tool" | "tts";

export interface TurnTimes {
  readonly parts: TurnParts;
  readonly totalMs: Millis;
}

interface Span {
  readonly stage: Stage;
  readonly from: Millis;
  readonly to: Millis;
}

/** Collects the stages of one turn until its answer begins to be heard. */
export class TurnLatency {
  readonly turn: string;
  readonly #speechEnd: Millis;
  readonly #ended: Millis;
  readonly #spans: Span[] = [];

  /** `speechEnd`: when the caller fell silent; `ended`: when the turn was handed over. Session time. */
  constructor(turn: string, speechEnd: Millis, ended: Millis) {
    this.turn = turn;
    this.#speechEnd = Math.min(speechEnd, ended);
    this.#ended = ended;
  }

  /** A stage has worked for `ms` until `to`. What it did before the turn was handed over, hidden by the pause, counts nothing. */
  add(stage: Stage, ms: Millis, to: Millis): void {
    const from = Math.max(this.#ended, to - ms);
    if (to > from) this.#spans.push({ stage, from, to });
  }

  /** The account, when the first sample of the answer is sent at `at`. */
  answered(at: Millis): TurnTimes {
    const endpointing = this.#ended - this.#speechEnd;
    const parts = { endpointing, stt: 0, llm: 0, tool: 0, tts: 0, framework: Math.max(0, at - this.#ended) };
    let reached = this.#ended;
    for (const { stage, from, to } of this.#spans.toSorted((a, b) => a.from - b.from)) {
      const share = Math.min(to, at) - Math.max(from, reached);
      if (share <= 0) continue;
      parts[stage] += share;
      parts.framework -= share;
      reached = Math.min(to, at);
    }
    return { parts, totalMs: endpointing + Math.max(0, at - this.#ended) };
  }
}
