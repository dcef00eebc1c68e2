/*
 * One piece of text to samples. Flite begins every sentence with 136 to 252 ms of silence and ends it with up to 230; the
 * times of its phones say where speech is, so both are cut: the largest single gain in latency of the embedded voice.
 */
import { VoiceError } from "../../base/errors.ts";
import type { Millis } from "../../base/time.ts";
import { runCommand } from "../../node/wasi.ts";
import { gainOf, type FliteVoice } from "./voices.ts";

export interface Phone {
  readonly name: string;
  /** Ms from the first sample. */
  readonly to: Millis;
}

/** A piece of speech at 16 kHz. */
export interface Synthesis {
  readonly samples: Int16Array<ArrayBuffer>;
  /** Stretches between pauses, ms from the first sample. */
  readonly parts: readonly { readonly from: Millis; readonly to: Millis }[];
}

/** Rate of every voice offered, in Hz. */
export const FLITE_RATE = 16_000;

const PAUSE = "pau";
const LEAD_MS = 20;
const TAIL_MS = 60;
const FADE_MS = 4;
const HEADER_BYTES = 44;
/** Where the soft limit begins, and -1 dBFS, where it ends; linear, 1 is full scale. */
const KNEE = 0.6;
const CEILING = 0.891;

/** Synthesises clean ASCII text. Throws VoiceError `provider-unavailable` when flite gives no audio. */
export function synthesize(module: WebAssembly.Module, text: string, how: Required<FliteVoice>): Synthesis {
  const { voice, stretch, f0 } = how;
  const { code, stdout, stderr, files } = runCommand(module, [
    "flite",
    "-voice",
    voice,
    "-psdur",
    "--setf",
    `duration_stretch=${stretch.toFixed(4)}`,
    "--setf",
    `f0_shift=${f0.toFixed(4)}`,
    "-t",
    text,
    "-o",
    "/o.wav",
  ]);
  const wav = files.get("o.wav") ?? files.get("/o.wav");
  if (code !== 0 || wav === undefined || wav.length < HEADER_BYTES) {
    throw new VoiceError("provider-unavailable", `flite ended with code ${code}`, {
      meta: { stderr: stderr.slice(0, 500) },
    });
  }
  const header = new DataView(wav.buffer, wav.byteOffset, wav.length);
  const rate = header.getUint32(24, true);
  if (rate !== FLITE_RATE) throw new VoiceError("bug", `flite must speak at ${FLITE_RATE} Hz, got ${rate}`);
  const length = (wav.length - HEADER_BYTES) >> 1;
  const phones = readPhones(stdout, (length / rate) * 1000);
  const { from, to } = speechSpan(phones, (length / rate) * 1000);
  const first = Math.round((from * rate) / 1000);
  const last = Math.min(length, Math.round((to * rate) / 1000));
  const samples = new Int16Array(Math.max(0, last - first));
  for (let i = 0; i < samples.length; i++) samples[i] = header.getInt16(HEADER_BYTES + 2 * (first + i), true);
  level(samples, gainOf(how));
  return { samples, parts: partsOf(phones, from) };
}

/**
 * Flite's `phone:endSeconds` list in ms. The diphone voices print times of another speed than they speak with, so the
 * list is stretched to the length of the audio.
 */
export function readPhones(stdout: string, lengthMs: Millis): readonly Phone[] {
  const raw = stdout
    .trim()
    .split(/\s+/)
    .map((entry) => {
      const colon = entry.lastIndexOf(":");
      return { name: entry.slice(0, colon), to: Number(entry.slice(colon + 1)) * 1000 };
    })
    .filter(({ name, to }) => name !== "" && Number.isFinite(to));
  const end = raw.at(-1)?.to ?? 0;
  const scale = end > 0 ? lengthMs / end : 1;
  return raw.map(({ name, to }) => ({ name, to: to * scale }));
}

/** From 20 ms before the first sound to 60 ms after the last one. */
function speechSpan(phones: readonly Phone[], lengthMs: Millis): { readonly from: Millis; readonly to: Millis } {
  const first = phones[0];
  const last = phones.at(-1);
  const before = phones.at(-2);
  const from = first?.name === PAUSE ? Math.max(0, first.to - LEAD_MS) : 0;
  const to = last?.name === PAUSE && before !== undefined ? Math.min(lengthMs, before.to + TAIL_MS) : lengthMs;
  return { from, to };
}

function partsOf(phones: readonly Phone[], origin: Millis): Synthesis["parts"] {
  const parts: { from: Millis; to: Millis }[] = [];
  let begun: Millis | undefined;
  let before = 0;
  for (const { name, to } of phones) {
    if (name === PAUSE) {
      if (begun !== undefined) parts.push({ from: begun, to: before - origin });
      begun = undefined;
    } else {
      begun ??= before - origin;
    }
    before = to;
  }
  if (begun !== undefined) parts.push({ from: begun, to: before - origin });
  return parts;
}

/** Gain with a soft limit, and short fades so that no cut clicks. In place. */
function level(samples: Int16Array, gain: number): void {
  const fade = Math.min((FADE_MS * FLITE_RATE) / 1000, samples.length >> 1);
  const range = CEILING - KNEE;
  for (let i = 0; i < samples.length; i++) {
    let value = ((samples[i] ?? 0) / 32_768) * gain;
    const size = Math.abs(value);
    if (size > KNEE) value = Math.sign(value) * (KNEE + range * Math.tanh((size - KNEE) / range));
    const edge = Math.min(i, samples.length - 1 - i);
    if (edge < fade) value *= edge / fade;
    samples[i] = Math.round(value * 32_767);
  }
}
