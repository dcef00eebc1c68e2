/*
 * The engine session behind the present agent. An engine that can be briefed anew keeps its session; for one that cannot,
 * or not with another voice, a second session is opened and takes over, and whatever the first one still says is ignored.
 */
import { type AudioFrame, monoFrame } from "../audio/frame.ts";
import { Resampler } from "../audio/resample.ts";
import type { Platform } from "../base/platform.ts";
import type { Heard, Session } from "../session/types.ts";
import type { TurnEvent } from "../turn/events.ts";
import type { VideoFrame } from "../video/frame.ts";
import type { Brief, Engine, EngineEvent, EngineSession, Item } from "./types.ts";

/** One caller's line to an engine. Everything is ignored while there is no session. */
export class Mind {
  readonly #engine: Engine;
  readonly #session: Session;
  readonly #platform: Platform;
  readonly #onEvent: (event: EngineEvent) => void;
  #current: EngineSession | undefined;
  #voice: string | undefined;
  /** Rises with every session opened, so that events of an older one are known. */
  #generation = 0;
  #resampler: Resampler | undefined;
  /** What was added, and what was asked for, while a new brief was on its way. */
  #waiting: { readonly items: Item[]; ask: ((current: EngineSession) => void) | undefined } | undefined;

  constructor(engine: Engine, session: Session, platform: Platform, onEvent: (event: EngineEvent) => void) {
    this.#engine = engine;
    this.#session = session;
    this.#platform = platform;
    this.#onEvent = onEvent;
  }

  /** Opens a session and lets it take over. Throws what the engine throws; the session before it then stays. */
  async open(brief: Brief): Promise<void> {
    const generation = this.#generation + 1;
    const before = this.#current;
    let live = false;
    const early: EngineEvent[] = [];
    const opened = await this.#engine.open(
      brief,
      (event) => {
        if (!live) early.push(event);
        else if (generation === this.#generation) this.#onEvent(event);
      },
      { session: this.#session, signal: this.#session.signal, platform: this.#platform },
    );
    live = true;
    this.#generation = generation;
    this.#voice = brief.voice;
    this.#current = opened;
    if (before !== undefined) void before.close().catch(() => {});
    for (const event of early) this.#onEvent(event);
  }

  /**
   * Tells the engine who speaks from now on; with `anew` the engine forgets what it knows. What it is asked meanwhile
   * waits until then, the last one counts.
   */
  async brief(make: () => Promise<Brief>, { anew = false }: { readonly anew?: boolean } = {}): Promise<void> {
    const { can } = this.#engine;
    this.#waiting ??= { items: [], ask: undefined };
    try {
      const brief = await make();
      const keeps = !anew && can.rebrief && (can.revoice || brief.voice === this.#voice);
      if (!keeps || this.#current === undefined) {
        await this.open(brief);
      } else {
        await this.#current.rebrief(brief);
        this.#voice = brief.voice;
      }
    } finally {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      for (const item of waiting.items) this.#current?.add(item);
      if (this.#current !== undefined) waiting.ask?.(this.#current);
    }
  }

  /** The microphone, mono at the session's rate. */
  hear(frame: AudioFrame): void {
    const current = this.#current;
    if (current === undefined) return;
    const { rate } = this.#engine.can;
    if (frame.rate === rate.in) {
      current.hear(frame);
      return;
    }
    if (this.#resampler?.from !== frame.rate) this.#resampler = new Resampler(frame.rate, rate.in);
    const samples = this.#resampler.process(frame.samples).slice();
    if (samples.length > 0) current.hear(monoFrame(samples, rate.in, frame.at));
  }

  see(frame: VideoFrame): void {
    this.#current?.see(frame);
  }
  turn(event: TurnEvent): void {
    this.#current?.turn(event);
  }
  heard(heard: Heard): void {
    this.#current?.heard(heard);
  }
  add(item: Item): void {
    if (this.#waiting === undefined) this.#current?.add(item);
    else this.#waiting.items.push(item);
  }
  answer(): void {
    this.#ask((current) => current.answer());
  }
  say(text: string): void {
    this.#ask((current) => current.say(text));
  }

  /** Answers nothing by itself any more. */
  hush(): void {
    this.#current?.hush?.();
  }

  /** Stops the live reply, now; also what waited to be asked. */
  cancel(): void {
    if (this.#waiting !== undefined) this.#waiting.ask = undefined;
    this.#current?.cancel();
  }

  async close(): Promise<void> {
    const current = this.#current;
    this.#generation += 1;
    this.#current = undefined;
    await current?.close();
  }

  #ask(ask: (current: EngineSession) => void): void {
    if (this.#waiting !== undefined) this.#waiting.ask = ask;
    else if (this.#current !== undefined) ask(this.#current);
  }
}
