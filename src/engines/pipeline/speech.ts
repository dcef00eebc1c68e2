/*
 * The ears of a pipeline: cuts the microphone into stretches of speech, has each one recognised, and knows what the caller
 * has said in the turn so far.
 *
 *   started        paused   resumed      paused          ended
 *   ├─ pre-roll + speech ─┤ ├─ pre-roll + speech ─┤
 *          listen 1                listen 2               text = words of 1 + words of 2
 *
 * The end of a stretch's audio tells the recogniser to finalise. A stretch that it could not make sense of is heard again
 * together with the next one: a pause in the middle of a phrase must not lose both halves.
 */
import { type AudioFrame, durationOf } from "../../audio/frame.ts";
import { deferred } from "../../base/deferred.ts";
import { asVoiceError, VoiceError } from "../../base/errors.ts";
import { Queue } from "../../base/queue.ts";
import type { Clock, Millis } from "../../base/time.ts";
import type { Session } from "../../session/types.ts";
import type { Stt } from "../../agents/types.ts";
import { untilAborted } from "./until.ts";

/** What is kept from before an onset, ms: enough for pre-roll and for the time it takes to notice speech. */
const RING: Millis = 1_000;
/** Audio before the onset, ms. */
const PREROLL: Millis = 300;
/** How long speech takes to be noticed, ms: `resumed` tells no onset. */
const NOTICE: Millis = 160;
/** The longest wait for a final: this many times what the recogniser promises, but not less than the floor below. */
const PATIENCE = 3;
const PATIENCE_FLOOR: Millis = 1_500;
/** Audio of stretches nobody understood that is kept to be heard again, ms. */
const AGAIN: Millis = 15_000;
/** Audio that may wait for a recogniser, ms; a minute is the longest turn. */
const WAITING: Millis = 60_000;

export interface EarsEvents {
  /** What the turn's words are now; `final` once no stretch is open. */
  onWords(turn: {
    readonly item: string;
    readonly text: string;
    readonly final: boolean;
    readonly rejected: boolean;
  }): void;
  onLikelyEnd(p: number): void;
  onTrouble(error: VoiceError): void;
}

export interface EarsOptions {
  readonly stt: Stt;
  readonly session: Session;
  readonly clock: Clock;
  /** Makes an id for what the caller says in one turn. */
  makeItem(): string;
  /** What the present agent expects to hear. */
  phrases(): readonly string[];
  readonly events: EarsEvents;
}

/** How a pipeline hears, whatever its recogniser wants. */
export interface Ears {
  /** What was said in the turn so far. */
  readonly text: string;
  /** The id of what is being said, while a turn is open. */
  readonly item: string | undefined;
  /** Something was said, and nothing of it understood. */
  readonly rejected: boolean;
  /** The microphone, all of it, in order, at the recogniser's rate. */
  hear(frame: AudioFrame): void;
  /** A new turn begins with speech since `from`. */
  begin(from: Millis): void;
  /** The caller goes on in the same turn. */
  resume(at: Millis): void;
  /** The caller is silent: recognisers finalise now. */
  pause(): void;
  /** Settles when the words of the turn are final. */
  settled(): Promise<void>;
  /** The turn was answered, or came to nothing: the next words belong to another one. */
  end(): void;
  /** Stops listening for good. */
  close(): void;
}

interface Stretch {
  readonly audio: Queue<AudioFrame>;
  readonly kept: AudioFrame[];
  readonly done: ReturnType<typeof deferred<void>>;
  readonly abort: AbortController;
  text: string;
  /** When its audio ended: from then on a final is owed. */
  endedAt: Millis | undefined;
  state: "open" | "final" | "rejected";
}

/** Hears one stretch of speech after the other. */
export class StretchEars implements Ears {
  readonly #options: EarsOptions;
  readonly #ring: AudioFrame[] = [];
  #item: string | undefined;
  #stretches: Stretch[] = [];
  #open: Stretch | undefined;
  /** End of the audio that was given to a stretch, so that none is given twice. */
  #given: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: EarsOptions) {
    this.#options = options;
  }

  get text(): string {
    return this.#stretches
      .map(({ text }) => text.trim())
      .filter((text) => text !== "")
      .join(" ");
  }

  get item(): string | undefined {
    return this.#item;
  }

  get rejected(): boolean {
    return this.text === "" && this.#stretches.some(({ state }) => state === "rejected");
  }

  hear(frame: AudioFrame): void {
    this.#ring.push(frame);
    const end = frame.at + durationOf(frame);
    while (this.#ring.length > 1 && end - (this.#ring[0]?.at ?? end) > RING) this.#ring.shift();
    if (this.#open !== undefined) this.#give(this.#open, frame);
  }

  begin(from: Millis): void {
    this.end();
    this.#item = this.#options.makeItem();
    this.#listen(from - PREROLL);
  }

  resume(at: Millis): void {
    this.#item ??= this.#options.makeItem();
    if (this.#open === undefined) this.#listen(at - NOTICE - PREROLL);
  }

  pause(): void {
    const stretch = this.#open;
    if (stretch === undefined) return;
    this.#open = undefined;
    stretch.audio.end();
    const { stt, clock } = this.#options;
    stretch.endedAt = clock.now();
    const patience = Math.max(PATIENCE_FLOOR, stt.can.finalMs * PATIENCE);
    const cancel = clock.at(clock.now() + patience, () => {
      this.#complain(stretch);
      stretch.abort.abort(new VoiceError("provider-timeout", "the recogniser did not finalise in time"));
      this.#close(stretch, false);
    });
    void stretch.done.promise.then(cancel);
  }

  async settled(): Promise<void> {
    this.pause();
    await Promise.all(this.#stretches.map(({ done }) => done.promise));
  }

  end(): void {
    for (const stretch of this.#stretches) {
      if (stretch.state === "open") this.#complain(stretch);
      stretch.audio.end();
      stretch.abort.abort(new VoiceError("interrupted", "the turn is over"));
      stretch.state = "final";
      stretch.done.resolve();
    }
    this.#stretches = [];
    this.#open = undefined;
    this.#item = undefined;
  }

  close(): void {
    this.end();
    this.#ring.length = 0;
  }

  #listen(from: Millis): void {
    const again = this.rejected ? this.#stretches.flatMap(({ kept }) => kept) : [];
    const stretch: Stretch = {
      audio: new Queue<AudioFrame>({ limit: WAITING, weigh: durationOf }),
      kept: [],
      done: deferred<void>(),
      abort: new AbortController(),
      text: "",
      endedAt: undefined,
      state: "open",
    };
    this.#stretches.push(stretch);
    this.#open = stretch;
    for (const frame of again) this.#put(stretch, frame);
    for (const frame of this.#ring) {
      if (frame.at + durationOf(frame) > from && frame.at >= this.#given) this.#give(stretch, frame);
    }
    void this.#recognise(stretch);
  }

  #give(stretch: Stretch, frame: AudioFrame): void {
    this.#given = frame.at + durationOf(frame);
    this.#put(stretch, frame);
  }

  #put(stretch: Stretch, frame: AudioFrame): void {
    if (stretch.kept.length * durationOf(frame) < AGAIN) stretch.kept.push(frame);
    stretch.audio.push(frame);
  }

  async #recognise(stretch: Stretch): Promise<void> {
    const { stt, session, phrases, events } = this.#options;
    const { signal } = stretch.abort;
    let rejected = false;
    let likely: number | undefined;
    try {
      const all = stt.listen(stretch.audio, { session, signal, phrases: phrases() });
      for await (const words of untilAborted(all, signal)) {
        stretch.text = words.text;
        rejected = words.rejected ?? false;
        likely = words.likelyEnd;
        if (words.final) break;
        this.#tell(false);
        if (likely !== undefined) events.onLikelyEnd(likely);
      }
    } catch (error) {
      events.onTrouble(asVoiceError(error, "provider-unavailable"));
    }
    if (signal.aborted) return;
    this.#close(stretch, rejected);
    // An opinion is on the words told last.
    if (likely !== undefined && !rejected) events.onLikelyEnd(likely);
  }

  /** Reports a final that is late. */
  #complain({ endedAt }: Stretch): void {
    const { stt, clock, events } = this.#options;
    const late = endedAt === undefined ? 0 : clock.now() - endedAt;
    if (late <= stt.can.finalMs) return;
    const message = `${stt.name} did not finalise within ${Math.round(late)} ms`;
    events.onTrouble(new VoiceError("provider-timeout", message, { meta: { part: stt.name } }));
  }

  #close(stretch: Stretch, rejected: boolean): void {
    if (stretch.state !== "open") return;
    if (this.#open === stretch) this.#open = undefined;
    stretch.state = rejected && stretch.text === "" ? "rejected" : "final";
    // What was not understood alone was heard again with this one: it has had its chance.
    if (stretch.text !== "") for (const one of this.#stretches) one.kept.length = 0;
    this.#tell(true);
    stretch.done.resolve();
  }

  #tell(final: boolean): void {
    if (this.#item === undefined) return;
    const { text, rejected } = this;
    if (!final && text === "") return;
    this.#options.events.onWords({ item: this.#item, text, final, rejected });
  }
}
