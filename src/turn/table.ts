/*
 * Who has the floor, as a table: in these states, on this trigger, when all these conditions hold, do this and go there.
 * The first row that fits wins; what has no row changes nothing. `machine.ts` walks it, `docs/turns.md` is drawn from it.
 */
import type { EndedWhy, TurnState } from "./events.ts";
import type { ClockName } from "./memory.ts";

/**
 * What moves the machine. `hear` is a detector verdict, clock names are deadlines that came due; `enter` follows every
 * change of state, `settle` is raised by other rows when a pause is over.
 */
export type Trigger =
  | ClockName
  | "hear"
  | "words"
  | "likely-end"
  | "voice-on"
  | "voice-off"
  | "button-down"
  | "button-up"
  | "typed"
  | "digit"
  | "engine-on"
  | "engine-off"
  | "closed"
  | "enter"
  | "settle";

/** What a row may ask; `conditions.ts` answers. */
export type Condition =
  | "speech confirmed"
  | "caller speaks"
  | "quiet"
  | "a run rises"
  | "the run broke"
  | "a verdict is on its way"
  | "the run was taken for noise"
  | "words changed"
  | "words are final"
  | "final words awaited"
  | "final words missing"
  | "something said"
  | "nothing said"
  | "keys pressed"
  | "key is #"
  | "taken back"
  | "a reply is parked"
  | "utterance open"
  | "no utterance"
  | "shadow"
  | "shadow was ended by hand"
  | "began over our voice"
  | "words only say stop"
  | "words take the floor"
  | "words are backchannel"
  | "no better words to come"
  | "our voice plays"
  | "our voice has just begun"
  | "may interrupt"
  | "may not interrupt"
  | "goes on with the last turn"
  | "merging"
  | "length decides"
  | "spoken long enough"
  | "spoken enough to hold"
  | "no false-alarm clock"
  | "false-alarm clock runs"
  | "engine decides"
  | "local";

/** What a row may do; `actions.ts` does it. The word after a colon is the `why` of the event. */
export type Action =
  | "start"
  | "start over our voice"
  | "keep as shadow"
  | "resume"
  | "take up the turn"
  | "take up the turn, cut off"
  | "become the turn"
  | "take for noise"
  | "learn the pause"
  | "pause"
  | "pause now"
  | "judge the pause"
  | "judge as even odds"
  | "wait for the verdict"
  | "await final words"
  | "restart stuck"
  | "merge"
  | "duck"
  | "set decide"
  | "hold"
  | "play on"
  | "set false alarm"
  | "speaks again"
  | "wait for late words"
  | "note false alarm"
  | "note key"
  | "wait for keys"
  | "end by hand"
  | `release: ${"short" | "backchannel" | "false-alarm" | "over" | "closed"}`
  | `interrupt: ${"speech" | "words" | "button" | "typed" | "digit" | "engine"}`
  | `will end: ${"button" | "typed" | "digits" | "engine"}`
  | `end: ${EndedWhy}`;

export interface TurnRow {
  readonly in: readonly TurnState[];
  readonly on: Trigger;
  readonly when: readonly Condition[];
  readonly do: readonly Action[];
  /** The next state; the same one when missing. */
  readonly to?: TurnState;
  /** Ask the table again with this trigger. */
  readonly raise?: "settle";
}

/** States in which a deadline may be set; leaving them cancels it. */
export const clockStates: Readonly<Record<ClockName, readonly TurnState[]>> = {
  decide: ["overlap", "held"],
  decideMax: ["overlap", "held"],
  falseAlarm: ["held"],
  verdict: ["pause"],
  end: ["pause"],
  final: ["pause"],
  stuck: ["caller"],
  length: ["caller", "pause"],
  late: ["agent"],
};

const free: readonly TurnState[] = ["idle", "rising"];
const ours: readonly TurnState[] = ["agent", "overlap", "held"];
const over: readonly TurnState[] = ["overlap", "held"];
const listening: readonly TurnState[] = ["caller", "pause"];

export const turnTable: readonly TurnRow[] = [
  // Nobody speaks.
  row(["idle"], "hear", ["speech confirmed"], ["start"], "caller"),
  row(["idle"], "hear", ["a run rises"], [], "rising"),
  row(["rising"], "hear", ["speech confirmed"], ["start"], "caller"),
  row(["rising"], "hear", ["the run broke"], [], "idle"),
  row(["idle"], "words", ["words changed", "the run was taken for noise"], ["start"], "caller"),
  row(free, "voice-on", [], [], "agent"),
  row(["idle"], "enter", ["our voice plays"], [], "agent"),
  row(["idle"], "enter", ["caller speaks", "local"], ["start"], "caller"),
  row(["idle"], "enter", ["a run rises", "local"], [], "rising"),

  // The caller speaks.
  row(["caller"], "hear", ["quiet"], ["pause"], "pause"),
  row(["caller"], "words", ["words changed"], ["restart stuck"]),
  row(["caller"], "stuck", ["something said"], ["take for noise", "pause now"], "pause"),
  row(["caller"], "stuck", ["a reply is parked"], ["take for noise", "end: noise"], "thinking"),
  row(["caller"], "stuck", [], ["take for noise", "end: noise"], "idle"),
  row(listening, "length", [], ["end: length"], "thinking"),

  // The caller is silent, perhaps for good.
  row(["pause"], "hear", ["speech confirmed"], ["learn the pause", "resume"], "caller"),
  row(["pause"], "words", ["words are final", "final words awaited"], [], undefined, "settle"),
  row(["pause"], "words", ["words changed"], ["pause"]),
  row(["pause"], "likely-end", [], ["judge the pause"]),
  row(["pause"], "verdict", [], ["judge as even odds"]),
  row(["pause"], "end", ["a verdict is on its way"], ["wait for the verdict"]),
  row(["pause"], "end", ["final words missing"], ["await final words"]),
  row(["pause"], "end", [], [], undefined, "settle"),
  row(["pause"], "final", [], [], undefined, "settle"),
  row(["pause"], "settle", ["keys pressed"], ["end: digits"], "thinking"),
  row(["pause"], "settle", ["nothing said", "a reply is parked"], ["end: noise"], "thinking"),
  row(["pause"], "settle", ["nothing said"], ["end: noise"], "idle"),
  row(["pause"], "settle", ["began over our voice", "words only say stop"], ["end: stop"], "idle"),
  row(["pause"], "settle", [], ["end: pause"], "thinking"),

  // The turn is handed over, nothing is heard yet.
  row(["thinking"], "hear", ["speech confirmed"], ["take up the turn"], "caller"),
  row(["thinking"], "voice-on", [], [], "agent"),
  row(["thinking"], "voice-off", [], [], "idle"),
  row(["thinking"], "enter", ["our voice plays"], [], "agent"),
  row(["thinking"], "enter", ["speech confirmed", "local"], ["take up the turn"], "caller"),

  // Our voice is heard.
  row(
    ["agent"],
    "hear",
    ["caller speaks", "may not interrupt", "no utterance"],
    ["start over our voice", "keep as shadow"],
  ),
  row(["agent"], "hear", ["may not interrupt"], []),
  row(["agent"], "hear", ["caller speaks", "engine decides"], ["duck"], "overlap"),
  row(["agent"], "hear", ["speech confirmed", "goes on with the last turn"], ["merge", "duck"], "overlap"),
  row(["agent"], "hear", ["caller speaks", "our voice has just begun"], []),
  row(["agent"], "hear", ["caller speaks"], ["start over our voice", "duck", "set decide"], "overlap"),
  row(
    ["agent"],
    "words",
    ["may interrupt", "utterance open", "words take the floor"],
    ["interrupt: words", "pause"],
    "pause",
  ),
  row(["agent"], "late", [], ["end: aside"]),
  row(["agent"], "voice-off", ["shadow was ended by hand"], ["end by hand"], "thinking"),
  row(["agent"], "voice-off", ["utterance open", "caller speaks"], ["become the turn"], "caller"),
  row(["agent"], "voice-off", ["shadow", "something said"], ["become the turn", "pause"], "pause"),
  row(["agent"], "voice-off", ["utterance open"], ["end: aside"], "idle"),
  row(["agent"], "voice-off", [], [], "idle"),

  // Speech over our voice, undecided: ducked, then held.
  row(over, "hear", ["merging", "spoken long enough"], ["take up the turn, cut off"], "caller"),
  row(over, "hear", ["length decides", "spoken long enough"], ["interrupt: speech"], "caller"),
  row(["overlap"], "hear", ["quiet", "no utterance"], ["release: short"], "agent"),
  row(["overlap"], "hear", ["quiet"], ["release: short", "wait for late words"], "agent"),
  row(["overlap"], "hear", ["spoken enough to hold"], ["hold"], "held"),
  row(["overlap"], "enter", ["spoken enough to hold"], ["hold"], "held"),
  row(["held"], "hear", ["quiet", "merging"], ["note false alarm", "release: short"], "agent"),
  row(
    ["held"],
    "hear",
    ["quiet", "length decides"],
    ["note false alarm", "release: short", "wait for late words"],
    "agent",
  ),
  row(
    ["held"],
    "hear",
    ["quiet", "utterance open", "words are backchannel"],
    ["release: backchannel", "wait for late words"],
    "agent",
  ),
  row(["held"], "hear", ["quiet", "no false-alarm clock"], ["set false alarm"]),
  row(["held"], "hear", ["caller speaks", "false-alarm clock runs"], ["speaks again"]),
  row(over, "words", ["utterance open", "words take the floor", "caller speaks"], ["interrupt: words"], "caller"),
  row(over, "words", ["utterance open", "words take the floor"], ["interrupt: words", "pause"], "pause"),
  row(["overlap"], "words", ["utterance open", "words are backchannel"], ["play on"]),
  row(
    ["held"],
    "words",
    ["utterance open", "words are backchannel", "caller speaks"],
    ["release: backchannel", "duck", "play on"],
    "overlap",
  ),
  row(
    ["held"],
    "words",
    ["utterance open", "words are backchannel"],
    ["release: backchannel", "wait for late words"],
    "agent",
  ),
  row(over, "decide", ["caller speaks", "no better words to come"], ["interrupt: speech"], "caller"),
  row(over, "decideMax", ["caller speaks"], ["interrupt: speech"], "caller"),
  row(["held"], "falseAlarm", ["no utterance"], ["note false alarm", "release: false-alarm"], "agent"),
  row(["held"], "falseAlarm", [], ["note false alarm", "release: false-alarm", "wait for late words"], "agent"),
  row(over, "voice-off", ["no utterance"], ["release: over"], "idle"),
  row(over, "voice-off", ["caller speaks"], ["release: over", "become the turn"], "caller"),
  row(over, "voice-off", [], ["release: over", "become the turn", "pause"], "pause"),

  // Push-to-talk. The detector is ignored while the button is down.
  row(["agent"], "button-down", ["may not interrupt"], ["start over our voice", "keep as shadow"]),
  row([...ours, "thinking"], "button-down", [], ["interrupt: button", "start"], "caller"),
  row(["pause"], "button-down", [], ["resume"], "caller"),
  row([...free, "caller"], "button-down", [], ["start"], "caller"),
  row(["caller"], "button-up", ["taken back", "a reply is parked"], ["take for noise", "end: noise"], "thinking"),
  row(["caller"], "button-up", ["taken back"], ["take for noise", "end: noise"], "idle"),
  row(["caller"], "button-up", [], ["end: button"], "thinking"),
  row(["agent"], "button-up", ["shadow", "taken back"], ["take for noise", "end: noise"]),
  row(["agent"], "button-up", ["shadow"], ["will end: button"]),

  // A typed line is a whole turn.
  row(["agent"], "typed", ["may not interrupt"], ["start over our voice", "keep as shadow", "will end: typed"]),
  row([...ours, "thinking"], "typed", [], ["interrupt: typed", "start", "end: typed"], "thinking"),
  row([...free, ...listening], "typed", [], ["start", "end: typed"], "thinking"),

  // Keys of a telephone.
  row(
    ["agent"],
    "digit",
    ["may not interrupt", "key is #"],
    ["start over our voice", "keep as shadow", "will end: digits"],
  ),
  row(["agent"], "digit", ["may not interrupt"], ["start over our voice", "keep as shadow", "note key"]),
  row([...ours, "thinking"], "digit", ["key is #"], ["interrupt: digit", "start", "end: digits"], "thinking"),
  row([...ours, "thinking"], "digit", ["caller speaks"], ["interrupt: digit", "start", "note key"], "caller"),
  row([...ours, "thinking"], "digit", [], ["interrupt: digit", "start", "note key", "wait for keys"], "pause"),
  row([...free, ...listening], "digit", ["key is #"], ["start", "end: digits"], "thinking"),
  row(["caller"], "digit", [], ["note key"]),
  row([...free, "pause"], "digit", [], ["start", "note key", "wait for keys"], "pause"),

  // The provider's own detector, where the provider decides turns.
  row(["agent"], "engine-on", ["engine decides", "may not interrupt"], ["start over our voice", "keep as shadow"]),
  row(ours, "engine-on", ["engine decides"], ["interrupt: engine", "start"], "caller"),
  row(free, "engine-on", ["engine decides"], ["start"], "caller"),
  row(["pause"], "engine-on", ["engine decides"], ["resume"], "caller"),
  row(["thinking"], "engine-on", ["engine decides"], ["take up the turn"], "caller"),
  row(listening, "engine-off", ["engine decides"], ["end: engine"], "thinking"),
  row(["agent"], "engine-off", ["engine decides", "shadow"], ["will end: engine"]),

  // Our voice while the caller has the floor, and the end of the call.
  row(over, "closed", ["utterance open"], ["release: closed", "take for noise", "end: closed"], "agent"),
  row(["agent"], "closed", ["utterance open"], ["take for noise", "end: closed"]),
  row(listening, "closed", ["utterance open"], ["take for noise", "end: closed"], "idle"),
];

/** What each trigger stands for; of deadlines, when they come. */
export const turnTriggers: Readonly<Record<Trigger, string>> = {
  hear: "The detector judged a window of the microphone.",
  words: "The recogniser told words.",
  "likely-end": "A turn model or the recogniser told how likely the end is.",
  "voice-on": "Our voice began to be heard.",
  "voice-off": "Nothing of our voice is left to be heard.",
  "button-down": "Push-to-talk went down.",
  "button-up": "Push-to-talk went up.",
  typed: "The caller sent a line of text.",
  digit: "The caller pressed a key of the telephone.",
  "engine-on": "The provider heard speech begin.",
  "engine-off": "The provider heard speech end.",
  closed: "The call is over.",
  enter: "The state was just entered.",
  settle: "The pause is over: another row asked what became of it.",
  decide: "`decideMs` after the onset.",
  decideMax: "`decideMaxMs` after the onset, or after a new one while our voice is held.",
  falseAlarm: "`falseAlarmMs` after the end of speech.",
  verdict: "`verdictMs` after the pause was seen.",
  end: "`silenceMs`, or as long as the likelihood of the end asks for, after the end of speech; `digitsMs` after a key.",
  final: "`finalMs` after the pause was long enough.",
  stuck: "`stuckMs` after the last new words.",
  length: "`maxTurnMs` after the onset.",
  late: "`lateMs` after our voice went on.",
};

/** What each state means, and the word the page shows for it. */
export const turnStates: Readonly<Record<TurnState, { readonly about: string; readonly page: string }>> = {
  idle: { about: "Nobody speaks.", page: "ready" },
  rising: { about: "A first voiced window, not yet confirmed as speech.", page: "ready" },
  caller: { about: "An utterance is open and the caller speaks.", page: "listening" },
  pause: { about: "An utterance is open and the caller is silent; the clock for its end runs.", page: "listening" },
  thinking: { about: "The turn is handed over, nothing of a reply is heard yet.", page: "thinking" },
  agent: { about: "Our voice is heard.", page: "speaking" },
  overlap: { about: "Speech over our voice, which is ducked; undecided.", page: "speaking" },
  held: { about: "Speech over our voice, which is paused; undecided.", page: "speaking" },
};

function row(
  states: readonly TurnState[],
  on: Trigger,
  when: readonly Condition[],
  actions: readonly Action[],
  to?: TurnState,
  raise?: "settle",
): TurnRow {
  return {
    in: states,
    on,
    when,
    do: actions,
    ...(to === undefined ? {} : { to }),
    ...(raise === undefined ? {} : { raise }),
  };
}
