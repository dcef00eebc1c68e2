/*
 * All that a turn machine remembers: plain data that survives JSON, so a call can be moved, stored and replayed.
 */
import type { Millis } from "../base/time.ts";
import { USUAL_PAUSE } from "./endpointing.ts";
import type { EndedWhy, TurnState } from "./events.ts";

/** A deadline that is not set. JSON has no Infinity. */
export const NEVER: Millis = Number.MAX_SAFE_INTEGER;

/** The machine's deadlines, in the order in which those of one instant fire. */
export const clockNames = [
  "decide",
  "decideMax",
  "falseAlarm",
  "verdict",
  "end",
  "final",
  "stuck",
  "length",
  "late",
] as const;

export type ClockName = (typeof clockNames)[number];

export interface TurnMemory {
  state: TurnState;
  /** The machine's time: never goes back. */
  now: Millis;
  clocks: Record<ClockName, Millis>;

  /** End of the last judged window, -1 before the first, and its length. */
  heardAt: Millis;
  window: Millis;
  /** Voiced ms of the current run, 0 between runs. */
  run: Millis;
  /** Start of the first window of the run. */
  onset: Millis;
  /** Unbroken ms below `releaseThreshold`. */
  quiet: Millis;
  /** Start of the first window of that quiet. */
  offset: Millis;
  /** The run is long enough to be speech and has not closed. */
  speaking: boolean;
  /** Who owns the run: nobody yet, an utterance (perhaps an ended one), or it was taken for background noise. */
  claim: "none" | "turn" | "noise";
  /** Push-to-talk is down: the detector is ignored. */
  talking: boolean;

  /** The utterance, or the last one when `open` is false. */
  open: boolean;
  from: Millis;
  /** Where its longest time counts from. */
  since: Millis;
  /** Voiced ms since it opened or was taken up again. */
  voice: Millis;
  words: string;
  /** Words changed since it opened or was taken up again. */
  news: boolean;
  final: boolean;
  /** It began over our voice. */
  over: boolean;
  /** Said over a voice that may not be interrupted: answered afterwards, `closeAs` when it was ended by hand. */
  shadow: boolean;
  closeAs: EndedWhy | "";
  digits: string;
  /** Likelihood of the end in this pause, -1 while unknown. */
  p: number;
  /** When the silence is long enough, before any wait for a verdict. */
  endDue: Millis;
  /** The pause may not end before this because keys are being pressed. */
  keysUntil: Millis;

  endedAt: Millis;
  endedWhy: EndedWhy | "";
  /** A reply waits because the caller went on before it was heard. */
  parked: boolean;

  /** Our voice is heard. */
  voicePlays: boolean;
  voiceSince: Millis;
  /** It answers the last utterance, so going on early continues that one. */
  answers: boolean;
  interruptible: boolean;
  /** Our last sentence was a yes/no question. */
  asked: boolean;
  /** The overlap continues the last utterance: none of its own is open. */
  merging: boolean;
  /** Words said it is only "mm-hm": our voice plays on, ducked. */
  playsOn: boolean;

  /** The caller's usual pause inside turns. */
  usual: Millis;
  patience: Millis;
  /** When our voice was paused for nothing, the last three times. */
  falseAlarms: Millis[];
  /** Until then more is needed to pause our voice. */
  waryUntil: Millis;
}

export function freshMemory(): TurnMemory {
  return {
    state: "idle",
    now: 0,
    clocks: {
      decide: NEVER,
      decideMax: NEVER,
      falseAlarm: NEVER,
      verdict: NEVER,
      end: NEVER,
      final: NEVER,
      stuck: NEVER,
      length: NEVER,
      late: NEVER,
    },
    heardAt: -1,
    window: 32,
    run: 0,
    onset: 0,
    quiet: 0,
    offset: 0,
    speaking: false,
    claim: "none",
    talking: false,
    open: false,
    from: 0,
    since: 0,
    voice: 0,
    words: "",
    news: false,
    final: false,
    over: false,
    shadow: false,
    closeAs: "",
    digits: "",
    p: -1,
    endDue: 0,
    keysUntil: 0,
    endedAt: 0,
    endedWhy: "",
    parked: false,
    voicePlays: false,
    voiceSince: 0,
    answers: false,
    interruptible: true,
    asked: false,
    merging: false,
    playsOn: false,
    usual: USUAL_PAUSE,
    patience: 0,
    falseAlarms: [],
    waryUntil: 0,
  };
}

/** Our voice is heard, so speech means something else. */
export function isOurs(state: TurnState): boolean {
  return state === "agent" || state === "overlap" || state === "held";
}
