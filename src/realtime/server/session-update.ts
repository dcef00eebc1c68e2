import { type Complaint, invalid } from "../../protocol/openai/complaint.ts";
import {
  mergeSession,
  newTranscriptionSession,
  type SessionPatch,
  type WireSession,
} from "../../protocol/openai/session.ts";

/** What a session has become fixed by. */
export interface SessionFacts {
  /** Nothing was said, added or updated yet: the kind of session may still change. */
  readonly fresh: boolean;
  /** The model came with the connection. */
  readonly hasModel: boolean;
  /** The model has spoken. */
  readonly hasSpoken: boolean;
  /** A response is under way. */
  readonly isSpeaking: boolean;
}

/** The session after the update, or why all of it is refused: it is never taken in part. */
export function updateSession(session: WireSession, patch: SessionPatch, facts: SessionFacts): WireSession | Complaint {
  if (patch.type !== session.type) return changeKind(session, patch, facts);
  if (session.type === "transcription" || patch.type === "transcription") return mergeSession(session, patch);
  if (facts.hasModel && patch.model !== undefined && patch.model !== session.model)
    return invalid("session.model", `the model of the session, '${session.model}'`, patch.model);
  const next = mergeSession(session, patch);
  if (next.type !== "realtime") return next;
  const { voice, speed } = next.audio.output;
  if (facts.hasSpoken && nameOf(voice) !== nameOf(session.audio.output.voice)) {
    return {
      fault: "bad-message",
      code: "cannot_update_voice",
      param: "session.audio.output.voice",
      why: "Cannot update a conversation's voice after the assistant has produced audio.",
    };
  }
  if (facts.isSpeaking && speed !== session.audio.output.speed) {
    return {
      fault: "bad-message",
      code: "invalid_value",
      param: "session.audio.output.speed",
      why: "The speed can only be changed between responses.",
    };
  }
  if (session.tracing !== null && patch.tracing !== undefined && !isSame(patch.tracing, session.tracing))
    return invalid("session.tracing", "the tracing that was configured first", patch.tracing);
  return next;
}

/** A voice as a text, whether it was given by name or by id. */
export function nameOf(voice: string | { readonly id: string }): string {
  return typeof voice === "string" ? voice : voice.id;
}

function changeKind(session: WireSession, patch: SessionPatch, facts: SessionFacts): WireSession | Complaint {
  if (!facts.fresh || facts.hasModel || patch.type !== "transcription")
    return invalid("session.type", `'${session.type}'`, patch.type);
  return mergeSession(newTranscriptionSession({ id: session.id, expiresAt: session.expires_at * 1000 }), patch);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
