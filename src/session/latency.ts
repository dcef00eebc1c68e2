/*
 * Where the time of one turn went. The caller feels the time from the true end of their speech to our first sample; each
 * stage reports its own share as a duration, and what nobody claims is the framework's own. So the parts always add up.
 */
import type { Millis } from "../base/time.ts";
import type { TurnParts } from "../protocol/page.ts";

export type Stage = "stt" | "llm" | "tool" | "tts";

export interface TurnTimes {
  readonly parts: TurnParts;
  readonly totalMs: Millis;
}

/** Collects the stages of one turn until its answer begins to be heard. */
export class TurnLatency {
  readonly turn: string;
  readonly #speechEnd: Millis;
  readonly #ended: Millis;
  readonly #stages: Record<Stage, Millis> = { stt: 0, llm: 0, tool: 0, tts: 0 };

  /** `speechEnd`: when the caller fell silent; `ended`: when the turn was handed over. */
  constructor(turn: string, speechEnd: Millis, ended: Millis) {
    this.turn = turn;
    this.#speechEnd = Math.min(speechEnd, ended);
    this.#ended = ended;
  }

  /** Adds to a stage. A stage that ran before the turn was handed over, hidden by the pause, counts nothing. */
  add(stage: Stage, ms: Millis): void {
    this.#stages[stage] += Math.max(0, ms);
  }

  /** The account, when the first sample of the answer is sent at `at`. */
  answered(at: Millis): TurnTimes {
    const totalMs = at - this.#speechEnd;
    const endpointing = this.#ended - this.#speechEnd;
    const { stt, llm, tool, tts } = this.#stages;
    // Stages that overlap may claim more than there was: scale them down so that the parts add up.
    const claimed = stt + llm + tool + tts;
    const available = Math.max(0, totalMs - endpointing);
    const scale = claimed > available && claimed > 0 ? available / claimed : 1;
    const parts = {
      endpointing,
      stt: stt * scale,
      llm: llm * scale,
      tool: tool * scale,
      tts: tts * scale,
      framework: Math.max(0, available - claimed),
    };
    return { parts, totalMs };
  }
}
