/*
 * Our voice: replies, what they say, and what of it was heard.
 */
import type { AudioFrame } from "../../audio/frame.ts";
import type { Millis } from "../../base/time.ts";
import { SpokenLines } from "../../agents/spoken.ts";
import type { EngineEvent } from "../../agents/types.ts";
import type { RealtimeEvent } from "../../realtime/model.ts";
import type { Heard } from "../../session/types.ts";
import type { Memory } from "./memory.ts";
import { type LiveReply, Replies } from "./replies.ts";

export interface SpeakingParts {
  readonly memory: Memory;
  /** Hz. */
  readonly rate: number;
  /** Who speaks. */
  agent(): string;
  emit(event: EngineEvent): void;
}

/** An item that was taken back: heard for this long, or not at all. */
export interface TakenBack {
  readonly item: string;
  readonly heard: Millis | undefined;
}

/** What an agent says in one call. */
export class Speaking {
  readonly #parts: SpeakingParts;
  readonly #replies = new Replies();
  readonly #spoken = new SpokenLines();

  constructor(parts: SpeakingParts) {
    this.#parts = parts;
  }

  /** The reply that is being made. */
  get live(): LiveReply | undefined {
    return this.#replies.live;
  }
  /** Whether this response makes the live reply. */
  isLive(response: string): boolean {
    return this.#replies.of(response) !== undefined;
  }
  /** What others call an item. */
  outer(item: string): string {
    return this.#replies.outer(item);
  }

  started(response: string): void {
    if (this.#replies.started(response)) this.#parts.emit({ type: "reply", id: response, phase: "started" });
  }

  audio({ samples, item, response }: Extract<RealtimeEvent, { type: "audio" }>): void {
    const reply = this.#replies.of(response);
    if (reply === undefined) return;
    const { agent, emit, rate } = this.#parts;
    const known = this.#replies.item(reply, item);
    known.hasAudio = true;
    const frame: AudioFrame = { kind: "audio", samples, rate, channels: 1, at: 0, item: known.name };
    this.#spoken.line(known.name, agent()).audio(frame);
    emit({ type: "audio", frame });
  }

  words({ item, response = "", text, append, final }: Extract<RealtimeEvent, { type: "words" }>): void {
    const reply = this.#replies.of(response);
    if (reply === undefined) return;
    const { agent, emit, memory } = this.#parts;
    const known = this.#replies.item(reply, item);
    known.isComplete ||= final;
    const entry = memory.words(item, "agent", text, { append, final });
    if (entry.unheard !== "") return;
    const line = this.#spoken.line(known.name, agent());
    line.text = entry.text;
    line.complete = entry.final;
    emit({ type: "words", who: "agent", item: known.name, text: entry.text, final: entry.final });
  }

  /** The live reply is over. */
  end(phase: "done" | "cancelled" | "failed"): void {
    const reply = this.#replies.end();
    if (reply === undefined) return;
    for (const item of reply.items.keys()) this.#finish(item);
    this.#parts.emit({ type: "reply", id: reply.id, phase });
  }

  /** The live reply is over for everybody, although something of it may still come. */
  cancel(): void {
    const reply = this.#replies.cancel();
    if (reply !== undefined) this.#parts.emit({ type: "reply", id: reply.id, phase: "cancelled" });
  }

  /** A cancelled response has really ended: answers what of it nobody can have heard. Undefined when it was none. */
  settle(response: string): readonly string[] | undefined {
    const reply = this.#replies.settle(response);
    return reply && [...reply.items].flatMap(([item, { hasAudio }]) => (hasAudio ? [] : [item]));
  }

  /** Another response will go on with the live reply. */
  suspend(): void {
    this.#replies.suspend();
  }

  /**
   * The line broke in the middle of the live reply. `done`: all of it had come. Otherwise the reply waits for another
   * response, which goes on after these words; without words it begins anew.
   */
  breakOff(): { readonly done: boolean; readonly begun: boolean; readonly words: string | undefined } {
    const items = [...(this.live?.items ?? [])];
    const last = items.at(-1);
    if (last?.[1].isComplete === true) {
      this.end("done");
      return { done: true, begun: true, words: undefined };
    }
    for (const [item] of items) this.#finish(item);
    this.suspend();
    const text = last === undefined ? "" : (this.#parts.memory.find(last[0])?.text ?? "");
    return { done: false, begun: last !== undefined, words: text === "" ? undefined : text };
  }

  /** What was heard of what was taken back. Position and length are those of our own playing, never more than was made. */
  heard(heard: Heard): readonly TakenBack[] {
    const produced = heard.item === undefined ? 0 : (this.#spoken.find(heard.item)?.produced ?? 0);
    return this.#spoken.cut(heard).map((cut) => {
      const item = this.#replies.inner(cut.id);
      this.#parts.memory.cut(item, cut.heard, cut.unheard);
      const wasHeard = cut.id === heard.item && heard.played > 0;
      return { item, heard: wasHeard ? Math.min(heard.played, produced) : undefined };
    });
  }

  /** No more words of an item will come. */
  #finish(item: string): void {
    const { memory, emit } = this.#parts;
    const entry = memory.find(item);
    if (entry === undefined || entry.final) return;
    memory.finish(item);
    emit({ type: "words", who: "agent", item: this.outer(item), text: entry.text, final: true });
  }
}
