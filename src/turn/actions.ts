/*
 * What the actions of the turn table do: each changes the memory and may emit an event.
 */
import type { Millis } from "../base/time.ts";
import { type Floor, verdictAt } from "./conditions.ts";
import { delayFor, learnPause } from "./endpointing.ts";
import type { EndedWhy } from "./events.ts";
import { type ClockName, NEVER } from "./memory.ts";
import type { Action } from "./table.ts";

/** Three pauses of our voice for nothing within this time make the machine wary. */
const ALARM_SPAN: Millis = 30_000;
/** For this long, with these figures: taste. */
const WARY_FOR: Millis = 60_000;

/** Actions, by the words that stand in the table. */
export const actions: Readonly<Record<Action, (floor: Floor) => void>> = {
  start: (floor) => open(floor, false),
  "start over our voice": (floor) => open(floor, true),
  "keep as shadow": ({ memory }) => {
    memory.shadow = true;
  },
  resume: (floor) => {
    own(floor);
    floor.memory.final = false;
    floor.emit({ type: "resumed", cutOff: false, at: floor.memory.now });
  },
  "take up the turn": (floor) => {
    reopen(floor);
    // Only what is new decides whether it was noise: then the parked reply goes on.
    floor.memory.voice = floor.memory.run;
    floor.memory.news = false;
    floor.memory.parked = true;
    floor.emit({ type: "resumed", cutOff: false, at: floor.memory.now });
  },
  "take up the turn, cut off": (floor) => {
    reopen(floor);
    floor.memory.voice += floor.memory.run;
    floor.memory.parked = false;
    floor.memory.voicePlays = false;
    floor.emit({ type: "resumed", cutOff: true, at: floor.memory.now });
  },
  "become the turn": (floor) => {
    const { memory } = floor;
    memory.shadow = false;
    memory.over = true;
    // Without this a story told over a long announcement would be cut at once.
    memory.since = memory.now;
    own(floor);
  },
  "take for noise": ({ memory }) => {
    if (memory.run > 0) memory.claim = "noise";
  },
  "learn the pause": ({ memory }) => {
    if (memory.digits === "") memory.usual = learnPause(memory.usual, memory.onset - memory.offset);
  },

  pause: (floor) => pause(floor, floor.memory.offset),
  "pause now": (floor) => pause(floor, floor.memory.now),
  "judge the pause": (floor) => {
    if (floor.input?.type === "likely-end") judge(floor, floor.input.p);
  },
  "judge as even odds": (floor) => judge(floor, 0.5),
  // One ms later, because deadlines of an instant come before its verdict.
  "wait for the verdict": (floor) => set(floor, "end", verdictAt(floor) + 1),
  "await final words": (floor) => set(floor, "final", floor.memory.now + floor.policy.finalMs),
  "restart stuck": (floor) => {
    if (floor.policy.words === "partial" && !floor.memory.talking)
      set(floor, "stuck", floor.memory.now + floor.policy.stuckMs);
  },

  merge: ({ memory }) => {
    memory.merging = true;
  },
  duck: (floor) => {
    floor.memory.playsOn = false;
    floor.emit({ type: "duck", at: floor.memory.now });
  },
  "set decide": (floor) => {
    const { memory, policy } = floor;
    if (policy.bargeIn === "onset") return;
    // Speech that went on from an ended turn counts from there.
    const from = Math.max(memory.onset, memory.endedAt);
    set(floor, "decide", from + policy.decideMs);
    set(floor, "decideMax", from + policy.decideMaxMs);
  },
  hold: (floor) => floor.emit({ type: "hold", at: floor.memory.now }),
  "play on": ({ memory }) => {
    memory.playsOn = true;
  },
  "set false alarm": (floor) => set(floor, "falseAlarm", floor.memory.offset + floor.policy.falseAlarmMs),
  "speaks again": (floor) => {
    floor.memory.clocks.falseAlarm = NEVER;
    if (floor.policy.turns === "local") set(floor, "decideMax", floor.memory.onset + floor.policy.decideMaxMs);
  },
  "wait for late words": (floor) => set(floor, "late", floor.memory.now + floor.policy.lateMs),
  "note false alarm": ({ memory }) => {
    memory.falseAlarms = [...memory.falseAlarms.slice(-2), memory.now];
    const third = memory.falseAlarms.length === 3 ? (memory.falseAlarms[0] ?? 0) : undefined;
    if (third !== undefined && memory.now - third <= ALARM_SPAN) memory.waryUntil = memory.now + WARY_FOR;
  },
  "release: short": (floor) => release(floor, "short"),
  "release: backchannel": (floor) => release(floor, "backchannel"),
  "release: false-alarm": (floor) => release(floor, "false-alarm"),
  "release: over": (floor) => release(floor, "over"),
  "release: closed": (floor) => release(floor, "closed"),
  "interrupt: speech": (floor) => interrupt(floor, "speech"),
  "interrupt: words": (floor) => interrupt(floor, "words"),
  "interrupt: button": (floor) => interrupt(floor, "button"),
  "interrupt: typed": (floor) => interrupt(floor, "typed"),
  "interrupt: digit": (floor) => interrupt(floor, "digit"),
  "interrupt: engine": (floor) => interrupt(floor, "engine"),

  "note key": ({ memory, input, policy }) => {
    if (input?.type !== "digit") return;
    memory.digits += input.digit;
    memory.keysUntil = memory.now + policy.digitsMs;
  },
  "wait for keys": (floor) => {
    const { memory } = floor;
    if (memory.clocks.end === NEVER) memory.offset = memory.now;
    memory.clocks.verdict = NEVER;
    memory.clocks.final = NEVER;
    setEnd(floor, memory.keysUntil);
  },

  "will end: button": ({ memory }) => {
    memory.closeAs = "button";
  },
  "will end: typed": ({ memory }) => {
    memory.closeAs = "typed";
  },
  "will end: digits": ({ memory }) => {
    memory.closeAs = "digits";
  },
  "will end: engine": ({ memory }) => {
    memory.closeAs = "engine";
  },
  "end by hand": (floor) => end(floor, floor.memory.closeAs === "" ? "pause" : floor.memory.closeAs),
  "end: pause": (floor) => end(floor, "pause"),
  "end: length": (floor) => end(floor, "length"),
  "end: button": (floor) => end(floor, "button"),
  "end: typed": (floor) => end(floor, "typed"),
  "end: digits": (floor) => end(floor, "digits"),
  "end: engine": (floor) => end(floor, "engine"),
  "end: noise": (floor) => end(floor, "noise"),
  "end: aside": (floor) => end(floor, "aside"),
  "end: stop": (floor) => end(floor, "stop"),
  "end: closed": (floor) => end(floor, "closed"),
};

/** Sets when the silence is long enough. */
export function setEnd(floor: Floor, at: Millis): void {
  set(floor, "end", at);
  floor.memory.endDue = floor.memory.clocks.end;
}

/** Sets a deadline, never in the past. */
export function set({ memory }: Floor, name: ClockName, at: Millis): void {
  memory.clocks[name] = Math.max(memory.now, at);
}

function open(floor: Floor, over: boolean): void {
  const { memory, input } = floor;
  // What makes a run is speech, unless it was taken for noise and no words tell otherwise.
  const bySpeech = memory.speaking && memory.claim !== "noise";
  memory.clocks.late = NEVER;
  memory.merging = false;
  if (memory.open) {
    own(floor);
    return;
  }
  // Speech begins with its run; what words, a button, a key or a line opens begins now.
  const owned = memory.claim === "turn";
  memory.from = bySpeech ? (owned ? Math.max(memory.onset, memory.endedAt) : memory.onset) : memory.now;
  memory.since = memory.from;
  memory.voice = bySpeech && !owned ? memory.run : 0;
  memory.open = true;
  memory.news = floor.wordsChanged && input?.type === "words";
  memory.words = input?.type === "words" ? input.text : "";
  memory.final = false;
  memory.over = over;
  memory.shadow = false;
  memory.closeAs = "";
  memory.digits = "";
  memory.keysUntil = 0;
  memory.parked = false;
  if (bySpeech || (memory.speaking && input?.type === "words")) memory.claim = "turn";
  floor.emit({ type: "started", from: memory.from, at: memory.now });
}

function reopen(floor: Floor): void {
  const { memory } = floor;
  memory.open = true;
  memory.since = memory.speaking ? memory.onset : memory.now;
  memory.final = false;
  memory.over = false;
  memory.shadow = false;
  memory.closeAs = "";
  memory.digits = "";
  memory.keysUntil = 0;
  memory.merging = false;
  own(floor);
}

/** The run belongs to the utterance. */
function own({ memory }: Floor): void {
  if (memory.speaking && memory.claim === "none") memory.claim = "turn";
}

function pause(floor: Floor, offset: Millis): void {
  const { memory } = floor;
  if (floor.nextPolicy !== undefined) {
    floor.policy = floor.nextPolicy;
    floor.nextPolicy = undefined;
  }
  const { policy } = floor;
  memory.offset = offset;
  memory.p = -1;
  memory.clocks.final = NEVER;
  const wait = policy.adaptive?.maxMs ?? policy.silenceMs;
  setEnd(floor, Math.max(offset + wait + memory.patience, memory.keysUntil));
  memory.clocks.verdict = policy.adaptive === undefined ? NEVER : memory.now + policy.verdictMs;
  floor.emit({ type: "paused", from: offset, at: memory.now });
}

function judge(floor: Floor, p: number): void {
  const { memory, policy } = floor;
  memory.p = p;
  memory.clocks.verdict = NEVER;
  if (policy.adaptive !== undefined) {
    const delay = delayFor(p, policy.adaptive, memory.usual, memory.patience);
    const at = Math.max(memory.offset + delay, memory.keysUntil);
    // The pause is long enough already and only final words are missing: their clock goes on.
    if (memory.clocks.final === NEVER || at > memory.now) {
      memory.clocks.final = NEVER;
      setEnd(floor, at);
    }
  }
  const { end, final } = memory.clocks;
  if (p >= policy.eagerAt && Math.min(end, final) > memory.now) floor.emit({ type: "likely", p, at: memory.now });
}

function release(floor: Floor, why: string): void {
  floor.memory.merging = false;
  floor.memory.playsOn = false;
  floor.emit({ type: "release", why, at: floor.memory.now });
}

function interrupt(floor: Floor, why: string): void {
  const { memory } = floor;
  memory.voicePlays = false;
  memory.merging = false;
  memory.playsOn = false;
  memory.shadow = false;
  memory.parked = false;
  own(floor);
  floor.emit({ type: "interrupted", why, at: memory.now });
}

function end(floor: Floor, why: EndedWhy): void {
  const { memory } = floor;
  memory.open = false;
  memory.shadow = false;
  memory.closeAs = "";
  memory.clocks.late = NEVER;
  memory.digits = "";
  memory.parked = false;
  // An aside is no turn of its own: the reply it was said over still answers the turn before.
  if (why !== "aside") {
    memory.endedAt = memory.now;
    memory.endedWhy = why;
    memory.answers = false;
  }
  floor.emit({ type: "ended", why, at: memory.now });
}
