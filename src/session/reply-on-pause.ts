/*
 * The simplest voice agent: whenever the caller pauses, `reply` answers. Barge-in aborts the reply's signal and drops what
 * was not heard. At most one reply lives; one that was taken back never sends again, whatever it still yields.
 */
import { silence } from "../audio/frame.ts";
import { deferred } from "../base/deferred.ts";
import { asVoiceError, VoiceError } from "../base/errors.ts";
import { makeId } from "../base/ids.ts";
import type { Millis } from "../base/time.ts";
import type { TurnEvent, TurnMachine } from "../turn/events.ts";
import type { TurnOptions, TurnPolicy } from "../turn/policy.ts";
import type { DetectorMaker } from "../vad/detector.ts";
import { TurnLatency } from "./latency.ts";
import { isIterable, pause, tellError } from "./run.ts";
import { LiveSession } from "./session.ts";
import { type Listener, listen } from "./turns.ts";
import type { Handler, Output, Reply, Session, Turn } from "./types.ts";

/** How much of a reply may wait to be heard before its generator does, ms. */
const BACKLOG: Millis = 10_000;
/** How long it then waits before it looks again, ms. */
const FRAME: Millis = 20;

export type ReplyOnPauseOptions<In = unknown> = TurnOptions & {
  /** Spoken when the call begins. It can be interrupted like any reply. */
  readonly startup?: (session: Session<In>) => AsyncIterable<Output>;
  /** Default: the built-in Silero detector. */
  readonly detector?: DetectorMaker;
  /** A turn machine of your own in place of the built-in one, made once per call. */
  readonly machine?: (policy: TurnPolicy) => TurnMachine;
};

/** What the page calls the one who answers. */
const AGENT = "agent";

/** Makes a handler that answers whenever the caller pauses. Options are those of the turn policy, plus start-up and detector. */
export function replyOnPause<In = unknown>(reply: Reply<In>, options: ReplyOnPauseOptions<In> = {}): Handler<In> {
  const { startup, detector, machine, ...policy } = options;
  return async (session) => {
    if (!(session instanceof LiveSession)) throw new TypeError("replyOnPause needs the session of a call");
    const ended = deferred<void>();
    const replies = new Replies(session, reply);
    const listener = listen(session, {
      policy,
      detector,
      machine,
      onEvent: (event) => replies.follow(event),
    });
    replies.begin(listener);
    const undo = session.on("message", (message) => {
      if (message.type === "text") replies.typed(message.text);
      else if (message.type === "interrupt") replies.silence();
      else if (message.type === "talk")
        listener.note({ type: "talk", down: message.phase === "start", cancel: message.phase === "cancel" });
    });
    session.signal.addEventListener("abort", () => ended.resolve(), { once: true });
    if (startup !== undefined) replies.start((turn) => startup(turn.session), undefined);
    await ended.promise;
    undo();
    listener.stop();
  };
}

interface Live {
  readonly abort: AbortController;
  readonly turn: string | undefined;
  /** Until the first sample is sent. */
  latency: TurnLatency | undefined;
  /** Everything was yielded; some of it may wait to be heard. */
  done: boolean;
  iterator: AsyncIterator<Output> | undefined;
  /** Set while the caller goes on and nothing was heard yet: the reply works on, but sends nothing. */
  parked: ReturnType<typeof deferred<void>> | undefined;
}

/** The replies of one session: at most one lives. */
class Replies<In> {
  readonly #session: LiveSession<In>;
  readonly #reply: Reply<In>;
  #listener: Listener | undefined;
  #live: Live | undefined;
  #index = 0;
  #turn: string | undefined;
  #startedAt: Millis = 0;
  #quietAt: Millis = 0;
  /** Lines that were typed and whose turn has not ended: while our voice may not be interrupted, they wait for its end. */
  #typed: string[] = [];

  constructor(session: LiveSession<In>, reply: Reply<In>) {
    this.#session = session;
    this.#reply = reply;
    session.on("playing", ({ on, at }) => this.#playing(on, at));
    session.signal.addEventListener("abort", () => this.#cancel(session.signal.reason), { once: true });
  }

  begin(listener: Listener): void {
    this.#listener = listener;
  }

  typed(text: string): void {
    this.#typed.push(text);
    this.#startedAt = this.#session.clock.now();
    this.#quietAt = this.#startedAt;
    this.#listener?.note({ type: "typed" });
  }

  /** The page asked us to be quiet. */
  silence(): void {
    this.#takeBack("the caller pressed interrupt");
  }

  follow(event: TurnEvent): void {
    switch (event.type) {
      case "started":
        this.#startedAt = event.from;
        this.#turn = undefined;
        this.#tell("started");
        break;
      case "resumed":
        this.#tell("resumed");
        if (event.cutOff) this.#takeBack("the caller went on");
        else if (this.#live !== undefined) this.#live.parked ??= deferred<void>();
        break;
      case "paused":
        this.#quietAt = event.from;
        break;
      case "interrupted":
        this.#takeBack("the caller took the floor back");
        break;
      case "ended":
        this.#tell("ended", event.why);
        this.#ended(event.why, event.at);
        break;
      case "likely":
      case "duck":
      case "hold":
      case "release":
        break;
    }
  }

  #ended(why: Extract<TurnEvent, { type: "ended" }>["why"], at: Millis): void {
    if (why === "noise" || why === "aside") return this.#goOn();
    if (why === "stop") return this.#takeBack("the caller asked for silence");
    this.#cancel(new VoiceError("interrupted", "the caller went on"));
    const id = this.#turnId();
    const index = this.#index++;
    const typed = this.#typed.length === 0 ? undefined : this.#typed.splice(0).join("\n");
    const said = typed === undefined ? this.#listener?.utterance() : undefined;
    const audio = said ?? silence(0, this.#session.transport.can.rate, at);
    const quiet = typed === undefined && why === "pause" ? this.#quietAt : at;
    this.start(
      ({ signal, session }) =>
        this.#reply({ id, index, audio, text: typed, startedAt: this.#startedAt, endedAt: at, signal }, session),
      new TurnLatency(id, quiet, this.#session.clock.now()),
    );
  }

  /** It was nothing: a reply that was parked speaks after all. */
  #goOn(): void {
    this.#live?.parked?.resolve();
    if (this.#live !== undefined) this.#live.parked = undefined;
  }

  #tell(phase: "started" | "resumed" | "ended", why?: string): void {
    const turnId = this.#turnId();
    this.#session.tell({ type: "user_state", data: { speaking: phase !== "ended" } });
    this.#session.tell({ type: "turn", data: why === undefined ? { turnId, phase } : { turnId, phase, why } });
  }

  #turnId(): string {
    this.#turn ??= makeId("trn", (bytes) => this.#session.platform.random(bytes));
    return this.#turn;
  }

  /** Starts a reply in place of any other. */
  start(
    make: (turn: Pick<Turn, "signal"> & { readonly session: Session<In> }) => AsyncIterable<Output>,
    latency: TurnLatency | undefined,
  ): void {
    const live: Live = {
      abort: new AbortController(),
      turn: latency?.turn,
      latency,
      done: false,
      iterator: undefined,
      parked: undefined,
    };
    this.#live = live;
    this.#listener?.answering(true);
    this.#session.tell({ type: "agent_state", data: { id: AGENT, state: "thinking" } });
    void this.#pump(live, make);
  }

  async #pump(
    live: Live,
    make: (turn: Pick<Turn, "signal"> & { readonly session: Session<In> }) => AsyncIterable<Output>,
  ): Promise<void> {
    try {
      const outputs: unknown = make({ signal: live.abort.signal, session: this.#session });
      if (!isIterable(outputs)) throw new TypeError(`a reply must be an async generator, got ${typeof outputs}`);
      live.iterator = outputs[Symbol.asyncIterator]();
      await this.#drain(live, live.iterator);
    } catch (error) {
      if (this.#live === live) this.#failed(error);
      this.#leave(live);
    }
    if (this.#live === live) this.#finish(live);
  }

  /** Sends what the reply yields until it is over or taken back. */
  async #drain(live: Live, iterator: AsyncIterator<Output>): Promise<void> {
    const { clock } = this.#session;
    const began = clock.now();
    for (let first = true; ; first = false) {
      const next = await iterator.next();
      if (live.parked !== undefined) await live.parked.promise;
      if (this.#live !== live || next.done === true) return;
      if (first) live.latency?.add("llm", clock.now() - began, clock.now());
      this.#session.send(next.value);
      while (this.#session.pending > BACKLOG && this.#live === live) await pause(clock, FRAME, live.abort.signal);
    }
  }

  /** Everything was yielded: what is queued is heard yet. */
  #finish(live: Live): void {
    live.done = true;
    // A reply without a sound ends the turn for the page all the same.
    if (live.latency !== undefined && this.#session.pending <= 0) this.#answered(live, this.#session.clock.now());
    this.#listener?.answering(false);
    if (this.#session.pending <= 0) this.#over();
  }

  #takeBack(why: string): void {
    this.#cancel(new VoiceError("interrupted", why));
    this.#listener?.answering(false);
  }

  #failed(error: unknown): void {
    const wrapped = asVoiceError(error, "agent-error");
    this.#session.fault(wrapped);
    tellError(this.#session, wrapped);
  }

  /** Ends the live reply: first nothing of it is heard any more, then its signal aborts; its generator is not waited for. */
  #cancel(reason: unknown): void {
    const live = this.#live;
    if (live === undefined) return;
    this.#live = undefined;
    if (this.#session.pending > 0) {
      const heard = this.#session.interrupt();
      const data = { heardMs: Math.round(heard.played), heardText: "" };
      this.#session.tell({
        type: "interrupted",
        data: live.turn === undefined ? data : { ...data, turnId: live.turn },
      });
    }
    live.abort.abort(reason);
    live.parked?.resolve();
    this.#leave(live);
  }

  /** Lets the generator clean up. One that awaits something which never settles never settles its return() either. */
  #leave({ iterator }: Live): void {
    iterator
      ?.return?.()
      ?.catch((error: unknown) => this.#session.platform.log.debug("a cancelled reply failed", { error }));
  }

  #playing(on: boolean, at: Millis): void {
    const live = this.#live;
    if (!on) {
      if (live === undefined || live.done) this.#over();
      return;
    }
    this.#session.tell({ type: "agent_state", data: { id: AGENT, state: "speaking" } });
    if (live !== undefined) this.#answered(live, at);
  }

  #answered(live: Live, at: Millis): void {
    const { latency } = live;
    if (latency === undefined) return;
    live.latency = undefined;
    const { parts, totalMs } = latency.answered(at);
    this.#session.tell({ type: "turn", data: { turnId: latency.turn, phase: "answered", parts, totalMs } });
    this.#session.emit("latency", { turn: latency.turn, stage: "total", ms: totalMs });
    this.#session.emit("latency", { turn: latency.turn, stage: "framework", ms: parts.framework });
  }

  #over(): void {
    this.#live = undefined;
    this.#session.tell({ type: "agent_state", data: { id: AGENT, state: "listening" } });
  }
}
