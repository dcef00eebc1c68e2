/*
 * One open line to a model that speaks the GA protocol: link, codec and sequencer behind the neutral border. It is made
 * in one go: socket, session, configuration, history, each acknowledged; a server that opens, complains and closes is a
 * failed attempt.
 */
import { type Deferred, deferred } from "../../base/deferred.ts";
import { type Fault, isFault, VoiceError } from "../../base/errors.ts";
import type { Clock, Epoch, Millis } from "../../base/time.ts";
import type { ServerEvent, UnknownEvent, WireError, WireResponse } from "../../protocol/openai/server-events.ts";
import { readServerEvent } from "../../protocol/openai/server-events.ts";
import { closeError, isFinal, providerError, type Scrub } from "../../realtime/faults.ts";
import { type Base64, GaCodec, type GaQuirks } from "../../realtime/ga.ts";
import type {
  RealtimeAsk,
  RealtimeCapabilities,
  RealtimeConfig,
  RealtimeConnection,
  RealtimeContext,
  RealtimeEvent,
  RealtimeItem,
  RealtimeModel,
  ResponseEnd,
} from "../../realtime/model.ts";
import { Sequencer, type SequencerAct } from "../../realtime/sequencer.ts";
import { usageOfResponse } from "../../realtime/usage.ts";
import { type Dial, Link, type LinkFault } from "./link.ts";

/** Socket, session and configuration together. */
const HANDSHAKE: Millis = 10_000;
/** For the acknowledgement of items, and of an update. */
const ITEMS: Millis = 3_000;
const UPDATE: Millis = 5_000;
/** Audio that may wait in the socket, ms; beyond it the oldest is dropped by whoever sends. */
const AHEAD: Millis = 1_000;
/** Bytes of base64 per ms of audio: 4/3 of 48 and of 8, and the frame around it. */
const WIRE_BYTES = { pcm16: 66, pcmu: 13, pcma: 13 } as const;

/** Buffer is ten times as fast as what the language offers. */
const base64: Base64 = {
  encode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
  decode: (text) => Buffer.from(text, "base64"),
};

/** A place to connect to. */
export interface GaEndpoint {
  readonly model: RealtimeModel;
  readonly name: string;
  readonly can: RealtimeCapabilities;
  readonly quirks: GaQuirks;
  readonly dial: Dial;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly scrub: Scrub;
}

/** Opens a line. Throws VoiceError; nothing stays open then. */
export async function connectGa(
  endpoint: GaEndpoint,
  config: RealtimeConfig,
  context: RealtimeContext,
): Promise<RealtimeConnection> {
  const connection = new GaConnection(endpoint, context);
  const { clock } = context.platform;
  const late = (): void =>
    connection.fail(new VoiceError("provider-timeout", `the provider was not ready within ${HANDSHAKE} ms`));
  const cancel = clock.at(clock.now() + HANDSHAKE, late);
  const abort = (): void =>
    connection.fail(new VoiceError("closed", "the call ended while connecting", { cause: context.signal.reason }));
  context.signal.addEventListener("abort", abort, { once: true });
  if (context.signal.aborted) abort();
  try {
    await connection.ready(config);
    cancel();
    for (const item of config.history) connection.add(item);
    await Promise.race([connection.acknowledged(), connection.failed]);
    return connection;
  } catch (error) {
    void connection.close();
    throw error;
  } finally {
    cancel();
    context.signal.removeEventListener("abort", abort);
  }
}

class GaConnection implements RealtimeConnection {
  id = "";
  readonly model: RealtimeModel;
  /** Rejects when the connection is lost. */
  readonly failed: Promise<never>;
  readonly #endpoint: GaEndpoint;
  readonly #context: RealtimeContext;
  readonly #clock: Clock;
  readonly #codec: GaCodec;
  readonly #link: Link;
  readonly #sequencer = new Sequencer();
  readonly #failing: Deferred<never> = deferred();
  readonly #opened: Deferred<void> = deferred();
  readonly #created: Deferred<void> = deferred();
  /** Updates in the order in which they were sent: their acknowledgements carry no name. */
  readonly #updates: { readonly eventId: string; readonly done: Deferred<void> }[] = [];
  /** Items sent and not acknowledged, and the events that carried them. */
  readonly #items = new Map<string, string>();
  /** Known events that came without what they must have, told once each. */
  readonly #faults = new Set<string>();
  readonly #responses = new Set<string>();
  #acknowledged: Deferred<void> | undefined;
  #expiresAt: Epoch | undefined;
  /** The provider answers by itself, and stops by itself when the caller speaks. */
  #answers = false;
  #interrupts = false;
  #callerSpeaks = false;
  #cancelTimer: (() => void) | undefined;
  #lastFault: VoiceError | undefined;
  #isReady = false;
  #isOver = false;
  #count = 0;

  constructor(endpoint: GaEndpoint, context: RealtimeContext) {
    const { model, can, quirks, scrub } = endpoint;
    this.#endpoint = endpoint;
    this.#context = context;
    this.#clock = context.platform.clock;
    this.model = model;
    this.failed = this.#failing.promise;
    this.#codec = new GaCodec({ input: can.input, output: can.output, base64, quirks, scrub });
    this.#link = new Link({
      dial: endpoint.dial,
      url: endpoint.url,
      headers: endpoint.headers,
      clock: this.#clock,
      opened: () => this.#opened.resolve(),
      text: (text) => this.#read(text),
      lost: (fault) => this.#lost(fault),
    });
  }

  get expiresAt(): Epoch | undefined {
    return this.#expiresAt;
  }
  get seenAt(): Millis {
    return this.#link.seenAt;
  }
  get waiting(): readonly RealtimeAsk[] {
    return this.#sequencer.waiting;
  }
  get active(): string | undefined {
    return this.#sequencer.active;
  }

  /** Throws what keeps the session from being ready. */
  async ready(config: RealtimeConfig): Promise<void> {
    await Promise.race([this.#opened.promise, this.failed]);
    await Promise.race([this.#created.promise, this.failed]);
    await Promise.race([this.#update(config), this.failed]);
    this.#isReady = true;
  }

  sendAudio(samples: Int16Array, late = false): boolean {
    if (this.#isOver) return false;
    if (!late && this.#link.waiting > AHEAD * WIRE_BYTES[this.#endpoint.can.input.encoding]) return false;
    this.#link.send(this.#codec.audio(samples));
    return true;
  }

  add(item: RealtimeItem): void {
    if (this.#isOver || this.#items.has(item.id)) return;
    const eventId = this.#eventId("item");
    if (this.#endpoint.quirks.silentItems !== true) {
      this.#items.set(item.id, eventId);
      this.#sequencer.added();
    }
    this.#link.send(this.#codec.create(item, eventId));
  }

  remove(item: string): void {
    this.#link.send(
      this.#codec.send({ type: "conversation.item.delete", event_id: this.#eventId("quiet"), item_id: item }),
    );
  }

  async acknowledged(): Promise<void> {
    if (this.#items.size === 0 || this.#isOver) return;
    this.#acknowledged ??= deferred();
    const { promise, resolve } = this.#acknowledged;
    // Some servers acknowledge nothing: what is late then is taken for done.
    const cancel = this.#clock.at(this.#clock.now() + ITEMS, resolve);
    await promise;
    cancel();
  }

  commit(): void {
    this.#link.send(this.#codec.send({ type: "input_audio_buffer.commit", event_id: this.#eventId("quiet") }));
  }
  clear(): void {
    this.#link.send(this.#codec.send({ type: "input_audio_buffer.clear", event_id: this.#eventId("quiet") }));
  }

  respond(ask: RealtimeAsk): void {
    if (!this.#isOver) this.#obey(this.#sequencer.request(ask, this.#clock.now()));
  }

  cancel(): void {
    const stops = this.#interrupts && this.#callerSpeaks;
    this.#obey(this.#sequencer.cancel(this.#clock.now(), { stops }));
  }

  truncate(item: string, heard: Millis): void {
    this.#link.send(
      this.#codec.send({
        type: "conversation.item.truncate",
        event_id: this.#eventId("quiet"),
        item_id: item,
        content_index: 0,
        audio_end_ms: Math.max(0, Math.floor(heard)),
      }),
    );
  }

  async update(patch: Partial<Omit<RealtimeConfig, "history">>): Promise<void> {
    const late = deferred<never>();
    const cancel = this.#clock.at(this.#clock.now() + UPDATE, () =>
      late.reject(new VoiceError("provider-timeout", `the provider did not confirm a change within ${UPDATE} ms`)),
    );
    try {
      await Promise.race([this.#update(patch), this.failed, late.promise]);
    } finally {
      cancel();
    }
  }

  close(): Promise<void> {
    this.#end(new VoiceError("closed", "the connection was closed"));
    return this.#link.close();
  }

  /** Gives the attempt up. */
  fail(error: VoiceError): void {
    if (this.#isOver) return;
    this.#end(error);
    void this.#link.close();
  }

  #update(patch: Partial<RealtimeConfig>): Promise<void> {
    const eventId = this.#eventId("update");
    const done = deferred<void>();
    this.#updates.push({ eventId, done });
    this.#link.send(this.#codec.update(patch, eventId));
    const { turns } = patch;
    if (turns !== undefined) {
      this.#answers = turns.by === "provider" && turns.answer;
      this.#interrupts = turns.by === "provider" && turns.interrupt;
    }
    return done.promise;
  }

  #read(text: string): void {
    const event = readServerEvent(text);
    if (isFault(event)) this.#onFault(event);
    else this.#onEvent(event);
  }

  #onFault(fault: Fault): void {
    if (fault.fault === "beta-protocol") {
      const error = new VoiceError("beta-protocol", fault.why);
      if (this.#isReady) this.#emit({ type: "trouble", error });
      else this.fail(error);
      return;
    }
    if (this.#faults.has(fault.why) || this.#faults.size > 100) return;
    this.#faults.add(fault.why);
    this.#context.platform.log.debug("a realtime event was left out", { model: this.model.id, why: fault.why });
  }

  #onEvent(event: ServerEvent | UnknownEvent): void {
    switch (event.type) {
      case "session.created":
        this.#onSession(event.session);
        this.#created.resolve();
        return;
      case "session.updated":
        this.#onSession(event.session);
        this.#updates.shift()?.done.resolve();
        return;
      case "error":
        this.#onError(event.error);
        return;
      case "response.created":
        this.#onCreated(event.response.id);
        return;
      case "response.done":
        this.#codec.read(event, this.#emit);
        this.#onDone(event.response);
        return;
      case "unknown":
        this.#emit({ type: "raw", event: event.event });
        return;
      default:
        this.#note(event);
        this.#codec.read(event, this.#emit);
    }
  }

  /** What an event tells about the connection, before what it says is passed on. */
  #note(event: ServerEvent): void {
    if ("response_id" in event) this.#sequencer.seen(event.response_id, this.#clock.now());
    if (event.type === "input_audio_buffer.speech_started") this.#callerSpeaks = true;
    else if (event.type === "input_audio_buffer.speech_stopped") this.#callerSpeaks = false;
    else if (event.type === "input_audio_buffer.committed" && this.#answers) {
      this.#sequencer.expect(this.#clock.now());
      this.#arm();
    } else if (
      event.type === "conversation.item.added" ||
      event.type === "conversation.item.done" ||
      event.type === "conversation.item.created"
    ) {
      if (event.item.id !== undefined) this.#acknowledge(event.item.id);
    }
  }

  #onSession(session: { readonly id?: unknown; readonly expires_at?: unknown }): void {
    if (typeof session.id === "string") this.id = session.id;
    if (typeof session.expires_at === "number") this.#expiresAt = session.expires_at * 1000;
  }

  #onCreated(id: string): void {
    if (typeof id !== "string" || this.#responses.has(id)) return;
    this.#responses.add(id);
    const acts = this.#sequencer.created(id, this.#clock.now());
    this.#obey(acts);
    // What was taken back before it began is nothing to anybody; its end is only counted.
    const isWanted = !acts.some((act) => act.type === "cancel");
    if (isWanted) this.#emit({ type: "started", response: id, ask: this.#sequencer.ask });
  }

  #onDone(response: WireResponse): void {
    const { id, status, status_details: details, usage } = response;
    if (!this.#responses.delete(id)) return;
    // What was finished and not counted has an unknown cost; what was cancelled before it began may have none.
    if (usage !== null || status !== "cancelled")
      this.#emit({ type: "usage", usage: usageOfResponse(this.#endpoint.name, usage) });
    const end: ResponseEnd =
      status === "failed" || status === "cancelled" || status === "incomplete" ? status : "completed";
    const error =
      end === "failed"
        ? providerError(details?.error, "the provider failed to answer", this.#endpoint.scrub)
        : undefined;
    const again = error !== undefined && !isFinal(error) && this.#sequencer.mayRetry(id);
    if (error !== undefined && !again) this.#emit({ type: "trouble", error });
    if (end === "incomplete") {
      const why = details?.reason ?? "unknown";
      this.#emit({
        type: "trouble",
        error: new VoiceError("provider-limit", "the provider cut its answer short", { meta: { why } }),
      });
    }
    this.#emit({ type: "ended", response: id, end, reason: details?.reason, again });
    this.#obey(this.#sequencer.done(id, this.#clock.now(), { again }));
  }

  #onError(wire: WireError): void {
    const { scrub } = this.#endpoint;
    const eventId = typeof wire.event_id === "string" ? wire.event_id : "";
    const index = this.#updates.findIndex((update) => update.eventId === eventId);
    if (index >= 0) {
      const [update] = this.#updates.splice(index, 1);
      update?.done.reject(providerError(wire, "the provider refused a change of its configuration", scrub));
      return;
    }
    if (this.#sequencer.owns(eventId)) {
      const busy = wire.code === "conversation_already_has_active_response";
      if (!busy) this.#lastFault = providerError(wire, "the provider refused to answer", scrub);
      this.#obey(this.#sequencer.refused(eventId, busy, this.#clock.now()));
      return;
    }
    for (const [item, carrier] of this.#items) if (carrier === eventId) this.#acknowledge(item);
    const error = providerError(wire, "the provider reported an error", scrub);
    // Late truncations, cancellations of what is over, commits of next to nothing: harmless, and told to the log.
    if (eventId.startsWith("rp_quiet_") || wire.code === "response_cancel_not_active") {
      this.#context.platform.log.debug("a realtime command came to nothing", { model: this.model.id, ...error.meta });
      return;
    }
    this.#lastFault = error;
    const ends = error.code === "provider-expired" || error.code === "beta-protocol" || error.code === "provider-auth";
    if (ends || !this.#isReady) this.fail(error);
    else this.#emit({ type: "trouble", error });
  }

  #acknowledge(item: string): void {
    if (!this.#items.delete(item)) return;
    this.#sequencer.acknowledged();
    if (this.#items.size > 0) return;
    this.#acknowledged?.resolve();
    this.#acknowledged = undefined;
  }

  #obey(acts: readonly SequencerAct[]): void {
    for (const act of acts) {
      switch (act.type) {
        case "create":
          this.#link.send(this.#codec.respond(act.ask, act.eventId));
          break;
        case "cancel":
          this.#link.send(
            this.#codec.send({ type: "response.cancel", event_id: this.#eventId("quiet"), response_id: act.response }),
          );
          break;
        case "abandoned":
          this.#responses.delete(act.response);
          this.#emit({ type: "ended", response: act.response, end: "failed", reason: "abandoned", again: false });
          break;
        case "refused": {
          const error = this.#lastFault ?? new VoiceError("provider-unavailable", "the provider refused to answer");
          this.#emit({ type: "unanswered", ask: act.ask, error });
          break;
        }
        case "deaf":
          this.#lost({ error: new VoiceError("provider-timeout", "the provider did not begin to answer") });
          break;
      }
    }
    this.#arm();
  }

  /** Keeps one timer for the sequencer's deadline. */
  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const deadline = this.#sequencer.deadline;
    if (deadline === undefined || this.#isOver || !Number.isFinite(deadline.at)) return;
    this.#cancelTimer = this.#clock.at(deadline.at, () => this.#obey(this.#sequencer.tick(this.#clock.now())));
  }

  #lost(fault: LinkFault): void {
    const error =
      "error" in fault ? fault.error : (this.#lastFault ?? closeError(fault.code, fault.reason, this.#endpoint.scrub));
    this.fail(error);
  }

  #end(error: VoiceError): void {
    if (this.#isOver) return;
    const wasReady = this.#isReady;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#acknowledged?.resolve();
    for (const { done } of this.#updates.splice(0)) done.reject(error);
    this.#failing.reject(error);
    if (wasReady) this.#emit({ type: "closed", error });
    this.#isOver = true;
  }

  readonly #emit = (event: RealtimeEvent): void => {
    if (this.#isOver) return;
    try {
      this.#context.on(event);
    } catch (error) {
      this.#context.platform.log.error("a listener of a realtime model threw", { model: this.model.id, error });
    }
  };

  #eventId(what: "item" | "update" | "quiet"): string {
    this.#count += 1;
    return `rp_${what}_${this.#count}`;
  }
}
