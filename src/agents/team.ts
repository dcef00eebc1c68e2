/*
 * Who of the team is on the line, and how the next one takes over: between two replies, with the conversation so far.
 */
import type { Session } from "../session/types.ts";
import { briefOf } from "./brief.ts";
import { targetOf } from "./handoff.ts";
import type { Mind } from "./mind.ts";
import type { Record } from "./record.ts";
import type { Reports } from "./reports.ts";
import type { Agent, Brief, Handoff } from "./types.ts";

/** The agents of one session. */
export class Team {
  readonly #session: Session;
  readonly #mind: Mind;
  readonly #record: Record;
  readonly #reports: Reports;
  readonly #turns: Brief["turns"];
  readonly #first: Agent;
  #agent: Agent;
  #passing: { readonly way: Handoff; announced: boolean } | undefined;
  /** Rises when the conversation starts anew. */
  #epoch = 0;

  constructor(
    first: Agent,
    {
      session,
      mind,
      record,
      reports,
      turns,
    }: { session: Session; mind: Mind; record: Record; reports: Reports; turns: Brief["turns"] },
  ) {
    this.#first = first;
    this.#agent = first;
    this.#session = session;
    this.#mind = mind;
    this.#record = record;
    this.#reports = reports;
    this.#turns = turns;
  }

  /** Who speaks. */
  get agent(): Agent {
    return this.#agent;
  }

  /** Somebody else is to take over as soon as no reply is live. */
  get isPassing(): boolean {
    return this.#passing !== undefined;
  }

  /** Asks for a handoff; false when one was asked for before: the first one counts. */
  pass(way: Handoff): boolean {
    if (this.#passing !== undefined) return false;
    this.#passing = { way, announced: false };
    return true;
  }

  /** What the one who leaves has still to say, once. */
  farewell(): string | undefined {
    const passing = this.#passing;
    if (passing === undefined || passing.announced) return undefined;
    passing.announced = true;
    return passing.way.say;
  }

  /** Opens the engine for the first one. Throws what the engine throws. */
  async open(): Promise<void> {
    await this.#mind.open(await this.#brief());
  }

  /**
   * Puts the next one on the line; false when the conversation started anew meanwhile. Throws what the agent's
   * instructions or the engine throw; the one before then stays.
   */
  async switch(): Promise<boolean> {
    const way = this.#passing?.way;
    this.#passing = undefined;
    if (way === undefined) return false;
    const epoch = this.#epoch;
    const from = this.#agent;
    let next = from.name;
    const isCurrent = (): boolean => epoch === this.#epoch && !this.#session.signal.aborted;
    try {
      this.#agent = targetOf(way);
      next = this.#agent.name;
      this.#record.handoff(from.name, next);
      this.#reports.handoff(next, from.name);
      await this.#mind.brief(() => this.#brief(way.filter));
    } catch (error) {
      if (!isCurrent()) return false;
      this.#agent = from;
      this.#record.handoff(next, from.name);
      this.#reports.handoff(from.name, undefined);
      throw error;
    }
    return isCurrent();
  }

  /** The first one begins anew, with an engine that knows nothing; false when that happened again meanwhile. */
  async reset(): Promise<boolean> {
    this.#epoch += 1;
    const epoch = this.#epoch;
    this.#passing = undefined;
    if (this.#agent !== this.#first) this.#reports.handoff(this.#first.name, this.#agent.name);
    this.#agent = this.#first;
    await this.#mind.brief(() => this.#brief(), { anew: true });
    return epoch === this.#epoch && !this.#session.signal.aborted;
  }

  #brief(filter: Handoff["filter"] = (items) => items): Promise<Brief> {
    return briefOf(this.#agent, this.#session, { turns: this.#turns, history: filter(this.#record.items) });
  }
}
