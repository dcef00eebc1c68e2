/*
 * Attaches turn-taking to a session: the microphone is judged on a tap, the pure machine decides, and this file carries
 * out what every handler wants alike: timers, ducking, holding and releasing our voice, and keeping the caller's words
 * from before the onset. What a turn means is the handler's business.
 *
 * Media time drives the machine: each frame brings it forward. A timer takes over only when no media comes.
 */
import { mixedDown } from "../audio/channels.ts";
import { type AudioFrame, durationOf, monoFrame } from "../audio/frame.ts";
import type { Millis } from "../base/time.ts";
import type { TurnEvent, TurnInput, TurnMachine } from "../turn/events.ts";
import { createTurnMachine } from "../turn/machine.ts";
import { parsePolicy, type TurnOptions, type TurnPolicy } from "../turn/policy.ts";
import { createUtterance, type Utterance } from "../turn/utterance.ts";
import type { DetectorMaker } from "../vad/detector.ts";
import { Judge } from "./judge.ts";
import { LiveSession } from "./session.ts";
import type { Session } from "./types.ts";

/** Without media for this long, time goes on as silence, ms. Above the jitter of an ordinary network. */
const MISSING: Millis = 100;

export interface ListenOptions {
  /** What is left out keeps its default for the `words` at hand. */
  readonly policy?: TurnOptions | undefined;
  /** Default: the detector the calls were given. */
  readonly detector?: DetectorMaker | undefined;
  /** A turn machine of your own, made once per call. Default: the built-in one. */
  readonly machine?: ((policy: TurnPolicy) => TurnMachine) | undefined;
  onEvent(event: TurnEvent): void;
  /** Every microphone frame at the session's rate, after the machine has judged it. */
  onAudio?(frame: AudioFrame): void;
}

/** Turn-taking of one session. */
export interface Listener {
  readonly machine: TurnMachine;
  /** Tells the machine something beside detector verdicts. */
  note(input: TurnInput): void;
  /** Whether an answer is being made: our voice counts as over only when it is silent and none is. */
  answering(on: boolean): void;
  /** All the caller said in this turn so far, pre-roll included. Empty when nothing was said. */
  utterance(): AudioFrame;
  /** Applies from the next pause. Throws VoiceError `config` that names all faults. */
  tune(policy: TurnOptions): void;
  stop(): void;
}

/** Attaches a detector and a turn machine to a session. Throws TypeError when no detector is at hand. */
export function listen<In>(session: Session<In>, options: ListenOptions): Listener {
  if (!(session instanceof LiveSession))
    throw new TypeError("listen needs the session that the handler was called with");
  const maker = options.detector ?? session.detector;
  if (maker === undefined) throw new TypeError("listen needs a voice detector: give one in the options");
  return new SessionListener(session, maker, options);
}

class SessionListener<In> implements Listener {
  readonly machine: TurnMachine;
  #policy: TurnPolicy;
  readonly #session: LiveSession<In>;
  readonly #options: ListenOptions;
  #judge: Judge;
  #utterance: Utterance | undefined;
  readonly #undo: (() => void)[];
  #endedAt: Millis | undefined;
  #collectRate = 0;
  #answering = false;
  #told = false;
  #timer: { readonly at: Millis; cancel(): void } | undefined;
  #stopped = false;

  constructor(session: LiveSession<In>, maker: DetectorMaker, options: ListenOptions) {
    this.#session = session;
    this.#options = options;
    this.#policy = parsePolicy(options.policy);
    this.machine = (options.machine ?? createTurnMachine)(this.#policy);
    this.#judge = this.#makeJudge(maker);
    this.#undo = [
      session.tapRaw((frame) => this.#judgeFrame(frame)),
      session.tap((frame) => this.#keep(mixedDown(frame))),
      session.on("playing", ({ on }) => this.#voice(on)),
      session.on("moved", () => {
        this.#judge = this.#makeJudge(maker);
      }),
      session.on("closed", () => this.stop()),
    ];
  }

  note(input: TurnInput): void {
    if (!this.#stopped) this.#carry(this.machine.note(input, this.#session.clock.now()));
  }

  answering(on: boolean): void {
    this.#answering = on;
    if (!on && this.#session.pending <= 0) this.#voice(false);
  }

  utterance(): AudioFrame {
    return this.#utterance?.peek() ?? monoFrame(new Int16Array(0), this.#session.transport.can.rate);
  }

  tune(policy: TurnOptions): void {
    this.#policy = parsePolicy(policy, this.#policy);
    this.machine.setPolicy?.(this.#policy);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const undo of this.#undo) undo();
  }

  #makeJudge(maker: DetectorMaker): Judge {
    const { rate } = this.#session.transport.can;
    return new Judge(maker, rate, (speech, end) => this.#carry(this.machine.hear(speech, end)));
  }

  #judgeFrame(frame: AudioFrame): void {
    this.#judge.push(frame);
    const end = frame.at + durationOf(frame);
    const deadline = this.machine.deadline;
    if (deadline !== undefined && deadline.at <= end) this.#carry(this.machine.tick(end));
    this.#arm();
  }

  #keep(frame: AudioFrame): void {
    this.#collect(frame.rate).push(frame);
    this.#forget(frame.at);
    this.#options.onAudio?.(frame);
  }

  /** Our voice began, or nothing of it is left: an answer that is still being made keeps the floor in between. */
  #voice(on: boolean): void {
    if (on) {
      this.#told = true;
      this.note({ type: "agent", playing: true });
    } else if (!this.#answering && (this.#told || this.machine.state === "thinking")) {
      this.#told = false;
      this.note({ type: "agent", playing: false });
    }
  }

  #carry(events: readonly TurnEvent[]): void {
    for (const event of events) {
      if (event.type === "duck") this.#session.duck();
      else if (event.type === "hold") this.#session.hold();
      else if (event.type === "release") this.#session.release();
      else if (event.type === "started") this.#beginUtterance(event.from);
      else if (event.type === "resumed") this.#endedAt = undefined;
      else if (event.type === "ended") this.#endedAt = event.at;
      this.#session.emit("turn", event);
      this.#options.onEvent(event);
    }
    if (events.length > 0) this.#arm();
  }

  #beginUtterance(from: Millis): void {
    this.#endedAt = undefined;
    this.#utterance?.drop();
    this.#utterance?.begin(from);
  }

  /** An ended utterance is kept while the caller may still go on with it: until our answer was heard for a while. */
  #forget(now: Millis): void {
    if (this.#endedAt === undefined || this.machine.state === "thinking") return;
    if (now - this.#endedAt < this.#policy.mergeMs + MISSING) return;
    this.#endedAt = undefined;
    this.#utterance?.drop();
  }

  /** The rate may change when the call moves to another transport; what was said before is then lost. */
  #collect(rate: number): Utterance {
    if (this.#utterance === undefined || this.#collectRate !== rate) {
      const { prefixMs, maxTurnMs } = this.#policy;
      this.#collectRate = rate;
      this.#utterance = createUtterance({ rate, prefixMs, maxTurnMs: maxTurnMs + prefixMs });
    }
    return this.#utterance;
  }

  /** Keeps one timer for the case that no media comes; media that does come makes it obsolete. */
  #arm(): void {
    const deadline = this.machine.deadline;
    const waiting = deadline !== undefined || this.machine.state !== "idle";
    if (this.#stopped || !waiting) {
      this.#timer?.cancel();
      this.#timer = undefined;
      return;
    }
    if (this.#timer !== undefined) return;
    const at = this.#session.clock.now() + MISSING;
    const cancel = this.#session.clock.at(at, () => this.#missing());
    this.#timer = { at, cancel };
  }

  #missing(): void {
    this.#timer = undefined;
    if (this.#stopped) return;
    try {
      this.#catchUp();
    } catch (error) {
      this.#session.fault(error);
    }
    this.#arm();
  }

  #catchUp(): void {
    const now = this.#session.clock.now();
    const fed = this.#judge.fed;
    // A caller whose line was lost says nothing, which ends no turn.
    if (this.#session.state === "away") return;
    if (fed === undefined) {
      this.#carry(this.machine.tick(now));
    } else if (now - fed > MISSING) {
      this.#judge.fill(now - MISSING / 2);
      this.#carry(this.machine.tick(now - MISSING / 2));
    }
  }
}
