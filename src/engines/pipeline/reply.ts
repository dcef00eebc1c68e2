/*
 * One reply, from the question to the model to its last sample.
 *
 *   llm ──parts──▶ pieces ──queue──▶ tts ──frames──▶ gate ──▶ engine events
 *
 * The three run at the same time: the first sentence is spoken while the model writes the second. The gate is shut while
 * the reply is a guess, or parked because the caller goes on; what was made waits behind it. An abort reaches model,
 * synthesiser and gate at once, and nothing leaves afterwards.
 */
import { durationOf } from "../../audio/frame.ts";
import { deferred } from "../../base/deferred.ts";
import { asVoiceError, VoiceError } from "../../base/errors.ts";
import { Queue } from "../../base/queue.ts";
import type { Clock, Millis } from "../../base/time.ts";
import type { Session } from "../../session/types.ts";
import type { Answer, EngineEvent, Spoken, Tts } from "../../agents/types.ts";
import { type AnswerPart, readAnswer } from "./answers.ts";
import { Pieces } from "./sentences.ts";
import { untilAborted } from "./until.ts";

/** A model that is silent for this long has finished its sentence, ms. */
const MODEL_PAUSE: Millis = 250;
/** How much audio is made ahead of the caller's ear, ms: more would be thrown away by an interruption. */
const AHEAD: Millis = 10_000;
/** How often a reply that is far enough ahead looks again, ms. */
const LOOK: Millis = 100;

export interface ReplyOptions {
  readonly id: string;
  readonly agent: string;
  readonly voice: string | undefined;
  readonly tts: Tts;
  readonly session: Session;
  readonly clock: Clock;
  /** Asks the model, or gives the text. Called once, at once. */
  ask(signal: AbortSignal): Answer | Promise<Answer>;
  /** Whether it may be heard from the start; else `release` lets it. */
  readonly open: boolean;
  emit(event: EngineEvent): void;
  /** A tool the source has run itself, for the record. */
  onOwnCall(call: AnswerPart & { type: "call" }, result: AnswerPart & { type: "result" }): void;
  /** Exactly once, after the event that says so. */
  onEnd(phase: "done" | "cancelled" | "failed"): void;
  /** Names the model in usage events. */
  readonly model: string;
}

/** A reply under way. Starts with its making. */
export class Reply {
  readonly id: string;
  readonly #options: ReplyOptions;
  readonly #abort = new AbortController();
  readonly #pieces = new Pieces();
  readonly #queue = new Queue<string>();
  readonly #startedAt: Millis;
  #releasedAt: Millis;
  #isOpen: boolean;
  #held: EngineEvent[] = [];
  #heldMs: Millis = 0;
  #opened = deferred<void>();
  #said = "";
  #speaking: Promise<void> | undefined;
  #firstPieceAt: Millis | undefined;
  #isTimed = false;
  #isOver = false;
  /** Something of it left through the gate. */
  #isKnown = false;
  #cancelPause = (): void => {};

  constructor(options: ReplyOptions) {
    this.#options = options;
    this.id = options.id;
    this.#isOpen = options.open;
    this.#startedAt = options.clock.now();
    this.#releasedAt = this.#startedAt;
    void this.#run();
  }

  /** Lets out what waits, and everything from now on. */
  release(): void {
    if (this.#isOpen || this.#isOver) return;
    this.#isOpen = true;
    if (!this.#isTimed) this.#releasedAt = this.#options.clock.now();
    const held = this.#held;
    const isAudible = this.#heldMs > 0;
    this.#held = [];
    this.#heldMs = 0;
    for (const event of held) this.#emit(event);
    if (isAudible) this.#time();
    this.#opened.resolve();
    this.#opened = deferred<void>();
  }

  /** Keeps back what is made from now on. */
  hold(): void {
    this.#isOpen = false;
  }

  /** Ends it now. Nothing is emitted afterwards but its end. */
  cancel(): void {
    if (this.#isOver) return;
    this.#held = [];
    this.#abort.abort(new VoiceError("interrupted", "the reply was cancelled"));
    this.#queue.clear();
    this.#queue.end();
    this.#end("cancelled");
  }

  async #run(): Promise<void> {
    this.#emit({ type: "reply", id: this.id, phase: "started" });
    try {
      const calls = await this.#write();
      await this.#speaking;
      if (this.#isOver) return;
      await this.#untilOpen();
      if (this.#said !== "") this.#words(true);
      for (const { id, name, args } of calls) this.#emit({ type: "call", id, name, args });
      this.#time();
      this.#end("done");
    } catch (error) {
      if (this.#isOver) return;
      this.#abort.abort(new VoiceError("interrupted", "a part of the reply failed"));
      await this.#untilOpen();
      if (this.#isOver) return;
      this.#emit({ type: "trouble", error: asVoiceError(error, "provider-unavailable") });
      this.#end("failed");
    }
  }

  /** Reads the model. Answers with the calls that somebody else has to run. */
  async #write(): Promise<(AnswerPart & { type: "call" })[]> {
    const { ask, model, onOwnCall } = this.#options;
    const { signal } = this.#abort;
    const calls = new Map<string, AnswerPart & { type: "call" }>();
    try {
      for await (const part of readAnswer(ask(signal), signal)) {
        if (part.type === "text") this.#text(part.text);
        else if (part.type === "usage") this.#emit({ type: "usage", usage: { model, units: part.units } });
        else if (part.type === "call") calls.set(part.id, part);
        else if (part.type === "result") {
          const call = calls.get(part.call);
          calls.delete(part.call);
          if (call !== undefined) onOwnCall(call, part);
        }
      }
      if (!signal.aborted) this.#speak(this.#pieces.end());
    } finally {
      this.#cancelPause();
      this.#queue.end();
    }
    return [...calls.values()];
  }

  #text(delta: string): void {
    const { clock } = this.#options;
    this.#cancelPause();
    this.#speak(this.#pieces.push(delta));
    this.#cancelPause = clock.at(clock.now() + MODEL_PAUSE, () => {
      if (!this.#isOver) this.#speak(this.#pieces.pause());
    });
  }

  #speak(pieces: readonly string[]): void {
    if (pieces.length === 0) return;
    for (const piece of pieces) {
      this.#said = this.#said === "" ? piece : `${this.#said} ${piece}`;
      this.#queue.push(piece);
    }
    this.#firstPieceAt ??= this.#options.clock.now();
    this.#speaking ??= this.#voice();
    // A failure of the synthesiser is met where it is awaited, after the model has been read.
    this.#speaking.catch(() => {
      this.#abort.abort(new VoiceError("interrupted", "the synthesiser failed"));
    });
    this.#words(false);
  }

  async #voice(): Promise<void> {
    const { tts, session, voice } = this.#options;
    const { signal } = this.#abort;
    const frames = tts.speak(this.#queue, { session, signal, ...(voice !== undefined && { voice }) });
    for await (const frame of untilAborted(frames, signal)) {
      this.#frame(frame);
      await this.#room();
    }
  }

  #frame(frame: Spoken): void {
    const tied: Spoken = frame.item === this.id ? frame : { ...frame, item: this.id };
    this.#time();
    this.#emit({ type: "audio", frame: tied });
  }

  /** Waits while the reply is far enough ahead, whether of the gate or of the ear. */
  async #room(): Promise<void> {
    const { session, clock } = this.#options;
    while (!this.#isOver && (this.#isOpen ? session.pending : this.#heldMs) > AHEAD) {
      const look = deferred<void>();
      const cancel = clock.at(clock.now() + LOOK, () => look.resolve());
      const onAbort = (): void => look.resolve();
      this.#abort.signal.addEventListener("abort", onAbort, { once: true });
      await look.promise;
      cancel();
      this.#abort.signal.removeEventListener("abort", onAbort);
    }
  }

  async #untilOpen(): Promise<void> {
    while (!this.#isOpen && !this.#isOver) await this.#opened.promise;
  }

  #words(final: boolean): void {
    this.#emit({ type: "words", who: "agent", item: this.id, text: this.#said, final });
  }

  /** Tells, once, how long model and synthesiser kept the caller waiting: what a guess took beforehand costs nothing. */
  #time(): void {
    if (this.#isTimed || !this.#isOpen) return;
    this.#isTimed = true;
    const now = this.#options.clock.now();
    const from = Math.max(this.#startedAt, this.#releasedAt);
    const piece = this.#firstPieceAt ?? now;
    this.#emit({ type: "stage", stage: "llm", ms: Math.max(0, piece - from) });
    if (this.#firstPieceAt !== undefined)
      this.#emit({ type: "stage", stage: "tts", ms: Math.max(0, now - Math.max(piece, from)) });
  }

  #emit(event: EngineEvent): void {
    if (this.#isOver) return;
    if (this.#isOpen) {
      this.#isKnown = true;
      this.#options.emit(event);
      return;
    }
    this.#held.push(event);
    if (event.type === "audio") this.#heldMs += durationOf(event.frame);
  }

  #end(phase: "done" | "cancelled" | "failed"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelPause();
    this.#opened.resolve();
    if (this.#isKnown) this.#options.emit({ type: "reply", id: this.id, phase });
    this.#options.onEnd(phase);
  }
}
