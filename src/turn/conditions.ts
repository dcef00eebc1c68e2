/*
 * What the conditions of the turn table ask. Verdict rows ask them every 32 ms: they look at the memory and allocate nothing.
 */
import type { Millis } from "../base/time.ts";
import { type OverlapKind, type OverlapWords, overlapKindOf } from "./backchannel.ts";
import type { TurnEvent, TurnInput } from "./events.ts";
import { NEVER, type TurnMemory } from "./memory.ts";
import type { TurnPolicy } from "./policy.ts";
import type { Condition } from "./table.ts";
import { wordsOf } from "./words.ts";

/** What a rule works on: one per machine, used again for every call. */
export interface Floor {
  readonly memory: TurnMemory;
  policy: TurnPolicy;
  /** A changed policy that waits for the end of this pause. */
  nextPolicy: TurnPolicy | undefined;
  readonly overlapWords: OverlapWords;
  /** What is being told; `undefined` for verdicts and deadlines. */
  input: TurnInput | undefined;
  /** The words in `input` differ from those before. */
  wordsChanged: boolean;
  emit(event: TurnEvent): void;
}

/** What is asked of speech over our voice after several false alarms: taste. */
const WARY_THRESHOLD = 0.7;
const WARY_HOLD: Millis = 320;

/** Speech over our voice must reach this probability. */
export function overThresholdOf({ memory, policy }: Floor): number {
  return memory.now < memory.waryUntil ? Math.max(WARY_THRESHOLD, policy.overThreshold) : policy.overThreshold;
}

/** When the verdict comes that confirms or breaks the run, or else the next one. */
export function verdictAt({ memory, policy }: Floor): Millis {
  if (memory.run === 0) return memory.heardAt + memory.window;
  return memory.onset + Math.max(1, Math.ceil(policy.minSpeechMs / memory.window)) * memory.window;
}

function patient({ memory }: Floor, ms: Millis): Millis {
  return memory.now < memory.waryUntil ? Math.max(WARY_HOLD, ms) : ms;
}

/** Conditions, by the words that stand in the table. */
export const conditions: Readonly<Record<Condition, (floor: Floor) => boolean>> = {
  "speech confirmed": ({ memory }) => memory.speaking && memory.claim === "none",
  "caller speaks": ({ memory }) => (memory.speaking && memory.claim !== "noise") || memory.talking,
  quiet: ({ memory }) => !memory.speaking && !memory.talking,
  "a run rises": ({ memory }) => memory.run > 0 && !memory.speaking,
  "the run broke": ({ memory }) => memory.run === 0,
  // The window that reaches over the end may hold speech, and so may a run that the next verdicts confirm or break. Without
  // this, gaps up to two windows shorter than the silence asked for would end turns. It ends by itself when verdicts stop.
  "a verdict is on its way": (floor) => {
    const { memory } = floor;
    return !memory.speaking && (memory.run > 0 || memory.heardAt < memory.endDue) && memory.now <= verdictAt(floor);
  },
  "the run was taken for noise": ({ memory }) => memory.speaking && memory.claim === "noise",
  "words changed": (floor) => floor.wordsChanged,
  "words are final": ({ memory }) => memory.final,
  "final words awaited": ({ memory }) => memory.clocks.final !== NEVER,
  "final words missing": ({ memory, policy }) =>
    !memory.final && (policy.words === "final" || (policy.words === "partial" && memory.words !== "")),
  "something said": (floor) => hasContent(floor),
  "nothing said": (floor) => !hasContent(floor),
  "keys pressed": ({ memory }) => memory.digits !== "",
  "key is #": ({ input }) => input?.type === "digit" && input.digit === "#",
  "taken back": ({ input }) => input?.type === "talk" && input.cancel === true,
  "a reply is parked": ({ memory }) => memory.parked,
  "utterance open": ({ memory }) => memory.open,
  "no utterance": ({ memory }) => !memory.open,
  shadow: ({ memory }) => memory.open && memory.shadow,
  "shadow was ended by hand": ({ memory }) => memory.open && memory.closeAs !== "",
  "began over our voice": ({ memory }) => memory.over,
  "words only say stop": (floor) => kindOf(floor) === "stop-only",
  "words take the floor": (floor) => takesFloor(floor),
  "words are backchannel": (floor) => kindOf(floor) === "backchannel",
  "no better words to come": (floor) => floor.policy.words !== "partial" || kindOf(floor) === "backchannel",
  "our voice plays": ({ memory }) => memory.voicePlays,
  "our voice has just begun": ({ memory, policy }) => memory.now < memory.voiceSince + policy.graceMs,
  "may interrupt": ({ memory, policy }) => policy.interrupt && memory.interruptible && !memory.shadow,
  "may not interrupt": ({ memory, policy }) => !policy.interrupt || !memory.interruptible,
  "goes on with the last turn": ({ memory, policy }) =>
    memory.answers &&
    !memory.open &&
    memory.endedWhy === "pause" &&
    memory.onset - memory.endedAt < policy.mergeMs &&
    memory.onset - memory.voiceSince < policy.mergeHeardMs,
  merging: ({ memory }) => memory.merging,
  "length decides": ({ memory, policy }) => policy.bargeIn === "onset" && memory.open,
  // The window just judged must be voiced: what a cough leaves behind is quiet that has not yet lasted.
  "spoken long enough": (floor) =>
    floor.memory.quiet === 0 && floor.memory.run >= patient(floor, floor.policy.interruptMs),
  "spoken enough to hold": (floor) =>
    !floor.memory.playsOn && floor.memory.quiet === 0 && floor.memory.run >= patient(floor, floor.policy.holdMs),
  "no false-alarm clock": ({ memory }) => memory.clocks.falseAlarm === NEVER,
  "false-alarm clock runs": ({ memory }) => memory.clocks.falseAlarm !== NEVER,
  "engine decides": ({ policy }) => policy.turns === "engine",
  local: ({ policy }) => policy.turns === "local",
};

function hasContent({ memory, policy }: Floor): boolean {
  if (memory.digits !== "") return true;
  if (policy.words === "none") return memory.voice >= policy.minVoiceMs;
  return memory.news && memory.words !== "";
}

function kindOf({ memory, overlapWords }: Floor): OverlapKind {
  return overlapKindOf(memory.words, memory.asked, overlapWords);
}

function takesFloor(floor: Floor): boolean {
  const kind = kindOf(floor);
  if (kind === "stop" || kind === "stop-only") return true;
  return kind === "content" && wordsOf(floor.memory.words).length >= floor.policy.minWords;
}
