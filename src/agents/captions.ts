/*
 * The caller's words while they are spoken, without an agent: a detector finds the stretches of speech, and each goes to
 * the recogniser as it comes.
 *
 *   started ──▶ pre-roll and live audio into one `listen` ──▶ partial, partial … ──ended──▶ final
 */
import { type AudioFrame, monoFrame } from "../audio/frame.ts";
import { Resampler } from "../audio/resample.ts";
import { asVoiceError } from "../base/errors.ts";
import { Queue } from "../base/queue.ts";
import type { Session } from "../session/types.ts";
import { type Listener, listen } from "../session/turns.ts";
import type { TurnOptions } from "../turn/policy.ts";
import type { DetectorMaker } from "../vad/detector.ts";
import type { Stt } from "./types.ts";

export type CaptionsOptions = TurnOptions & {
  readonly stt: Stt;
  /** What callers are likely to say: a hint for recognisers, the whole grammar of the embedded one. */
  readonly phrases?: readonly string[];
  /** Default: the detector the server was given. */
  readonly detector?: DetectorMaker;
};

/** The words of one stretch of speech so far; a later caption of the same turn replaces it. */
export interface Caption {
  /** Counts from 0. */
  readonly turn: number;
  readonly text: string;
  /** The stretch is over: nothing follows for this turn. */
  readonly final: boolean;
}

/**
 * What the caller says, as it is understood, until the call ends. Stretches in which nothing was understood give no
 * caption. Options are those of the turn policy besides. Throws what the recogniser throws.
 */
export async function* captions(
  session: Session,
  { stt, phrases = [], detector, ...policy }: CaptionsOptions,
): AsyncGenerator<Caption, void, undefined> {
  const found = new Queue<Caption>();
  const abort = new AbortController();
  let turns = 0;
  let stretch: Stretch | undefined;
  const recognise = async (turn: number, audio: Queue<AudioFrame>): Promise<void> => {
    for await (const { text, final } of stt.listen(audio, { session, signal: abort.signal, phrases }))
      if (text !== "" && !abort.signal.aborted) found.push({ turn, text, final });
  };
  const begin = (): Stretch => {
    const next = new Stretch(stt.rate);
    next.push(listener.utterance());
    recognise(turns++, next.audio).catch((error: unknown) => found.fail(asVoiceError(error, "provider-unavailable")));
    return next;
  };
  const listener: Listener = listen(session, {
    policy,
    detector,
    onEvent: ({ type }) => {
      if (type === "started" || type === "resumed") stretch ??= begin();
      if (type !== "ended") return;
      stretch?.audio.end();
      stretch = undefined;
      // Nobody is going to answer: the floor is free.
      listener.answering(false);
    },
    onAudio: (frame) => stretch?.push(frame),
  });
  const end = (): void => found.end();
  session.signal.addEventListener("abort", end, { once: true });
  try {
    yield* found;
  } finally {
    session.signal.removeEventListener("abort", end);
    listener.stop();
    stretch?.audio.end();
    abort.abort(session.signal.reason);
  }
}

/** One stretch of speech at the recogniser's rate. */
class Stretch {
  readonly audio: Queue<AudioFrame> = new Queue<AudioFrame>();
  readonly #rate: number;
  #resampler: Resampler | undefined;

  constructor(rate: number) {
    this.#rate = rate;
  }

  push(frame: AudioFrame): void {
    if (frame.rate === this.#rate) return this.audio.push(frame);
    if (this.#resampler?.from !== frame.rate) this.#resampler = new Resampler(frame.rate, this.#rate);
    const samples = this.#resampler.process(frame.samples).slice();
    if (samples.length > 0) this.audio.push(monoFrame(samples, this.#rate, frame.at));
  }
}
