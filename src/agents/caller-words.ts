import type { LiveSession } from "../session/session.ts";
import type { Listener } from "../session/turns.ts";
import type { Record } from "./record.ts";
import type { Reports } from "./reports.ts";
import type { EngineCan, EngineEvent } from "./types.ts";

/** Takes what the engine understood: shows it, writes it down when it is final, and tells the turn machine. */
export class CallerWords {
  readonly #session: LiveSession<unknown>;
  readonly #record: Record;
  readonly #reports: Reports;
  readonly #can: EngineCan;
  /** Cancels telling the machine of words that have changed. */
  #unsteady: (() => void) | undefined;

  constructor(session: LiveSession<unknown>, record: Record, reports: Reports, can: EngineCan) {
    this.#session = session;
    this.#record = record;
    this.#reports = reports;
    this.#can = can;
  }

  take(
    { item, text, final, rejected = false }: Extract<EngineEvent, { type: "words" }>,
    listener: Listener | undefined,
  ): void {
    this.#reports.callerSaid(item, text, { final, rejected });
    if (!final) this.#record.reserve(item);
    if (final && !rejected && text !== "") this.#record.message("caller", text, item);
    this.stop();
    const { words = "none", steadyMs = 0 } = this.#can;
    if (final || steadyMs <= 0) {
      note(listener, text, final, rejected);
    } else if (words === "partial") {
      const { clock } = this.#session;
      this.#unsteady = clock.at(clock.now() + steadyMs, () => note(listener, text, false, rejected));
    }
  }

  /** Words that have not proved steady count no more. */
  stop(): void {
    this.#unsteady?.();
    this.#unsteady = undefined;
  }
}

function note(listener: Listener | undefined, text: string, final: boolean, rejected: boolean): void {
  if (!rejected) {
    listener?.note({ type: "words", text, final });
    return;
  }
  // Something was said, if nobody knows what: the turn has content. Over our voice its length decides instead.
  const state = listener?.machine.state;
  if (state === "caller" || state === "pause") listener?.note({ type: "words", text: "unclear", final });
}
