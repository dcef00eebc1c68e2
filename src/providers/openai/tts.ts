/*
 * A voice behind `POST /audio/speech`: raw samples, spoken on as they come. The next piece of text is asked for while the
 * present one is read, so that no pause stands between two sentences.
 */
import type { Ask, Spoken, Tts } from "../../agents/types.ts";
import { monoFrame } from "../../audio/frame.ts";
import { SampleJoiner } from "../../audio/pcm.ts";
import { abortOf } from "../../node/abort.ts";
import type { Endpoint } from "./endpoint.ts";
import { post, type Reply } from "./request.ts";

export interface TtsOptions {
  /** Default "gpt-4o-mini-tts". */
  readonly model?: string;
  /** For agents that name none. Default "alloy". */
  readonly voice?: string;
  /** How to speak, for models that take instructions. */
  readonly instructions?: string;
  /** 0.25 to 4. Default 1. */
  readonly speed?: number;
}

/** What `pcm` means there: 24 kHz, 16 bit, mono, little-endian. */
const RATE = 24_000;

interface Asked {
  readonly text: string;
  readonly reply: Reply;
}

/** The voice. */
export function speaker(endpoint: Endpoint, options: TtsOptions = {}): Tts {
  return {
    name: options.model ?? "gpt-4o-mini-tts",
    rate: RATE,
    can: { input: "piece", words: false, abortable: true },
    speak: (text, ask) => speak(endpoint, options, text, ask),
  };
}

async function* speak(
  endpoint: Endpoint,
  options: TtsOptions,
  text: AsyncIterable<string>,
  { signal, voice }: Ask & { readonly voice?: string },
): AsyncGenerator<Spoken, void, undefined> {
  const source = text[Symbol.asyncIterator]();
  const { promise: aborted, undo } = abortOf(signal);
  const stop = new AbortController();
  void aborted.then(() => stop.abort(signal.reason));
  const ask = async (): Promise<Asked | undefined> => {
    for (;;) {
      const next = await Promise.race([source.next(), aborted]);
      if (next === undefined || next.done === true || stop.signal.aborted) return undefined;
      const piece = next.value.trim();
      if (!/[\p{L}\p{N}]/u.test(piece)) continue;
      const reply = await post(endpoint, "/audio/speech", bodyOf(piece, voice, options), stop.signal);
      reply.begun();
      return { text: piece, reply };
    }
  };
  let coming = signal.aborted ? Promise.resolve(undefined) : ask();
  try {
    for (let asked = await coming; asked !== undefined; asked = await coming) {
      coming = ask();
      // Met where it is awaited, or not at all when the present piece is the last that is wanted.
      coming.catch(() => {});
      yield* frames(asked, signal);
      if (signal.aborted) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    undo();
    stop.abort();
    source.return?.()?.catch(() => {});
  }
}

/** One piece as it comes; its text goes with the first frame. */
async function* frames({ text, reply }: Asked, signal: AbortSignal): AsyncGenerator<Spoken, void, undefined> {
  const joiner = new SampleJoiner();
  let isFirst = true;
  for await (const bytes of reply.body) {
    if (signal.aborted) return;
    const samples = joiner.push(bytes);
    if (samples.length === 0) continue;
    const frame = monoFrame(samples, RATE);
    yield isFirst ? { ...frame, text } : frame;
    isFirst = false;
  }
}

function bodyOf(input: string, voice: string | undefined, options: TtsOptions): { type: string; content: string } {
  const { model = "gpt-4o-mini-tts", voice: usual = "alloy", instructions, speed } = options;
  const content = { model, input, voice: voice ?? usual, response_format: "pcm", instructions, speed };
  return { type: "application/json", content: JSON.stringify(content) };
}
