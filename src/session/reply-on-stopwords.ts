/*
 * Answers only what is said after one of the stop words ("hey computer, …"). A streaming recogniser listens along with
 * the caller; words are matched on partials, so the page knows the moment the word was heard.
 */
import { type AudioFrame, concat, durationOf } from "../audio/frame.ts";
import { Queue } from "../base/queue.ts";
import { replyOnPause, type ReplyOnPauseOptions } from "./reply-on-pause.ts";
import { LiveSession } from "./session.ts";
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
  readonly recogniser: WordSpotter;
  /** Whether what follows the word in the same breath belongs to the turn. Default true; otherwise the next turn is it. */
  readonly sameBreath?: boolean;
};

/** Makes a handler that answers a turn only when a stop word was said in it, or armed by the turn before. */
export function replyOnStopWords<In = unknown>(reply: Reply<In>, options: StopWordOptions<In>): Handler<In> {
  const { stopWords, recogniser, sameBreath = true, ...rest } = options;
  if (stopWords.length === 0) throw new TypeError("stopWords must name at least one word");
  const patterns = stopWords.map(patternOf);
  return (session) => {
    let armed = false;
    const onlyAfterWord: Reply<In> = async function* (turn, live) {
      if (turn.text !== undefined || armed) {
        armed = false;
        yield* reply(turn, live);
        return;
      }
      const found = await spot(turn, live, recogniser, patterns, stopWords);
      if (found === undefined) return;
      live.tell({ type: "stopword", data: "" });
      if (!sameBreath || found.rest === "") {
        armed = true;
        return;
      }
      yield* reply({ ...turn, audio: found.audio }, live);
    };
    return replyOnPause(onlyAfterWord, rest)(session);
  };
}

interface Found {
  /** What was said after the word. */
  readonly rest: string;
  readonly audio: AudioFrame;
}

/** Looks for a stop word in one utterance. */
async function spot<In>(
  turn: Turn,
  session: Session<In>,
  recogniser: WordSpotter,
  patterns: readonly RegExp[],
  phrases: readonly string[],
): Promise<Found | undefined> {
  if (!(session instanceof LiveSession)) return undefined;
  const audio = new Queue<AudioFrame>();
  audio.push(turn.audio);
  audio.end();
  for await (const { text, final } of recogniser.listen(audio, { session, signal: turn.signal, phrases })) {
    if (!final) continue;
    for (const pattern of patterns) {
      const match = pattern.exec(text);
      if (match === null) continue;
      const rest = text.slice(match.index + match[0].length).trim();
      return { rest, audio: after(turn.audio, (match.index + match[0].length) / Math.max(1, text.length)) };
    }
  }
  return undefined;
}

/** The part of an utterance behind a share of its text: words are spread over speech nearly evenly. */
function after(audio: AudioFrame, share: number): AudioFrame {
  const from = Math.floor(audio.samples.length * Math.min(1, share));
  return concat([{ ...audio, samples: audio.samples.subarray(from), at: audio.at + durationOf(audio) * share }], audio.rate);
}

function patternOf(phrase: string): RegExp {
  const words = phrase.trim().split(/\s+/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`\\b${words.join("[\\s.,!?]+")}\\b[.,!?]*`, "i");
}
