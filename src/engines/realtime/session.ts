/*
 * One caller's conversation with a realtime model. It connects the parts and keeps what outlives a connection: the log of
 * what was said, what of it was heard, the caller's audio, and what was asked for and not answered. A connection is a
 * cache of all that, and may be replaced at any time (rotate.ts).
 */
import type { AudioFrame } from "../../audio/frame.ts";
import { asVoiceError, VoiceError } from "../../base/errors.ts";
import { makeId } from "../../base/ids.ts";
import type { Platform } from "../../base/platform.ts";
import type { Millis } from "../../base/time.ts";
import type { Ask, Brief, EngineEvent, EngineSession, Item } from "../../agents/types.ts";
import { itemOf, type ReplayReason } from "../../realtime/replay.ts";
import type {
  AudioFormat,
  RealtimeAsk,
  RealtimeConfig,
  RealtimeConnection,
  RealtimeEvent,
  RealtimeItem,
  RealtimeModel,
  RealtimeTranscription,
  RealtimeTurns,
} from "../../realtime/model.ts";
import type { CallerMessage } from "../../protocol/page.ts";
import type { Heard } from "../../session/types.ts";
import type { TurnEvent } from "../../turn/events.ts";
import type { VideoFrame } from "../../video/frame.ts";
import type { Breaker } from "./breaker.ts";
import { type HeardAgain, Hearing } from "./hearing.ts";
import { Memory } from "./memory.ts";
import { toDataUrl } from "./picture.ts";
import { Rotation } from "./rotate.ts";
import { Speaking } from "./speaking.ts";
import { tuned } from "./tuning.ts";

/** A break shorter than this is not worth the caller's attention. */
const NOTICE: Millis = 1_000;
/** After a break the provider hears again within this that the caller speaks; else the caller does not. */
const STILL_SPEAKS: Millis = 3_000;

export interface RealtimeParts {
  readonly models: readonly RealtimeModel[];
  readonly breakers: ReadonlyMap<string, Breaker>;
  readonly format: AudioFormat;
  readonly turns: Extract<RealtimeTurns, { by: "provider" }>;
  readonly transcription: RealtimeTranscription | undefined;
  /** The voice may change in an open session. */
  readonly revoice: boolean;
  readonly historyTokens: number | undefined;
}

/** The engine session over a realtime model. */
export class RealtimeSession implements EngineSession {
  readonly #parts: RealtimeParts;
  readonly #context: Ask & { readonly platform: Platform };
  readonly #sink: (event: EngineEvent) => void;
  readonly #memory: Memory;
  readonly #speaking: Speaking;
  readonly #hearing: Hearing;
  readonly #rotation: Rotation;
  readonly #undo: (() => void)[] = [];
  #brief: Brief;
  #turns: Extract<RealtimeTurns, { by: "provider" }>;
  /** What is to be asked for as soon as there is a connection. */
  #asks: RealtimeAsk[] = [];
  /** The provider should answer what the caller said. */
  #isOwed = false;
  /** The words after which our voice broke off. */
  #brokeOff: string | undefined;
  #picture: VideoFrame | undefined;
  #speechOn = false;
  #cancelNotice: (() => void) | undefined;
  #cancelDoubt: (() => void) | undefined;
  #again: HeardAgain | undefined;
  #isClosed = false;

  constructor(
    parts: RealtimeParts,
    brief: Brief,
    sink: (event: EngineEvent) => void,
    context: Ask & { readonly platform: Platform },
  ) {
    const { platform, session, signal } = context;
    this.#parts = parts;
    this.#brief = brief;
    this.#turns = parts.turns;
    this.#sink = sink;
    this.#context = context;
    this.#memory = new Memory(brief.history, parts.historyTokens);
    this.#speaking = new Speaking({
      memory: this.#memory,
      rate: parts.format.rate,
      agent: () => this.#brief.agent,
      emit: (event) => this.#emit(event),
    });
    this.#hearing = new Hearing({
      clock: platform.clock,
      rate: parts.format.rate,
      local: brief.turns === "local",
      dropped: (ms) => platform.meters.count("repartee_realtime_dropped_ms", ms),
    });
    this.#rotation = new Rotation({
      models: parts.models,
      breakers: parts.breakers,
      platform,
      signal,
      config: () => this.#config(),
      history: (reason: ReplayReason) => this.#memory.history(reason, reason === "loss" ? this.#brokeOff : undefined),
      isBoundary: () => this.#isBoundary(),
      on: (event) => this.#on(event),
      lost: (error) => this.#lost(error),
      attached: (connection, reason) => this.#attached(connection, reason),
      gone: (error) => this.#gone(error),
    });
    this.#undo.push(session.on("message", (message) => this.#onMessage(message)));
  }

  /** Throws VoiceError when no provider can be reached. */
  async open(): Promise<void> {
    try {
      await this.#rotation.open();
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  hear(frame: AudioFrame): void {
    if (!this.#isClosed) this.#hearing.hear(frame);
  }

  /** The newest picture is shown to the model with the caller's next turn. */
  see(frame: VideoFrame): void {
    if (!this.#isClosed) this.#picture = frame;
  }

  turn(event: TurnEvent): void {
    if (this.#isClosed || this.#brief.turns !== "local") return;
    this.#hearing.turn(event);
    if (event.type === "ended" && event.why === "stop") this.cancel();
  }

  add(item: Item): void {
    if (this.#isClosed) return;
    const told = this.#memory.remember(item);
    if (told === undefined) return;
    // A result needs its call on the same connection; one that broke since took the call with it.
    const call = told.kind === "result" ? this.#memory.call(told.call) : undefined;
    const before = call === undefined || this.#rotation.knows(call.id) ? undefined : itemOf(call);
    this.#rotation.tell(...(before === undefined ? [] : [before]), told);
  }

  answer(): void {
    this.#showPicture();
    this.#ask({ type: "answer" });
  }

  say(text: string): void {
    this.#ask({ type: "say", text });
  }

  hush(): void {
    if (this.#isClosed) return;
    this.#turns = { ...this.#turns, answer: false, interrupt: false };
    this.#isOwed = false;
    if (this.#brief.turns === "engine") this.#update({ turns: this.#turns });
  }

  cancel(): void {
    if (this.#isClosed) return;
    const waiting = this.#asks.length + (this.#rotation.current?.waiting.length ?? 0);
    this.#asks = [];
    this.#isOwed = false;
    this.#brokeOff = undefined;
    this.#rotation.current?.cancel();
    this.#speaking.cancel();
    for (let i = 0; i < waiting; i++) this.#emit({ type: "reply", id: this.#makeId(), phase: "cancelled" });
  }

  heard(heard: Heard): void {
    if (this.#isClosed) return;
    for (const { item, heard: ms } of this.#speaking.heard(heard)) {
      // What nobody heard is forgotten: a truncation to nothing would leave an empty line.
      if (ms === undefined) this.#forget(item);
      else this.#rotation.current?.truncate(item, ms);
    }
  }

  async rebrief(brief: Brief): Promise<void> {
    if (this.#isClosed) return;
    const old = this.#brief;
    this.#brief = brief;
    this.#hearing.local = brief.turns === "local";
    for (const item of this.#memory.missingIn(brief.history, (one) => this.#speaking.outer(one))) this.#forget(item);
    for (const item of brief.history) if (item.kind === "handoff") this.add(item);
    const { instructions, tools, turns } = this.#config();
    const { voice } = brief;
    try {
      const connection = this.#rotation.current;
      if (connection === undefined) await this.#rotation.ready();
      else
        await connection.update({
          instructions,
          tools,
          ...(old.turns !== brief.turns && { turns }),
          ...(this.#parts.revoice && voice !== undefined && { voice }),
        });
    } catch (error) {
      // A connection that broke meanwhile learns the new brief when it is opened again.
      if (this.#rotation.current === undefined && !this.#isClosed) return await this.#rotation.ready();
      this.#brief = old;
      this.#hearing.local = old.turns === "local";
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelNotice?.();
    this.#cancelDoubt?.();
    this.#picture = undefined;
    for (const undo of this.#undo) undo();
    this.#hearing.close();
    await this.#rotation.close();
  }

  #on(event: RealtimeEvent): void {
    switch (event.type) {
      case "audio":
        this.#speaking.audio(event);
        return;
      case "words":
        if (event.who === "agent") this.#speaking.words(event);
        else this.#onCallerWords(event);
        return;
      case "placed":
        this.#onPlaced(event);
        return;
      case "speech":
        this.#onSpeech(event.on, this.#hearing.speech(event.on, event.at));
        return;
      case "call":
        this.#onCall(event);
        return;
      case "started":
        this.#isOwed = false;
        this.#speaking.started(event.response);
        return;
      case "ended":
        this.#onEnded(event);
        return;
      case "unanswered":
        this.#emit({ type: "trouble", error: event.error });
        this.#emit({ type: "reply", id: this.#makeId(), phase: "failed" });
        return;
      case "usage":
        this.#emit({ type: "usage", usage: { model: event.usage.model, units: event.usage.units } });
        return;
      case "trouble":
        this.#emit({ type: "trouble", error: event.error });
        return;
      case "closed":
      case "raw":
        return;
    }
  }

  #onCallerWords({ item, text, append, final }: Extract<RealtimeEvent, { type: "words" }>): void {
    const entry = this.#memory.words(item, "caller", text, { append, final });
    if (final) this.#hearing.resolved(item);
    this.#emit({ type: "words", who: "caller", item, text: entry.text, final: entry.final });
  }

  #onPlaced({ item, after, who, committed }: Extract<RealtimeEvent, { type: "placed" }>): void {
    this.#rotation.learned(item);
    const isNew = this.#memory.find(item) === undefined;
    if (who !== "other") this.#memory.place(item, after, who);
    if (!committed) return;
    this.#hearing.committed(item);
    this.#isOwed = this.#brief.turns === "engine" && this.#turns.answer;
    // The line has its place before anybody knows what it says.
    if (isNew && this.#parts.transcription !== undefined)
      this.#emit({ type: "words", who: "caller", item, text: "", final: false });
  }

  #onSpeech(on: boolean, at: Millis): void {
    this.#cancelDoubt?.();
    this.#cancelDoubt = undefined;
    if (on) this.#showPicture();
    this.#speechOn = on;
    this.#emit({ type: "speech", on, at });
  }

  #onCall({ id, item, response, name, args }: Extract<RealtimeEvent, { type: "call" }>): void {
    // An id that comes again is the same call, also on another connection: it is run once.
    if (this.#memory.call(id) !== undefined) return;
    this.#rotation.learned(item);
    this.#memory.add({ id: item, kind: "call", call: id, name, args });
    if (!this.#speaking.isLive(response))
      this.add({
        id: this.#makeId(),
        at: 0,
        kind: "result",
        call: id,
        output: "cancelled: the caller interrupted",
        failed: true,
      });
    else this.#emit({ type: "call", id, name, args });
  }

  #onEnded({ response, end, again }: Extract<RealtimeEvent, { type: "ended" }>): void {
    const unheard = this.#speaking.settle(response);
    if (unheard !== undefined) {
      for (const item of unheard) this.#forget(item);
      return;
    }
    if (!this.#speaking.isLive(response)) return;
    if (again) {
      this.#speaking.suspend();
      return;
    }
    this.#hearing.resolved();
    this.#brokeOff = undefined;
    this.#speaking.end(end === "completed" || end === "incomplete" ? "done" : end);
  }

  #lost(error: VoiceError): void {
    const again = this.#hearing.again();
    const connection = this.#rotation.current;
    this.#asks.push(...(connection?.waiting ?? []));
    if (this.#speaking.live?.response !== undefined) this.#breakOff();
    // What the caller said is known as words, and nobody has begun to answer.
    else if (this.#isOwed && !this.#hearing.isPending) this.#asks.unshift({ type: "answer" });
    this.#again = again;
    this.#hearing.detach();
    const { clock } = this.#context.platform;
    this.#cancelNotice?.();
    this.#cancelNotice = clock.at(clock.now() + NOTICE, () =>
      this.#emit({
        type: "trouble",
        error: new VoiceError("provider-unavailable", "The line to the model broke; it is being restored.", {
          expose: true,
          cause: error,
        }),
      }),
    );
  }

  /** The reply under way waits for the next connection, unless all of it is here. */
  #breakOff(): void {
    const { done, begun, words } = this.#speaking.breakOff();
    this.#brokeOff = words;
    // An answer had begun, so the question was understood.
    if (begun) this.#hearing.resolved();
    const willAnswer = this.#hearing.isPending && this.#brief.turns === "engine";
    if (!done && !willAnswer) this.#asks.unshift({ type: "answer" });
  }

  #attached(connection: RealtimeConnection, reason: ReplayReason): void {
    this.#cancelNotice?.();
    this.#memory.begin();
    this.#rotation.tell(...this.#memory.untold());
    this.#hearing.attach(connection, reason === "loss" ? this.#again : undefined);
    this.#again = undefined;
    const first = this.#asks.findIndex(({ type }) => type === "answer");
    // An answer sees all there is, so one of them is enough.
    const asks = this.#asks.filter(({ type }, i) => type === "say" || i === first);
    this.#asks = [];
    for (const ask of asks) connection.respond(ask);
    if (reason === "loss" && this.#speechOn) this.#doubt();
  }

  #gone(error: VoiceError): void {
    this.#cancelNotice?.();
    this.#speaking.end("failed");
    this.#emit({ type: "closed", error, resumable: false });
    void this.close();
  }

  /** The caller spoke when the line broke. Perhaps they still do. */
  #doubt(): void {
    const { clock } = this.#context.platform;
    this.#cancelDoubt = clock.at(clock.now() + STILL_SPEAKS, () => {
      this.#hearing.forget();
      this.#onSpeech(false, this.#context.session.clock.now());
    });
  }

  #isBoundary(): boolean {
    const { current } = this.#rotation;
    return (
      !this.#hearing.isOpen &&
      !this.#hearing.isPending &&
      !this.#isOwed &&
      this.#speaking.live === undefined &&
      current?.active === undefined &&
      current?.waiting.length === 0 &&
      this.#context.session.pending <= 0
    );
  }

  #ask(ask: RealtimeAsk): void {
    if (this.#isClosed) return;
    const { current } = this.#rotation;
    if (current !== undefined) current.respond(ask);
    else if (ask.type === "say" || !this.#asks.some((one) => one.type === "answer")) this.#asks.push(ask);
  }

  #config(): Omit<RealtimeConfig, "history"> {
    const { instructions, tools, voice, turns } = this.#brief;
    return {
      instructions,
      tools,
      ...(voice !== undefined && { voice }),
      turns: turns === "local" ? { by: "local" } : this.#turns,
      transcription: this.#parts.transcription,
    };
  }

  #forget(item: string): void {
    this.#memory.remove(item);
    if (this.#rotation.knows(item)) this.#rotation.current?.remove(item);
  }

  #showPicture(): void {
    const picture = this.#picture;
    this.#picture = undefined;
    if (picture === undefined || this.#isClosed) return;
    void toDataUrl(picture).then(
      (url) => {
        const item: RealtimeItem = { id: this.#makeId(), kind: "image", url };
        this.#memory.add(item);
        this.#rotation.tell(item);
      },
      (error: unknown) => this.#emit({ type: "trouble", error: asVoiceError(error, "unsupported") }),
    );
  }

  #onMessage(message: CallerMessage): void {
    if (message.type !== "tune" || this.#isClosed) return;
    const turns = tuned(this.#turns, message.policy);
    if (turns === this.#turns) return;
    this.#turns = turns;
    if (this.#brief.turns !== "engine") return;
    this.#update({ turns });
  }

  #update(patch: Partial<Omit<RealtimeConfig, "history">>): void {
    this.#rotation.current?.update(patch).catch((error: unknown) => {
      this.#emit({ type: "trouble", error: asVoiceError(error, "provider-config") });
    });
  }

  #emit(event: EngineEvent): void {
    if (!this.#isClosed) this.#sink(event);
  }

  #makeId(): string {
    return makeId("itm", (bytes) => this.#context.platform.random(bytes));
  }
}
