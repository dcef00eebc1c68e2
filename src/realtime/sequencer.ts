/*
 * One response at a time. Whoever wants one asks here; the machine says when to send `response.create`, notices when the
 * provider does not answer, and knows which response was whose. Time is an argument.
 *
 *            request              created              done
 *   idle ────────────▶ requested ─────────▶ active ─────────▶ idle ─▶ the next in the queue
 *     └──────────── created (the provider answers by itself) ──▲
 *
 * Asks for an answer merge: an answer sees all there is. Texts to be said do not. A response that the provider began by
 * itself after it had acknowledged all our items has seen them, so an answer asked for meanwhile is not owed any more.
 */
import type { Deadline, Millis } from "../base/time.ts";
import type { RealtimeAsk } from "./model.ts";

/** No sign of a response that was asked for: asked once more, then the provider counts as deaf. */
export const UNANSWERED: Millis = 5_000;
/** No event of the active response: it is cancelled. */
export const SILENT: Millis = 20_000;
/** Nor after that: it is over. */
const CANCELLED: Millis = 5_000;
/** Before a response that failed is asked for again. */
const RETRY: Millis = 1_000;

export type SequencerAct =
  | { readonly type: "create"; readonly eventId: string; readonly ask: RealtimeAsk }
  | { readonly type: "cancel"; readonly response: string }
  /** Declared over: its end will not be told. */
  | { readonly type: "abandoned"; readonly response: string }
  /** The provider refused it. */
  | { readonly type: "refused"; readonly ask: RealtimeAsk }
  /** The provider does not answer: what waits has to be asked elsewhere. */
  | { readonly type: "deaf" };

export type SequencerState = "idle" | "requested" | "active";

interface Waiting {
  readonly ask: RealtimeAsk;
  readonly tries: number;
  readonly notBefore: Millis;
}

interface Requested extends Waiting {
  /** The creates that were sent for it and not refused. */
  readonly eventIds: readonly string[];
  readonly at: Millis;
  readonly cancelled: boolean;
}

interface Active {
  /** Undefined: the provider says that there is one, and never told its name. */
  readonly id: string | undefined;
  readonly mine: Requested | undefined;
  readonly seesAll: boolean;
  readonly at: Millis;
  readonly cancelledAt: Millis | undefined;
  readonly tries: number;
}

const NOTHING: readonly SequencerAct[] = Object.freeze([]);

/** Sequences the responses of one connection. Every method answers what to do now. */
export class Sequencer {
  #queue: readonly Waiting[] = [];
  #requested: Requested | undefined;
  #active: Active | undefined;
  /** The provider should begin by itself since then. */
  #expected: Millis | undefined;
  #events = 0;
  #added = 0;
  #acknowledged = 0;

  get state(): SequencerState {
    if (this.#active !== undefined) return "active";
    return this.#requested === undefined ? "idle" : "requested";
  }

  /** The response under way, when its name is known. */
  get active(): string | undefined {
    return this.#active?.id;
  }

  /** What was asked for and has not begun, in order. */
  get waiting(): readonly RealtimeAsk[] {
    const requested = this.#requested === undefined || this.#requested.cancelled ? [] : [this.#requested.ask];
    return [...requested, ...this.#queue.map(({ ask }) => ask)];
  }

  /** Call `tick` then. */
  get deadline(): Deadline | undefined {
    const active = this.#active;
    if (active?.cancelledAt !== undefined)
      return { at: active.cancelledAt + CANCELLED, why: "a cancelled response must end" };
    if (active !== undefined) return { at: active.at + SILENT, why: "a response must say something" };
    if (this.#requested !== undefined) return { at: this.#requested.at + UNANSWERED, why: "a response was asked for" };
    const [next] = this.#queue;
    if (next !== undefined) return { at: next.notBefore, why: "a failed response is asked for again" };
    if (this.#expected !== undefined)
      return { at: this.#expected + UNANSWERED, why: "the provider should answer by itself" };
    return undefined;
  }

  request(ask: RealtimeAsk, now: Millis): readonly SequencerAct[] {
    const merges = ask.type === "answer" && this.#queue.some((one) => one.ask.type === "answer");
    if (!merges) this.#queue = [...this.#queue, { ask, tries: 0, notBefore: now }];
    return this.#next(now);
  }

  /** The caller's turn was taken in, and the provider should answer it by itself. */
  expect(now: Millis): void {
    if (this.#active === undefined) this.#expected = now;
  }

  /** An item of ours was sent. */
  added(): void {
    this.#added += 1;
  }

  /** An item of ours is in the conversation, or never will be. */
  acknowledged(): void {
    this.#acknowledged += 1;
  }

  /** A response began. Answers also what it was asked for, when it was. */
  created(id: string, now: Millis): readonly SequencerAct[] {
    this.#expected = undefined;
    const before = this.#active;
    if (before?.id === id) return NOTHING;
    const mine = this.#requested;
    const seesAll = this.#acknowledged >= this.#added;
    this.#active = {
      id,
      mine,
      seesAll,
      at: now,
      cancelledAt: mine?.cancelled === true ? now : undefined,
      tries: mine?.tries ?? 0,
    };
    this.#requested = undefined;
    const over = before?.id === undefined ? NOTHING : [{ type: "abandoned", response: before.id } as const];
    return mine?.cancelled === true ? [...over, { type: "cancel", response: id }] : over;
  }

  /** What the active response was asked for. */
  get ask(): RealtimeAsk | undefined {
    return this.#active?.mine?.ask;
  }

  /** Something of a response came. */
  seen(id: string, now: Millis): void {
    if (this.#active?.id === id) this.#active = { ...this.#active, at: now };
  }

  /** Whether a failure of this response would be tried once more. */
  mayRetry(id: string): boolean {
    const active = this.#active;
    return active?.id === id && active.tries === 0 && active.cancelledAt === undefined;
  }

  /** A response is over; with `again` it is asked for once more after a moment. */
  done(id: string, now: Millis, { again = false }: { readonly again?: boolean } = {}): readonly SequencerAct[] {
    const active = this.#active;
    // An end of a response that nobody saw begin may be the end of the one whose name nobody told.
    if (active === undefined || (active.id !== undefined && active.id !== id)) return NOTHING;
    this.#active = undefined;
    if (again) {
      const ask = active.mine?.ask ?? { type: "answer" };
      this.#queue = [{ ask, tries: active.tries + 1, notBefore: now + RETRY }, ...this.#queue];
    }
    return this.#next(now);
  }

  /** Whether an error about this event of ours concerns a response that was asked for; then `refused` has to be told. */
  owns(eventId: string): boolean {
    return [...(this.#requested?.eventIds ?? []), ...(this.#active?.mine?.eventIds ?? [])].includes(eventId);
  }

  /** The provider refused a create; `busy`: because another response is under way. */
  refused(eventId: string, busy: boolean, now: Millis): readonly SequencerAct[] {
    const active = this.#active;
    const mine = this.#requested ?? active?.mine;
    if (mine === undefined || !mine.eventIds.includes(eventId)) return NOTHING;
    const eventIds = mine.eventIds.filter((one) => one !== eventId);
    // Another create of the same ask is still open, or has become the active response.
    if (eventIds.length > 0) {
      if (this.#requested === undefined && active !== undefined)
        this.#active = { ...active, mine: { ...mine, eventIds } };
      else this.#requested = { ...mine, eventIds };
      return NOTHING;
    }
    if (this.#requested === undefined && active !== undefined) this.#active = { ...active, mine: undefined };
    this.#requested = undefined;
    if (mine.cancelled) return this.#next(now);
    if (!busy) return [{ type: "refused", ask: mine.ask }, ...this.#next(now)];
    const isCovered = mine.ask.type === "answer" && active !== undefined && active.seesAll;
    if (!isCovered) this.#queue = [{ ask: mine.ask, tries: mine.tries, notBefore: now }, ...this.#queue];
    this.#active ??= { id: undefined, mine: undefined, seesAll: false, at: now, cancelledAt: undefined, tries: 0 };
    return NOTHING;
  }

  /** Stops all: what waits is forgotten, what runs is cancelled. `stops`: the provider stops it by itself. */
  cancel(now: Millis, { stops = false }: { readonly stops?: boolean } = {}): readonly SequencerAct[] {
    this.#queue = [];
    this.#expected = undefined;
    if (this.#requested !== undefined) this.#requested = { ...this.#requested, cancelled: true };
    const active = this.#active;
    if (active?.id === undefined || active.cancelledAt !== undefined) return NOTHING;
    this.#active = { ...active, cancelledAt: now };
    return stops ? NOTHING : [{ type: "cancel", response: active.id }];
  }

  tick(now: Millis): readonly SequencerAct[] {
    const deadline = this.deadline;
    if (deadline === undefined || now < deadline.at) return NOTHING;
    const active = this.#active;
    if (active !== undefined) return this.#tickActive(active, now);
    const requested = this.#requested;
    if (requested !== undefined) {
      if (requested.cancelled) {
        this.#requested = undefined;
        return this.#next(now);
      }
      if (requested.eventIds.length > 1) return this.#deaf(requested);
      return this.#create({ ...requested, at: now });
    }
    if (this.#queue.length > 0) return this.#next(now);
    this.#expected = undefined;
    return this.request({ type: "answer" }, now);
  }

  #tickActive(active: Active, now: Millis): readonly SequencerAct[] {
    if (active.cancelledAt === undefined && active.id !== undefined) {
      this.#active = { ...active, cancelledAt: now };
      return [{ type: "cancel", response: active.id }];
    }
    this.#active = undefined;
    const over = active.id === undefined ? [] : [{ type: "abandoned", response: active.id } as const];
    return [...over, ...this.#next(now)];
  }

  /** What was asked for waits for another connection. */
  #deaf({ ask, tries }: Requested): readonly SequencerAct[] {
    this.#requested = undefined;
    this.#queue = [{ ask, tries, notBefore: Number.POSITIVE_INFINITY }, ...this.#queue];
    return [{ type: "deaf" }];
  }

  #next(now: Millis): readonly SequencerAct[] {
    const [next] = this.#queue;
    if (next === undefined || this.#active !== undefined || this.#requested !== undefined || next.notBefore > now)
      return NOTHING;
    this.#queue = this.#queue.slice(1);
    this.#expected = undefined;
    return this.#create({ ...next, eventIds: [], at: now, cancelled: false });
  }

  #create(requested: Requested): readonly SequencerAct[] {
    this.#events += 1;
    const eventId = `rp_resp_${this.#events}`;
    this.#requested = { ...requested, eventIds: [...requested.eventIds, eventId] };
    return [{ type: "create", eventId, ask: requested.ask }];
  }
}
