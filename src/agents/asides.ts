/*
 * What is said beside the answers: greeting, farewell before a handoff, filler, apology. Fixed texts, asked of the engine
 * without asking the model.
 */
import type { LiveSession } from "../session/session.ts";
import type { Answering } from "./answering.ts";
import type { ConverseOptions } from "./converse.ts";
import type { Mind } from "./mind.ts";
import type { Voice } from "./voice.ts";

const APOLOGY = "Sorry, something went wrong on my side. Please say that again.";
const ENOUGH = "Sorry, I could not finish that. Please ask me in other words.";

export interface AsidesParts {
  readonly session: LiveSession<unknown>;
  readonly mind: Mind;
  readonly answering: Answering;
  readonly voice: Voice;
  readonly options: Pick<ConverseOptions, "apology" | "filler">;
  /** Something is about to be said: our turn is not over. */
  onSay(): void;
}

/** Says fixed texts in one session. */
export class Asides {
  readonly #parts: AsidesParts;
  #apologised = false;
  /** Rises with every turn: a filler that was meant for an earlier one stays unsaid. */
  #turn = 0;
  #cancelFiller = (): void => {};

  constructor(parts: AsidesParts) {
    this.#parts = parts;
  }

  say(text: string): void {
    this.#parts.answering.said();
    this.#parts.onSay();
    this.#parts.mind.say(text);
  }

  /** The caller has said something. */
  turn(): void {
    this.#apologised = false;
    this.#turn += 1;
  }

  /** Once per turn: an apology that fails is not apologised for. */
  apologise(): void {
    const text = this.#parts.options.apology ?? APOLOGY;
    if (this.#apologised || text === "") return;
    this.#apologised = true;
    this.say(text);
  }

  /** The model went round too often. */
  giveUp(): void {
    this.say(ENOUGH);
  }

  /** Something to hear while a slow tool works; `isFree` tells, when the time has come, whether we have the floor. */
  fill(call: string, isFree: () => boolean): void {
    const { options, session, answering, voice } = this.#parts;
    const { filler } = options;
    if (filler === undefined) return;
    const turn = this.#turn;
    this.#cancelFiller();
    this.#cancelFiller = session.clock.at(session.clock.now() + filler.afterMs, () => {
      const isWaiting = answering.isRunning(call) && !answering.live && session.pending <= 0;
      if (isWaiting && turn === this.#turn && !voice.hasSpoken && isFree()) this.say(filler.text);
    });
  }

  close(): void {
    this.#cancelFiller();
  }
}
