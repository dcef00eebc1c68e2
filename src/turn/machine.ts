/*
 * Walks the turn table. Before anything is taken in at `now`, the deadlines up to `now` fire in the order of time, the
 * machine's own time set to each; so extra ticks change nothing and a late tick decides as an early one would have.
 */
import type { Deadline, Millis } from "../base/time.ts";
import { actions, set, setEnd } from "./actions.ts";
import { englishOverlap, isYesNoQuestion, type OverlapWords } from "./backchannel.ts";
import { conditions, type Floor, overThresholdOf } from "./conditions.ts";
import type { TurnEvent, TurnInput, TurnMachine, TurnState } from "./events.ts";
import { type ClockName, clockNames, freshMemory, isOurs, NEVER, type TurnMemory } from "./memory.ts";
import { defaultPolicy, type TurnPolicy } from "./policy.ts";
import { clockStates, type Trigger, type TurnRow, turnTable } from "./table.ts";
import { wordsOf } from "./words.ts";

/** A machine whose policy may change while it runs. */
export interface TunableTurnMachine extends TurnMachine {
  /** The policy set last. */
  readonly policy: TurnPolicy;
  /** Counts at once, but a pause that runs is finished under the policy it began with. */
  setPolicy(policy: TurnPolicy): void;
  /** All of its memory as plain data: survives JSON. */
  snapshot(): TurnSnapshot;
}

export interface TurnSnapshot {
  readonly policy: TurnPolicy;
  readonly nextPolicy?: TurnPolicy;
  readonly memory: TurnMemory;
}

export interface TurnMachineOptions {
  /** The word lists of the caller's language. Default English. */
  readonly overlapWords?: OverlapWords;
}

/** Decides who has the floor of one call. See docs/turns.md. */
export function createTurnMachine(
  policy: TurnPolicy = defaultPolicy(),
  options: TurnMachineOptions = {},
): TunableTurnMachine {
  return new Machine({ policy, memory: freshMemory() }, options);
}

/** Goes on where `snapshot` was taken; the snapshot itself is not touched. */
export function restoreTurnMachine(snapshot: TurnSnapshot, options: TurnMachineOptions = {}): TunableTurnMachine {
  return new Machine(snapshot, options);
}

/** Given out whenever nothing happened. Shared, so that a verdict costs no allocation. */
const NOTHING: readonly TurnEvent[] = Object.freeze([]);

/** Length of the first window, before two verdicts have told it. */
const FIRST_WINDOW: Millis = 32;
/** A verdict judges at most this much: what lies before it was not heard. */
const LONGEST_WINDOW: Millis = 100;

/** A row with its words looked up, for the hot path. */
interface BoundRow {
  readonly holds: readonly ((floor: Floor) => boolean)[];
  readonly act: readonly ((floor: Floor) => void)[];
  readonly to: TurnState | undefined;
  readonly raise: "settle" | undefined;
}

type RowIndex = Readonly<Record<TurnState, Readonly<Partial<Record<Trigger, readonly BoundRow[]>>>>>;

/** The rows of a state and trigger, in order. */
const rows: RowIndex = indexOf(turnTable);

class Machine implements TunableTurnMachine {
  readonly #floor: Floor;
  readonly #memory: TurnMemory;
  #events: TurnEvent[] | undefined;
  /** The earliest deadline, kept so that a verdict need not look at all of them. */
  #due: Millis = NEVER;
  #deadline: Deadline | undefined;

  constructor({ policy, nextPolicy, memory }: TurnSnapshot, { overlapWords = englishOverlap }: TurnMachineOptions) {
    this.#memory = { ...memory, clocks: { ...memory.clocks }, falseAlarms: [...memory.falseAlarms] };
    this.#floor = {
      memory: this.#memory,
      policy,
      nextPolicy,
      overlapWords,
      input: undefined,
      wordsChanged: false,
      emit: (event) => {
        if (this.#events === undefined) this.#events = [event];
        else this.#events.push(event);
      },
    };
    this.#schedule();
  }

  get state(): TurnState {
    return this.#memory.state;
  }

  get deadline(): Deadline | undefined {
    return this.#deadline;
  }

  get policy(): TurnPolicy {
    return this.#floor.nextPolicy ?? this.#floor.policy;
  }

  setPolicy(policy: TurnPolicy): void {
    if (this.#memory.state === "pause") {
      this.#floor.nextPolicy = policy;
      return;
    }
    this.#floor.policy = policy;
    this.#floor.nextPolicy = undefined;
  }

  snapshot(): TurnSnapshot {
    const { policy, nextPolicy, memory } = this.#floor;
    const copy: TurnMemory = { ...memory, clocks: { ...memory.clocks }, falseAlarms: [...memory.falseAlarms] };
    return { policy, memory: copy, ...(nextPolicy === undefined ? {} : { nextPolicy }) };
  }

  hear(speech: number, now: Millis): readonly TurnEvent[] {
    this.#advance(now);
    this.#track(speech, now < NEVER ? now : this.#memory.now);
    if (!this.#memory.talking && (this.#floor.policy.turns === "local" || isOurs(this.#memory.state)))
      this.#walk("hear");
    return this.#take();
  }

  note(input: TurnInput, now: Millis): readonly TurnEvent[] {
    this.#advance(now);
    this.#floor.input = input;
    this.#apply(input);
    this.#floor.input = undefined;
    this.#floor.wordsChanged = false;
    this.#schedule();
    return this.#take();
  }

  tick(now: Millis): readonly TurnEvent[] {
    this.#advance(now);
    return this.#take();
  }

  /** Fires what came due up to `now`. A time before the machine's own, or none at all, is taken as its own. */
  #advance(now: Millis): void {
    const memory = this.#memory;
    const until = now > memory.now && now < NEVER ? now : memory.now;
    while (this.#due <= until) {
      const name = this.#soonest();
      memory.now = Math.max(memory.now, memory.clocks[name]);
      memory.clocks[name] = NEVER;
      this.#walk(name);
      this.#schedule();
    }
    memory.now = until;
  }

  /**
   * Brackets speech: a run begins, is confirmed, closes after `releaseMs` of quiet. Measured on the time of the audio,
   * which may lag behind what else was told: a late verdict is no longer one.
   */
  #track(speech: number, now: Millis): void {
    const memory = this.#memory;
    const { policy } = this.#floor;
    const since = memory.heardAt < 0 ? FIRST_WINDOW : now - memory.heardAt;
    const span = Math.max(0, Math.min(LONGEST_WINDOW, since));
    memory.heardAt = Math.max(memory.heardAt, now);
    if (span > 0) memory.window = span;
    const over = isOurs(memory.state);
    if (speech >= (over ? overThresholdOf(this.#floor) : policy.threshold)) {
      if (memory.run === 0) {
        memory.onset = now - span;
        memory.claim = "none";
      }
      memory.run += span;
      memory.quiet = 0;
      if (memory.open) memory.voice += span;
      if (memory.run >= (over ? policy.duckMs : policy.minSpeechMs)) memory.speaking = true;
      if (memory.talking) memory.claim = "turn";
      return;
    }
    if (!memory.speaking) {
      memory.run = 0;
      memory.claim = "none";
      memory.quiet += span;
      return;
    }
    // Between the thresholds speech goes on but does not begin. What is no number is quiet.
    if (speech >= policy.releaseThreshold) {
      memory.quiet = 0;
      return;
    }
    if (memory.quiet === 0) memory.offset = now - span;
    memory.quiet += span;
    if (memory.quiet < policy.releaseMs) return;
    memory.run = 0;
    memory.speaking = false;
    memory.claim = "none";
  }

  #apply(input: TurnInput): void {
    const memory = this.#memory;
    switch (input.type) {
      case "agent":
        return this.#voice(input.playing, input.interruptible ?? true);
      case "words": {
        const changed = !sameWords(input.text, memory.open ? memory.words : "");
        this.#floor.wordsChanged = changed;
        if (memory.open) {
          memory.words = input.text;
          memory.final = input.final;
          memory.news ||= changed;
        }
        return this.#walk("words");
      }
      case "asked":
        memory.asked = isYesNoQuestion(input.text, this.#floor.overlapWords);
        return;
      case "likely-end":
        if (input.p >= 0 && input.p <= 1) this.#walk("likely-end");
        return;
      case "engine":
        return this.#walk(input.speech ? "engine-on" : "engine-off");
      case "talk": {
        if (input.down === memory.talking) return;
        memory.talking = input.down;
        memory.clocks.stuck = NEVER;
        return this.#walk(input.down ? "button-down" : "button-up");
      }
      case "typed":
        memory.talking = false;
        return this.#walk("typed");
      case "patience":
        return this.#wait(input.extra);
      case "digit":
        return this.#walk("digit");
      case "closed":
        memory.talking = false;
        return this.#walk("closed");
    }
  }

  #voice(playing: boolean, interruptible: boolean): void {
    const memory = this.#memory;
    const began = playing && !memory.voicePlays;
    memory.voicePlays = playing;
    if (playing) memory.interruptible = interruptible;
    if (began) {
      memory.voiceSince = memory.now;
      memory.answers = memory.state === "thinking";
      this.#walk("voice-on");
    }
    if (!playing) this.#walk("voice-off");
  }

  #wait(extra: Millis): void {
    const memory = this.#memory;
    const more = (extra > 0 && extra < NEVER ? extra : 0) - memory.patience;
    memory.patience += more;
    if (memory.clocks.end !== NEVER && memory.digits === "") setEnd(this.#floor, memory.clocks.end + more);
  }

  #walk(trigger: Trigger): void {
    const candidates = rows[this.#memory.state][trigger];
    if (candidates === undefined) return;
    const floor = this.#floor;
    for (const row of candidates) {
      if (!holds(row.holds, floor)) continue;
      for (const act of row.act) act(floor);
      if (row.raise !== undefined) this.#walk(row.raise);
      if (row.to !== undefined && row.to !== this.#memory.state) this.#enter(row.to);
      if (row.act.length > 0 || row.to !== undefined) this.#schedule();
      return;
    }
  }

  #enter(state: TurnState): void {
    const floor = this.#floor;
    const memory = this.#memory;
    const { state: left } = memory;
    memory.state = state;
    for (const name of clockNames) {
      if (!clockStates[name].includes(state)) memory.clocks[name] = NEVER;
    }
    if (left === "pause" && floor.nextPolicy !== undefined) {
      floor.policy = floor.nextPolicy;
      floor.nextPolicy = undefined;
    }
    const { policy } = floor;
    if ((state === "caller" || state === "pause") && policy.turns === "local") {
      if (memory.clocks.length === NEVER) set(floor, "length", memory.since + policy.maxTurnMs);
      if (state === "caller") actions["restart stuck"](floor);
    }
    this.#walk("enter");
  }

  #schedule(): void {
    const { clocks } = this.#memory;
    const name = this.#soonest();
    const at = clocks[name];
    if (at === this.#due && this.#deadline?.why === name) return;
    this.#due = at;
    this.#deadline = at === NEVER ? undefined : { at, why: name };
  }

  /** The earliest clock; of two at one time the one named first. */
  #soonest(): ClockName {
    const { clocks } = this.#memory;
    let best: ClockName = "decide";
    for (const name of clockNames) if (clocks[name] < clocks[best]) best = name;
    return best;
  }

  #take(): readonly TurnEvent[] {
    const events = this.#events;
    if (events === undefined) return NOTHING;
    this.#events = undefined;
    return events;
  }
}

function holds(conditions: BoundRow["holds"], floor: Floor): boolean {
  for (const condition of conditions) if (!condition(floor)) return false;
  return true;
}

function sameWords(a: string, b: string): boolean {
  return a === b || wordsOf(a).join(" ") === wordsOf(b).join(" ");
}

function indexOf(table: readonly TurnRow[]): RowIndex {
  const index: Record<TurnState, Partial<Record<Trigger, BoundRow[]>>> = {
    idle: {},
    rising: {},
    caller: {},
    pause: {},
    thinking: {},
    agent: {},
    overlap: {},
    held: {},
  };
  for (const row of table) {
    const bound: BoundRow = {
      holds: row.when.map((name) => conditions[name]),
      act: row.do.map((name) => actions[name]),
      to: row.to,
      raise: row.raise,
    };
    for (const state of row.in) (index[state][row.on] ??= []).push(bound);
  }
  return index;
}
