/*
 * One caller's pipeline. It connects ears, desk and reply, and keeps the model's view of the conversation: the caller's
 * words as recognised, our own as heard.
 */
import type { AudioFrame } from "../../audio/frame.ts";
import { makeId } from "../../base/ids.ts";
import type { Platform } from "../../base/platform.ts";
import type { Clock } from "../../base/time.ts";
import { Conversation } from "../../agents/conversation.ts";
import { SpokenLines } from "../../agents/spoken.ts";
import type { Answer, Ask, Brief, EngineEvent, EngineSession, Item } from "../../agents/types.ts";
import type { Heard } from "../../session/types.ts";
import type { TurnEvent } from "../../turn/events.ts";
import { likelyEnd } from "../../turn/phrases.ts";
import { ContinuousEars } from "./continuous.ts";
import { Desk, type DeskOrder } from "./eager.ts";
import type { PipelineOptions } from "./index.ts";
import { Reply } from "./reply.ts";
import { type Ears, StretchEars } from "./speech.ts";

export interface PipelineParts extends PipelineOptions {
  readonly reprompt: NonNullable<PipelineOptions["reprompt"]>;
  readonly eager: boolean;
  readonly model: string;
}

type Question = (signal: AbortSignal) => Answer | Promise<Answer>;

/** The engine session of a pipeline. */
export class PipelineSession implements EngineSession {
  readonly #parts: PipelineParts;
  readonly #context: Ask & { readonly platform: Platform };
  readonly #clock: Clock;
  readonly #sink: (event: EngineEvent) => void;
  readonly #conversation = new Conversation();
  readonly #spoken = new SpokenLines();
  readonly #desk = new Desk();
  readonly #ears: Ears;
  #brief: Brief;
  #reply: Reply | undefined;
  /** What is said as soon as the live reply is complete. */
  #next: Question[] = [];
  /** Rises with every request for an answer, and whenever one loses its reason. */
  #asked = 0;
  /** The caller spoke and was not answered yet. */
  #hasSpoken = false;
  /** Something was added that wants an answer. */
  #isFresh = false;
  #notUnderstood = 0;
  /** The recogniser tells itself how likely the end is. */
  #judgesItself = false;
  #isClosed = false;

  constructor(
    parts: PipelineParts,
    brief: Brief,
    sink: (event: EngineEvent) => void,
    context: Ask & { readonly platform: Platform },
  ) {
    this.#parts = parts;
    this.#context = context;
    this.#clock = context.session.clock;
    this.#brief = brief;
    this.#sink = sink;
    this.#conversation.replace(brief.history);
    const { stt } = parts;
    const options = {
      stt,
      session: context.session,
      clock: this.#clock,
      makeItem: () => this.#makeId(),
      phrases: () => this.#brief.phrases,
      events: {
        onWords: (words) => this.#onWords(words),
        onLikelyEnd: (p) => {
          this.#judgesItself = true;
          this.#emit({ type: "likely-end", p });
        },
        onTrouble: (error) => this.#emit({ type: "trouble", error }),
      },
    } satisfies ConstructorParameters<typeof StretchEars>[0];
    this.#ears = stt.can.continuous ? new ContinuousEars(options) : new StretchEars(options);
  }

  hear(frame: AudioFrame): void {
    if (!this.#isClosed) this.#ears.hear(frame);
  }

  see(): void {}

  turn(event: TurnEvent): void {
    if (this.#isClosed) return;
    switch (event.type) {
      case "started":
        this.#hasSpoken = true;
        this.#ears.begin(event.from);
        return;
      case "resumed":
        // The answer that was asked for has lost its reason: the turn will end again.
        this.#asked += 1;
        this.#hasSpoken = true;
        this.#ears.resume(event.at);
        this.#obey(this.#desk.resumed());
        return;
      case "paused":
        this.#ears.pause();
        return;
      case "likely":
        if (this.#parts.eager) this.#obey(this.#desk.likely(this.#ears.text), this.#askModel);
        return;
      case "ended":
        this.#ended(event.why);
        return;
      case "duck":
      case "hold":
      case "release":
      case "interrupted":
        return;
    }
  }

  add(item: Item): void {
    this.#conversation.put(item);
    this.#isFresh = true;
    // A guess was made without knowing this.
    if (this.#desk.live === "speculative" || this.#desk.live === "parked") this.#obey(this.#desk.cancelled());
  }

  answer(): void {
    if (!this.#isClosed) void this.#answer();
  }

  say(text: string): void {
    this.#queue(() => text);
  }

  cancel(): void {
    this.#asked += 1;
    this.#next = [];
    this.#obey(this.#desk.cancelled());
  }

  heard(heard: Heard): void {
    this.#conversation.shorten(this.#spoken.cut(heard));
  }

  rebrief(brief: Brief): Promise<void> {
    this.#brief = brief;
    this.#conversation.replace(brief.history);
    this.#isFresh = true;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.cancel();
    this.#isClosed = true;
    this.#ears.close();
    return Promise.resolve();
  }

  #ended(why: Extract<TurnEvent, { type: "ended" }>["why"]): void {
    if (why === "typed" || why === "digits") {
      // The open utterance takes the text; what was understood of the speech stays as it was shown.
      if (this.#hasSpoken) this.#keepWords();
      this.#hasSpoken = false;
      this.#ears.end();
    } else if (why === "noise" || why === "aside" || why === "stop" || why === "closed") {
      this.#hasSpoken = false;
      this.#ears.end();
      this.#obey(why === "stop" ? this.#desk.cancelled() : this.#desk.dismissed());
    }
  }

  async #answer(): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    if (this.#hasSpoken) {
      const from = this.#clock.now();
      await this.#ears.settled();
      if (asked !== this.#asked || this.#isClosed) return;
      this.#hasSpoken = false;
      this.#emit({ type: "stage", stage: "stt", ms: this.#clock.now() - from });
      const { text, rejected } = this.#ears;
      if (text !== "") {
        this.#notUnderstood = 0;
        this.#isFresh = false;
        this.#next = [];
        this.#obey(this.#desk.ended(text), this.#askModel);
        return;
      }
      if (rejected) {
        this.#notUnderstood += 1;
        const inARow = this.#notUnderstood;
        this.#queue(() => this.#parts.reprompt({ brief: this.#brief, inARow }));
        return;
      }
    }
    if (this.#isFresh) {
      this.#isFresh = false;
      this.#queue(this.#askModel);
    } else if (this.#desk.live === "parked") {
      this.#obey(this.#desk.dismissed());
    } else {
      // Whoever asks is told, even that there is nothing to say.
      this.#emit({ type: "reply", id: this.#makeId(), phase: "cancelled" });
    }
  }

  /** Says it now, or as soon as the live reply is complete: replies never overlap. */
  #queue(question: Question): void {
    if (this.#isClosed) return;
    if (this.#reply !== undefined && this.#desk.live === "committed") this.#next.push(question);
    else this.#obey(this.#desk.began(), question);
  }

  readonly #askModel: Question = (signal) => {
    const { session } = this.#context;
    return this.#parts.llm({ session, signal, brief: this.#brief, items: this.#items() });
  };

  /** The conversation with the caller's words as they are now, final or not. */
  #items(): readonly Item[] {
    const { item, text } = this.#ears;
    if (item === undefined || text === "" || this.#conversation.find(item) !== undefined)
      return this.#conversation.items;
    return [...this.#conversation.items, this.#callerLine(item, text)];
  }

  #obey({ cancel = false, hold = false, release = false, start }: DeskOrder, question?: Question): void {
    if (cancel) {
      const reply = this.#reply;
      this.#reply = undefined;
      reply?.cancel();
    }
    if (hold) this.#reply?.hold();
    if (release) this.#reply?.release();
    if (start !== undefined && question !== undefined) this.#start(question, start === "committed");
  }

  #start(question: Question, open: boolean): void {
    const { tts, model } = this.#parts;
    const { agent, voice } = this.#brief;
    const id = this.#makeId();
    this.#reply = new Reply({
      id,
      agent,
      voice,
      tts,
      model,
      open,
      session: this.#context.session,
      clock: this.#clock,
      ask: question,
      emit: (event) => this.#onReply(event, agent),
      onOwnCall: (call, result) => this.#record(call, result),
      onEnd: (phase) => this.#onEnd(id, phase),
    });
  }

  #onReply(event: EngineEvent, agent: string): void {
    if (event.type === "audio" && event.frame.item !== undefined) {
      this.#spoken.line(event.frame.item, agent).audio(event.frame);
    } else if (event.type === "words" && event.who === "agent") {
      const { item, text } = event;
      this.#spoken.line(item, agent).text = text;
      this.#conversation.put({ id: item, at: this.#clock.wall(), kind: "message", who: "agent", agent, text });
    } else if (event.type === "call") {
      const { id, name, args } = event;
      this.#conversation.put({ id, at: this.#clock.wall(), kind: "call", name, args });
    }
    this.#emit(event);
  }

  #onEnd(id: string, phase: "done" | "cancelled" | "failed"): void {
    if (this.#reply?.id !== id) return;
    this.#reply = undefined;
    this.#desk.done();
    if (phase === "cancelled") return;
    const next = this.#next.shift();
    if (next !== undefined) this.#obey(this.#desk.began(), next);
  }

  #record(
    call: { readonly id: string; readonly name: string; readonly args: string },
    result: { readonly output: string; readonly failed: boolean },
  ): void {
    const at = this.#clock.wall();
    const { id, name, args } = call;
    this.#conversation.put({ id, at, kind: "call", name, args });
    this.#conversation.put({
      id: this.#makeId(),
      at,
      kind: "result",
      call: id,
      output: result.output,
      failed: result.failed,
    });
  }

  #onWords({
    item,
    text,
    final,
    rejected,
  }: {
    readonly item: string;
    readonly text: string;
    readonly final: boolean;
    readonly rejected: boolean;
  }): void {
    if (final && text !== "") this.#conversation.put(this.#callerLine(item, text));
    this.#obey(this.#desk.changed(text));
    this.#emit({ type: "words", who: "caller", item, text, final, ...(rejected && { rejected }) });
    const p = this.#judgesItself ? undefined : likelyEnd(text);
    if (p !== undefined) this.#emit({ type: "likely-end", p });
  }

  #keepWords(): void {
    const { item, text } = this.#ears;
    if (item === undefined || text === "") return;
    this.#conversation.put(this.#callerLine(item, text));
    this.#emit({ type: "words", who: "caller", item, text, final: true });
  }

  #callerLine(id: string, text: string): Item {
    return { id, at: this.#clock.wall(), kind: "message", who: "caller", text };
  }

  #emit(event: EngineEvent): void {
    if (!this.#isClosed) this.#sink(event);
  }

  #makeId(): string {
    return makeId("itm", (bytes) => this.#context.platform.random(bytes));
  }
}
