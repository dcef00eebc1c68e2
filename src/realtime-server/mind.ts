/*
 * The engine behind one call. Its main session lives as long as the call; a response with a context of its own gets a
 * session of its own. Orders wait until the engine is open and while it is told anew, in order.
 */
import { type AudioFrame, monoFrame } from "../audio/frame.ts";
import { Resampler } from "../audio/resample.ts";
import { asVoiceError } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";
import type { Millis } from "../base/time.ts";
import type { Brief, Engine, EngineEvent, EngineSession, Item } from "../agents/types.ts";
import type { WireTool } from "../protocol/openai/session.ts";
import type { Entry } from "../realtime/server/conversation.ts";
import type { Ask, Effect } from "../realtime/server/effects.ts";
import type { Session } from "../session/types.ts";

/** What a call orders of its mind. */
export type Order = Extract<Effect, { readonly do: "hear" | "turn" | "add" | "brief" | "answer" | "cancel" | "heard" }>;

export interface MindOptions {
  readonly engine: Engine;
  readonly session: Session;
  readonly platform: Platform;
  /** The name engines know the agent by. */
  readonly agent: string;
  /** What the caller may say, for recognisers that want to know. */
  phrases(ask: Pick<Ask, "instructions" | "tools">): readonly string[];
  /** `response`: which one it is about, when it has a mind of its own. */
  tell(event: EngineEvent, response?: string): void;
}

/** How long a session may take to close. */
const CLOSING: Millis = 2_000;

/** One call's engine. */
export class Mind {
  readonly #options: MindOptions;
  readonly #apart = new Map<string, EngineSession | "opening">();
  #main: EngineSession | undefined;
  #waiting: Order[] = [];
  #isBusy = true;
  #closed = false;
  #resampler: Resampler | undefined;
  #rate = 0;
  /** End of the audio that was handed on, ms. */
  #heardUpTo: Millis = 0;

  constructor(options: MindOptions, ask: Ask) {
    this.#options = options;
    void this.#open(ask);
  }

  order(order: Order): void {
    if (this.#closed) return;
    if (order.do === "answer" && order.ask !== undefined) {
      void this.#answerApart(order.response, order.ask);
      return;
    }
    if (order.do === "cancel" && order.apart) {
      this.#closeApart(order.response);
      return;
    }
    if (this.#isBusy) this.#waiting.push(order);
    else this.#try(order);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    const sessions = [this.#main, ...this.#apart.values()];
    this.#apart.clear();
    await Promise.all(sessions.flatMap((one) => (one === undefined || one === "opening" ? [] : [this.#end(one)])));
  }

  async #open(ask: Ask): Promise<void> {
    try {
      const session = await this.#begin(ask, (event) => this.#tell(event));
      if (this.#closed) {
        await this.#end(session);
        return;
      }
      this.#main = session;
      this.#isBusy = false;
      this.#proceed();
    } catch (error) {
      this.#tell({ type: "closed", error: asVoiceError(error, "provider-unavailable"), resumable: false });
    }
  }

  #proceed(): void {
    while (!this.#isBusy && !this.#closed) {
      const order = this.#waiting.shift();
      if (order === undefined) return;
      this.#try(order);
    }
  }

  /** An engine that throws where it must not is over for this call. */
  #try(order: Order): void {
    try {
      this.#obey(order);
    } catch (error) {
      this.#options.platform.log.error("an engine threw", { error, order: order.do });
      this.#tell({ type: "closed", error: asVoiceError(error, "agent-error"), resumable: false });
    }
  }

  #obey(order: Order): void {
    const main = this.#main;
    if (main === undefined) return;
    switch (order.do) {
      case "hear":
        return this.#hear(main, order.frame);
      case "turn":
        return main.turn(order.event);
      case "add": {
        const item = itemOf(order.entry, this.#options.platform.clock.wall());
        if (item !== undefined) main.add(item);
        return;
      }
      case "answer":
        return main.answer();
      case "cancel":
        return main.cancel();
      case "heard":
        return main.heard({ item: order.item, played: order.played, dropped: order.dropped, exact: true });
      case "brief":
        this.#isBusy = true;
        void this.#rebrief(main, order.ask);
    }
  }

  async #rebrief(main: EngineSession, ask: Ask): Promise<void> {
    try {
      await main.rebrief(this.#briefOf(ask));
    } catch (error) {
      this.#tell({ type: "trouble", error: asVoiceError(error, "provider-config") });
    }
    this.#isBusy = false;
    this.#proceed();
  }

  async #answerApart(response: string, ask: Ask): Promise<void> {
    this.#apart.set(response, "opening");
    const tell = (event: EngineEvent): void => {
      if (!this.#apart.has(response)) return;
      this.#options.tell(event, response);
      if (event.type === "reply" && event.phase !== "started") this.#closeApart(response);
    };
    try {
      const session = await this.#begin(ask, tell);
      if (!this.#apart.has(response) || this.#closed) {
        await this.#end(session);
        return;
      }
      this.#apart.set(response, session);
      // Told anew, an engine knows that there is something to answer.
      await session.rebrief(this.#briefOf(ask));
      if (!this.#apart.has(response)) return;
      if (ask.say === undefined) session.answer();
      else session.say(ask.say);
    } catch (error) {
      tell({ type: "trouble", error: asVoiceError(error, "provider-unavailable") });
      tell({ type: "reply", id: response, phase: "failed" });
    }
  }

  #closeApart(response: string): void {
    const session = this.#apart.get(response);
    this.#apart.delete(response);
    if (session === undefined || session === "opening") return;
    void this.#end(session);
  }

  #begin(ask: Ask, sink: (event: EngineEvent) => void): Promise<EngineSession> {
    const { engine, session, platform } = this.#options;
    return engine.open(this.#briefOf(ask), sink, { session, signal: session.signal, platform });
  }

  async #end(session: EngineSession): Promise<void> {
    const { clock, log } = this.#options.platform;
    let stop = (): void => {};
    const patience = new Promise<void>((resolve) => {
      stop = clock.at(clock.now() + CLOSING, resolve);
    });
    try {
      await Promise.race([session.close(), patience]);
    } catch (error) {
      log.warn("an engine did not close cleanly", { error });
    }
    stop();
  }

  #hear(main: EngineSession, frame: AudioFrame): void {
    const { rate } = this.#options.engine.can;
    if (frame.rate !== this.#rate) {
      this.#rate = frame.rate;
      this.#resampler = new Resampler(frame.rate, rate.in);
      this.#heardUpTo = frame.at;
    }
    const samples = this.#resampler?.process(frame.samples) ?? frame.samples;
    if (samples.length === 0) return;
    const at = this.#heardUpTo;
    this.#heardUpTo = at + (samples.length / rate.in) * 1000;
    main.hear(monoFrame(samples, rate.in, at));
  }

  #tell(event: EngineEvent): void {
    if (!this.#closed) this.#options.tell(event);
  }

  #briefOf({ instructions, tools, toolChoice, voice, context }: Ask): Brief {
    const wall = this.#options.platform.clock.wall();
    return {
      agent: this.#options.agent,
      instructions,
      voice,
      turns: "local",
      history: context.flatMap((entry) => itemOf(entry, wall) ?? []),
      tools: toolsOf(tools, toolChoice),
      phrases: this.#options.phrases({ instructions, tools }),
    };
  }
}

/** What an engine is told of a line; undefined for lines that say nothing to it. */
function itemOf({ id, mind, item, text }: Entry, at: number): Item | undefined {
  if (item.type === "function_call")
    return { id: item.call_id, at, kind: "call", name: item.name, args: item.arguments };
  if (item.type === "function_call_output")
    return { id, at, kind: "result", call: item.call_id, output: item.output, failed: false };
  if (item.type !== "message" || text === "") return undefined;
  const who = item.role === "user" ? "caller" : item.role === "assistant" ? "agent" : "system";
  return { id: mind ?? id, at, kind: "message", who, text };
}

/** The tools a mind may call: those of the session, as far as `tool_choice` allows. We run none for it. */
function toolsOf(tools: readonly WireTool[], choice: Ask["toolChoice"]): Brief["tools"] {
  if (choice === "none") return [];
  const named = typeof choice === "object" && choice.type === "function" ? choice.name : undefined;
  return tools.flatMap((tool) => {
    if (tool.type !== "function" || (named !== undefined && tool.name !== named)) return [];
    const { name, description = "", parameters = { type: "object", properties: {} } } = tool;
    return [{ name, description, parameters }];
  });
}
