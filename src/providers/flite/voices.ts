import { VoiceError } from "../../base/errors.ts";

/** The speakers inside flite that talk about anything at 16 kHz. */
export type FliteSpeaker = "slt" | "rms" | "awb" | "kal16";

/** A speaker, made higher or lower, slower or faster. */
export interface FliteVoice {
  /** slt: woman, US. rms: man, US. awb: man, Scottish. kal16: man, US, simpler and four times cheaper. */
  readonly voice: FliteSpeaker;
  /** Length of the speech, 0.5 to 2. Default 1. */
  readonly stretch?: number;
  /** Factor on the pitch, 0.6 to 1.7. Default 1. `rms` ignores it, so it must stay 1 there. */
  readonly f0?: number;
}

/** Every speaker with the gain that brings its active RMS to -20 dBFS (measured on four sentences each). */
const GAIN_DB: Readonly<Record<FliteSpeaker, number>> = { slt: -5.5, rms: 0.1, awb: -1.2, kal16: 6.2 };

/** Seven voices that are told apart by ear, in the order in which to give them to agents. */
export const fliteVoices: readonly string[] = ["slt", "rms", "awb", "kal16", "slt+15x1.05", "awb-12", "kal16+40"];

/** Linear gain of a speaker. */
export function gainOf(speaker: FliteSpeaker): number {
  return 10 ** (GAIN_DB[speaker] / 20);
}

/**
 * What a voice's name means: one of `named`, a speaker ("slt"), or a speaker with a change of pitch in percent and of speed
 * as a factor ("slt+15", "awb-12", "rms x1.1", "slt+15x1.05"). Names made for other providers ("marin", "alloy") get
 * one of `fliteVoices`, the same name always the same one, so that agents stay told apart.
 * Throws VoiceError `config` for a speaker with values out of range.
 */
export function voiceOf(name: string, named: Readonly<Record<string, FliteVoice>> = {}): Required<FliteVoice> {
  const own = Object.hasOwn(named, name) ? named[name] : undefined;
  if (own !== undefined) return checked(name, own);
  const match = /^(slt|rms|awb|kal16)\s?([+-]\d{1,2})?\s?(?:x(\d(?:\.\d{1,3})?))?$/.exec(name.trim());
  const speaker = match?.[1];
  if (!isSpeaker(speaker)) return voiceOf(fliteVoices[hash(name) % fliteVoices.length] ?? "slt");
  return checked(name, { voice: speaker, f0: 1 + Number(match?.[2] ?? 0) / 100, stretch: 1 / Number(match?.[3] ?? 1) });
}

function isSpeaker(name: unknown): name is FliteSpeaker {
  return typeof name === "string" && Object.hasOwn(GAIN_DB, name);
}

function checked(name: string, { voice, stretch = 1, f0 = 1 }: FliteVoice): Required<FliteVoice> {
  if (!isSpeaker(voice)) {
    throw new VoiceError("config", `voice "${name}" must be spoken by ${Object.keys(GAIN_DB).join(", ")}, got ${String(voice)}`);
  }
  if (!(stretch >= 0.5 && stretch <= 2)) {
    throw new VoiceError("config", `voice "${name}" must have a stretch from 0.5 to 2, got ${stretch}`);
  }
  if (!(f0 >= 0.6 && f0 <= 1.7)) throw new VoiceError("config", `voice "${name}" must have an f0 from 0.6 to 1.7, got ${f0}`);
  if (voice === "rms" && f0 !== 1) throw new VoiceError("config", `voice "${name}": the pitch of rms cannot be changed`);
  return { voice, stretch, f0 };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
