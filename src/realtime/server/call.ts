/*
 * One call of the GA protocol, as its server sees it. Clients, a mind and time go in, effects come out; there is nothing
 * asynchronous inside.
 *
 *   client events ─▶ ┌ session ┐ ─▶ send           the wires: all of a call see all of its events
 *   audio         ─▶ │ input   │ ─▶ hear, turn     the mind
 *   mind events   ─▶ │ replies │ ─▶ answer, cancel, brief, add, heard
 *   time          ─▶ └ items   ┘ ─▶ play, hush     the media track, where there is one
 */
import type { Epoch, Millis } from "../../base/time.ts";
import { soonest, type Deadline } from "../../base/time.ts";
import type { ClientComplaint, ClientEvent } from "../../protocol/openai/client-events.ts";
import type { ServerEvent } from "../../protocol/openai/server-events.ts";
import {
  mergeSession,
  type NewSession,
  newTranscriptionSession,
  newVoiceSession,
  type SessionPatch,
  type VoiceSession,
  type WireSession,
} from "../../protocol/openai/session.ts";
import type { DetectorMaker } from "../../vad/detector.ts";
import { Conversation } from "./conversation.ts";
import { type Effect, type MindEvent, Outbox } from "./effects.ts";
import { CallerInput } from "./input.ts";
import { ItemDesk } from "./item-desk.ts";
import { Limits, type LimitsOptions } from "./limits.ts";
import { Responses } from "./responses.ts";
import { updateSession } from "./session-update.ts";

export interface RealtimeCallOptions {
  readonly kind: "realtime" | "transcription";
  /** Undefined: the client names it later. */
  readonly model: string | undefined;
  readonly defaults?: Pick<NewSession, "instructions" | "voice">;
  /** What the session begins with beside the defaults. */
  readonly patch?: SessionPatch | undefined;
  /** Where audio goes and comes from: events, or a media track. */
  readonly media: "events" | "track";
  readonly makeDetector: DetectorMaker;
  /** A new id behind a prefix such as `item`. */
  readonly makeId: (prefix: string) => string;
  /** Default: without Buffer, which costs 50 times as much. */
  readonly toBase64?: ((bytes: Uint8Array) => string) | undefined;
  readonly now: Millis;
  readonly wall: Epoch;
  /** How long the call may last. Default 60 minutes. */
  readonly lifetimeMs?: Millis | undefined;
  readonly limits?: LimitsOptions | undefined;
  /** The model that is named when nobody named one. */
  readonly defaultModel: string;
}

/** What was heard of the audio that was taken back from a media track. */
export interface Hushed {
  readonly item: string | undefined;
  readonly played: Millis;
}

const HOUR: Millis = 3_600_000;

/** A call. Every method answers with effects, to be carried out in order. */
export class RealtimeCall {
  readonly #options: RealtimeCallOptions;
  readonly #outbox: Outbox;
  readonly #conversation: Conversation;
  readonly #input: CallerInput;
  readonly #responses: Responses;
  readonly #items: ItemDesk;
  #session: WireSession;
  #hasModel: boolean;
  #isFresh = true;
  readonly #expiresAt: Millis;
  #idleAt: Millis | undefined;
  /** End of the caller's audio when the last response ended. */
  #idleFrom: Millis = 0;
  #now: Millis;

  constructor(options: RealtimeCallOptions) {
    const { kind, model, defaults, patch, media, makeDetector, makeId, now, wall, lifetimeMs = HOUR, limits } = options;
    this.#options = options;
    this.#now = now;
    this.#outbox = new Outbox(makeId, options.toBase64);
    this.#expiresAt = now + lifetimeMs;
    const head = { id: makeId("sess"), expiresAt: wall + lifetimeMs };
    const first =
      (patch?.type ?? kind) === "transcription"
        ? newTranscriptionSession(head)
        : newVoiceSession({ ...head, ...defaults, model: model ?? options.defaultModel });
    this.#hasModel = model !== undefined;
    this.#session = patch === undefined ? first : mergeSession(first, patch);
    this.#conversation = new Conversation(makeId("conv"));
    const parts = { outbox: this.#outbox, conversation: this.#conversation };
    this.#responses = new Responses({
      ...parts,
      limits: new Limits(limits),
      media,
      onDone: (audible) => this.#onDone(audible),
    });
    this.#input = new CallerInput({
      ...parts,
      makeDetector,
      input: this.#session.audio.input,
      onStarted: () => this.#onSpeech(),
      onTurn: () => this.#onTurn(),
    });
    this.#items = new ItemDesk({ ...parts, media });
  }

  get session(): WireSession {
    return this.#session;
  }
  get conversation(): Conversation {
    return this.#conversation;
  }
  get closed(): boolean {
    return this.#outbox.closed;
  }
  /** The response that writes to the conversation. */
  get active(): string | undefined {
    return this.#responses.active;
  }
  /** The response whose audio is on the media track. */
  get sounding(): string | undefined {
    return this.#responses.sounding;
  }
  /** Caller's audio that waits to be committed, and what was passed over, bytes. */
  get inputBytes(): { readonly kept: number; readonly passedOver: number } {
    return this.#input.bytes;
  }

  /** When `tick` must be called. */
  get deadline(): Deadline | undefined {
    if (this.#outbox.closed) return undefined;
    const transcript = this.#input.deadline;
    return soonest(
      { at: this.#expiresAt, why: "session expires" },
      this.#idleAt === undefined ? undefined : { at: this.#idleAt, why: "idle" },
      transcript === undefined ? undefined : { at: transcript, why: "transcript" },
    );
  }

  /** The first event of a wire that joins. */
  hello(): ServerEvent {
    return { type: "session.created", event_id: this.#options.makeId("event"), session: this.#session };
  }

  /** What a client sent; complaints of the reader are answered. */
  receive(event: ClientEvent | ClientComplaint, now: Millis): readonly Effect[] {
    this.#now = now;
    if ("fault" in event) {
      const { code, why, param, eventId } = event;
      this.#outbox.error({ code, message: why, param, event: eventId });
    } else this.#obey(event);
    return this.#outbox.take();
  }

  /** The caller's audio from a media track: bytes in the session's input format. */
  hear(bytes: Uint8Array, now: Millis): readonly Effect[] {
    this.#now = now;
    if (!this.#outbox.closed) this.#input.appendBytes(bytes, now);
    return this.#outbox.take();
  }

  /** What the mind says; `response`: the one it was asked for apart from the conversation. */
  mind(event: MindEvent, now: Millis, response?: string): readonly Effect[] {
    this.#now = now;
    if (this.#outbox.closed) return this.#outbox.take();
    if (event.type === "closed" && response === undefined) this.#mindClosed(event);
    else if (event.type === "words" && event.who === "caller") {
      if (response === undefined) this.#input.words(event, now);
    } else if (event.type === "likely-end") this.#input.likelyEnd(event.p);
    else if (this.#session.type === "realtime") this.#responses.mind(event, response, this.#session, now);
    return this.#outbox.take();
  }

  /** The answer to the effect `hush`. */
  hushed({ item, played }: Hushed, now: Millis): readonly Effect[] {
    this.#now = now;
    if (item !== undefined) this.#items.cutShort(item, played);
    this.#responses.hushed();
    return this.#outbox.take();
  }

  /** The media track has nothing left to play. */
  drained(now: Millis): readonly Effect[] {
    this.#now = now;
    this.#responses.drained();
    return this.#outbox.take();
  }

  tick(now: Millis): readonly Effect[] {
    this.#now = now;
    if (this.#outbox.closed) return this.#outbox.take();
    this.#input.tick(now);
    if (this.#idleAt !== undefined && this.#idleAt <= now) this.#onIdle();
    if (this.#expiresAt <= now) {
      this.#end("session_expired", now);
      const minutes = Math.round((this.#options.lifetimeMs ?? HOUR) / 60_000);
      const message = `Your session hit the maximum duration of ${minutes} minutes.`;
      this.#outbox.error({ code: "session_expired", message });
      this.#outbox.close(1001, "session_expired");
    }
    return this.#outbox.take();
  }

  /** The call is over: the client left, or somebody hung up. Idempotent. */
  close(now: Millis, code = 1000, reason = "OK"): readonly Effect[] {
    this.#now = now;
    if (!this.#outbox.closed) {
      this.#end("connection_closed", now);
      this.#outbox.close(code, reason);
    }
    return this.#outbox.take();
  }

  #obey(event: ClientEvent): void {
    const { event_id: id } = event;
    const isTrack = this.#options.media === "track";
    switch (event.type) {
      case "session.update":
        return this.#update(event.session, id);
      case "input_audio_buffer.append":
        return isTrack ? this.#notHere(event.type, "WebRTC", id) : this.#append(event.audio, id);
      case "input_audio_buffer.commit":
        return this.#commit(id);
      case "input_audio_buffer.clear":
        return this.#input.clear();
      case "conversation.item.create":
        if (!this.#items.create(event)) return;
        this.#isFresh = false;
        if (event.item.type !== "function_call") this.#responses.refresh();
        if (event.previous_item_id !== undefined) this.#restate();
        return;
      case "conversation.item.retrieve":
        return this.#items.retrieve(event);
      case "conversation.item.truncate":
        return this.#items.truncate(event);
      case "conversation.item.delete":
        if (this.#items.remove(event)) this.#restate();
        return;
      case "response.create":
        if (this.#session.type === "transcription") return this.#notHere(event.type, "transcription sessions", id);
        this.#isFresh = false;
        this.#idleAt = undefined;
        return this.#responses.create(this.#session, event.response ?? {}, id, this.#now);
      case "response.cancel":
        if (this.#responses.cancel(event.response_id, this.#now)) return;
        return this.#outbox.error({
          code: "response_cancel_not_active",
          message: "Cancellation failed: no active response found",
          event: id,
        });
      case "output_audio_buffer.clear":
        if (!isTrack) return this.#notHere(event.type, "WebSocket", id);
        return this.#outbox.do({ do: "hush" });
    }
  }

  #append(audio: string, event: string | undefined): void {
    this.#isFresh = false;
    const outcome = this.#input.append(audio, this.#now);
    if (outcome === "not-base64") {
      this.#outbox.error({
        code: "invalid_value",
        param: "audio",
        message: "Invalid 'audio': expected base64.",
        event,
      });
    } else if (outcome === "full") {
      this.#outbox.error({
        code: "input_audio_buffer_full",
        message: "The input audio buffer holds 10 minutes that were not committed. Commit or clear it.",
        event,
      });
    }
  }

  #commit(event: string | undefined): void {
    if (this.#input.commit(this.#now)) return this.#responses.refresh();
    this.#outbox.error({
      code: "input_audio_buffer_commit_empty",
      message: "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio.",
      event,
    });
  }

  #update(patch: SessionPatch, event: string | undefined): void {
    const before = this.#session;
    const next = updateSession(before, patch, {
      fresh: this.#isFresh,
      hasModel: this.#hasModel,
      hasSpoken: this.#responses.hasSpoken,
      isSpeaking: this.#responses.isSpeaking,
    });
    if ("fault" in next) {
      this.#outbox.error({ code: next.code, message: next.why, param: next.param, event });
      return;
    }
    this.#session = next;
    if (patch.type === "realtime" && patch.model !== undefined) this.#hasModel = true;
    if (before.audio.input !== next.audio.input) this.#input.set(next.audio.input, this.#now);
    this.#outbox.send({ type: "session.updated", session: next });
    if (next.type === "transcription") return;
    if (before.type !== "realtime" || hasNewBrief(before, next)) this.#restate();
    this.#listMcpTools(before, next);
  }

  /** We run no tools of a provider: whoever asks for them is told that they could not be listed. */
  #listMcpTools(before: WireSession, next: VoiceSession): void {
    const known = new Set(labelsOf(before));
    for (const label of labelsOf(next)) {
      if (known.has(label)) continue;
      const item_id = this.#outbox.makeId("mcpl");
      this.#outbox.send({ type: "mcp_list_tools.in_progress", item_id });
      this.#outbox.send({ type: "mcp_list_tools.failed", item_id });
    }
  }

  #restate(): void {
    if (this.#session.type === "realtime") this.#responses.restate(this.#session);
  }

  #notHere(type: string, where: string, event: string | undefined): void {
    this.#outbox.error({
      code: "invalid_value",
      param: "type",
      message: `Invalid value for 'type': '${type}' is not supported over ${where}.`,
      event,
    });
  }

  #onSpeech(): void {
    this.#isFresh = false;
    this.#idleAt = undefined;
    const detection = this.#session.audio.input.turn_detection;
    if (detection?.interrupt_response !== true) return;
    this.#responses.interrupt(this.#now);
    if (this.#responses.sounding !== undefined) this.#outbox.do({ do: "hush" });
  }

  #onTurn(): void {
    this.#responses.refresh();
    const detection = this.#session.audio.input.turn_detection;
    if (this.#session.type === "realtime" && detection?.create_response === true)
      this.#responses.answerTurn(this.#session, this.#now);
  }

  #onDone(audible: Millis): void {
    const detection = this.#session.audio.input.turn_detection;
    const idle = detection?.type === "server_vad" ? detection.idle_timeout_ms : null;
    if (idle === null || this.#input.isTurnOpen) return;
    this.#idleAt = audible + idle;
    this.#idleFrom = this.#input.endMs;
  }

  #onIdle(): void {
    this.#idleAt = undefined;
    if (this.#responses.active !== undefined || this.#input.isTurnOpen) return;
    this.#input.timeOut(this.#idleFrom, this.#now);
    this.#onTurn();
  }

  #mindClosed({ error }: Extract<MindEvent, { type: "closed" }>): void {
    const code = error?.code ?? "closed";
    this.#end(code, this.#now);
    this.#outbox.error({
      type: "server_error",
      code,
      message: error?.message ?? "The engine behind this server has ended.",
    });
    this.#outbox.close(1011, "the engine has ended");
  }

  #end(code: string, now: Millis): void {
    this.#idleAt = undefined;
    this.#responses.fail(code, "The call ended before the response did.", now);
  }
}

function hasNewBrief(before: VoiceSession, next: VoiceSession): boolean {
  return (
    before.instructions !== next.instructions ||
    before.tools !== next.tools ||
    before.tool_choice !== next.tool_choice ||
    before.audio.output.voice !== next.audio.output.voice
  );
}

function labelsOf(session: WireSession): readonly string[] {
  if (session.type !== "realtime") return [];
  return session.tools.flatMap((tool) => (tool.type === "mcp" ? [tool.server_label] : []));
}
