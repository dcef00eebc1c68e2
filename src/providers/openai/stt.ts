/*
 * A recogniser behind `POST /audio/transcriptions`: one stretch of speech is one wav file, sent when it is over. Servers
 * that stream their transcript tell its words while they write it.
 */
import type { Ask, Stt, SttCan, Words } from "../../agents/types.ts";
import { type AudioFrame, concat, durationOf, monoFrame } from "../../audio/frame.ts";
import { rmsOf } from "../../audio/level.ts";
import { stereoToMono } from "../../audio/pcm.ts";
import { Resampler } from "../../audio/resample.ts";
import { writeWav } from "../../audio/wav.ts";
import type { Millis } from "../../base/time.ts";
import { abortOf } from "../../node/abort.ts";
import { readServerSentEvents } from "../../node/sse.ts";
import { isRecord } from "../../protocol/page.ts";
import { providerError } from "../../realtime/faults.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Body, post, readJson } from "./request.ts";

export interface SttOptions {
  /** Default "gpt-4o-mini-transcribe". */
  readonly model?: string;
  /** ISO 639-1, such as "de". Default: the server finds out, which takes longer and fails more often. */
  readonly language?: string;
  /** Names and words to expect, in the style of the transcript. */
  readonly prompt?: string;
  /** Whether to ask for words while they are written. Default true; servers that cannot ignore it. */
  readonly stream?: boolean;
}

/** What models hear best. Less would lose consonants, more is thrown away by them. */
const RATE = 16_000;
/** Servers refuse shorter files; nothing is said in so short a time, ms. */
const SHORTEST: Millis = 100;
/** Below this RMS there is nobody: models write "Thank you for watching" to silence. -66 dBFS. */
const SILENCE = 0.0005;

/** The recogniser. */
export function transcriber(endpoint: Endpoint, options: SttOptions = {}): Stt {
  // p99 from end of speech to the final words, as measured by others for gpt-4o-transcribe.
  const can: SttCan = { partials: false, continuous: false, turns: false, finalMs: 2_010 };
  return {
    name: options.model ?? "gpt-4o-mini-transcribe",
    rate: RATE,
    can,
    listen: (audio, ask) => listen(endpoint, options, audio, ask),
  };
}

async function* listen(
  endpoint: Endpoint,
  options: SttOptions,
  audio: AsyncIterable<AudioFrame>,
  { signal }: Ask,
): AsyncGenerator<Words, void, undefined> {
  const speech = await collect(audio, signal);
  if (speech === undefined) return;
  if (durationOf(speech) < SHORTEST || rmsOf(speech.samples) < SILENCE) {
    yield { text: "", final: true };
    return;
  }
  try {
    const reply = await post(endpoint, "/audio/transcriptions", await formOf(speech, options), signal);
    try {
      if (reply.type === "text/event-stream") {
        reply.begun();
        yield* transcript(readServerSentEvents(reply.body), endpoint);
      } else {
        const json = await readJson(reply.body);
        yield { text: textIn(json, "text"), final: true };
      }
    } finally {
      reply.close();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** All of it at our rate; undefined when the signal came first. */
async function collect(audio: AsyncIterable<AudioFrame>, signal: AbortSignal): Promise<AudioFrame | undefined> {
  const frames: AudioFrame[] = [];
  let resampler: Resampler | undefined;
  const source = audio[Symbol.asyncIterator]();
  const { promise: aborted, undo } = abortOf(signal);
  try {
    while (!signal.aborted) {
      const next = await Promise.race([source.next(), aborted]);
      if (next === undefined || signal.aborted) return undefined;
      if (next.done === true) return concat(frames, RATE);
      const { samples, rate, channels } = next.value;
      const mono = channels === 2 ? stereoToMono(samples) : samples;
      if (rate !== RATE && resampler?.from !== rate) resampler = new Resampler(rate, RATE);
      frames.push(monoFrame(rate === RATE ? mono : (resampler?.process(mono).slice() ?? mono), RATE));
    }
    return undefined;
  } finally {
    undo();
    source.return?.()?.catch(() => {});
  }
}

async function formOf(speech: AudioFrame, options: SttOptions): Promise<Body> {
  const { model = "gpt-4o-mini-transcribe", language, prompt, stream = true } = options;
  const form = new FormData();
  form.set("model", model);
  form.set("response_format", "json");
  if (stream) form.set("stream", "true");
  if (language !== undefined) form.set("language", language);
  if (prompt !== undefined) form.set("prompt", prompt);
  const wav = writeWav(speech.samples, RATE);
  form.set("file", new File([Uint8Array.from(wav)], "speech.wav", { type: "audio/wav" }));
  const encoded = new Response(form);
  const type = encoded.headers.get("content-type") ?? "multipart/form-data";
  return { type, content: new Uint8Array(await encoded.arrayBuffer()) };
}

/** `transcript.text.delta`, then `transcript.text.done` with all of it; a stream without the latter ends with what came. */
async function* transcript(
  events: AsyncIterable<unknown>,
  { scrub }: Endpoint,
): AsyncGenerator<Words, void, undefined> {
  let text = "";
  for await (const event of events) {
    if (!isRecord(event)) continue;
    if ("error" in event) throw providerError(event["error"], "the server reported an error in its transcript", scrub);
    if (event["type"] === "transcript.text.done") {
      yield { text: textIn(event, "text"), final: true };
      return;
    }
    if (event["type"] !== "transcript.text.delta") continue;
    text += textIn(event, "delta", false);
    if (text.trim() !== "") yield { text: text.trim(), final: false };
  }
  yield { text: text.trim(), final: true };
}

function textIn(value: unknown, name: string, trimmed = true): string {
  const text = isRecord(value) ? value[name] : undefined;
  if (typeof text !== "string") return "";
  return trimmed ? text.trim() : text;
}
