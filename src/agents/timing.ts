/*
 * Turns as the page and the meters see them: their ids, and where the time went between the caller's last word and our
 * first sample.
 */
import { makeId } from "../base/ids.ts";
import type { Millis } from "../base/time.ts";
import { type Stage, TurnLatency } from "../session/latency.ts";
import type { LiveSession } from "../session/session.ts";
import type { EndedWhy } from "../turn/events.ts";
import type { Reports } from "./reports.ts";

const PARTS = ["endpointing", "stt", "llm", "tool", "tts", "framework"] as const;

/** Keeps the time of one session's turns. */
export class Timing {
  readonly #session: LiveSession<unknown>;
  readonly #reports: Reports;
  #turn = "";
  #count = 0;
  #speechEnd: Millis | undefined;
  #times: TurnLatency | undefined;

  constructor(session: LiveSession<unknown>, reports: Reports) {
    this.#session = session;
    this.#reports = reports;
  }

  /** The id of the present turn; empty before the first one. */
  get turn(): string {
    return this.#turn;
  }

  /** How many turns there have been. */
  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#turn = makeId("trn", (bytes) => this.#session.platform.random(bytes));
    this.#count += 1;
    this.#speechEnd = undefined;
    this.#reports.turn(this.#turn, "started");
  }

  resumed(): void {
    this.#reports.turn(this.#turn, "resumed");
  }

  /** The caller has been silent since `from`. */
  paused(from: Millis): void {
    this.#speechEnd = from;
  }

  /** The turn was handed over; with `answered` an answer follows, whose time is taken. */
  ended(why: EndedWhy, at: Millis, answered: boolean): void {
    // A line that was typed or dialled has no beginning of its own.
    if (this.#turn === "") this.begin();
    this.#reports.turn(this.#turn, "ended", why);
    if (!answered) return;
    this.#times = new TurnLatency(this.#turn, why === "typed" ? at : (this.#speechEnd ?? at), at);
  }

  stage(stage: Stage, ms: Millis): void {
    this.#times?.add(stage, ms, this.#session.clock.now());
  }

  /** The answer lost its reason. */
  dropped(): void {
    this.#times = undefined;
  }

  /** Our first sample leaves. */
  answered(at: Millis): void {
    if (this.#times === undefined) return;
    const { turn } = this.#times;
    const times = this.#times.answered(at);
    this.#times = undefined;
    this.#reports.answered(turn, times);
    this.#session.emit("latency", { turn, stage: "total", ms: times.totalMs });
    for (const stage of PARTS) this.#session.emit("latency", { turn, stage, ms: times.parts[stage] });
  }
}
