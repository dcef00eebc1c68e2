import type { Session } from "../session/types.ts";
import type { Spoken, Tts } from "./types.ts";

export interface SpeakOptions {
  readonly session: Session;
  /** Stops the voice: a turn's signal. Default: that of the session. */
  readonly signal?: AbortSignal;
  /** Default: the voice of the synthesiser. */
  readonly voice?: string;
}

/**
 * A text as audio, for a handler to yield: whole, or piece by piece as it is written. To a synthesiser that takes whole
 * sentences (`can.input` is "piece") every piece is one. Throws what the synthesiser throws.
 */
export function speak(
  tts: Tts,
  text: string | AsyncIterable<string>,
  { session, signal = session.signal, voice }: SpeakOptions,
): AsyncIterable<Spoken> {
  const pieces = typeof text === "string" ? only(text) : text;
  return tts.speak(pieces, { session, signal, ...(voice !== undefined && { voice }) });
}

async function* only(text: string): AsyncGenerator<string> {
  yield text;
}
