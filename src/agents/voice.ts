/*
 * Our voice in one session: what the engine says goes out, and where the caller is in it comes back. Lines that were
 * taken back stay silent, whatever an engine still sends for them.
 */
import type { LiveSession } from "../session/session.ts";
import type { Heard } from "../session/types.ts";
import type { Record } from "./record.ts";
import type { Reports } from "./reports.ts";
import { SpokenLines } from "./spoken.ts";
import type { Spoken } from "./types.ts";

/** Lines taken back whose late words and audio are ignored. */
const MEMORY = 32;

/** Speaks, and knows what was heard. */
export class Voice {
  readonly #session: LiveSession<unknown>;
  readonly #record: Record;
  readonly #reports: Reports;
  readonly #lines = new SpokenLines();
  #cut: readonly string[] = [];
  #playing = false;
  #hasSpoken = false;

  constructor(session: LiveSession<unknown>, record: Record, reports: Reports) {
    this.#session = session;
    this.#record = record;
    this.#reports = reports;
  }

  /** Something of ours is being heard. */
  get playing(): boolean {
    return this.#playing;
  }

  /** The reply under way, or the last one, has said something. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** A reply begins. */
  begin(): void {
    this.#hasSpoken = false;
  }

  speak(frame: Spoken, agent: string): void {
    const { item } = frame;
    if (item !== undefined) {
      if (this.#cut.includes(item)) return;
      this.#lines.line(item, agent).audio(frame);
    }
    this.#hasSpoken = true;
    this.#session.send(frame);
  }

  /** The words of a line so far. */
  words(item: string, agent: string, text: string, final: boolean): void {
    if (this.#cut.includes(item) || text === "") return;
    const line = this.#lines.line(item, agent);
    line.text = text;
    line.complete = final;
    this.#record.agentLine(item, line.agent, text);
    this.#reports.agentSaid(line);
  }

  /** Takes back what was not heard. `stop` ends its making, between knowing what was heard and writing it down. */
  takeBack(stop: (heard: Heard) => void): void {
    const { pending } = this.#session;
    const heard = this.#session.interrupt();
    stop(heard);
    const cuts = this.#lines.cut(heard);
    this.#cut = [...this.#cut, ...cuts.map(({ id }) => id)].slice(-MEMORY);
    this.#record.shorten(cuts);
    for (const cut of cuts) this.#reports.cut(cut.id, cut.agent, cut.heard, cut.unheard);
    if (pending > 0) this.#reports.interrupted(heard, cuts.find(({ id }) => id === heard.item)?.heard ?? "");
  }

  onPlaying(on: boolean): void {
    this.#playing = on;
  }

  onHeard({ item, played }: Heard): void {
    const line = item === undefined ? undefined : this.#lines.find(item);
    if (line === undefined) return;
    this.#reports.heard(line, played);
    if (this.#playing) this.#reports.agent(line.agent, "speaking");
  }
}
