import { type AudioFrame, monoFrame } from "../audio/frame.ts";
import { resample } from "../audio/resample.ts";
import type { Session, Turn } from "../session/types.ts";
import type { Stt } from "./types.ts";

export interface TranscribeOptions {
  readonly session: Session;
  /** What callers are likely to say: a hint for recognisers, the whole grammar of the embedded one. */
  readonly phrases?: readonly string[];
}

/**
 * What was said in one turn, for handlers that work on text: typed words as they are, speech through a recogniser. Empty
 * when nothing was understood, or when the turn was taken back meanwhile. Throws what the recogniser throws.
 */
export async function transcribe(stt: Stt, turn: Turn, { session, phrases = [] }: TranscribeOptions): Promise<string> {
  if (turn.text !== undefined) return turn.text;
  const { samples, rate, at } = turn.audio;
  const whole = monoFrame(resample(samples, rate, stt.rate), stt.rate, at);
  let text = "";
  for await (const words of stt.listen(only(whole), { session, signal: turn.signal, phrases })) text = words.text;
  return turn.signal.aborted ? "" : text;
}

async function* only(frame: AudioFrame): AsyncGenerator<AudioFrame> {
  yield frame;
}
