/*
 * The caller's side of a call: audio in, turns found or told, committed items and their transcripts.
 *
 *   append ─▶ buffer ─▶ ears ─▶ speech_started … speech_stopped ─▶ committed, item.added, item.done
 *                └── commit, clear: by hand                          └─ transcript: whenever it is known
 */
import { monoFrame } from "../../audio/frame.ts";
import { decodeAlaw, decodeMulaw } from "../../audio/g711.ts";
import { SampleJoiner } from "../../audio/pcm.ts";
import { decodeBase64 } from "../../base/base64.ts";
import type { Millis } from "../../base/time.ts";
import type { UserMessage } from "../../protocol/openai/items.ts";
import { bytesPerMs, rateOf, type SessionInput } from "../../protocol/openai/session.ts";
import type { EndedWhy, TurnEvent } from "../../turn/events.ts";
import type { DetectorMaker } from "../../vad/detector.ts";
import { InputBuffer } from "./buffer.ts";
import { type Conversation, type Entry, newEntry, withTranscript } from "./conversation.ts";
import { Ears } from "./ears.ts";
import type { MindEvent, Outbox } from "./effects.ts";
import { transcriptionUsage } from "./usage.ts";

/** Less than this cannot be committed, ms. */
const LEAST: Millis = 100;
/** Audio handled at once: turns are told between the right frames. */
const SLICE: Millis = 20;
/** Silence kept while a detector listens and nobody speaks, ms. */
const IDLE_KEPT: Millis = 30_000;
/** Audio kept at most, ms. */
const KEPT: Millis = 600_000;
/** How long a recogniser may take after the commit, ms. */
const PATIENCE: Millis = 15_000;

export interface InputOptions {
  readonly outbox: Outbox;
  readonly conversation: Conversation;
  readonly makeDetector: DetectorMaker;
  readonly input: SessionInput;
  /** The caller began to speak. */
  onStarted(): void;
  /** A turn was found and committed. */
  onTurn(): void;
}

interface OpenTurn {
  readonly item: string;
  readonly fromMs: Millis;
  /** Clients were told that it has begun. */
  readonly announced: boolean;
}

interface Words {
  readonly entry: string;
  /** What the mind calls it. */
  mind: string | undefined;
  text: string;
  sent: string;
  final: boolean;
  /** Set once committed: the transcript is due then. */
  deadline: Millis | undefined;
}

/** Everything about what the caller says. */
export class CallerInput {
  readonly #options: InputOptions;
  readonly #buffer: InputBuffer;
  readonly #ears: Ears;
  readonly #joiner = new SampleJoiner();
  #input: SessionInput;
  /** An utterance that the detector found. */
  #turn: OpenTurn | undefined;
  /** The mind was told that somebody speaks. */
  #mindHears = false;
  /** Transcripts under way, by item; the last one belongs to the present turn. */
  readonly #words = new Map<string, Words>();
  /** Names the mind gave to what the caller said, and our items. */
  readonly #names = new Map<string, string>();
  #current: string | undefined;
  #now: Millis = 0;

  constructor(options: InputOptions) {
    this.#options = options;
    this.#input = options.input;
    this.#buffer = new InputBuffer(bytesPerMs(options.input.format));
    this.#ears = new Ears(options.makeDetector, (event) => this.#onTurn(event));
    this.#ears.set(options.input.turn_detection, rateOf(options.input.format), 0);
  }

  /** End of all audio so far, ms. */
  get endMs(): Millis {
    return this.#buffer.endMs;
  }
  get isTurnOpen(): boolean {
    return this.#turn !== undefined;
  }
  /** Bytes that are kept, and bytes that were passed over. */
  get bytes(): { readonly kept: number; readonly passedOver: number } {
    return { kept: this.#buffer.keptBytes, passedOver: this.#buffer.passedOver };
  }
  /** When the next transcript is overdue. */
  get deadline(): Millis | undefined {
    let first: Millis | undefined;
    for (const { deadline } of this.#words.values())
      if (deadline !== undefined && (first === undefined || deadline < first)) first = deadline;
    return first;
  }

  /** The session has changed. A turn that another detector or format cannot go on with ends where it is. */
  set(input: SessionInput, now: Millis): void {
    this.#now = now;
    const { format, turn_detection: detection } = this.#input;
    const isReformatted = format.type !== input.format.type;
    const isOtherDetector = input.turn_detection !== null && detection?.type !== input.turn_detection.type;
    if (isReformatted || isOtherDetector) {
      if (this.#turn?.announced === true) this.#stop(this.#turn, this.#buffer.endMs, "pause");
      else this.#leaveTurn();
    }
    this.#input = input;
    if (isReformatted) {
      this.#joiner.reset();
      this.#buffer.reformat(bytesPerMs(input.format));
    }
    if (isReformatted || detection !== input.turn_detection)
      this.#ears.set(input.turn_detection, rateOf(input.format), this.#buffer.endMs);
  }

  /** False when it is not base64, or when nothing more can be kept. */
  append(audio: string, now: Millis): "taken" | "not-base64" | "full" {
    const bytes = decodeBase64(audio);
    if (bytes === undefined) return "not-base64";
    if (this.#buffer.keptMs + bytes.length / bytesPerMs(this.#input.format) > KEPT) return "full";
    this.appendBytes(bytes, now);
    return "taken";
  }

  appendBytes(bytes: Uint8Array, now: Millis): void {
    this.#now = now;
    const { format } = this.#input;
    const step = bytesPerMs(format) * SLICE;
    for (let at = 0; at < bytes.length; at += step) {
      const slice = bytes.subarray(at, at + step);
      const from = this.#buffer.endMs;
      this.#buffer.append(slice);
      const samples =
        format.type === "audio/pcm"
          ? this.#joiner.push(slice)
          : format.type === "audio/pcmu"
            ? decodeMulaw(slice)
            : decodeAlaw(slice);
      this.#heard(samples, from);
    }
  }

  /** False when there is too little to commit. */
  commit(now: Millis): boolean {
    this.#now = now;
    const turn = this.#turn;
    const from = turn?.fromMs ?? this.#buffer.startMs;
    if (this.#buffer.endMs - Math.max(from, this.#buffer.startMs) < LEAST) return false;
    this.#startMind(from);
    this.#commit(turn?.item ?? this.#newTurn(), from, this.#buffer.endMs, "button");
    if (turn !== undefined) this.#ears.restart(this.#buffer.endMs);
    return true;
  }

  clear(): void {
    this.#buffer.clear();
    this.#joiner.reset();
    if (this.#turn !== undefined) this.#ears.restart(this.#buffer.endMs);
    this.#leaveTurn();
    this.#options.outbox.send({ type: "input_audio_buffer.cleared" });
  }

  /** Commits a turn in which nobody said anything. */
  timeOut(fromMs: Millis, now: Millis): void {
    this.#now = now;
    const item = this.#options.outbox.makeId("item");
    const { endMs } = this.#buffer;
    this.#options.outbox.send({
      type: "input_audio_buffer.timeout_triggered",
      item_id: item,
      audio_start_ms: Math.min(endMs, Math.round(fromMs)),
      audio_end_ms: Math.round(endMs),
    });
    this.#add(item, new Uint8Array(0));
  }

  /** Words of the caller, as the mind recognises them. */
  words({ item, text, final }: Extract<MindEvent, { type: "words" }>, now: Millis): void {
    this.#now = now;
    let id = this.#names.get(item);
    if (id === undefined) {
      id = this.#current;
      if (id === undefined) return;
      this.#names.set(item, id);
      if (this.#names.size > 64)
        for (const oldest of this.#names.keys()) {
          this.#names.delete(oldest);
          break;
        }
    }
    const words = this.#words.get(id);
    if (words === undefined) return;
    words.mind = item;
    words.text = text;
    words.final = final;
    this.#tellWords(words);
  }

  likelyEnd(p: number): void {
    this.#ears.likelyEnd(p);
  }

  tick(now: Millis): void {
    this.#now = now;
    for (const [id, { deadline, entry }] of this.#words) {
      if (deadline === undefined || deadline > now) continue;
      this.#words.delete(id);
      if (!this.#isTold || this.#options.conversation.get(entry) === undefined) continue;
      this.#options.outbox.send({
        type: "conversation.item.input_audio_transcription.failed",
        item_id: entry,
        content_index: 0,
        error: {
          type: "server_error",
          code: "transcription_timeout",
          message: "The audio was not recognised in time.",
        },
      });
    }
  }

  get #isTold(): boolean {
    return this.#input.transcription !== null;
  }

  #heard(samples: Int16Array, at: Millis): void {
    const { outbox } = this.#options;
    const detection = this.#input.turn_detection;
    if (detection === null) this.#startMind(at);
    if (samples.length > 0) outbox.do({ do: "hear", frame: monoFrame(samples, rateOf(this.#input.format), at) });
    if (detection === null) return;
    this.#ears.push(samples);
    if (this.#turn === undefined) this.#buffer.passOver(this.#buffer.endMs - IDLE_KEPT);
  }

  #onTurn(event: TurnEvent): void {
    const { outbox, onStarted } = this.#options;
    if (event.type === "started") {
      const { turn_detection } = this.#input;
      const prefix = turn_detection?.type === "server_vad" ? turn_detection.prefix_padding_ms : 300;
      const fromMs = Math.round(Math.max(this.#buffer.startMs, event.from - prefix, 0));
      const item = this.#newTurn();
      this.#turn = { item, fromMs, announced: true };
      outbox.send({ type: "input_audio_buffer.speech_started", item_id: item, audio_start_ms: fromMs });
      outbox.do({ do: "turn", event });
      this.#mindHears = true;
      onStarted();
      return;
    }
    const turn = this.#turn;
    if (turn === undefined) return;
    if (event.type !== "ended") {
      if (event.type === "resumed") for (const words of this.#words.values()) words.final = false;
      outbox.do({ do: "turn", event });
      return;
    }
    this.#stop(turn, event.at, event.why);
  }

  /** The caller has finished, as the detector says. */
  #stop(turn: OpenTurn, at: Millis, why: EndedWhy): void {
    const { outbox, onTurn } = this.#options;
    const audio_end_ms = Math.round(Math.min(at, this.#buffer.endMs));
    outbox.send({ type: "input_audio_buffer.speech_stopped", item_id: turn.item, audio_end_ms });
    if (this.#mindHears) outbox.do({ do: "turn", event: { type: "ended", why, at } });
    this.#mindHears = false;
    this.#commit(turn.item, turn.fromMs, audio_end_ms, undefined);
    onTurn();
  }

  #newTurn(): string {
    const item = this.#options.outbox.makeId("item");
    if (this.#current !== undefined && this.#words.get(this.#current)?.deadline === undefined)
      this.#words.delete(this.#current);
    this.#current = item;
    this.#words.set(item, { entry: item, mind: undefined, text: "", sent: "", final: false, deadline: undefined });
    return item;
  }

  /** Tells the mind that somebody speaks, where no detector does. */
  #startMind(from: Millis): void {
    if (this.#mindHears) return;
    this.#mindHears = true;
    if (this.#turn === undefined && this.#input.turn_detection === null) {
      const item = this.#newTurn();
      this.#turn = { item, fromMs: this.#buffer.startMs, announced: false };
    }
    this.#options.outbox.do({ do: "turn", event: { type: "started", from, at: from } });
  }

  /** `by`: how the mind is told that the turn is over, unless it knows. */
  #commit(item: string, fromMs: Millis, endMs: Millis, by: "button" | undefined): void {
    const { outbox, conversation } = this.#options;
    this.#turn = undefined;
    if (by !== undefined) this.#endMind(by);
    const bytes = this.#buffer.take(fromMs, endMs);
    const previous_item_id = conversation.lastId;
    outbox.send({ type: "input_audio_buffer.committed", item_id: item, previous_item_id });
    this.#add(item, bytes);
    const words = this.#words.get(item);
    if (words === undefined) return;
    words.deadline = this.#now + PATIENCE;
    this.#tellWords(words);
  }

  #add(id: string, bytes: Uint8Array): void {
    const { outbox, conversation } = this.#options;
    const message: UserMessage = {
      id,
      object: "realtime.item",
      type: "message",
      status: "completed",
      role: "user",
      content: [{ type: "input_audio", transcript: null }],
    };
    const entry: Entry = newEntry(message, id);
    entry.audio = bytes;
    entry.audioMs = bytes.length / bytesPerMs(this.#input.format);
    const previous_item_id = conversation.lastId;
    if (bytes.length === 0) outbox.send({ type: "input_audio_buffer.committed", item_id: id, previous_item_id });
    conversation.insert(entry);
    outbox.send({ type: "conversation.item.added", item: message, previous_item_id });
    outbox.send({ type: "conversation.item.done", item: message, previous_item_id });
  }

  #tellWords(words: Words): void {
    const { outbox, conversation } = this.#options;
    const entry = conversation.get(words.entry);
    if (entry === undefined || words.deadline === undefined) return;
    entry.text = words.text;
    entry.mind = words.mind;
    if (this.#isTold && words.text.startsWith(words.sent) && words.text.length > words.sent.length) {
      outbox.send({
        type: "conversation.item.input_audio_transcription.delta",
        item_id: entry.id,
        content_index: 0,
        delta: words.text.slice(words.sent.length),
      });
      words.sent = words.text;
    }
    if (!words.final) return;
    this.#words.delete(words.entry);
    if (!this.#isTold) return;
    entry.item = withTranscript(entry.item, words.text);
    outbox.send({
      type: "conversation.item.input_audio_transcription.completed",
      item_id: entry.id,
      content_index: 0,
      transcript: words.text,
      usage: transcriptionUsage(entry.audioMs, words.text),
    });
  }

  /** The open turn comes to nothing. */
  #leaveTurn(): void {
    this.#turn = undefined;
    this.#endMind("noise");
    if (this.#current !== undefined && this.#words.get(this.#current)?.deadline === undefined)
      this.#words.delete(this.#current);
    this.#current = undefined;
  }

  #endMind(why: "button" | "noise"): void {
    if (!this.#mindHears) return;
    this.#mindHears = false;
    const at = this.#buffer.endMs;
    // Recognisers finalise at a pause: what comes to nothing is not worth it.
    if (why === "button") this.#options.outbox.do({ do: "turn", event: { type: "paused", from: at, at } });
    this.#options.outbox.do({ do: "turn", event: { type: "ended", why, at } });
  }
}
