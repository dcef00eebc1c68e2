/*
 * An engine that follows a script: no key, no model, no chance. For tests of everything around an engine, and for
 * demonstrations that must go the same way every time. What it is told is kept in `log`, in order.
 */
import { type AudioFrame, monoFrame } from "../../audio/frame.ts";
import { deferred } from "../../base/deferred.ts";
import { makeId } from "../../base/ids.ts";
import type { Platform } from "../../base/platform.ts";
import type { Millis } from "../../base/time.ts";
import type { Ask, Brief, Engine, EngineCan, EngineEvent, EngineSession, Item } from "../../agents/types.ts";
import type { Heard } from "../../session/types.ts";
import type { TurnEvent } from "../../turn/events.ts";
import { type Script, type ScriptStep, stepsOf } from "./script.ts";

export type { Script, ScriptAsk, ScriptStep } from "./script.ts";

/** A tone that is not silence: what a listener would call a voice. */
const TONE_HZ = 220;
const TONE_LEVEL = 4_000;
const FRAME: Millis = 100;

export interface ScriptedOptions {
  readonly replies: Script;
  /** What the caller is heard to say: one text per utterance, final at its end. */
  readonly hears?: readonly string[];
  /** How long a character takes to be spoken, ms. Default 60. */
  readonly charMs?: Millis;
  readonly can?: Partial<EngineCan>;
}

/** A scripted engine with a record of what it was told. */
export interface Scripted extends Engine {
  /** One line per command: `open Ada`, `answer`, `say Hello.`, `heard itm… 420`, `cancel`, `rebrief Ben awb`, `close`. */
  readonly log: readonly string[];
}

/** Makes an engine that says what the script says. */
export function scripted(options: ScriptedOptions): Scripted {
  const log: string[] = [];
  const can: EngineCan = {
    rate: { in: 16_000, out: 16_000 },
    images: false,
    tools: "calls",
    turns: false,
    manual: true,
    truncate: true,
    revoice: true,
    rebrief: true,
    lifetime: Number.POSITIVE_INFINITY,
    ...options.can,
  };
  return {
    name: "scripted",
    can,
    log,
    open: (brief, sink, context) => {
      log.push(`open ${brief.agent}`);
      return Promise.resolve(new ScriptedSession(options, can, log, brief, sink, context));
    },
  };
}

class ScriptedSession implements EngineSession {
  readonly #options: ScriptedOptions;
  readonly #can: EngineCan;
  readonly #log: string[];
  readonly #sink: (event: EngineEvent) => void;
  readonly #context: Ask & { readonly platform: Platform };
  #brief: Brief;
  #items: Item[];
  #answers = 0;
  #utterances = 0;
  #live: { readonly id: string; wake(): void } | undefined;
  #waiting: (readonly ScriptStep[])[] = [];
  #isClosed = false;

  constructor(
    options: ScriptedOptions,
    can: EngineCan,
    log: string[],
    brief: Brief,
    sink: (event: EngineEvent) => void,
    context: Ask & { readonly platform: Platform },
  ) {
    this.#options = options;
    this.#can = can;
    this.#log = log;
    this.#brief = brief;
    this.#items = [...brief.history];
    this.#sink = sink;
    this.#context = context;
  }

  hear(_frame: AudioFrame): void {}
  see(): void {}

  turn(event: TurnEvent): void {
    if (event.type !== "paused") return;
    const text = this.#options.hears?.[this.#utterances];
    this.#utterances += 1;
    if (text !== undefined) this.#emit({ type: "words", who: "caller", item: this.#makeId(), text, final: true });
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#log.push(item.kind === "result" ? `result ${item.output}` : `add ${item.kind}`);
  }

  answer(): void {
    this.#log.push("answer");
    const ask = { index: this.#answers, brief: this.#brief, items: this.#items };
    this.#answers += 1;
    this.#begin(stepsOf(this.#options.replies, ask));
  }

  say(text: string): void {
    this.#log.push(`say ${text}`);
    this.#begin([{ say: text }]);
  }

  cancel(): void {
    this.#log.push("cancel");
    this.#waiting = [];
    const live = this.#live;
    this.#live = undefined;
    live?.wake();
    if (live !== undefined) this.#emit({ type: "reply", id: live.id, phase: "cancelled" });
  }

  heard({ item, played }: Heard): void {
    this.#log.push(`heard ${item ?? "nothing"} ${Math.round(played)}`);
  }

  rebrief(brief: Brief): Promise<void> {
    this.#log.push(`rebrief ${brief.agent}${brief.voice === undefined ? "" : ` ${brief.voice}`}`);
    this.#brief = brief;
    this.#items = [...brief.history];
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#log.push("close");
    this.#isClosed = true;
    this.#live?.wake();
    return Promise.resolve();
  }

  #begin(steps: readonly ScriptStep[]): void {
    if (this.#isClosed) return;
    if (this.#live !== undefined) this.#waiting.push(steps);
    else void this.#play(steps);
  }

  async #play(steps: readonly ScriptStep[]): Promise<void> {
    const id = this.#makeId();
    let wake = deferred<void>();
    const live = { id, wake: () => wake.resolve() };
    this.#live = live;
    const isLive = (): boolean => this.#live === live && !this.#isClosed;
    this.#emit({ type: "reply", id, phase: "started" });
    let said = "";
    for (const step of steps) {
      if (!isLive()) return;
      if ("say" in step) {
        said = said === "" ? step.say : `${said} ${step.say}`;
        this.#say(id, step.say, said);
      } else if ("call" in step) {
        this.#emit({
          type: "call",
          id: step.id ?? this.#makeId(),
          name: step.call,
          args: JSON.stringify(step.args ?? {}),
        });
      } else if ("wait" in step) {
        const { clock } = this.#context.session;
        wake = deferred<void>();
        const cancel = clock.at(clock.now() + step.wait, wake.resolve);
        await wake.promise;
        cancel();
      } else if ("fail" in step) {
        this.#emit({ type: "trouble", error: step.fail });
        this.#end(id, "failed");
        return;
      } else {
        this.#emit({ type: "closed", error: step.close, resumable: false });
        return;
      }
    }
    if (!isLive()) return;
    if (said !== "") this.#emit({ type: "words", who: "agent", item: id, text: said, final: true });
    this.#end(id, "done");
  }

  #say(id: string, text: string, said: string): void {
    this.#emit({ type: "words", who: "agent", item: id, text: said, final: false });
    const rate = this.#can.rate.out;
    const length = Math.round((text.length * (this.#options.charMs ?? 60) * rate) / 1000);
    const size = Math.round((FRAME * rate) / 1000);
    for (let from = 0; from < length; from += size) {
      const frame = monoFrame(tone(Math.min(size, length - from), rate, from), rate, 0, id);
      this.#emit({ type: "audio", frame: from === 0 ? { ...frame, text } : frame });
    }
  }

  #end(id: string, phase: "done" | "failed"): void {
    this.#live = undefined;
    this.#emit({ type: "reply", id, phase });
    const next = this.#live === undefined ? this.#waiting.shift() : undefined;
    if (next !== undefined) this.#begin(next);
  }

  #emit(event: EngineEvent): void {
    if (!this.#isClosed) this.#sink(event);
  }

  #makeId(): string {
    return makeId("itm", (bytes) => this.#context.platform.random(bytes));
  }
}

function tone(length: number, rate: number, from: number): Int16Array {
  const samples = new Int16Array(length);
  for (let i = 0; i < length; i++)
    samples[i] = Math.round(TONE_LEVEL * Math.sin((2 * Math.PI * TONE_HZ * (from + i)) / rate));
  return samples;
}
