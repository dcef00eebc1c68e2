/*
 * All callers of one handler: who may come in, who is there, and the way out for all of them at once.
 */
import { deferred } from "../base/deferred.ts";
import { asVoiceError, VoiceError } from "../base/errors.ts";
import { makeId } from "../base/ids.ts";
import type { Platform } from "../base/platform.ts";
import type { Queue } from "../base/queue.ts";
import type { Millis } from "../base/time.ts";
import type { DetectorMaker } from "../vad/detector.ts";
import { MemoryAdmission } from "./admission.ts";
import type { Numbered } from "./outputs.ts";
import { run } from "./run.ts";
import { LiveSession } from "./session.ts";
import { Ticker } from "./ticker.ts";
import type { Admission, Handler, Session, Slot, Transport } from "./types.ts";

/** How long a lost line waits: as long as a page tries to come back. */
const AWAY: Millis = 60_000;
/** When the caller is told that the time limit is near, ms before it. */
const WARN_BEFORE: Millis = 30_000;
/** How many ended calls are remembered by id, so that a late question is told "over" and not "never heard of". */
const REMEMBERED = 1_000;
/** How many inputs a page may make up, where none are declared. */
const INPUTS_LIMIT = 256;
/** How many posts a call takes before it is up. */
const EARLY_LIMIT = 32;

export interface CallsOptions<In> {
  readonly platform: Platform;
  /** Most calls at once, over all transports. Default: no limit. */
  readonly concurrencyLimit?: number | undefined;
  /** Who gives out the slots. Default: counted in this process with `concurrencyLimit`. */
  readonly admission?: Admission | undefined;
  /** Longest call, ms. Default: no limit. The caller is warned 30 s before. */
  readonly timeLimitMs?: Millis | undefined;
  /** Longest farewell after the handler returned, ms. Default 10 000. */
  readonly farewellMs?: Millis | undefined;
  /** Which way media flows, seen from the caller. Default both. */
  readonly mode?: "send-receive" | "send" | "receive" | undefined;
  /** How long a call whose line was lost waits for its caller, ms; 0: not at all. Default 60 000. */
  readonly awayMs?: Millis | undefined;
  /** Rate of the audio handlers get, Hz. Default: that of each transport. */
  readonly rate?: number | undefined;
  readonly detector?: DetectorMaker | undefined;
  /** The inputs of a new session, and how the page's values change them. */
  readonly inputs?:
    | {
        /** The values of a new session, its own to change. */
        initial(): In;
        /** Throws VoiceError `bad-message`. */
        parse(values: Readonly<Record<string, unknown>>, old: In): In;
      }
    | undefined;
}

export interface AnswerOptions {
  /** From `reserve`. Without it one is reserved, and the transport closed when there is none. */
  readonly slot?: Slot;
  /** The id the caller's page has chosen, valid while the call lives. */
  readonly alias?: string;
  /** The session's id, for a transport that has told it to its peer before. Default: a new one. */
  readonly id?: string;
}

/** Answers calls with one handler. */
export class Calls<In = unknown> {
  readonly platform: Platform;
  readonly #handler: Handler<In>;
  readonly #options: CallsOptions<In>;
  readonly #admission: Admission;
  readonly #ticker: Ticker;
  readonly #sessions = new Map<string, LiveSession<In>>();
  readonly #aliases = new Map<string, string>();
  /** What pages have posted for calls that are being set up. */
  readonly #early = new Map<string, Readonly<Record<string, unknown>>[]>();
  readonly #ended = new Set<string>();
  readonly #arrivals = new Map<string, Set<() => void>>();
  #draining = false;

  /** Throws TypeError when the handler is no function, RangeError for options that make no sense. */
  constructor(handler: Handler<In>, options: CallsOptions<In>) {
    checkCalls(handler, options);
    this.#handler = handler;
    this.#options = options;
    this.platform = options.platform;
    this.#admission = options.admission ?? new MemoryAdmission(options.concurrencyLimit);
    this.#ticker = new Ticker(options.platform.clock, (error) =>
      options.platform.log.error("the media clock failed", { error }),
    );
  }

  /** Everybody on the line, by session id. */
  get sessions(): ReadonlyMap<string, Session<In>> {
    return this.#sessions;
  }

  /** A session by its id or by the id its page has chosen. */
  get(id: string): Session<In> | undefined {
    return this.#find(id);
  }

  /** Sets inputs from outside, as the page would. Throws VoiceError `unknown-session` or `bad-message`. */
  setInputs(id: string, values: Readonly<Record<string, unknown>>): void {
    const session = this.#find(id);
    if (session === undefined) throw new VoiceError("unknown-session", `there is no session ${id}`);
    session.setInputs(values);
  }

  /**
   * The messages of a session, from now on and, for the first subscriber, from its beginning. Waits `timeoutMs` for a
   * session that is still being set up. `undefined`: never heard of it; "ended": it is over.
   */
  async outputs(
    id: string,
    { after, timeoutMs = 0 }: { readonly after?: number; readonly timeoutMs?: Millis } = {},
  ): Promise<Queue<Numbered> | "ended" | undefined> {
    if (this.#find(id) === undefined && !this.#ended.has(id) && timeoutMs > 0) await this.#arrival(id, timeoutMs);
    const session = this.#find(id);
    if (session === undefined) return this.#ended.has(id) ? "ended" : undefined;
    return session.outputs.subscribe(after);
  }

  /**
   * Values a page has posted: inputs, and a typed turn in a non-empty `textbox`. Those for a call that is still being set
   * up are kept for its start. Throws VoiceError `unknown-session`, `too-large` or `bad-message`.
   */
  post(id: string, values: Readonly<Record<string, unknown>>): void {
    const session = this.#find(id);
    const early = this.#early.get(id);
    if (session !== undefined) session.post(values);
    else if (early === undefined) throw new VoiceError("unknown-session", `there is no session ${id}`);
    else if (early.length >= EARLY_LIMIT)
      throw new VoiceError("too-large", `a call that is being set up takes ${EARLY_LIMIT} posts`);
    else {
      const { inputs } = this.#options;
      inputs?.parse(values, inputs.initial());
      early.push(values);
    }
  }

  /** Keeps a place for a call that is being set up. Throws VoiceError `concurrency-limit`, `draining`, `session-exists`. */
  async reserve(alias: string): Promise<Slot> {
    if (this.#draining) throw new VoiceError("draining", "the server is shutting down", { expose: true });
    if (this.#find(alias) !== undefined || this.#early.has(alias)) {
      throw new VoiceError("session-exists", `a session with the id ${alias} is alive`);
    }
    const early: Readonly<Record<string, unknown>>[] = [];
    this.#early.set(alias, early);
    const forget = (): void => {
      if (this.#early.get(alias) === early) this.#early.delete(alias);
    };
    try {
      const slot = await this.#admission.reserve(alias, []);
      const release = (): Promise<void> => {
        forget();
        return slot.release();
      };
      return { renew: () => slot.renew(), release };
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** An id for a session to come. */
  makeId(): string {
    return makeId("ses", (bytes) => this.platform.random(bytes));
  }

  /** Puts a connected transport through to the handler. Throws VoiceError as `reserve` does, after closing the transport. */
  async answer(transport: Transport, { slot, alias, id = this.makeId() }: AnswerOptions = {}): Promise<Session<In>> {
    let held = slot;
    try {
      held ??= await this.reserve(alias ?? id);
      if (this.#draining) throw new VoiceError("draining", "the server is shutting down", { expose: true });
    } catch (error) {
      void held?.release();
      transport.close(error);
      throw error;
    }
    const session = this.#create(id, transport, held, alias);
    this.#open(session, alias ?? id);
    void run(session, this.#handler, { farewellMs: this.#options.farewellMs ?? 10_000 });
    return session;
  }

  /** Puts a transport through to a call that is under way. Throws VoiceError `unknown-session` after closing the transport. */
  move(id: string, transport: Transport): Session<In> {
    const session = this.#find(id);
    if (session === undefined || session.state === "closing") {
      const error = new VoiceError("unknown-session", `there is no session ${id}`);
      transport.close(error);
      throw error;
    }
    session.move(transport);
    return session;
  }

  /** Ends every call with this reason and takes no new ones. */
  async close(reason: unknown = new VoiceError("draining", "the server is shutting down")): Promise<void> {
    this.#draining = true;
    await Promise.all(Array.from(this.#sessions.values(), (session) => session.close(reason)));
  }

  get draining(): boolean {
    return this.#draining;
  }

  #create(id: string, transport: Transport, slot: Slot, alias: string | undefined): LiveSession<In> {
    const { platform, rate, detector, inputs, timeLimitMs, awayMs, mode } = this.#options;
    const labels = { transport: transport.name };
    const session = new LiveSession<In>({
      id,
      transport,
      platform,
      ticker: this.#ticker,
      slot,
      awayMs: awayMs ?? AWAY,
      mode: mode ?? "send-receive",
      rate,
      // Without a schema inputs are `unknown` to the handler: a plain record of what the page has sent.
      inputs: inputs?.initial() ?? ({} as In),
      parseInputs: (values, old) =>
        inputs === undefined ? (merged(old as object, values) as In) : inputs.parse(values, old),
      detector,
      onClosed: () => {
        this.#sessions.delete(id);
        this.#remember(id);
        if (alias !== undefined && this.#aliases.get(alias) === id) {
          this.#aliases.delete(alias);
          this.#remember(alias);
        }
        platform.meters.gauge("repartee_sessions", this.#sessions.size);
        platform.log.info("a call ended", { session: id, ms: Math.round(session.clock.now()), ...labels });
      },
    });
    this.#sessions.set(id, session);
    if (alias !== undefined) {
      this.#aliases.set(alias, id);
      this.#ended.delete(alias);
      for (const arrived of this.#arrivals.get(alias) ?? []) arrived();
    }
    platform.meters.count("repartee_sessions_total", 1, labels);
    platform.meters.gauge("repartee_sessions", this.#sessions.size);
    platform.log.info("a call began", { session: id, ...labels });
    if (timeLimitMs !== undefined) this.#limit(session, timeLimitMs);
    return session;
  }

  /** Connects the transport and hands over what was posted before. */
  #open(session: LiveSession<In>, name: string): void {
    const early = this.#early.get(name) ?? [];
    this.#early.delete(name);
    try {
      session.open();
    } catch (error) {
      void session.close(error);
      throw error;
    }
    for (const values of early) this.#postEarly(session, values);
  }

  #postEarly(session: LiveSession<In>, values: Readonly<Record<string, unknown>>): void {
    try {
      session.post(values);
    } catch (error) {
      session.fault(asVoiceError(error, "bad-message"));
    }
  }

  #remember(id: string): void {
    this.#ended.add(id);
    const [oldest] = this.#ended;
    if (this.#ended.size > REMEMBERED && oldest !== undefined) this.#ended.delete(oldest);
  }

  /** Settles when a session with this id begins, or after `timeoutMs`; leaves nothing behind. */
  async #arrival(id: string, timeoutMs: Millis): Promise<void> {
    const over = deferred<void>();
    const arrived = (): void => over.resolve();
    const waiting = this.#arrivals.get(id) ?? new Set();
    this.#arrivals.set(id, waiting.add(arrived));
    const cancel = this.platform.clock.at(this.platform.clock.now() + timeoutMs, arrived);
    await over.promise;
    cancel();
    waiting.delete(arrived);
    if (waiting.size === 0) this.#arrivals.delete(id);
  }

  #limit(session: LiveSession<In>, timeLimitMs: Millis): void {
    const warn = (): void =>
      session.warn(`This call ends in ${Math.round(Math.min(WARN_BEFORE, timeLimitMs) / 1000)} seconds.`);
    const cancels = [
      session.clock.at(Math.max(0, timeLimitMs - WARN_BEFORE), warn),
      session.clock.at(timeLimitMs, () => {
        void session.close(new VoiceError("time-limit", `the call reached its limit of ${timeLimitMs} ms`));
      }),
    ];
    session.on("closed", () => {
      for (const cancel of cancels) cancel();
    });
  }

  #find(id: string): LiveSession<In> | undefined {
    return this.#sessions.get(id) ?? this.#sessions.get(this.#aliases.get(id) ?? "");
  }
}

type Limits = Pick<
  CallsOptions<unknown>,
  "concurrencyLimit" | "timeLimitMs" | "awayMs" | "farewellMs" | "rate" | "mode"
>;

/** Throws TypeError for a handler that is none, RangeError for options out of their range. */
export function checkCalls(handler: unknown, options: Limits): void {
  if (typeof handler !== "function")
    throw new TypeError(`a handler is a function of the session, got ${typeof handler}`);
  const need = <K extends keyof Limits>(
    name: K,
    what: string,
    fits: (value: NonNullable<Limits[K]>) => boolean,
  ): void => {
    const value = options[name];
    if (value !== undefined && !fits(value))
      throw new RangeError(`${name} must be ${what}, got ${typeof value === "string" ? `"${value}"` : value}`);
  };
  const isCount = (value: number): boolean => value > 0 && Number.isInteger(value);
  need("concurrencyLimit", "a whole number above 0", (value) => isCount(value) || value === Number.POSITIVE_INFINITY);
  need("timeLimitMs", "above 0", (value) => value > 0);
  need("awayMs", "0 or more", (value) => value >= 0);
  need("farewellMs", "0 or more", (value) => value >= 0);
  need("rate", "a whole number of Hz above 0", isCount);
  need("mode", '"send-receive", "send" or "receive"', (value) => ["send-receive", "send", "receive"].includes(value));
}

/** What the page has sent so far, for handlers that declare no inputs. Throws VoiceError `too-large`. */
function merged(old: object, values: Readonly<Record<string, unknown>>): object {
  const all = { ...old, ...values };
  const { length } = Object.keys(all);
  if (length > INPUTS_LIMIT) throw new VoiceError("too-large", `a call may have ${INPUTS_LIMIT} inputs, got ${length}`);
  return all;
}
