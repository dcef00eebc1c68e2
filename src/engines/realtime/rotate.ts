/*
 * The line to the model, whatever connection it is made of. A provider ends every connection after an hour, networks end
 * them when they like, and both are the same here: open another one, tell it what was said, and go on.
 *
 *   renewal   before the end:  open ─▶ wait for a turn boundary ─▶ tell ─▶ switch ─▶ close the old one
 *   loss      nothing is left: (0.5 s doubling to 8 s, full jitter, 5 rounds) open ─▶ tell ─▶ go on
 *
 * Providers are tried in their order in every round. Late events of an older connection do nothing.
 */
import { type Deferred, deferred } from "../../base/deferred.ts";
import { asVoiceError, VoiceError } from "../../base/errors.ts";
import type { Platform } from "../../base/platform.ts";
import type { Clock, Millis } from "../../base/time.ts";
import { isFinal } from "../../realtime/faults.ts";
import type {
  RealtimeConfig,
  RealtimeConnection,
  RealtimeEvent,
  RealtimeItem,
  RealtimeModel,
} from "../../realtime/model.ts";
import type { ReplayReason } from "../../realtime/replay.ts";
import type { Breaker } from "./breaker.ts";

/** What a connection lives where the provider does not say. */
const LIFETIME: Millis = 3_600_000;
/** Renewal begins this long before the end, or a twelfth of the lifetime; it is forced at a fifth of that. */
const LEAD: Millis = 300_000;
/** Between two looks for a turn boundary. */
const LOOK: Millis = 250;
/** Before a renewal that failed is tried again. */
const AGAIN: Millis = 15_000;
const ROUNDS = 5;
const FIRST_WAIT: Millis = 500;
const LONGEST_WAIT: Millis = 8_000;
/** Connections in a row that lived less than this end the incident. */
const QUICK: Millis = 5_000;
const QUICK_FAILURES = 3;

export interface RotationOptions {
  /** In the order of preference. */
  readonly models: readonly RealtimeModel[];
  readonly breakers: ReadonlyMap<string, Breaker>;
  readonly platform: Platform;
  readonly signal: AbortSignal;
  /** What a connection is told, without the history. */
  config(): Omit<RealtimeConfig, "history">;
  /** What was said so far, as a new connection is told it. */
  history(reason: ReplayReason): readonly RealtimeItem[];
  /** Whether nobody speaks and nothing is under way. */
  isBoundary(): boolean;
  /** What the present connection says. */
  on(event: RealtimeEvent): void;
  /** The old one broke; another one is looked for. */
  lost(error: VoiceError): void;
  /** From now on this one counts. */
  attached(connection: RealtimeConnection, reason: ReplayReason): void;
  /** There is no way to go on. */
  gone(error: VoiceError): void;
}

/** A connection and what it has been told. */
class Line {
  readonly connection: RealtimeConnection;
  readonly told: Set<string>;
  readonly since: Millis;
  constructor(connection: RealtimeConnection, told: Iterable<string>, since: Millis) {
    this.connection = connection;
    this.told = new Set(told);
    this.since = since;
  }
  tell(items: readonly RealtimeItem[]): void {
    for (const item of items) {
      if (this.told.has(item.id)) continue;
      this.told.add(item.id);
      this.connection.add(item);
    }
  }
}

/** Keeps a line open. */
export class Rotation {
  readonly #options: RotationOptions;
  readonly #clock: Clock;
  #line: Line | undefined;
  #standby: Line | undefined;
  /** Settles when there is a line again. */
  #ready: Deferred<void> = deferred();
  /** Rises with every change of line, so that what belongs to an older one is known. */
  #generation = 0;
  #quick = 0;
  #cancelTimer: (() => void) | undefined;
  /** Ends a wait before its time. */
  #wake = (): void => {};
  #closed = false;

  constructor(options: RotationOptions) {
    this.#options = options;
    this.#clock = options.platform.clock;
    options.signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** The connection in use; undefined while there is none. */
  get current(): RealtimeConnection | undefined {
    return this.#line?.connection;
  }

  /** Opens the first connection. Throws VoiceError when no provider can be reached. */
  async open(): Promise<void> {
    const generation = this.#generation;
    const line = await this.#establish("takeover");
    if (this.#closed || generation !== this.#generation) return void line.connection.close();
    this.#attach(line, "takeover");
  }

  /** Settles when there is a line; rejects when there will be none. */
  ready(): Promise<void> {
    return this.#line === undefined ? this.#ready.promise : Promise.resolve();
  }

  /** The present connection knows this item. */
  knows(item: string): boolean {
    return this.#line?.told.has(item) === true;
  }
  learned(item: string): void {
    this.#line?.told.add(item);
  }

  /** Tells the present connection what it does not know; without one, the history will tell it. */
  tell(...items: readonly RealtimeItem[]): void {
    this.#line?.tell(items);
  }

  /** Gives the present connection up, as if it had broken. */
  restart(why: VoiceError): void {
    if (this.#line !== undefined) this.#lose(why);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#generation += 1;
    this.#cancelTimer?.();
    this.#wake();
    this.#ready.reject(new VoiceError("closed", "the conversation is over"));
    await Promise.all([this.#line?.connection.close(), this.#standby?.connection.close()]);
    this.#line = undefined;
    this.#standby = undefined;
  }

  #attach(line: Line, reason: ReplayReason): void {
    this.#generation += 1;
    this.#line = line;
    this.#scheduleRenewal(line);
    this.#options.attached(line.connection, reason);
    this.#ready.resolve();
  }

  #onEvent(line: () => Line | undefined, event: RealtimeEvent): void {
    const from = line();
    if (from === undefined || this.#closed) return;
    if (from === this.#line) {
      if (event.type === "closed") this.#lose(event.error);
      else this.#options.on(event);
    } else if (from === this.#standby && event.type === "closed") {
      this.#standby = undefined;
    }
  }

  #lose(error: VoiceError): void {
    const line = this.#line;
    if (line === undefined || this.#closed) return;
    this.#quick = this.#clock.now() - line.since < QUICK ? this.#quick + 1 : 0;
    this.#options.lost(error);
    this.#line = undefined;
    this.#generation += 1;
    this.#ready = deferred();
    this.#cancelTimer?.();
    void line.connection.close();
    this.#options.platform.meters.count("repartee_realtime_losses_total", 1, { code: error.code });
    this.#options.platform.log.info("the line to a realtime model broke", { model: line.connection.model.id, error });
    void this.#recover(error);
  }

  async #recover(error: VoiceError): Promise<void> {
    const { platform } = this.#options;
    const generation = this.#generation;
    const from = this.#clock.now();
    try {
      if (this.#quick >= QUICK_FAILURES)
        throw new VoiceError("provider-unavailable", "the provider ends every connection at once", { cause: error });
      const line = (await this.#useStandby()) ?? (await this.#establish("loss"));
      if (this.#closed || generation !== this.#generation) return void line.connection.close();
      this.#attach(line, "loss");
      platform.meters.observe("repartee_realtime_recovery_ms", this.#clock.now() - from);
    } catch (failure) {
      if (this.#closed || generation !== this.#generation) return;
      const reason = asVoiceError(failure, "provider-unavailable");
      this.#closed = true;
      this.#ready.reject(reason);
      this.#options.gone(reason);
    }
  }

  /** A connection that was opened for a renewal is at hand. */
  async #useStandby(): Promise<Line | undefined> {
    const line = this.#standby;
    if (line === undefined) return undefined;
    line.tell(this.#options.history("loss"));
    await line.connection.acknowledged();
    if (this.#standby !== line) return undefined;
    this.#standby = undefined;
    return line;
  }

  /** Tries all providers, in rounds. Throws what the last one threw. */
  async #establish(reason: ReplayReason): Promise<Line> {
    let last = new VoiceError("provider-unavailable", "no provider can be reached");
    let wish: Millis = 0;
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0 || reason === "loss") await this.#wait(Math.max(wish, this.#jitter(round)));
      let hopeless = true;
      wish = 0;
      for (const model of this.#options.models) {
        this.#check();
        const breaker = this.#options.breakers.get(model.id);
        if (breaker?.allows(this.#clock.now()) === false) {
          hopeless = false;
          continue;
        }
        try {
          const line = await this.#connect(model, this.#options.history(reason));
          breaker?.succeeded();
          return line;
        } catch (error) {
          this.#check();
          last = asVoiceError(error, "provider-unavailable");
          breaker?.failed(this.#clock.now());
          hopeless &&= isFinal(last);
          const { retryAfterMs } = last.meta;
          if (typeof retryAfterMs === "number") wish = Math.max(wish, Math.min(retryAfterMs, LONGEST_WAIT));
          this.#options.platform.log.warn("a realtime model could not be reached", {
            model: model.id,
            round,
            error: last,
          });
        }
      }
      if (hopeless) break;
    }
    throw last;
  }

  async #connect(model: RealtimeModel, history: readonly RealtimeItem[]): Promise<Line> {
    const { platform, signal } = this.#options;
    let line: Line | undefined;
    const connection = await model.connect(
      { ...this.#options.config(), history },
      { platform, signal, on: (event) => this.#onEvent(() => line, event) },
    );
    line = new Line(
      connection,
      history.map(({ id }) => id),
      this.#clock.now(),
    );
    return line;
  }

  #scheduleRenewal(line: Line): void {
    const { expiresAt } = line.connection;
    const told = expiresAt === undefined ? LIFETIME : expiresAt - this.#clock.wall();
    // A wall clock that differs from the provider's by more than the lifetime says nothing.
    const lifetime = told > 0 && told <= LIFETIME * 24 ? told : LIFETIME;
    const end = this.#clock.now() + lifetime;
    const lead = Math.min(LEAD, lifetime / 12);
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.at(end - lead, () => void this.#renew(line, end - lead / 5));
  }

  async #renew(line: Line, forceAt: Millis): Promise<void> {
    const again = (after: Millis): void => {
      if (this.#line === line && !this.#closed)
        this.#cancelTimer = this.#clock.at(this.#clock.now() + after, () => void this.#renew(line, forceAt));
    };
    try {
      this.#standby ??= await this.#openStandby();
    } catch (error) {
      this.#options.platform.log.warn("a realtime connection could not be renewed", {
        error: asVoiceError(error, "provider-unavailable"),
      });
      return again(AGAIN);
    }
    const standby = this.#standby;
    if (this.#line !== line || this.#closed || standby === undefined) return;
    if (this.#clock.now() >= forceAt) {
      this.#lose(new VoiceError("provider-expired", "the connection had to be renewed in the middle of a turn"));
      return;
    }
    if (!this.#options.isBoundary()) return again(LOOK);
    standby.tell(this.#options.history("renewal"));
    await standby.connection.acknowledged();
    if (this.#line !== line || this.#closed || this.#standby !== standby) return;
    if (!this.#options.isBoundary()) return again(LOOK);
    this.#standby = undefined;
    this.#attach(standby, "renewal");
    this.#options.platform.meters.count("repartee_realtime_renewals_total");
    void line.connection.close();
  }

  async #openStandby(): Promise<Line | undefined> {
    const generation = this.#generation;
    const model = this.#line?.connection.model ?? this.#options.models[0];
    if (model === undefined) return undefined;
    const line = await this.#connect(model, []);
    if (generation === this.#generation && !this.#closed) return line;
    void line.connection.close();
    return undefined;
  }

  #check(): void {
    if (this.#closed || this.#options.signal.aborted) throw new VoiceError("closed", "the call ended while connecting");
  }

  async #wait(ms: Millis): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.at(this.#clock.now() + ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#check();
  }

  #jitter(round: number): Millis {
    const [a = 0, b = 0] = this.#options.platform.random(2);
    return ((a * 256 + b) / 65_536) * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** round);
  }
}
