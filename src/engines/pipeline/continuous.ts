/*
 * Ears for a recogniser that wants all audio of a session in one piece, silence included, and finds the sentences itself.
 * Its words belong to the turn in which they come; a partial at the end of a turn is waited for as long as the recogniser
 * says a final takes.
 */
import type { AudioFrame } from "../../audio/frame.ts";
import { durationOf } from "../../audio/frame.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { asVoiceError, VoiceError } from "../../base/errors.ts";
import { Queue } from "../../base/queue.ts";
import type { Millis } from "../../base/time.ts";
import type { Ears, EarsOptions } from "./speech.ts";
import { untilAborted } from "./until.ts";

/** Audio that may wait for the recogniser, ms. */
const WAITING: Millis = 10_000;

/** Hears everything in one piece. */
export class ContinuousEars implements Ears {
  readonly rejected = false;
  readonly #options: EarsOptions;
  readonly #audio = new Queue<AudioFrame>({ limit: WAITING, weigh: durationOf });
  readonly #abort = new AbortController();
  #item: string | undefined;
  #finals: string[] = [];
  #partial = "";
  #waiting: Deferred<void> | undefined;

  constructor(options: EarsOptions) {
    this.#options = options;
    void this.#recognise();
  }

  get text(): string {
    return [...this.#finals, this.#partial].filter((text) => text !== "").join(" ");
  }

  get item(): string | undefined {
    return this.#item;
  }

  hear(frame: AudioFrame): void {
    this.#audio.push(frame);
  }

  begin(): void {
    this.end();
    this.#item = this.#options.makeItem();
  }

  resume(): void {
    this.#item ??= this.#options.makeItem();
  }

  pause(): void {}

  async settled(): Promise<void> {
    if (this.#partial === "" && this.#finals.length > 0) return;
    const { clock, stt } = this.#options;
    this.#waiting ??= deferred<void>();
    const { promise, resolve } = this.#waiting;
    const cancel = clock.at(clock.now() + stt.can.finalMs, () => resolve());
    await promise;
    cancel();
    this.#waiting = undefined;
  }

  end(): void {
    this.#finals = [];
    this.#partial = "";
    this.#item = undefined;
    this.#waiting?.resolve();
  }

  close(): void {
    this.end();
    this.#audio.end();
    this.#abort.abort(new VoiceError("closed", "the session is over"));
  }

  async #recognise(): Promise<void> {
    const { stt, session, phrases, events } = this.#options;
    const { signal } = this.#abort;
    try {
      for await (const words of untilAborted(
        stt.listen(this.#audio, { session, signal, phrases: phrases() }),
        signal,
      )) {
        const text = words.text.trim();
        this.#partial = words.final ? "" : text;
        if (words.final && text !== "") this.#finals.push(text);
        if (this.text !== "") {
          this.#item ??= this.#options.makeItem();
          events.onWords({ item: this.#item, text: this.text, final: words.final, rejected: false });
        }
        if (words.likelyEnd !== undefined) events.onLikelyEnd(words.likelyEnd);
        if (words.final) this.#waiting?.resolve();
      }
    } catch (error) {
      events.onTrouble(asVoiceError(error, "provider-unavailable"));
    }
  }
}
