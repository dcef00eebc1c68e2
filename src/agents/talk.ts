/*
 * One caller and one team of agents on one engine. This file only connects: what the turn machine decides, what the
 * engine says and what the page sends come in; conversation, toolbox, answering, mind and reports do the work and know
 * nothing of each other.
 *
 * When the caller takes the floor back, in this order: our voice is cleared and what was heard is known → the reply is
 * aborted → the engine hears how much was heard → the conversation is shortened → tools that do not go on are cancelled.
 */
import { deferred } from "../base/deferred.ts";
import { asVoiceError, VoiceError } from "../base/errors.ts";
import { makeId } from "../base/ids.ts";
import type { Millis } from "../base/time.ts";
import type { CallerMessage } from "../protocol/page.ts";
import { TurnLatency } from "../session/latency.ts";
import type { LiveSession } from "../session/session.ts";
import { type Listener, listen } from "../session/turns.ts";
import type { Heard } from "../session/types.ts";
import type { EndedWhy, TurnEvent } from "../turn/events.ts";
import { parsePolicy } from "../turn/policy.ts";
import { Answering } from "./answering.ts";
import { briefOf } from "./brief.ts";
import type { ConverseOptions } from "./converse.ts";
import { Conversation } from "./conversation.ts";
import { handoffsOf, targetOf } from "./handoff.ts";
import { Mind } from "./mind.ts";
import { Reports } from "./reports.ts";
import { SpokenLines } from "./spoken.ts";
import { type CallRequest, type CallResult, Toolbox } from "./toolbox.ts";
import type { Agent, Brief, EngineEvent, Handoff, Item } from "./types.ts";

const APOLOGY = "Sorry, something went wrong on my side. Please say that again.";
const ENOUGH = "Sorry, I could not finish that. Please ask me again in other words.";
/** Items whose late words and audio are ignored. */
const CUT_MEMORY = 32;

/** Ends of an utterance that get no answer. */
const UNANSWERED: ReadonlySet<EndedWhy> = new Set<EndedWhy>(["noise", "aside", "stop", "closed"]);

interface Passing {
  readonly way: Handoff;
  announced: boolean;
}

/** A conversation from greeting to hang-up. */
export class Talk {
  /** Settles when the call is over; rejects when the engine is gone for good. */
  readonly over: Promise<void>;
  readonly #session: LiveSession<unknown>;
  readonly #options: ConverseOptions;
  readonly #first: Agent;
  readonly #turns: Brief["turns"];
  readonly #conversation = new Conversation();
  readonly #spoken = new SpokenLines();
  readonly #answering = new Answering();
  readonly #reports: Reports;
  readonly #toolbox: Toolbox;
  readonly #mind: Mind;
  readonly #over = deferred<void>();
  #listener: Listener | undefined;
  #undo: (() => void)[] = [];
  #agent: Agent;
  /** Rises when the conversation starts anew. */
  #epoch = 0;
  #turn = { id: "", count: 0, speechEnd: 0 };
  #times: TurnLatency | undefined;
  #passing: Passing | undefined;
  #cut: string[] = [];
  #digits = "";
  #playing = false;
  #hearing = false;
  #apologised = false;
  #replySaid = false;

  constructor(session: LiveSession<unknown>, agent: Agent, options: ConverseOptions) {
    this.#session = session;
    this.#options = options;
    this.#first = agent;
    this.#agent = agent;
    this.#turns = options.decides ?? (options.engine.can.turns ? "engine" : "local");
    this.#conversation.replace(options.history ?? []);
    this.#reports = new Reports(session);
    this.#toolbox = new Toolbox(session, {
      onResult: (result) => this.#onResult(result),
      onReport: (report) => this.#reports.tool(report),
      onFault: (error) => session.platform.log.warn("a tool failed", { session: session.id, error }),
    });
    this.#mind = new Mind(options.engine, session, session.platform, (event) => this.#onEngine(event));
    this.over = this.#over.promise;
    session.signal.addEventListener("abort", () => this.#over.resolve(), { once: true });
    if (session.signal.aborted) this.#over.resolve();
  }

  /** Opens the engine, begins to listen, and greets. Throws what the engine throws. */
  async open(): Promise<void> {
    await this.#mind.open(await this.#brief());
    if (this.#session.signal.aborted) return;
    this.#listener = listen(this.#session, {
      policy: this.#options.turns,
      detector: this.#options.detector,
      onEvent: (event) => this.#onTurn(event),
      onAudio: (frame) => this.#mind.hear(frame),
    });
    this.#undo = [
      this.#session.on("message", (message) => this.#onMessage(message)),
      this.#session.on("playing", ({ on, at }) => this.#onPlaying(on, at)),
      this.#session.on("heard", (heard) => this.#onHeard(heard)),
    ];
    this.#greet();
  }

  async close(): Promise<void> {
    this.#listener?.stop();
    for (const undo of this.#undo) undo();
    this.#undo = [];
    this.#toolbox.close(this.#session.signal.reason ?? new VoiceError("closed", "the conversation is over"));
    await this.#mind.close();
  }

  #greet(): void {
    this.#show();
    const { greeting } = this.#agent;
    if (greeting !== undefined && (this.#options.history ?? []).length === 0) this.#say(greeting);
  }

  // What the turn machine decides.

  #onTurn(event: TurnEvent): void {
    const local = this.#turns === "local";
    switch (event.type) {
      case "started":
        this.#hearing = true;
        this.#beginTurn();
        break;
      case "resumed":
        this.#hearing = true;
        this.#reports.turn(this.#turn.id, "resumed");
        // Nothing, or next to nothing, was heard: the same turn goes on, and its answer begins again.
        if (event.cutOff || this.#session.pending > 0) this.#takeBack();
        break;
      case "paused":
        this.#hearing = false;
        this.#turn.speechEnd = event.from;
        break;
      case "interrupted":
        this.#takeBack();
        break;
      case "ended":
        this.#hearing = false;
        this.#endTurn(event.why, event.at);
        if (local) this.#mind.turn(event);
        if (!UNANSWERED.has(event.why)) this.#answerTurn(event.why);
        break;
      case "likely":
      case "duck":
      case "hold":
      case "release":
        break;
    }
    if (local && event.type !== "ended") this.#mind.turn(event);
    this.#settle();
  }

  #beginTurn(): void {
    const id = makeId("trn", (bytes) => this.#session.platform.random(bytes));
    this.#turn = { id, count: this.#turn.count + 1, speechEnd: 0 };
    this.#reports.turn(id, "started");
  }

  #endTurn(why: EndedWhy, at: Millis): void {
    // A line that was typed or dialled has no beginning of its own.
    if (this.#turn.id === "") this.#beginTurn();
    this.#reports.turn(this.#turn.id, "ended", why);
    if (UNANSWERED.has(why)) return;
    const speechEnd = this.#turn.speechEnd > 0 && why !== "typed" ? this.#turn.speechEnd : at;
    this.#times = new TurnLatency(this.#turn.id, speechEnd, at);
  }

  #answerTurn(why: EndedWhy): void {
    this.#answering.turn();
    this.#apologised = false;
    if (why === "digits") {
      this.#addLine("caller", `(dialled ${this.#digits.split("").join(" ")})`);
      this.#digits = "";
    }
    if (this.#turns === "engine" && why !== "typed" && why !== "digits") return;
    this.#answering.asked();
    this.#listener?.answering(true);
    this.#mind.answer();
  }

  #takeBack(): void {
    const pending = this.#session.pending;
    const heard = this.#session.interrupt();
    this.#mind.cancel();
    this.#mind.heard(heard);
    const cuts = this.#spoken.cut(heard);
    for (const { id } of cuts) this.#cut.push(id);
    this.#cut = this.#cut.slice(-CUT_MEMORY);
    for (const item of this.#conversation.shorten(cuts)) this.#options.onItem?.(item);
    this.#toolbox.interrupt();
    this.#answering.stopped();
    this.#times = undefined;
    for (const { id, agent, heard: text, unheard } of cuts) this.#reports.cut(id, agent, text, unheard);
    if (pending > 0) this.#reports.interrupted(heard, cuts.find(({ id }) => id === heard.item)?.heard ?? "");
  }

  // What the engine says.

  #onEngine(event: EngineEvent): void {
    switch (event.type) {
      case "audio":
        this.#onVoice(event);
        return;
      case "words":
        if (event.who === "caller") this.#onCallerWords(event);
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
        this.#times?.add(event.stage, event.ms);
        return;
      case "likely-end":
        this.#listener?.note({ type: "likely-end", p: event.p });
        return;
      case "speech":
        if (this.#turns === "engine") this.#listener?.note({ type: "engine", speech: event.on });
        return;
      case "usage":
        this.#reports.usage({ ...event.usage });
        this.#options.onUsage?.(event.usage);
        return;
      case "trouble":
        this.#onTrouble(event.error);
        return;
      case "closing":
        return;
      case "closed":
        this.#onClosed(event.error);
        return;
    }
  }

  #onVoice({ frame }: Extract<EngineEvent, { type: "audio" }>): void {
    const { item } = frame;
    if (item !== undefined) {
      if (this.#cut.includes(item)) return;
      this.#spoken.line(item, this.#agent.name).audio(frame);
    }
    this.#replySaid = true;
    this.#session.send(frame);
  }

  #onCallerWords({ item, text, final, rejected = false }: Extract<EngineEvent, { type: "words" }>): void {
    this.#reports.callerSaid(item, text, { final, rejected });
    if (final && !rejected && text !== "") this.#put({ id: item, at: this.#wall(), kind: "message", who: "caller", text });
    const state = this.#listener?.machine.state;
    // Something was said, if nobody knows what: the turn has content. Over our voice its length decides instead.
    if (rejected && (state === "caller" || state === "pause")) this.#listener?.note({ type: "words", text: "unclear", final });
    else if (!rejected) this.#listener?.note({ type: "words", text, final });
  }

  #onAgentWords({ item, text, final }: Extract<EngineEvent, { type: "words" }>): void {
    if (this.#cut.includes(item) || text === "") return;
    const line = this.#spoken.line(item, this.#agent.name);
    line.text = text;
    this.#put({ id: item, at: this.#wall(), kind: "message", who: "agent", agent: line.agent, text });
    this.#reports.agentSaid(line, final);
  }

  #onReply({ id, phase }: Extract<EngineEvent, { type: "reply" }>): void {
    if (phase === "started") {
      this.#answering.started(id);
      this.#replySaid = false;
      this.#listener?.answering(true);
      this.#show();
      return;
    }
    const wasLive = this.#answering.ended(id);
    if (phase === "failed" && wasLive) this.#apologise();
    this.#settle();
  }

  #onCall({ id, name, args }: Extract<EngineEvent, { type: "call" }>): void {
    const call: CallRequest = { id, name, args };
    this.#put({ id, at: this.#wall(), kind: "call", name, args });
    const way = handoffsOf(this.#agent).get(name);
    if (way === undefined) {
      this.#answering.called(id);
      this.#toolbox.run(call, this.#agent.name, this.#agent.tools.find((tool) => tool.name === name));
      this.#fill(id);
      return;
    }
    const output = this.#passing === undefined ? `passed on to ${targetOf(way).name}` : "already passed on";
    this.#passing ??= { way, announced: false };
    this.#addResult(id, output, false);
    if (!this.#answering.live) this.#settle();
  }

  #onTrouble(error: VoiceError): void {
    this.#session.platform.log.warn("an engine had trouble", { session: this.#session.id, code: error.code, error });
    this.#reports.warning(error.code, error.expose ? error.message : error.cure);
  }

  #onClosed(error: VoiceError | undefined): void {
    if (this.#session.signal.aborted) return;
    this.#over.reject(error ?? new VoiceError("provider-unavailable", "the engine closed its session", { fatal: true }));
  }

  // What tools find, and who speaks next.

  #onResult({ call, output, failed, ms, handoff }: CallResult): void {
    this.#times?.add("tool", ms);
    this.#addResult(call.id, output, failed);
    if (handoff === undefined) {
      this.#answering.answered(call.id);
    } else {
      this.#answering.dropped(call.id);
      this.#passing ??= { way: handoff, announced: false };
    }
    this.#settle();
  }

  /** Does what is due once no reply is live. */
  #settle(): void {
    this.#show();
    if (this.#answering.live || this.#listener === undefined) return;
    const floor = this.#hasFloor();
    if (this.#passing !== undefined) {
      this.#pass(this.#passing, floor);
      return;
    }
    const due = this.#answering.next(floor);
    if (due === "answer") this.#mind.answer();
    else if (due === "enough") this.#say(ENOUGH);
    else if (!this.#answering.owes) this.#listener.answering(false);
    this.#show();
  }

  #pass(passing: Passing, floor: boolean): void {
    const { say } = passing.way;
    if (say !== undefined && floor && !passing.announced && !this.#replySaid) {
      passing.announced = true;
      this.#say(say);
      return;
    }
    this.#passing = undefined;
    void this.#switch(passing.way);
  }

  /** Another agent takes over between two replies. */
  async #switch(way: Handoff): Promise<void> {
    const epoch = this.#epoch;
    const turn = this.#turn.count;
    const from = this.#agent;
    this.#answering.asked();
    try {
      const to = targetOf(way);
      this.#agent = to;
      this.#put({ id: this.#itemId(), at: this.#wall(), kind: "handoff", from: from.name, to: to.name });
      this.#reports.handoff(to.name, from.name);
      await this.#mind.brief(() => this.#brief(way.filter));
    } catch (error) {
      if (epoch !== this.#epoch) return;
      this.#agent = from;
      this.#reports.handoff(from.name, undefined);
      this.#onTrouble(asVoiceError(error, "agent-error"));
      this.#answering.stopped();
      this.#apologise();
      return;
    }
    if (epoch !== this.#epoch || this.#session.signal.aborted) return;
    // The caller said something meanwhile: the answer to that is under way already.
    if (turn !== this.#turn.count) return;
    if (this.#hasFloor()) this.#mind.answer();
    else this.#answering.stopped();
    this.#show();
  }

  #say(text: string): void {
    this.#answering.said();
    this.#listener?.answering(true);
    this.#mind.say(text);
  }

  /** Once per turn: an apology that fails is not apologised for. */
  #apologise(): void {
    const text = this.#options.apology ?? APOLOGY;
    if (this.#apologised || text === "") return;
    this.#apologised = true;
    this.#say(text);
  }

  /** Something to hear while a slow tool works. */
  #fill(call: string): void {
    const { filler } = this.#options;
    if (filler === undefined) return;
    const { clock } = this.#session;
    const turn = this.#turn.count;
    clock.at(clock.now() + filler.afterMs, () => {
      const idle = !this.#answering.live && this.#answering.isRunning(call) && this.#session.pending <= 0;
      if (idle && turn === this.#turn.count && !this.#replySaid && this.#hasFloor()) this.#say(filler.text);
    });
  }

  #hasFloor(): boolean {
    const state = this.#listener?.machine.state;
    return state === "idle" || state === "rising" || state === "thinking" || state === "agent";
  }

  // What the page sends.

  #onMessage(message: CallerMessage): void {
    switch (message.type) {
      case "text":
        this.#onTyped(message.text);
        return;
      case "interrupt":
        this.#takeBack();
        this.#settle();
        return;
      case "talk":
        this.#listener?.note({ type: "talk", down: message.phase === "start" });
        return;
      case "digit":
        this.#digits += message.digit;
        this.#listener?.note({ type: "digit", digit: message.digit });
        return;
      case "approve":
        this.#toolbox.approve(message.callId, message.ok);
        return;
      case "tune":
        this.#tune(message.policy);
        return;
      case "reset":
        void this.#reset();
        return;
      case "inputs":
      case "mic":
      case "position":
      case "ping":
      case "stop":
      case "custom":
        return;
    }
  }

  #onTyped(text: string): void {
    if (this.#session.pending > 0) this.#takeBack();
    this.#beginTurn();
    const item = this.#addLine("caller", text);
    this.#reports.callerSaid(item.id, text, { final: true });
    this.#listener?.note({ type: "typed" });
  }

  #tune(values: Readonly<Record<string, unknown>>): void {
    try {
      this.#listener?.tune(parsePolicy(values));
    } catch (error) {
      const { code, message } = asVoiceError(error, "bad-message");
      this.#reports.warning(code, message);
    }
  }

  async #reset(): Promise<void> {
    this.#epoch += 1;
    const epoch = this.#epoch;
    this.#toolbox.close(new VoiceError("interrupted", "the conversation starts anew"));
    this.#takeBack();
    this.#answering.reset();
    this.#passing = undefined;
    this.#digits = "";
    this.#conversation.replace([]);
    this.#agent = this.#first;
    try {
      await this.#mind.brief(() => this.#brief(), { anew: true });
    } catch (error) {
      this.#over.reject(error);
      return;
    }
    if (epoch === this.#epoch && !this.#session.signal.aborted) this.#greet();
  }

  // Our voice as heard.

  #onPlaying(on: boolean, at: Millis): void {
    this.#playing = on;
    if (on && this.#times !== undefined) {
      const times = this.#times.answered(at);
      const { turn } = this.#times;
      this.#times = undefined;
      this.#reports.answered(turn, times);
      this.#session.emit("latency", { turn, stage: "total", ms: times.totalMs });
      for (const stage of ["endpointing", "stt", "llm", "tool", "tts", "framework"] as const) {
        this.#session.emit("latency", { turn, stage, ms: times.parts[stage] });
      }
    }
    this.#settle();
  }

  #onHeard(heard: Heard): void {
    const line = heard.item === undefined ? undefined : this.#spoken.find(heard.item);
    if (line === undefined) return;
    this.#reports.heard(line, heard.played);
    if (this.#playing) this.#reports.agent(line.agent, "speaking");
  }

  #show(): void {
    this.#reports.caller(this.#hearing);
    if (this.#playing) return;
    const thinking = this.#answering.live || this.#answering.owes;
    this.#reports.agent(this.#agent.name, this.#hearing ? "listening" : thinking ? "thinking" : "idle");
  }

  // Items.

  #addLine(who: "caller" | "system", text: string): Item {
    const item: Item = { id: this.#itemId(), at: this.#wall(), kind: "message", who, text };
    this.#put(item);
    this.#mind.add(item);
    return item;
  }

  #addResult(call: string, output: string, failed: boolean): void {
    const item: Item = { id: this.#itemId(), at: this.#wall(), kind: "result", call, output, failed };
    this.#put(item);
    this.#mind.add(item);
  }

  #put(item: Item): void {
    this.#conversation.put(item);
    this.#options.onItem?.(item);
  }

  #brief(filter: Handoff["filter"] = (items) => items): Promise<Brief> {
    return briefOf(this.#agent, this.#session, { turns: this.#turns, history: filter(this.#conversation.items) });
  }

  #itemId(): string {
    return makeId("itm", (bytes) => this.#session.platform.random(bytes));
  }

  #wall(): number {
    return this.#session.clock.wall();
  }
}
