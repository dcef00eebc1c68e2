/*
 * Which response is whose: at most one writes to the conversation, any number runs beside it.
 *
 *   idle ──create, turn──▶ active ──mind done, cancel, failure──▶ idle ──a turn waits──▶ active
 *
 * A mind may say more than it was asked for, and what it says of a cancelled response comes late: `#dead` remembers its
 * names, so that no word of it is heard in the next one.
 */
import type { AudioFrame } from "../../audio/frame.ts";
import type { Millis } from "../../base/time.ts";
import type { ResponseParams } from "../../protocol/openai/client-events.ts";
import type { StatusDetails, TokenCounts } from "../../protocol/openai/server-events.ts";
import { mergeOutput, type VoiceSession } from "../../protocol/openai/session.ts";
import { contextOf } from "./context.ts";
import { type Conversation, type Entry, entryOf, textOf } from "./conversation.ts";
import type { Ask, MindEvent, Outbox } from "./effects.ts";
import type { Limits } from "./limits.ts";
import { LiveResponse } from "./response.ts";
import { nameOf } from "./session-update.ts";
import { inputOf, none, totalOf, usageOf } from "./usage.ts";

/** Names of the mind that are remembered as over. */
const DEAD = 64;
/** Responses that may run beside the conversation at once: each has an engine session of its own. */
const BESIDE = 32;

export interface ResponsesOptions {
  readonly outbox: Outbox;
  readonly conversation: Conversation;
  readonly limits: Limits;
  readonly media: "events" | "track";
  /** A response of the conversation is over. `audible`: when the last of its audio will have been heard. */
  onDone(audible: Millis): void;
}

interface Live {
  readonly response: LiveResponse;
  readonly apart: boolean;
  readonly beside: boolean;
  readonly input: TokenCounts;
  readonly cached: TokenCounts;
  firstAudioAt: Millis | undefined;
}

/** Everything about what the agent says. */
export class Responses {
  readonly #options: ResponsesOptions;
  #active: Live | undefined;
  readonly #beside = new Map<string, Live>();
  readonly #dead = new Set<string>();
  /** A turn of the caller waits for the active response to end. */
  #waiting: VoiceSession | undefined;
  /** Something came into the conversation that no response has read. */
  #fresh = false;
  /** The mind's own conversation is no longer ours. */
  #stale = false;
  /** Whose audio is on the media track. */
  #sounding: string | undefined;
  #hasSpoken = false;
  /** What the last response has read, and under which instructions. */
  #read: { readonly input: TokenCounts; readonly under: string } = { input: none, under: "" };

  constructor(options: ResponsesOptions) {
    this.#options = options;
  }

  get active(): string | undefined {
    return this.#active?.response.id;
  }
  /** Audio was produced: the voice is fixed. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }
  get isSpeaking(): boolean {
    return this.#active !== undefined || this.#beside.size > 0;
  }

  /** Whose audio is on the media track and not known to be over. */
  get sounding(): string | undefined {
    return this.#sounding;
  }

  /** Something new stands in the conversation. */
  refresh(): void {
    this.#fresh = true;
  }

  /** The mind must be told all anew: now, or when it has finished speaking. */
  restate(session: VoiceSession): void {
    if (this.#active !== undefined) {
      this.#stale = true;
      return;
    }
    this.#brief(askOf(session, {}, this.#options.conversation.entries), session);
  }

  /** The media track has nothing left to play. */
  drained(): void {
    const id = this.#sounding;
    if (id === undefined || id === this.active) return;
    this.#sounding = undefined;
    this.#options.outbox.send({ type: "output_audio_buffer.stopped", response_id: id });
  }

  /** What was on the media track was taken back. */
  hushed(): void {
    const id = this.#sounding;
    this.#sounding = undefined;
    if (id !== undefined) this.#options.outbox.send({ type: "output_audio_buffer.cleared", response_id: id });
  }

  /** `response.create`. Answers with an error of its own when there is nothing to begin. */
  create(session: VoiceSession, params: ResponseParams, event: string | undefined, now: Millis): void {
    const { outbox } = this.#options;
    if (params.conversation !== "none" && this.#active !== undefined) {
      outbox.error({
        code: "conversation_already_has_active_response",
        message: `Conversation already has an active response in progress: ${this.#active.response.id}. Wait until the response is finished before creating a new one.`,
        event,
      });
      return;
    }
    if (this.#beside.size >= BESIDE) {
      outbox.error({
        code: "rate_limit_exceeded",
        message: `${BESIDE} responses run beside the conversation already.`,
        event,
      });
      return;
    }
    this.#begin(session, params, event, now);
  }

  /** The caller's turn is to be answered, at once or after the active response. */
  answerTurn(session: VoiceSession, now: Millis): void {
    if (this.#active === undefined) this.#begin(session, {}, undefined, now);
    else this.#waiting = session;
  }

  /** `response.cancel`. False when there is nothing to cancel. */
  cancel(id: string | undefined, now: Millis): boolean {
    const live = id === undefined || id === this.#active?.response.id ? this.#active : this.#beside.get(id);
    if (live === undefined) return false;
    this.#stop(live, "cancelled", { type: "cancelled", reason: "client_cancelled" }, now);
    return true;
  }

  /** The caller speaks: the response of the conversation ends. */
  interrupt(now: Millis): void {
    this.#waiting = undefined;
    if (this.#active !== undefined)
      this.#stop(this.#active, "cancelled", { type: "cancelled", reason: "turn_detected" }, now);
  }

  /** Ends everything: the mind is gone, or the call is over. */
  fail(code: string, message: string, now: Millis): void {
    this.#waiting = undefined;
    for (const live of [this.#active, ...this.#beside.values()]) {
      if (live !== undefined) this.#stop(live, "failed", failed(code, message), now);
    }
  }

  /** What the mind says; `id` names a response apart from the conversation's mind. */
  mind(event: MindEvent, id: string | undefined, session: VoiceSession, now: Millis): void {
    if (event.type === "reply" && event.phase === "started") return this.#started(event.id, id, session, now);
    const live = id === undefined ? this.#active : this.#find(id);
    if (live === undefined) return this.#stray(event);
    switch (event.type) {
      case "audio":
        return this.#heard(live, event.frame, now);
      case "words":
        if (event.who !== "agent" || !this.#isLive(live, event.item)) return;
        live.response.words(event.text, event.item);
        return this.#checkLength(live, now);
      case "call":
        if (this.#isLive(live, undefined)) live.response.call(event.id, event.name, event.args, event.id);
        return;
      case "trouble":
        live.response.failure = { code: event.error.code, message: event.error.message };
        return;
      case "reply":
        return this.#replyEnded(live, event, now);
      case "closed":
      case "likely-end":
      case "speech":
      case "uncall":
      case "usage":
      case "stage":
      case "closing":
        return;
    }
  }

  #heard(live: Live, frame: AudioFrame, now: Millis): void {
    const { response } = live;
    if (!this.#isLive(live, frame.item)) return;
    live.firstAudioAt ??= now;
    response.audio(frame, frame.item ?? response.mind ?? response.id);
    if (response.spokenMs > 0) this.#hasSpoken = true;
    if (response.sounds) this.#sounding = response.id;
    this.#checkLength(live, now);
  }

  #find(id: string): Live | undefined {
    return this.#active?.response.id === id ? this.#active : this.#beside.get(id);
  }

  #begin(session: VoiceSession, params: ResponseParams, event: string | undefined, now: Millis): void {
    const { outbox, limits } = this.#options;
    const entries = this.#context(params);
    if (typeof entries === "string") {
      outbox.error({ code: "invalid_value", param: "response.input", message: entries, event });
      return;
    }
    const ask = askOf(session, params, entries);
    const fitting = contextOf(entries, session.truncation, totalOf(inputOf(ask, [])));
    const live = this.#open(session, params, ask, fitting ?? []);
    const { response } = live;
    const allowed = limits.request(now);
    outbox.send({ type: "rate_limits.updated", rate_limits: limits.at(now) });
    if (!allowed || fitting === undefined) {
      const [code, message] = allowed
        ? ["context_length_exceeded", "The conversation does not fit, and truncation is disabled."]
        : ["rate_limit_exceeded", "Rate limit reached. Please try again in a minute."];
      this.#finish(live, "failed", failed(code, message), now);
      return;
    }
    if (live.apart) outbox.do({ do: "answer", response: response.id, ask: { ...ask, context: fitting } });
    else {
      // Asked without anything new, or with less than all, the mind has to be told what it should answer.
      if (this.#stale || !this.#fresh || fitting.length < entries.length)
        this.#brief({ ...ask, context: fitting }, session);
      outbox.do({ do: "answer", response: response.id, ask: undefined });
    }
    if (!live.beside) this.#fresh = false;
  }

  /** Makes a response and knows what it costs to read. */
  #open(session: VoiceSession, params: ResponseParams, ask: Ask, entries: readonly Entry[]): Live {
    const beside = params.conversation === "none";
    const response = this.#make(session, params, beside);
    const under = ask.instructions + JSON.stringify(ask.tools);
    const input = inputOf(ask, entries);
    const cached = this.#read.under === under && !beside ? this.#read.input : none;
    const live: Live = { response, apart: beside || isApart(params), beside, input, cached, firstAudioAt: undefined };
    if (beside) {
      this.#beside.set(response.id, live);
      return live;
    }
    this.#read = { input, under };
    this.#active = live;
    return live;
  }

  #make(session: VoiceSession, params: ResponseParams, beside: boolean): LiveResponse {
    const { outbox, conversation, media } = this.#options;
    const { format, voice } = mergeOutput(session.audio.output, params.audio?.output);
    return new LiveResponse({
      id: outbox.makeId("resp"),
      outbox,
      conversation: beside ? undefined : conversation,
      modality: (params.output_modalities ?? session.output_modalities)[0],
      format,
      voice: nameOf(voice),
      maxTokens: params.max_output_tokens ?? session.max_output_tokens,
      metadata: params.metadata ?? null,
      media: beside ? "events" : media,
    });
  }

  #brief(ask: Ask, session: VoiceSession): void {
    this.#stale = false;
    const context = contextOf(ask.context, session.truncation, totalOf(inputOf(ask, []))) ?? ask.context;
    this.#options.outbox.do({ do: "brief", ask: { ...ask, context } });
  }

  /** What a response reads, or why it cannot. */
  #context({ input }: ResponseParams): readonly Entry[] | string {
    const { conversation, outbox } = this.#options;
    if (input === undefined) return conversation.entries;
    const entries: Entry[] = [];
    for (const one of input) {
      const entry =
        one.type === "item_reference"
          ? conversation.get(one.id)
          : entryOf(one, one.id ?? outbox.makeId("item"), textOf(one));
      if (entry === undefined) return `Item with id '${"id" in one ? one.id : ""}' not found.`;
      entries.push(entry);
    }
    return entries;
  }

  #started(mind: string, id: string | undefined, session: VoiceSession, now: Millis): void {
    if (this.#dead.has(mind)) return;
    let live = id === undefined ? this.#active : this.#find(id);
    if (live === undefined && id === undefined) {
      // It speaks on its own account: a notice, or what it had kept back.
      this.#beginUnasked(session, now);
      live = this.#active;
    }
    if (live !== undefined && live.response.mind === undefined) live.response.mind = mind;
    else this.#bury(mind);
  }

  #beginUnasked(session: VoiceSession, now: Millis): void {
    const { outbox, limits } = this.#options;
    const response = this.#make(session, {}, false);
    this.#active = { response, apart: false, beside: false, input: none, cached: none, firstAudioAt: undefined };
    outbox.send({ type: "rate_limits.updated", rate_limits: limits.at(now) });
  }

  #isLive({ response }: Live, item: string | undefined): boolean {
    return response.mind !== undefined && (item === undefined || !this.#dead.has(item));
  }

  #checkLength(live: Live, now: Millis): void {
    if (live.response.isFull) this.#stop(live, "incomplete", { type: "incomplete", reason: "max_output_tokens" }, now);
  }

  #replyEnded(live: Live, { id, phase }: Extract<MindEvent, { type: "reply" }>, now: Millis): void {
    const { response } = live;
    // Without a beginning it says that there was nothing to say.
    if (response.mind === undefined ? this.#dead.has(id) : response.mind !== id) return;
    if (phase === "failed") {
      const { code, message } = response.failure ?? { code: "server_error", message: "The response failed." };
      this.#finish(live, "failed", failed(code, message), now);
    } else if (phase === "cancelled" && response.mind !== undefined) {
      this.#finish(live, "cancelled", { type: "cancelled", reason: "turn_detected" }, now);
    } else this.#finish(live, "completed", { type: "completed" }, now);
  }

  #stray(event: MindEvent): void {
    if (event.type !== "trouble") return;
    const { code, message } = event.error;
    this.#options.outbox.error({ type: "server_error", code, message });
  }

  /** Ends a response on our own account: the mind has to be told. */
  #stop(live: Live, status: "cancelled" | "failed" | "incomplete", details: StatusDetails, now: Millis): void {
    this.#finish(live, status, details, now, () =>
      this.#options.outbox.do({ do: "cancel", response: live.response.id, apart: live.apart }),
    );
  }

  #finish(
    live: Live,
    status: "completed" | "cancelled" | "failed" | "incomplete",
    details: StatusDetails,
    now: Millis,
    before: () => void = () => {},
  ): void {
    const { response, beside, input, cached } = live;
    const { outbox, limits } = this.#options;
    if (response.mind !== undefined) this.#bury(response.mind);
    before();
    let total = 0;
    response.end(status, details, (of) => {
      const usage = usageOf(input, cached, of.tokens);
      total = usage.total_tokens;
      return usage;
    });
    for (const { mind } of response.entries) if (mind !== undefined) this.#bury(mind);
    limits.tokens(total, now);
    outbox.send({ type: "rate_limits.updated", rate_limits: limits.at(now) });
    if (beside) {
      this.#beside.delete(response.id);
      return;
    }
    this.#active = undefined;
    // The conversation's mind has not heard what another one said in its place.
    if (live.apart) for (const entry of response.entries) outbox.do({ do: "add", entry });
    this.#options.onDone(Math.max(now, (live.firstAudioAt ?? now) + response.spokenMs));
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined && !outbox.closed) this.#begin(waiting, {}, undefined, now);
  }

  #bury(mind: string): void {
    this.#dead.add(mind);
    if (this.#dead.size <= DEAD) return;
    for (const oldest of this.#dead) {
      this.#dead.delete(oldest);
      return;
    }
  }
}

/** Whether a response has something of its own that the conversation's mind cannot take. */
function isApart({ input, instructions, tools, tool_choice, audio }: ResponseParams): boolean {
  return [input, instructions, tools, tool_choice, audio?.output?.voice].some((member) => member !== undefined);
}

function askOf(session: VoiceSession, params: ResponseParams, context: readonly Entry[]): Ask {
  return {
    instructions: params.instructions ?? session.instructions,
    tools: params.tools ?? session.tools,
    toolChoice: params.tool_choice ?? session.tool_choice,
    voice: nameOf(params.audio?.output?.voice ?? session.audio.output.voice),
    context,
    say: params.metadata?.["repartee_say"],
  };
}

function failed(code: string, message: string): StatusDetails {
  return { type: "failed", error: { type: "server_error", code, message } };
}
