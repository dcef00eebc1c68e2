/*
 * Answers only what is said after one of the stop words ("hey computer, …"). A streaming recogniser listens along with
 * the caller; words are matched on its partials, so the page knows the moment the word was heard.
 *
 *   asleep ──stop word──▶ awake: what follows in the same breath, or else the next turn, is answered ──▶ asleep
 */
import { mixedDown } from "../audio/channels.ts";
import { type AudioFrame, concat, durationOf } from "../audio/frame.ts";
import { Queue } from "../base/queue.ts";
import type { Millis } from "../base/time.ts";
import { replyOnPause, type ReplyOnPauseOptions } from "./reply-on-pause.ts";
import type { Handler, Reply, Session, Turn } from "./types.ts";

/** What is needed of a recogniser to spot words; every `Stt` has it. */
export interface WordSpotter {
  listen(
    audio: AsyncIterable<AudioFrame>,
    ask: { readonly session: Session; readonly signal: AbortSignal; readonly phrases: readonly string[] },
  ): AsyncIterable<{ readonly text: string; readonly final: boolean }>;
}

export type StopWordOptions<In = unknown> = ReplyOnPauseOptions<In> & {
  /** Words or phrases, any case. Punctuation between their words does not matter. */
  readonly stopWords: readonly string[];
  readonly recognizer: WordSpotter;
  /** What else callers may say: the vocabulary of a recogniser that only knows declared phrases. Default: nothing. */
  readonly phrases?: readonly string[];
  /** Whether what follows the word in the same breath is answered. Default true; otherwise only the next turn is. */
  readonly sameBreath?: boolean;
};

/** Audio the spotter gets from before the onset, ms: the first consonant is not voiced. */
const PREFIX: Millis = 300;
/** How long after a word its partial comes, ms: what was said since then follows the word. */
const PARTIAL_DELAY: Millis = 150;
/** Less than this behind the word is no question, ms. */
const LEAST: Millis = 350;

/** Makes a handler that answers after a stop word. Throws TypeError when no stop word is given. */
export function replyOnStopWords<In = unknown>(reply: Reply<In>, options: StopWordOptions<In>): Handler<In> {
  const { stopWords, recognizer, phrases = [], sameBreath = true, ...rest } = options;
  if (stopWords.length === 0) throw new TypeError("stopWords must name at least one word");
  if (stopWords.some((word) => word.trim() === ""))
    throw new TypeError("a stop word must have letters, got a blank one");
  return (session) => {
    const spotter = new Spotter(session, recognizer, stopWords, phrases);
    const answer: Reply<In> = async function* (turn, live) {
      const place = await spotter.place(turn);
      if (turn.text !== undefined || spotter.awake) {
        spotter.awake = false;
        yield* reply(turn, live);
      } else if (place !== undefined) {
        const rest = turn.audio.samples.length === 0 ? turn.audio : after(turn.audio, place);
        if (!sameBreath || durationOf(rest) < LEAST + (options.silenceMs ?? 500)) spotter.awake = true;
        else yield* reply({ ...turn, audio: rest }, live);
      }
    };
    return replyOnPause(answer, rest)(session);
  };
}

/** Listens along with one caller. */
class Spotter<In> {
  /** A stop word was said and nothing behind it: the next turn is meant for us. */
  awake = false;
  readonly #session: Session<In>;
  readonly #patterns: readonly RegExp[];
  readonly #listen: (audio: AsyncIterable<AudioFrame>) => ReturnType<WordSpotter["listen"]>;
  #before: AudioFrame[] = [];
  #stretch: { readonly audio: Queue<AudioFrame>; readonly done: Promise<void> } | undefined;
  #found: Millis | undefined;
  #heardUntil: Millis = 0;

  constructor(session: Session<In>, recognizer: WordSpotter, stopWords: readonly string[], phrases: readonly string[]) {
    this.#session = session;
    this.#patterns = stopWords.map(patternOf);
    const ask = {
      session,
      signal: session.signal,
      phrases: [...stopWords, ...stopWords.flatMap((word) => phrases.map((rest) => `${word} ${rest}`)), ...phrases],
    };
    this.#listen = (audio) => recognizer.listen(audio, ask);
    session.tap((frame) => this.#hear(mixedDown(frame)));
    session.on("turn", (event) => {
      if (event.type === "started") this.#begin();
      else if (event.type === "ended") this.#stretch?.audio.end();
    });
  }

  /** Where in the session a stop word of this turn ended, if there was one. */
  async place(turn: Turn): Promise<Millis | undefined> {
    if (turn.text === undefined) await this.#stretch?.done;
    const place = this.#found;
    this.#found = undefined;
    return place;
  }

  #hear(frame: AudioFrame): void {
    this.#heardUntil = frame.at + durationOf(frame);
    if (this.#stretch !== undefined && !this.#stretch.audio.ended) {
      this.#stretch.audio.push(frame);
      return;
    }
    this.#before.push(frame);
    // The onset is confirmed up to 100 ms after it.
    while (this.#before.length > 0 && frame.at - (this.#before[0]?.at ?? 0) > PREFIX + 100) this.#before.shift();
  }

  #begin(): void {
    this.#stretch?.audio.end();
    const audio = new Queue<AudioFrame>();
    for (const frame of this.#before) audio.push(frame);
    this.#before = [];
    this.#found = undefined;
    this.#stretch = { audio, done: this.#spot(audio) };
  }

  async #spot(audio: Queue<AudioFrame>): Promise<void> {
    try {
      for await (const { text } of this.#listen(audio)) {
        if (this.#found !== undefined || !this.#patterns.some((pattern) => pattern.test(text))) continue;
        this.#found = this.#heardUntil - PARTIAL_DELAY;
        this.#session.tell({ type: "stopword", data: "" });
      }
    } catch {
      // A recogniser that failed has heard no stop word; its own room reports why.
    }
  }
}

/** The part of an utterance from `place` (session time) on. */
function after(audio: AudioFrame, place: Millis): AudioFrame {
  const from = Math.max(0, Math.min(audio.samples.length, Math.round(((place - audio.at) * audio.rate) / 1000)));
  return concat([{ ...audio, samples: audio.samples.subarray(from), at: Math.max(audio.at, place) }], audio.rate);
}

function patternOf(phrase: string): RegExp {
  const words = phrase
    .trim()
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // Not \b, which knows only English letters.
  return new RegExp(`(?<![\\p{L}\\p{N}])${words.join("[\\s.,!?]+")}(?![\\p{L}\\p{N}])`, "iu");
}
