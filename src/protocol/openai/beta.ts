/*
 * The beta protocol ended in May 2026. It is not served; it is recognised, so that whoever still speaks it is told what
 * to write instead of meeting silence. See docs/from-beta-realtime.md.
 */
import { isRecord } from "./complaint.ts";

/** The header that asked for the beta protocol; sending it is fatal. */
export const BETA_HEADER = "openai-beta";

/** Events by their beta names, and what they are called now. */
const events: Readonly<Record<string, string>> = {
  "transcription_session.update": "session.update with session.type 'transcription'",
  "transcription_session.updated": "session.updated with session.type 'transcription'",
  "response.audio.delta": "response.output_audio.delta",
  "response.audio.done": "response.output_audio.done",
  "response.audio_transcript.delta": "response.output_audio_transcript.delta",
  "response.audio_transcript.done": "response.output_audio_transcript.done",
  "response.text.delta": "response.output_text.delta",
  "response.text.done": "response.output_text.done",
};

/** Members of a session by their beta names, and where they are now. */
const members: Readonly<Record<string, string>> = {
  modalities: "session.output_modalities",
  voice: "session.audio.output.voice",
  speed: "session.audio.output.speed",
  temperature: "nothing, it was removed",
  input_audio_format: "session.audio.input.format",
  output_audio_format: "session.audio.output.format",
  input_audio_transcription: "session.audio.input.transcription",
  input_audio_noise_reduction: "session.audio.input.noise_reduction",
  turn_detection: "session.audio.input.turn_detection",
  max_response_output_tokens: "session.max_output_tokens",
};

/** What an event of the beta protocol is called now; undefined when the name is not one of the beta's. */
export function betaEvent(type: string): string | undefined {
  return Object.hasOwn(events, type) ? events[type] : undefined;
}

/** The first member of a session that only the beta protocol has, and where it is now. */
export function betaSessionMember(session: unknown): { readonly name: string; readonly now: string } | undefined {
  if (!isRecord(session)) return undefined;
  for (const [name, now] of Object.entries(members)) if (session[name] !== undefined) return { name, now };
  return undefined;
}

/** Whether the value of the header `OpenAI-Beta` asks for the beta protocol. */
export function asksForBeta(header: string | undefined): boolean {
  return header !== undefined && header.split(",").some((one) => one.trim() === "realtime=v1");
}
