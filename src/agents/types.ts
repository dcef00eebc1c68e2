/*
 * The contract of the agents floor: who speaks, what they can do, and the border to the mind behind them.
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { VoiceError } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";
import type { Epoch, Millis } from "../base/time.ts";
import type { Heard, Session } from "../session/types.ts";
import type { TurnEvent } from "../turn/events.ts";
import type { VideoFrame } from "../video/frame.ts";

/** Who speaks for you. */
export interface Agent {
  readonly name: string;
  /** A function is asked whenever the agent comes on the line, with the conversation so far. */
  readonly instructions: string | ((session: Session, items: readonly Item[]) => string | Promise<string>);
  readonly voice?: string;
  /** Said when the call begins with this agent. */
  readonly greeting?: string;
  /** A picture's URL or initials for the page. */
  readonly avatar?: string;
  /** What the agent is for, in one line: shown on the page and told to colleagues. */
  readonly role?: string;
  readonly tools: readonly Tool[];
  /** Whom the agent may pass the caller on to. A function lets two agents name each other. */
  readonly handoffs: readonly (Agent | (() => Agent) | Handoff)[];
  /** What callers are likely to say: a hint for recognisers, the whole grammar of the embedded one. */
  readonly phrases: readonly string[];
}

/** A way to a colleague: see `handoff()`. */
export interface Handoff {
  readonly kind: "handoff";
  readonly to: Agent | (() => Agent);
  /** The name of the tool that the model sees. Default: `transfer_to_` and the colleague's name. */
  readonly name?: string;
  /** When to hand over, written for the model. Default: the colleague's role. */
  readonly description?: string;
  /** Said by the one who leaves, unless they have just said something themselves. Default: nothing. */
  readonly say?: string;
  /** What the colleague is told of the conversation so far. Default: all of it. */
  readonly filter?: (items: readonly Item[]) => readonly Item[];
  /** JSON Schema of what the model has to write to hand over. Default: an optional `reason`. */
  readonly parameters?: object;
  /** Whether the model may use it; asked when the agent comes on the line, and again at each use. Default: yes. */
  readonly enabled?: (session: Session) => boolean | Promise<boolean>;
  /**
   * Runs when the model hands over, before the caller is passed on. What it throws keeps the caller here, and is told to
   * the model as a tool's failure is; another `handoff()` that it returns is taken instead. At most 15 s.
   */
  readonly onHandoff?: (args: unknown, context: ToolContext) => unknown;
}

export interface Tool<Args = unknown> {
  readonly name: string;
  readonly description: string;
  /** JSON Schema. */
  readonly parameters: object;
  /** Default 15 000. */
  readonly timeoutMs: number;
  /** What happens to a running call when the caller interrupts. Default "continue". */
  readonly onInterrupt: "continue" | "cancel";
  /** Whether the caller has to allow a call on the page; a function decides for each call. */
  readonly approval: boolean | Approval<Args>;
  /** Whether the model may use it; asked when the agent comes on the line, and again at each call. Default: yes. */
  readonly enabled?: (session: Session) => boolean | Promise<boolean>;
  /** Checks and converts what the model sent; throws VoiceError `bad-message` with the path of the fault. */
  parse(args: unknown): Args;
  execute(args: Args, context: ToolContext): unknown;
}

/** Decides whether the caller has to allow a call with these arguments. */
export type Approval<Args = unknown> = {
  // Taken from a method, so that a tool with narrower arguments is still a tool.
  decide(args: Args, context: ToolContext): boolean | Promise<boolean>;
}["decide"];

export interface ToolContext {
  /** The id of the call. */
  readonly call: string;
  readonly session: Session;
  /** The conversation as it stands now; agents' lines end where the caller stopped hearing them. */
  readonly items: readonly Item[];
  /** Aborts when the call's time is over, when it is taken back, and when the caller hangs up. */
  readonly signal: AbortSignal;
  /** Shows on the page what the tool is doing. */
  progress(text: string): void;
}

/** One line of the conversation. An agent's `text` is what was heard; `unheard` is the rest. */
export type Item = { readonly id: string; readonly at: Epoch } & (
  | {
      readonly kind: "message";
      readonly who: "caller" | "agent" | "system";
      readonly agent?: string;
      readonly text: string;
      readonly unheard?: string;
    }
  | { readonly kind: "call"; readonly name: string; readonly args: string }
  | { readonly kind: "result"; readonly call: string; readonly output: string; readonly failed: boolean }
  | { readonly kind: "handoff"; readonly from: string; readonly to: string }
);

/** The mind behind an agent: realtime provider, pipeline, script. The mirror image of Transport. */
export interface Engine {
  readonly name: string;
  /** What it may use, by the names of price tables; left out where it does not know. */
  readonly models?: readonly string[];
  readonly can: EngineCan;
  open(
    brief: Brief,
    sink: (event: EngineEvent) => void,
    context: Ask & { readonly platform: Platform },
  ): Promise<EngineSession>;
}

export interface EngineCan {
  readonly rate: { readonly in: number; readonly out: number };
  readonly images: boolean;
  readonly tools: "calls" | "delegate" | "none";
  /** It can decide turns itself. */
  readonly turns: boolean;
  /** It can be told when to answer. */
  readonly manual: boolean;
  /** It can be told what was heard. */
  readonly truncate: boolean;
  /** The voice may change in an open session; otherwise a second one is opened. */
  readonly revoice: boolean;
  readonly rebrief: boolean;
  /** Infinity, or the provider's limit: rotate before it. */
  readonly lifetime: Millis;
  /** Which of the caller's words it tells in time to decide turns by them. Default "none". */
  readonly words?: "none" | "final" | "partial";
  /** From the end of speech to the final words, p99, ms. */
  readonly finalMs?: Millis;
  /** How long partial words must stay the same before turns are decided by them, ms. Default 0. */
  readonly steadyMs?: Millis;
}

/** What an engine is told. */
export interface Brief {
  readonly agent: string;
  readonly instructions: string;
  readonly voice?: string;
  readonly history: readonly Item[];
  /** Who decides when the caller has finished. */
  readonly turns: "engine" | "local";
  readonly tools: readonly Pick<Tool, "name" | "description" | "parameters">[];
  readonly phrases: readonly string[];
}

/** Nothing here blocks, nothing throws after `closed`. */
export interface EngineSession {
  /** The microphone at `can.rate.in`, all of it, in order. */
  hear(frame: AudioFrame): void;
  see(frame: VideoFrame): void;
  /** What our turn machine decided; only when `brief.turns` is "local". */
  turn(event: TurnEvent): void;
  add(item: Item): void;
  /** The caller is done, or a result is in: speak now. A `reply` event follows in any case, if only "cancelled". */
  answer(): void;
  /** Say exactly this, as the agent, without asking the model: a greeting, a farewell, a notice. */
  say(text: string): void;
  /** Answer nothing by yourself any more: the call is about to end. Only for engines that decide turns. */
  hush?(): void;
  cancel(): void;
  /** What was heard of the utterance that was just taken back. */
  heard(heard: Heard): void;
  rebrief(brief: Brief): Promise<void>;
  close(): Promise<void>;
}

export type EngineEvent =
  /** `item` names the reply it belongs to; `text` is what this frame begins to say, when known. */
  | { readonly type: "audio"; readonly frame: Spoken }
  | {
      readonly type: "words";
      readonly who: "caller" | "agent";
      readonly item: string;
      readonly text: string;
      readonly final: boolean;
      /** The recogniser does not trust it: shown, never answered as if it had been said. */
      readonly rejected?: boolean;
    }
  | { readonly type: "likely-end"; readonly p: number }
  | { readonly type: "speech"; readonly on: boolean; readonly at: Millis }
  | { readonly type: "reply"; readonly id: string; readonly phase: "started" | "done" | "cancelled" | "failed" }
  | { readonly type: "call"; readonly id: string; readonly name: string; readonly args: string }
  | { readonly type: "uncall"; readonly id: string }
  | { readonly type: "usage"; readonly usage: Usage }
  /** How long one stage of the reply under way took, ms. */
  | { readonly type: "stage"; readonly stage: "stt" | "llm" | "tts"; readonly ms: Millis }
  /** The session goes on. */
  | { readonly type: "trouble"; readonly error: VoiceError }
  | { readonly type: "closing"; readonly within: Millis }
  | { readonly type: "closed"; readonly error?: VoiceError; readonly resumable: boolean };

/** Units do not overlap: `text-in` and `audio-in` are what was not cached. */
export interface Usage {
  readonly model: string;
  readonly units: Partial<Record<Unit, number>>;
}
export type Unit = `${"text" | "audio"}-${"in" | "cached" | "out"}` | "image-in" | "seconds" | "characters";

export interface Ask {
  readonly session: Session;
  readonly signal: AbortSignal;
}

/** Speech to text. */
export interface Stt {
  readonly name: string;
  /** Rate it wants, in Hz. */
  readonly rate: number;
  readonly can: SttCan;
  /**
   * One stretch of speech. The end of `audio` means "finalise now": a final, possibly empty, follows. `phrases` are what
   * the present agent expects to hear.
   */
  listen(audio: AsyncIterable<AudioFrame>, ask: Ask & { readonly phrases: readonly string[] }): AsyncIterable<Words>;
}

export interface SttCan {
  /** Words before the end of speech; without them barge-in is decided by duration. */
  readonly partials: boolean;
  /** Wants the whole session's audio in one `listen`, silence included. */
  readonly continuous: boolean;
  /** Says itself when a turn is likely over. */
  readonly turns: boolean;
  /** From end of speech to the final words, p99, ms. */
  readonly finalMs: Millis;
}

/** A partial replaces the previous partial; a final closes the stretch. */
export interface Words {
  readonly text: string;
  readonly final: boolean;
  /** 0 to 1: how likely the caller has finished. */
  readonly likelyEnd?: number;
  /** 0 to 1. */
  readonly confidence?: number;
  /** Something was said, but not anything this recogniser can be sure of; `text` is empty. */
  readonly rejected?: boolean;
}

/** Text to speech. */
export interface Tts {
  readonly name: string;
  readonly rate: number;
  readonly can: TtsCan;
  speak(text: AsyncIterable<string>, ask: Ask & { readonly voice?: string }): AsyncIterable<Spoken>;
}

export interface TtsCan {
  /** Whole sentences, or raw deltas. */
  readonly input: "piece" | "stream";
  /** Tells when each word is spoken. */
  readonly words: boolean;
  readonly abortable: boolean;
}

/** Synthesised audio; `text` is what this frame and those after it say, until the next frame with a text. */
export type Spoken = AudioFrame & {
  readonly text?: string;
  /** Times in ms from the first sample of this frame. */
  readonly words?: readonly { readonly text: string; readonly from: Millis; readonly to: Millis }[];
};

/** A language model: the brief and the conversation in, an answer out, in any of the shapes models answer in. */
export type Llm = (
  prompt: Ask & { readonly brief: Brief; readonly items: readonly Item[] },
) => Answer | Promise<Answer>;

export type Answer =
  | string
  | AsyncIterable<unknown>
  | { readonly fullStream: AsyncIterable<unknown> }
  | { readonly textStream: AsyncIterable<string> }
  | { readonly body: AsyncIterable<Uint8Array> };
