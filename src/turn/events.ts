import type { Deadline, Millis } from "../base/time.ts";
import type { TurnPolicy } from "./policy.ts";

/** Who has the floor. See docs/turns.md for the picture. */
export type TurnState = "idle" | "rising" | "caller" | "pause" | "thinking" | "agent" | "overlap" | "held";

/** What the machine is told beside detector verdicts. */
export type TurnInput =
  /** Our voice as heard, told by playout: it began, or nothing of it is left to be heard. */
  | { readonly type: "agent"; readonly playing: boolean; readonly interruptible?: boolean }
  /** `text`: everything recognised in this utterance so far. `final`: the recogniser will not change it. */
  | { readonly type: "words"; readonly text: string; readonly final: boolean }
  /** Our last sentence: after a yes/no question "yes" is an answer, not a nod. */
  | { readonly type: "asked"; readonly text: string }
  /** How likely it is that the caller has finished, 0 to 1, judged on the words told last. */
  | { readonly type: "likely-end"; readonly p: number }
  | { readonly type: "engine"; readonly speech: boolean }
  /** Push-to-talk. `cancel`: let go without a turn. */
  | { readonly type: "talk"; readonly down: boolean; readonly cancel?: boolean }
  | { readonly type: "typed" }
  /** Wait this much longer at every pause, until told otherwise. */
  | { readonly type: "patience"; readonly extra: Millis }
  | { readonly type: "digit"; readonly digit: string }
  /** The call is over: an open utterance ends. */
  | { readonly type: "closed" };

export type EndedWhy =
  | "pause"
  | "length"
  | "button"
  | "typed"
  | "closed"
  | "noise"
  | "aside"
  | "stop"
  | "digits"
  | "engine";

/** What the machine decided. `noise`, `aside` and `stop` lead to no reply. */
export type TurnEvent = { readonly at: Millis } &
  /** The caller began; `from` is the onset: the start of the first voiced window. */
  (
    | { readonly type: "started"; readonly from: Millis }
    /** The caller goes on. `cutOff`: we had already begun to answer and were heard. */
    | { readonly type: "resumed"; readonly cutOff: boolean }
    /** The caller is silent, perhaps for good; `from` is the end of speech. Recognisers finalise now, turn models are asked. */
    | { readonly type: "paused"; readonly from: Millis }
    /** May be over: start eager generation. */
    | { readonly type: "likely"; readonly p: number }
    | { readonly type: "ended"; readonly why: EndedWhy }
    | { readonly type: "duck" }
    | { readonly type: "hold" }
    | { readonly type: "release"; readonly why: string }
    | { readonly type: "interrupted"; readonly why: string }
  );

/** Media time in, events out; a shared empty array when nothing happened. */
export interface TurnMachine {
  readonly state: TurnState;
  /** Call `tick` then. */
  readonly deadline: Deadline | undefined;
  /** One detector verdict, 0 to 1, on the window that ends at `now`: the hot path. */
  hear(speech: number, now: Millis): readonly TurnEvent[];
  /** Everything rarer. */
  note(input: TurnInput, now: Millis): readonly TurnEvent[];
  tick(now: Millis): readonly TurnEvent[];
  /** Changes how it decides, from the next pause on. A machine without it cannot be tuned during a call. */
  setPolicy?(policy: TurnPolicy): void;
}
