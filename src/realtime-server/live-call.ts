/*
 * One call as it runs: the pure call of realtime/server between its wires, its engine, its media track and the clock.
 *
 *   wires ──receive──▶ ┌──────┐ ──send──▶ wires
 *   track ──hear─────▶ │ call │ ──play, hush──▶ track
 *   engine ──tell────▶ └──────┘ ──orders──▶ engine
 *
 * Whatever comes in while effects are carried out waits for them: an engine may answer from inside an order.
 */
import { VoiceError } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";
import type { Millis } from "../base/time.ts";
import type { Engine } from "../agents/types.ts";
import { readClientEvent } from "../protocol/openai/client-events.ts";
import { writeServerEvent } from "../protocol/openai/server-events.ts";
import type { WireSession } from "../protocol/openai/session.ts";
import { RealtimeCall, type RealtimeCallOptions } from "../realtime/server/call.ts";
import type { Effect } from "../realtime/server/effects.ts";
import { rateOf } from "../protocol/openai/session.ts";
import type { Heard } from "../session/types.ts";
import { RealtimeCaller } from "./caller.ts";
import { Mind, type MindOptions } from "./mind.ts";

/** A way to a client. */
export interface Wire {
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** Where audio is played, when it does not go through events. */
export interface Track {
  play(samples: Int16Array, rate: number, item: string): void;
  /** Takes back what was not heard. */
  hush(): { readonly item: string | undefined; readonly played: Millis };
  readonly pending: Millis;
  close(): void;
}

export interface LiveCallOptions extends Omit<RealtimeCallOptions, "now" | "wall" | "makeId" | "toBase64"> {
  readonly id: string;
  readonly engine: Engine;
  readonly platform: Platform;
  readonly makeId: (prefix: string) => string;
  readonly agent: string;
  readonly phrases: MindOptions["phrases"];
  /** Everything is released. Called once. */
  onClosed(): void;
}

/** Base64 of 2 s of PCM: a longer append is taken in pieces, so that other calls are served between them. */
const PIECE = 128_000;
/** Characters that may wait to be taken in: four of the longest appends. */
const INBOX = 96 * 1024 * 1024;

/** A call with everything that belongs to it. */
export class LiveCall {
  readonly id: string;
  readonly #options: LiveCallOptions;
  readonly #call: RealtimeCall;
  readonly #caller: RealtimeCaller;
  readonly #mind: Mind;
  readonly #wires = new Set<Wire>();
  #track: Track | undefined;
  #effects: Effect[] = [];
  #isDraining = false;
  /** Texts that wait behind a long append. */
  #inbox: string[] = [];
  #inboxLength = 0;
  #isTaking = false;
  #stopTimer: (() => void) | undefined;
  #dueAt: Millis | undefined;
  #isFailing = false;
  #closed = false;

  constructor(options: LiveCallOptions) {
    const { id, engine, platform, agent, phrases } = options;
    this.id = id;
    this.#options = options;
    const { clock } = platform;
    this.#call = new RealtimeCall({ ...options, toBase64, now: clock.now(), wall: clock.wall() });
    this.#caller = new RealtimeCaller({
      id,
      platform,
      rate: rateOf(this.#call.session.audio.input.format),
      pending: () => this.#track?.pending ?? 0,
      interrupt: () => this.#interrupt(),
      close: (reason) => this.close(1000, reason instanceof VoiceError ? reason.code : "closed"),
    });
    this.#mind = new Mind(
      {
        engine,
        session: this.#caller,
        platform,
        agent,
        phrases,
        tell: (event, response) => this.#run(() => this.#call.mind(event, clock.now(), response)),
      },
      askOf(this.#call.session),
    );
    this.#schedule();
  }

  get session(): WireSession {
    return this.#call.session;
  }

  /** One more wire: the first one, or a sideband. It gets `session.created`, and then all there is. */
  join(wire: Wire): void {
    if (this.#closed) return wire.close(1001, "the call is over");
    this.#wires.add(wire);
    wire.send(writeServerEvent(this.#call.hello()));
  }

  /** A wire is gone. The call goes on. */
  leave(wire: Wire): void {
    this.#wires.delete(wire);
  }

  attach(track: Track): void {
    this.#track = track;
  }

  /** The text of one frame from a client. */
  receive(text: string): void {
    if (this.#closed) return;
    if (this.#isTaking || text.length > PIECE) {
      this.#inbox.push(text);
      this.#inboxLength += text.length;
      if (this.#inboxLength > INBOX) void this.close(1009, "too much audio at once");
      else if (!this.#isTaking) void this.#takeIn();
      return;
    }
    this.#run(() => this.#call.receive(readClientEvent(text), this.#now));
  }

  /** The caller's audio from a track, in the session's input format. */
  hear(bytes: Uint8Array): void {
    this.#run(() => this.#call.hear(bytes, this.#now));
  }

  /** The track has nothing left to play. */
  drained(): void {
    if (this.#call.sounding !== undefined) this.#run(() => this.#call.drained(this.#now));
  }

  /** Hangs up. Idempotent; settles when the engine has ended. */
  async close(code = 1000, reason = "OK"): Promise<void> {
    this.#run(() => this.#call.close(this.#now, code, reason));
    await this.#mind.close();
  }

  get #now(): Millis {
    return this.#options.platform.clock.now();
  }

  /** Takes long appends apart; what came behind them follows in order. */
  async #takeIn(): Promise<void> {
    this.#isTaking = true;
    for (let text = this.#inbox.shift(); text !== undefined && !this.#closed; text = this.#inbox.shift()) {
      this.#inboxLength -= text.length;
      const event = readClientEvent(text);
      const pieces = "type" in event && event.type === "input_audio_buffer.append" ? piecesOf(event.audio) : [];
      if (pieces.length < 2 || !("type" in event)) {
        this.#run(() => this.#call.receive(event, this.#now));
        continue;
      }
      for (const audio of pieces) {
        this.#run(() => this.#call.receive({ type: "input_audio_buffer.append", audio }, this.#now));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.#isTaking = false;
  }

  #run(step: () => readonly Effect[]): void {
    this.#guarded(() => {
      for (const effect of step()) this.#effects.push(effect);
    });
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (let effect = this.#effects.shift(); effect !== undefined; effect = this.#effects.shift()) {
      const now = effect;
      this.#guarded(() => this.#carryOut(now));
    }
    this.#isDraining = false;
    this.#schedule();
  }

  /** What throws, an engine or we ourselves, ends this call and no other. */
  #guarded(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#options.platform.log.error("a call failed and is closed", { error, call: this.id });
      if (this.#isFailing) return this.#finish(1011, "the call failed");
      this.#isFailing = true;
      this.#run(() =>
        this.#call.mind({ type: "closed", error: new VoiceError("agent-error", "The engine failed.") }, this.#now),
      );
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.do) {
      case "send": {
        const text = writeServerEvent(effect.event);
        for (const wire of this.#wires) wire.send(text);
        return;
      }
      case "play":
        return this.#track?.play(effect.samples, effect.rate, effect.item);
      case "hush": {
        const hushed = this.#track?.hush() ?? { item: undefined, played: 0 };
        return this.#run(() => this.#call.hushed(hushed, this.#now));
      }
      case "close":
        return this.#finish(effect.code, effect.reason);
      case "hear":
        this.#caller.heard(effect.frame);
        return this.#mind.order(effect);
      case "turn":
      case "add":
      case "brief":
      case "answer":
      case "cancel":
      case "heard":
        return this.#mind.order(effect);
    }
  }

  #interrupt(): Heard {
    const pending = this.#track?.pending ?? 0;
    const hushed = this.#track?.hush() ?? { item: undefined, played: 0 };
    this.#run(() => this.#call.hushed(hushed, this.#now));
    return { ...hushed, dropped: pending, exact: false };
  }

  #schedule(): void {
    const at = this.#call.deadline?.at;
    if (at === this.#dueAt) return;
    this.#dueAt = at;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (at === undefined) return;
    this.#stopTimer = this.#options.platform.clock.at(at, () => {
      this.#dueAt = undefined;
      this.#run(() => this.#call.tick(this.#now));
    });
  }

  #finish(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inbox = [];
    for (const wire of this.#wires) wire.close(code, reason);
    this.#wires.clear();
    this.#track?.close();
    this.#caller.ended(new VoiceError("closed", reason));
    void this.#mind.close().finally(() => this.#options.onClosed());
  }
}

function askOf(session: WireSession): ConstructorParameters<typeof Mind>[1] {
  if (session.type === "transcription")
    return { instructions: "", tools: [], toolChoice: "none", voice: "", context: [] };
  const { instructions, tools, tool_choice: toolChoice, audio } = session;
  const { voice } = audio.output;
  return { instructions, tools, toolChoice, voice: typeof voice === "string" ? voice : voice.id, context: [] };
}

/** Base64 cut where groups of four end. */
function piecesOf(audio: string): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < audio.length; at += PIECE) pieces.push(audio.slice(at, at + PIECE));
  return pieces;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
