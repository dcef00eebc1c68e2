/*
 * One caller and one team of agents on one engine. This file only connects: what the turn machine decides, what the
 * engine says, what tools find and what the page sends come in; record, voice, toolbox, answering, mind and reports do
 * the work and know nothing of this file.
 *
 * When the caller takes the floor back, in this order: our voice is cleared and what was heard is known → the reply is
 * aborted → the engine hears how much was heard → the conversation is shortened → tools that do not go on are cancelled.
 */
import { deferred } from "../base/deferred.ts";
import { asVoiceError, VoiceError } from "../base/errors.ts";
import type { LiveSession } from "../session/session.ts";
import { type Listener, listen } from "../session/turns.ts";
import type { EndedWhy, TurnEvent } from "../turn/events.ts";
import { Answering } from "./answering.ts";
import { Asides } from "./asides.ts";
import { Budget, checkPrices, PoliteEnd } from "./budget.ts";
import { CallerWords } from "./caller-words.ts";
import type { ConverseOptions } from "./converse.ts";
import { handoffsOf, targetOf, toHandoffTool } from "./handoff.ts";
import { Mind } from "./mind.ts";
import { onPageMessage } from "./page-messages.ts";
import { Record } from "./record.ts";
import { Reports } from "./reports.ts";
import { Team } from "./team.ts";
import { Timing } from "./timing.ts";
import { type CallResult, Toolbox } from "./toolbox.ts";
import type { Agent, Brief, EngineEvent, Usage } from "./types.ts";
import { UsageMeter } from "./usage.ts";
import { prices } from "./prices.ts";
import { Voice } from "./voice.ts";

/** Ends of an utterance that get no answer. */
const UNANSWERED: ReadonlySet<EndedWhy> = new Set<EndedWhy>(["noise", "aside", "stop", "closed"]);

/** A conversation from greeting to hang-up. */
export class Talk {
  /** Settles when the call is over; rejects when the engine is gone for good. */
  readonly over: Promise<void>;
  readonly #session: LiveSession<unknown>;
  readonly #options: ConverseOptions;
  readonly #turns: Brief["turns"];
  readonly #answering = new Answering();
  readonly #record: Record;
  readonly #reports: Reports;
  readonly #timing: Timing;
  readonly #voice: Voice;
  readonly #toolbox: Toolbox;
  readonly #mind: Mind;
  readonly #team: Team;
  readonly #callerWords: CallerWords;
  readonly #asides: Asides;
  readonly #meter: UsageMeter;
  readonly #budget: Budget | undefined;
  readonly #end: PoliteEnd;
  readonly #over = deferred<void>();
  #listener: Listener | undefined;
  #undo: (() => void)[] = [];
  #callerSpeaks = false;
  #typed: { readonly id: string; readonly text: string } | undefined;

  constructor(session: LiveSession<unknown>, agent: Agent, options: ConverseOptions) {
    this.#session = session;
    this.#options = options;
    this.#turns = options.decides ?? (options.engine.can.turns ? "engine" : "local");
    this.#record = new Record(session.platform, options.history ?? [], (item) => options.onItem?.(item));
    this.#reports = new Reports(session);
    this.#timing = new Timing(session, this.#reports);
    this.#voice = new Voice(session, this.#record, this.#reports);
    this.#toolbox = new Toolbox(session, {
      onResult: (result) => this.#onResult(result),
      onReport: (report) => this.#reports.tool(report),
      onFault: (error) => session.platform.log.warn("a tool failed", { session: session.id, error }),
      items: () => this.#record.items,
    });
    this.#mind = new Mind(options.engine, session, session.platform, (event) => this.#onEngine(event));
    this.#team = new Team(agent, {
      session,
      mind: this.#mind,
      record: this.#record,
      reports: this.#reports,
      turns: this.#turns,
    });
    this.#callerWords = new CallerWords(session, this.#record, this.#reports, options.engine.can);
    this.#asides = new Asides({
      session,
      options,
      mind: this.#mind,
      answering: this.#answering,
      voice: this.#voice,
      onSay: () => this.#listener?.answering(true),
    });
    this.#meter = new UsageMeter(options.prices);
    this.#budget = options.budget === undefined ? undefined : new Budget(options.budget);
    this.#end = new PoliteEnd(
      {
        clock: session.clock,
        isIdle: () => !this.#answering.live && session.pending <= 0,
        say: (text) => this.#asides.say(text),
        hangUp: () =>
          void session.close(new VoiceError("budget", "The budget of this call is spent.", { expose: true })),
      },
      options.budget?.farewell,
    );
    this.over = this.#over.promise;
    session.signal.addEventListener("abort", () => this.#over.resolve(), { once: true });
    if (session.signal.aborted) this.#over.resolve();
  }

  /** Opens the engine, begins to listen, and greets. Throws what the engine throws. */
  async open(): Promise<void> {
    const { budget, engine, prices: table = prices } = this.#options;
    if (budget !== undefined) checkPrices(engine.models ?? [], table);
    await this.#team.open();
    if (this.#session.signal.aborted) return;
    const { words = "none", finalMs = 500 } = this.#options.engine.can;
    this.#listener = listen(this.#session, {
      policy: { words, finalMs, turns: this.#turns, ...this.#options.turns },
      detector: this.#options.detector,
      onEvent: (event) => this.#onTurn(event),
      onAudio: (frame) => this.#mind.hear(frame),
    });
    const page = onPageMessage(this.#listener, this.#toolbox, this.#reports, {
      typed: (text) => this.#onTyped(text),
      interrupt: () => this.#onInterrupt(),
      reset: () => void this.#reset(),
      digits: (digits) => this.#mind.add(this.#record.message("caller", `(dialled ${digits})`)),
    });
    this.#undo = [
      this.#session.on("turn", page.onTurn),
      this.#session.on("message", page.onMessage),
      this.#session.on("playing", ({ on, at }) => {
        this.#voice.onPlaying(on);
        if (on) this.#timing.answered(at);
        this.#settle();
      }),
      this.#session.on("heard", (heard) => this.#voice.onHeard(heard)),
    ];
    this.#greet();
  }

  async close(): Promise<void> {
    this.#callerWords.stop();
    this.#asides.close();
    this.#end.stop();
    this.#listener?.stop();
    for (const undo of this.#undo) undo();
    this.#undo = [];
    this.#toolbox.close(this.#session.signal.reason ?? new VoiceError("closed", "the conversation is over"));
    await this.#mind.close();
  }

  #greet(): void {
    this.#show();
    const { greeting } = this.#team.agent;
    if (greeting !== undefined && this.#record.items.length === 0) this.#asides.say(greeting);
  }

  #onTurn(event: TurnEvent): void {
    const local = this.#turns === "local";
    switch (event.type) {
      case "started":
        this.#callerSpeaks = true;
        this.#timing.begin();
        break;
      case "resumed":
        this.#callerSpeaks = true;
        this.#timing.resumed();
        // Nothing, or next to nothing, was heard: the same turn goes on, and its answer begins again.
        if (event.cutOff || this.#session.pending > 0) this.#takeBack();
        break;
      case "paused":
        this.#callerSpeaks = false;
        this.#timing.paused(event.from);
        break;
      case "interrupted":
        this.#takeBack();
        break;
      case "ended":
        this.#callerSpeaks = false;
        this.#timing.ended(event.why, this.#session.clock.now(), !UNANSWERED.has(event.why));
        // Shown once it has its turn, and before the answer.
        if (this.#typed !== undefined) this.#reports.callerSaid(this.#typed.id, this.#typed.text, { final: true });
        this.#typed = undefined;
        break;
      case "likely":
      case "duck":
      case "hold":
      case "release":
        break;
    }
    // A typed line opens a turn, but there is nothing to listen to.
    if (local && !(event.type === "started" && this.#typed !== undefined)) this.#mind.turn(event);
    if (event.type === "ended" && !UNANSWERED.has(event.why)) this.#answerTurn(event.why);
    this.#settle();
  }

  #answerTurn(why: EndedWhy): void {
    this.#answering.turn();
    this.#asides.turn();
    if (this.#end.isUnderWay) return;
    if (this.#turns === "engine" && why !== "typed" && why !== "digits") return;
    this.#answering.asked();
    this.#listener?.answering(true);
    this.#mind.answer();
  }

  #takeBack(): void {
    this.#voice.takeBack((heard) => {
      this.#mind.cancel();
      this.#mind.heard(heard);
    });
    this.#toolbox.interrupt();
    this.#answering.stopped();
    this.#timing.dropped();
  }

  #onEngine(event: EngineEvent): void {
    switch (event.type) {
      case "audio":
        this.#voice.speak(event.frame, this.#team.agent.name);
        return;
      case "words":
        if (event.who === "caller") this.#callerWords.take(event, this.#listener);
        else this.#onAgentWords(event);
        return;
      case "reply":
        this.#onReply(event);
        return;
      case "call":
        this.#onCall(event);
        return;
      case "uncall":
        this.#answering.dropped(event.id);
        this.#toolbox.withdraw(event.id);
        this.#settle();
        return;
      case "stage":
        this.#timing.stage(event.stage, event.ms);
        return;
      case "likely-end":
        this.#listener?.note({ type: "likely-end", p: event.p });
        return;
      case "speech":
        if (this.#turns === "engine") this.#listener?.note({ type: "engine", speech: event.on });
        return;
      case "usage":
        this.#spend(event.usage);
        return;
      case "trouble":
        this.#onTrouble(event.error);
        return;
      case "closing":
        return;
      case "closed":
        if (this.#session.signal.aborted) return;
        this.#over.reject(
          event.error ?? new VoiceError("provider-unavailable", "the engine closed its session", { fatal: true }),
        );
        return;
    }
  }

  #spend(usage: Usage): void {
    const report = this.#meter.add(usage, { agent: this.#team.agent.name, turn: this.#timing.turn });
    this.#reports.usage({ ...report });
    this.#options.onUsage?.(report);
    switch (this.#budget?.spent(report.session)) {
      case "warn":
        this.#reports.warning("budget", "Most of the budget of this call is spent.");
        return;
      case "over":
        this.#reports.warning("budget", "The budget of this call is spent: it is about to end.");
        this.#mind.hush();
        this.#end.begin();
        return;
      case undefined:
        return;
    }
  }

  #onAgentWords({ item, text, final }: Extract<EngineEvent, { type: "words" }>): void {
    this.#voice.words(item, this.#team.agent.name, text, final);
    // After a yes/no question "yes" is an answer, not a nod.
    if (final) this.#listener?.note({ type: "asked", text });
  }

  #onReply({ id, phase }: Extract<EngineEvent, { type: "reply" }>): void {
    if (phase === "started") {
      // What an engine begins by itself after the last answer is not paid for any more.
      if (this.#end.isUnderWay && !this.#answering.live) return this.#mind.cancel();
      this.#answering.started(id);
      this.#voice.begin();
      this.#listener?.answering(true);
      this.#show();
      return;
    }
    const wasLive = this.#answering.ended(id);
    if (phase === "failed" && wasLive) this.#asides.apologise();
    this.#settle();
  }

  #onCall({ id, name, args }: Extract<EngineEvent, { type: "call" }>): void {
    this.#record.call(id, name, args);
    const { agent } = this.#team;
    const way = handoffsOf(agent).get(name);
    const tool = way === undefined ? agent.tools.find((one) => one.name === name) : toHandoffTool(name, way);
    if (way === undefined || tool !== undefined) {
      this.#answering.called(id);
      this.#toolbox.run({ id, name, args }, agent.name, tool);
      this.#asides.fill(id, () => this.#hasFloor());
    } else {
      this.#addResult(id, this.#team.pass(way) ? `passed on to ${targetOf(way).name}` : "already passed on", false);
    }
  }

  #onResult({ call, output, failed, ms, handoff, quiet }: CallResult): void {
    this.#timing.stage("tool", ms);
    this.#addResult(call.id, output, failed);
    if (handoff === undefined && !quiet) this.#answering.answered(call.id);
    else this.#answering.dropped(call.id);
    if (handoff !== undefined) this.#team.pass(handoff);
    this.#settle();
  }

  #addResult(call: string, output: string, failed: boolean): void {
    this.#mind.add(this.#record.result(call, output, failed));
  }

  #onTrouble(error: VoiceError): void {
    this.#session.platform.log.warn("an engine had trouble", { session: this.#session.id, code: error.code, error });
    this.#reports.warning(error.code, error.expose ? error.message : error.cure);
  }

  /** Does what is due once no reply is live. */
  #settle(): void {
    const listener = this.#listener;
    if (this.#end.isUnderWay) this.#end.step();
    else if (!this.#answering.live && listener !== undefined) {
      const floor = this.#hasFloor();
      if (this.#team.isPassing) this.#pass(floor);
      else {
        const due = this.#answering.next(floor);
        if (due === "answer") this.#mind.answer();
        else if (due === "enough") this.#asides.giveUp();
        else if (!this.#answering.owes) listener.answering(false);
      }
    }
    this.#show();
  }

  #pass(floor: boolean): void {
    const farewell = floor && !this.#voice.hasSpoken ? this.#team.farewell() : undefined;
    if (farewell === undefined) void this.#switch();
    else this.#asides.say(farewell);
  }

  async #switch(): Promise<void> {
    const turn = this.#timing.count;
    this.#answering.asked();
    try {
      if (!(await this.#team.switch())) return;
      // The caller said something meanwhile: the answer to that is under way already.
      if (turn !== this.#timing.count) return;
      if (this.#hasFloor()) this.#mind.answer();
      else this.#answering.stopped();
    } catch (error) {
      this.#onTrouble(asVoiceError(error, "agent-error"));
      this.#answering.stopped();
      this.#asides.apologise();
    }
    this.#show();
  }

  #onTyped(text: string): void {
    if (this.#session.pending > 0) this.#takeBack();
    const item = this.#record.message("caller", text);
    this.#mind.add(item);
    this.#typed = { id: item.id, text };
    this.#listener?.note({ type: "typed" });
  }

  #onInterrupt(): void {
    this.#takeBack();
    this.#settle();
  }

  async #reset(): Promise<void> {
    this.#toolbox.close(new VoiceError("interrupted", "the conversation starts anew"));
    this.#takeBack();
    this.#answering.reset();
    this.#record.clear();
    try {
      if (await this.#team.reset()) this.#greet();
    } catch (error) {
      this.#over.reject(error);
    }
  }

  #hasFloor(): boolean {
    const state = this.#listener?.machine.state;
    return state === "idle" || state === "rising" || state === "thinking" || state === "agent";
  }

  #show(): void {
    this.#reports.caller(this.#callerSpeaks);
    if (this.#voice.playing) return;
    const thinking = this.#answering.live || this.#answering.owes;
    this.#reports.agent(this.#team.agent.name, this.#callerSpeaks ? "listening" : thinking ? "thinking" : "idle");
  }
}
