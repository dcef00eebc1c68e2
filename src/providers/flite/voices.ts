import { fromDecibels } from "../../audio/level.ts";
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

/** Factors on the pitch at which levels were measured. */
const MEASURED_F0 = [0.75, 0.88, 1, 1.15, 1.3, 1.4, 1.6] as const;

/** Active RMS of each speaker at those factors, dBFS, over six sentences; the speed changes it by at most 0.3 dB. */
const LEVELS: Readonly<Record<FliteSpeaker, readonly number[]>> = {
  slt: [-16.4, -16.3, -14.4, -12.8, -12.9, -13.8, -17],
  rms: [-19.9, -19.9, -19.9, -19.9, -19.9, -19.9, -19.9],
  awb: [-18, -18.4, -18.6, -18, -17, -16.5, -16.4],
  kal16: [-27.4, -26.7, -26.1, -25.6, -24.9, -24.7, -24.4],
};

/** The level every voice is brought to, active RMS in dBFS. */
const TARGET_DB = -20;

/** Seven voices that are told apart by ear, in the order in which to give them to agents. */
export const fliteVoices: readonly string[] = ["slt", "rms", "awb", "kal16", "slt+15x1.05", "awb-12", "kal16+40"];

/** The linear gain that brings a voice to -20 dBFS active RMS. */
export function gainOf({ voice, f0 }: Required<FliteVoice>): number {
  const levels = LEVELS[voice];
  const above = MEASURED_F0.findIndex((measured) => measured >= f0);
  const right = above < 0 ? MEASURED_F0.length - 1 : above;
  const left = Math.max(0, right - (above < 0 ? 0 : 1));
  const from = MEASURED_F0[left] ?? 1;
  const to = MEASURED_F0[right] ?? 1;
  const share = to > from ? (f0 - from) / (to - from) : 0;
  const level = (levels[left] ?? TARGET_DB) * (1 - share) + (levels[right] ?? TARGET_DB) * share;
  return fromDecibels(TARGET_DB - level);
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
  return typeof name === "string" && Object.hasOwn(LEVELS, name);
}

function checked(name: string, { voice, stretch = 1, f0 = 1 }: FliteVoice): Required<FliteVoice> {
  if (!isSpeaker(voice)) {
    throw new VoiceError(
      "config",
      `voice "${name}" must be spoken by ${Object.keys(LEVELS).join(", ")}, got ${String(voice)}`,
    );
  }
  if (!(stretch >= 0.5 && stretch <= 2)) {
    throw new VoiceError("config", `voice "${name}" must have a stretch from 0.5 to 2, got ${stretch}`);
  }
  if (!(f0 >= 0.6 && f0 <= 1.7))
    throw new VoiceError("config", `voice "${name}" must have an f0 from 0.6 to 1.7, got ${f0}`);
  if (voice === "rms" && f0 !== 1)
    throw new VoiceError("config", `voice "${name}": the pitch of rms cannot be changed`);
  return { voice, stretch, f0 };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
