import { describe, expect, it } from "vitest";
import type { TurnEvent, TurnInput } from "./events.ts";
import { createTurnMachine, restoreTurnMachine, type TunableTurnMachine } from "./machine.ts";
import { defaultPolicy, parsePolicy, type TurnOptions, type TurnPolicy } from "./policy.ts";

const WINDOW = 32;

/** A call told in windows of 32 ms: what the detector said, what was noted, and every event that came of it. */
class Story {
  readonly machine: TunableTurnMachine;
  readonly events: TurnEvent[] = [];
  now = 0;

  constructor(policy: TurnPolicy | TurnOptions = {}) {
    this.machine = createTurnMachine(parsePolicy(policy));
  }

  /** Windows with this probability for at least `ms`. */
  hear(p: number, ms: number): this {
    for (const end = this.now + ms; this.now < end;) this.window(p);
    return this;
  }

  window(p: number): this {
    this.now += WINDOW;
    this.events.push(...this.machine.hear(p, this.now));
    return this;
  }

  speak(ms: number): this {
    return this.hear(0.9, ms);
  }

  hush(ms: number): this {
    return this.hear(0.02, ms);
  }

  note(input: TurnInput): this {
    this.events.push(...this.machine.note(input, this.now));
    return this;
  }

  words(text: string, final = false): this {
    return this.note({ type: "words", text, final });
  }

  agent(playing: boolean, interruptible?: boolean): this {
    return this.note({ type: "agent", playing, ...(interruptible === undefined ? {} : { interruptible }) });
  }

  /** A reply that has been heard for `ms`. */
  replying(ms = 1_504): this {
    return this.agent(true).hush(ms);
  }

  get state(): string {
    return this.machine.state;
  }

  /** The events since the last look, each as a word with its `why`, `cutOff` or `p`. */
  told(): string[] {
    return this.events.splice(0).map(show);
  }

  find(type: TurnEvent["type"]): TurnEvent | undefined {
    return this.events.find((event) => event.type === type);
  }
}

function show(event: TurnEvent): string {
  if (event.type === "resumed") return event.cutOff ? "resumed, cut off" : "resumed";
  if (event.type === "likely") return `likely ${event.p}`;
  return "why" in event ? `${event.type} ${event.why}` : event.type;
}

/** How a detector sees speech between these points of true time: a window is voiced when enough of it is. */
function verdicts(spans: readonly (readonly [number, number])[], until: number, coverage = 0.5): number[] {
  const list: number[] = [];
  for (let end = WINDOW; end <= until; end += WINDOW) {
    let voiced = 0;
    for (const [from, to] of spans) voiced += Math.max(0, Math.min(to, end) - Math.max(from, end - WINDOW));
    list.push(voiced / WINDOW >= coverage && voiced > 0 ? 0.95 : 0.02);
  }
  return list;
}

function eventsOf(machine: TunableTurnMachine, list: readonly number[], from = 0): TurnEvent[] {
  return list.flatMap((p, index) => [...machine.hear(p, from + (index + 1) * WINDOW)]);
}

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN;

const phases = Array.from({ length: 24 }, (_, index) => index * 25);

const fixed = parsePolicy({});
const withWords = defaultPolicy("partial");

describe("one turn by silence alone", () => {
  it("goes from started to ended, and to idle when the reply was heard", () => {
    const story = new Story().hush(320).speak(640).hush(640);
    expect(story.told()).toEqual(["started", "paused", "ended pause"]);
    expect(story.state).toBe("thinking");
    story.replying();
    expect(story.state).toBe("agent");
    expect(story.agent(false).state).toBe("idle");
    expect(story.told()).toEqual([]);
  });

  it("dates the onset to the start of the first voiced window and the pause to the start of the first quiet one", () => {
    const story = new Story().hush(320).speak(640).hush(640);
    expect(story.events).toEqual([
      { type: "started", from: 320, at: 384 },
      { type: "paused", from: 960, at: 1_056 },
      { type: "ended", why: "pause", at: 1_473 },
    ]);
  });

  it("shows a first voiced window as rising and forgets it when none follows", () => {
    const story = new Story().window(0.9);
    expect(story.state).toBe("rising");
    expect(story.window(0.02).state).toBe("idle");
    expect(story.told()).toEqual([]);
  });

  it("does not open on probabilities between the thresholds, and does not close on them either", () => {
    const story = new Story().hear(0.45, 640);
    expect(story.told()).toEqual([]);
    story.speak(320).hear(0.4, 2_000);
    expect(story.told()).toEqual(["started"]);
    expect(story.state).toBe("caller");
  });

  it("goes on when the caller speaks again before the silence is long enough", () => {
    const story = new Story().speak(320).hush(320).speak(320).hush(640);
    expect(story.told()).toEqual(["started", "paused", "resumed", "paused", "ended pause"]);
  });

  it("takes a burst that is too short for a word as noise", () => {
    const story = new Story().speak(96).hush(800);
    expect(story.told()).toEqual(["started", "paused", "ended noise"]);
    expect(story.state).toBe("idle");
  });

  it("lets a click inside a pause move nothing", () => {
    const story = new Story().speak(320).hush(256).window(0.9).hush(640);
    expect(story.events.at(-1)).toEqual({ type: "ended", why: "pause", at: 320 + 513 });
  });

  it("treats what is no probability as quiet and what is no time as now", () => {
    const story = new Story().speak(320);
    const events = [];
    for (let i = 0; i < 30; i++) events.push(...story.machine.hear(Number.NaN, (story.now += WINDOW)));
    expect(events.map(show)).toEqual(["paused", "ended pause"]);
    expect(story.machine.hear(0, Number.NaN)).toEqual([]);
    expect(story.machine.hear(0, -5)).toEqual([]);
    expect(story.machine.tick(Number.POSITIVE_INFINITY)).toEqual([]);
  });

  it("fires a deadline at its own time however late the tick comes", () => {
    const story = new Story().speak(320).hush(96);
    expect(story.machine.deadline).toEqual({ at: 820, why: "end" });
    expect(story.machine.tick(819)).toEqual([]);
    expect(story.machine.tick(5_000)).toEqual([{ type: "ended", why: "pause", at: 820 }]);
  });

  it("measures speech by the time of the audio when other things are told ahead of it", () => {
    const { machine } = new Story();
    machine.hear(0.02, 896);
    machine.note({ type: "patience", extra: 0 }, 1_000);
    expect(machine.hear(0.9, 928)).toEqual([]);
    expect(machine.hear(0.9, 960)).toEqual([{ type: "started", from: 896, at: 1_000 }]);
  });

  it("hands out one shared empty list when nothing happened", () => {
    const { machine } = new Story();
    expect(machine.hear(0, 32)).toBe(machine.hear(0, 64));
    expect(machine.tick(65)).toBe(machine.note({ type: "patience", extra: 0 }, 66));
  });
});

describe("acceptance", () => {
  it("commits at the same delay within 40 ms wherever the phrase falls on the grid of windows (T2)", () => {
    const delays = phases.map((phase) => {
      const end = 1_000 + phase + 1_300;
      const events = eventsOf(createTurnMachine(), verdicts([[1_000 + phase, end]], 6_000));
      return (events.find((event) => event.type === "ended")?.at ?? Number.NaN) - end;
    });
    expect(Math.max(...delays) - Math.min(...delays)).toBeLessThanOrEqual(40);
    expect(quantile(delays, 0.95)).toBeLessThanOrEqual(560);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(500 - WINDOW);
  });

  it.each([500, 600, 660])("never ends a turn in a gap of %i ms when 700 ms of silence are asked for (T3)", (gap) => {
    const policy = parsePolicy({ silenceMs: 700 });
    for (let phase = 0; phase < 64; phase++) {
      const start = 1_000 + phase;
      const spans = [[start, start + 700] as const, [start + 700 + gap, start + 1_600 + gap] as const];
      const events = eventsOf(createTurnMachine(policy), verdicts(spans, 6_000)).filter(({ type }) => type === "ended");
      expect(events.map(({ at }) => at > start + 1_600 + gap)).toEqual([true]);
    }
  });

  it("ends a gap that is clearly longer than the silence asked for", () => {
    const policy = parsePolicy({ silenceMs: 500 });
    const events = eventsOf(
      createTurnMachine(policy),
      verdicts(
        [
          [1_000, 1_700],
          [2_300, 3_000],
        ],
        5_000,
      ),
    );
    expect(events.map(show)).toEqual(["started", "paused", "ended pause", "resumed", "paused", "ended pause"]);
  });

  it("cuts ten minutes of unbroken speech at the longest turn, answers, and keeps its memory small (T11)", () => {
    const story = new Story({ minVoiceMs: 0 });
    const sizes: number[] = [];
    for (let minute = 0; minute < 10; minute++) {
      story.speak(60_000);
      sizes.push(JSON.stringify(story.machine.snapshot()).length);
      if (story.state === "thinking") story.agent(true).agent(false);
    }
    const ends = story.events.filter((event) => event.type === "ended");
    expect(ends.length).toBeGreaterThanOrEqual(9);
    expect(ends.every((event) => event.type === "ended" && event.why === "length")).toBe(true);
    expect(Math.max(...sizes)).toBeLessThan((sizes[0] ?? 0) + 200);
  });

  it("does not take the rest of a turn that was too long for a correction of it", () => {
    const story = new Story({ maxTurnMs: 5_000 }).speak(8_000);
    expect(story.told()).toEqual(["started", "ended length"]);
    expect(story.state).toBe("thinking");
    story.agent(false);
    expect(story.events).toEqual([{ type: "started", from: 5_000, at: story.now }]);
  });

  it("ends the turn after its silence when the microphone falls silent in the middle of a word (T13)", () => {
    const story = new Story().hush(320).speak(500).hear(0, 700);
    expect(story.told()).toEqual(["started", "paused", "ended pause"]);
  });

  it.each([
    ["voiced when half of a window is", 0.5],
    ["voiced when any of a window is", 0.001],
  ])("keeps the reply over a cough of 80 ms, at every phase, with a detector that is %s (T14)", (_, coverage) => {
    for (const policy of [fixed, withWords, parsePolicy({ bargeIn: "onset" }, withWords)]) {
      for (let phase = 0; phase < 64; phase++) {
        for (const into of [120, 1_500]) {
          const story = new Story(policy).speak(640).words("what is the time", true).hush(3_200).told();
          expect(story).toContain("ended pause");
          const call = new Story(policy).speak(640).words("what is the time", true).hush(3_200);
          call.told();
          call.agent(true);
          const start = into + phase;
          const events = eventsOf(call.machine, verdicts([[start, start + 80]], 6_000, coverage), call.now).map(show);
          expect(events.filter((event) => /interrupted|cut off/.test(event))).toEqual([]);
          expect(call.state).toBe("agent");
          expect(events.filter((event) => event === "duck").length).toBe(
            events.filter((e) => e.startsWith("release")).length,
          );
        }
      }
    }
  });

  it.each([
    ["length decides", fixed],
    ["words decide", withWords],
  ])(
    "silences us within 120 ms (median) and 200 ms (p95) of the true onset while the caller goes on, when %s",
    (_, policy) => {
      const silent: number[] = [];
      const interrupted: number[] = [];
      for (let phase = 0; phase < 64; phase++) {
        const call = new Story(policy).replying(1_504);
        const onset = 96 + phase;
        const events = eventsOf(call.machine, verdicts([[onset, onset + 4_000]], 4_000), call.now);
        const at = (type: string): number =>
          (events.find((event) => event.type === type)?.at ?? Number.NaN) - call.now - onset;
        silent.push(
          Math.min(at("hold"), Number.isNaN(at("interrupted")) ? Number.POSITIVE_INFINITY : at("interrupted")),
        );
        interrupted.push(at("interrupted"));
      }
      expect(quantile(silent, 0.5)).toBeLessThanOrEqual(120);
      expect(quantile(silent, 0.95)).toBeLessThanOrEqual(200);
      expect(quantile(interrupted, 0.95)).toBeLessThanOrEqual(
        policy.bargeIn === "onset" ? 200 : policy.decideMaxMs + 40,
      );
    },
  );

  it("does not interrupt before our voice has been played when it may not be, and answers afterwards (T8)", () => {
    const story = new Story({ interrupt: false }).agent(true).hush(200).speak(640).hush(8_000);
    expect(story.told()).toEqual(["started"]);
    expect(story.state).toBe("agent");
    story.agent(false).hush(640);
    expect(story.told()).toEqual(["paused", "ended pause"]);
    expect(story.state).toBe("thinking");
  });
});

/** Points in time of one call that has everything: what each option may move. */
function quantities(options: TurnOptions): Record<string, number> {
  const policy = parsePolicy(options);
  const seen: Record<string, number> = {};
  const first = (events: readonly TurnEvent[], type: string, from: number): number =>
    (events.find((event) => event.type === type)?.at ?? Number.NaN) - from;

  const turn = createTurnMachine(policy);
  const spoken = eventsOf(turn, verdicts([[640, 2_560]], 12_000));
  seen["onset to started"] = first(spoken, "started", 640);
  seen["offset to paused"] = first(spoken, "paused", 2_560);
  seen["offset to ended"] = first(spoken, "ended", 2_560);

  const long = eventsOf(createTurnMachine(policy), verdicts([[640, 70_000]], 72_000));
  seen["longest turn"] = first(long, "ended", 640);

  const over = createTurnMachine(policy);
  over.note({ type: "agent", playing: true }, 0);
  const barged = eventsOf(over, verdicts([[1_600, 8_000]], 9_000));
  seen["onset to duck"] = first(barged, "duck", 1_600);
  seen["onset to hold"] = first(barged, "hold", 1_600);
  seen["onset to interrupted"] = first(barged, "interrupted", 1_600);

  const early = createTurnMachine(policy);
  early.note({ type: "agent", playing: true }, 0);
  seen["first duck of a reply"] = first(eventsOf(early, verdicts([[32, 8_000]], 9_000)), "duck", 0);

  const brief = createTurnMachine(policy);
  brief.note({ type: "agent", playing: true }, 0);
  seen["aside closed"] = first(eventsOf(brief, verdicts([[1_600, 1_696]], 9_000)), "ended", 1_600);

  const voice = [100, 200, 300, 500].filter((ms) => {
    const events = eventsOf(createTurnMachine(policy), verdicts([[640, 640 + ms]], 6_000));
    return events.some((event) => event.type === "ended" && event.why === "noise");
  });
  seen["longest noise"] = Math.max(0, ...voice);
  const bar = (p: number, machine: TunableTurnMachine): boolean =>
    eventsOf(
      machine,
      Array.from({ length: 20 }, () => p),
    ).length > 0;
  seen["quietest speech"] = [0.3, 0.4, 0.5, 0.55, 0.6, 0.7, 0.8].find((p) => bar(p, createTurnMachine(policy))) ?? 1;
  seen["quietest speech over us"] =
    [0.3, 0.4, 0.5, 0.55, 0.6, 0.7, 0.8].find((p) => {
      const machine = createTurnMachine(policy);
      machine.note({ type: "agent", playing: true }, 0);
      machine.tick(1_000);
      return Array.from({ length: 20 }, () => p).some(
        (value, index) => machine.hear(value, 1_000 + index * WINDOW).length > 0,
      );
    }) ?? 1;
  return seen;
}

describe("each option changes its own quantity and only that (T4)", () => {
  const usual = quantities({});

  it.each<[TurnOptions, readonly string[]]>([
    [{ minSpeechMs: 128 }, ["onset to started"]],
    [{ silenceMs: 900 }, ["offset to ended"]],
    [{ releaseMs: 160 }, ["offset to paused", "aside closed"]],
    [{ maxTurnMs: 30_000 }, ["longest turn"]],
    [{ duckMs: 96 }, ["onset to duck"]],
    [{ holdMs: 128 }, ["onset to hold"]],
    [{ interruptMs: 256 }, ["onset to interrupted"]],
    [{ graceMs: 500 }, ["first duck of a reply"]],
    [{ lateMs: 2_000 }, ["aside closed"]],
    [{ minVoiceMs: 400 }, ["longest noise"]],
    [{ threshold: 0.7 }, ["quietest speech"]],
    [{ overThreshold: 0.8 }, ["quietest speech over us"]],
    [{ adaptive: { minMs: 100, maxMs: 1_000, curve: 1 } }, ["offset to ended"]],
    [{ eagerAt: 0.9 }, []],
    [{ prefixMs: 600 }, []],
  ])("%j", (options, moved) => {
    const changed = quantities(options);
    const different = Object.keys(usual).filter((name) => !Object.is(usual[name], changed[name]));
    expect(different.toSorted()).toEqual(moved.toSorted());
  });

  it("waits silenceMs to the next verdict", () => {
    const wait = (silenceMs: number): number => quantities({ silenceMs })["offset to ended"] ?? Number.NaN;
    // To the end of the window that is under way then, and one ms.
    expect([200, 350, 1_000].map((ms) => wait(ms))).toEqual([225, 353, 1_025]);
  });
});

describe("the end of a turn judged by words", () => {
  const partial = (): Story => new Story(withWords);

  it("waits short after words that sound finished and long after words that do not", () => {
    const waits = [0.95, 0.5, 0.05].map((p) => {
      const story = partial()
        .speak(640)
        .words("some words", true)
        .hush(128)
        .note({ type: "likely-end", p })
        .hush(4_000);
      return (story.find("ended")?.at ?? Number.NaN) - 640;
    });
    expect(waits).toEqual([289, 1_057, 2_337]);
  });

  it("takes even odds when no opinion comes in time", () => {
    const story = partial().speak(640).words("some words", true).hush(4_000);
    expect(story.told()).toEqual(["started", "paused", "likely 0.5", "ended pause"]);
  });

  it("asks again when words change in a pause, and keeps the end of speech", () => {
    const story = partial().speak(640).words("some").hush(128).words("some words").words("Some words.", true);
    expect(story.events.filter(({ type }) => type === "paused")).toEqual([
      { type: "paused", from: 640, at: 736 },
      { type: "paused", from: 640, at: 768 },
    ]);
  });

  it("waits for the final words before it hands over, but not for ever", () => {
    const story = partial().speak(640).words("some words").hush(128).note({ type: "likely-end", p: 0.95 }).hush(200);
    expect(story.machine.deadline?.why).toBe("final");
    expect(story.told()).toEqual(["started", "paused", "likely 0.95"]);
    story.words("some words now", true);
    expect(story.told()).toEqual(["ended pause"]);

    const late = partial().speak(640).words("some words").hush(128).note({ type: "likely-end", p: 0.95 }).hush(900);
    expect(late.find("ended")?.at).toBe(640 + 289 + 500);
  });

  it("waits for a recogniser that only tells whole results, even when it has told nothing yet", () => {
    const story = new Story(defaultPolicy("final")).speak(640).hush(1_100);
    expect(story.machine.deadline?.why).toBe("final");
    story.words("what time is it", true);
    expect(story.told().slice(-1)).toEqual(["paused"].slice(1).concat("ended pause"));
  });

  it("hands over nothing when no words came", () => {
    const story = partial().speak(640).hush(4_000);
    expect(story.told().at(-1)).toBe("ended noise");
    expect(story.state).toBe("idle");
  });

  it("learns that this caller pauses long and waits longer", () => {
    const wait = (pauses: number): number => {
      const story = partial();
      for (let i = 0; i < pauses; i++) story.speak(640).words(`word ${i}`).hush(992);
      story.told();
      const from = story.speak(640).words("and so on", true).now;
      return (story.hush(128).note({ type: "likely-end", p: 0.5 }).hush(4_000).find("ended")?.at ?? Number.NaN) - from;
    };
    expect(wait(8)).toBeGreaterThan(wait(0) + 100);
  });

  it("adds patience on top, at once and beyond the longest wait", () => {
    const story = partial().speak(640).words("hold on", true).hush(128).note({ type: "likely-end", p: 0.95 });
    story.note({ type: "patience", extra: 10_000 });
    expect(story.machine.deadline).toEqual({ at: 640 + 276 + 10_000, why: "end" });
    story.note({ type: "patience", extra: 0 });
    expect(story.machine.deadline).toEqual({ at: 640 + 276, why: "end" });
  });

  it("prepares a reply as soon as the end is likely, also when every turn waits the same silence", () => {
    const story = new Story().speak(640).hush(128).note({ type: "likely-end", p: 0.8 });
    expect(story.told()).toEqual(["started", "paused", "likely 0.8"]);
    expect(story.machine.deadline?.at).toBe(1_140);
    story
      .note({ type: "likely-end", p: 0.2 })
      .note({ type: "likely-end", p: Number.NaN })
      .note({ type: "likely-end", p: 7 });
    expect(story.told()).toEqual([]);
  });

  it("takes voice that brings no words for background noise and hears the caller again by words", () => {
    const story = partial().speak(12_000);
    expect(story.told()).toEqual(["started", "ended noise"]);
    expect(story.state).toBe("idle");
    story.words("are you there");
    expect(story.told()).toEqual(["started"]);
    story.speak(8_100);
    expect(story.told()).toEqual(["paused"]);
    story.words("are you there", true).note({ type: "likely-end", p: 0.9 }).hear(0.9, 640);
    expect(story.told()).toEqual(["likely 0.9", "ended pause"]);
  });
});

describe("going on after the turn was handed over", () => {
  const asked = (policy: TurnOptions = {}): Story => new Story(policy).speak(640).hush(640);

  it("takes the turn up again while nothing of the reply was heard", () => {
    const story = asked().speak(320).hush(640);
    expect(story.told()).toEqual(["started", "paused", "ended pause", "resumed", "paused", "ended pause"]);
  });

  it("lets the parked reply go on when it was only noise", () => {
    const story = asked().speak(64).hush(640);
    expect(story.told().slice(3)).toEqual(["resumed", "paused", "ended noise"]);
    expect(story.state).toBe("thinking");
  });

  it("takes the turn up again as cut off when little of the reply was heard", () => {
    const story = asked();
    story.told();
    story.agent(true).hush(96).speak(192);
    expect(story.told()).toEqual(["duck", "hold", "resumed, cut off"]);
    expect(story.state).toBe("caller");
    story.agent(false).hush(640);
    expect(story.told()).toEqual(["paused", "ended pause"]);
  });

  it.each([
    ["much of it was heard", 400, 0],
    ["the turn ended long ago", 100, 1_200],
  ])("interrupts instead when %s", (_, heard, thought) => {
    const story = asked({ graceMs: 0 }).hush(thought).agent(true).hush(heard).speak(320);
    expect(story.told().slice(3)).toEqual(["started", "duck", "hold", "interrupted speech"]);
  });

  it("does not let the first syllables of our own echo interrupt us", () => {
    const story = new Story().agent(true).speak(96).hush(320);
    expect(story.told()).toEqual([]);
    expect(story.speak(96).told()).toEqual(["started", "duck", "hold"]);
  });

  it("goes to idle when the reply was empty", () => {
    expect(asked().agent(false).state).toBe("idle");
  });
});

describe("speech over our voice", () => {
  const talking = (policy: TurnPolicy | TurnOptions = withWords): Story => {
    const story = new Story(policy).replying();
    story.told();
    return story;
  };

  it("ducks, holds and interrupts in this order when length decides", () => {
    const story = talking({}).speak(320);
    expect(story.events).toEqual([
      { type: "started", from: 1_504, at: 1_568 },
      { type: "duck", at: 1_568 },
      { type: "hold", at: 1_600 },
      { type: "interrupted", why: "speech", at: 1_664 },
    ]);
    expect(story.state).toBe("caller");
    expect(story.agent(false).hush(640).told().slice(4)).toEqual(["paused", "ended pause"]);
  });

  it("interrupts at once at words that take the floor, spoken or just spoken", () => {
    expect(talking().speak(320).words("what about tomorrow").told()).toEqual([
      "started",
      "duck",
      "hold",
      "interrupted words",
    ]);
    const quiet = talking().speak(320).hush(200).words("what about tomorrow");
    expect(quiet.told().slice(2)).toEqual(["hold", "interrupted words", "paused"]);
    expect(quiet.state).toBe("pause");
  });

  it("plays on, ducked, over a nod, and at full level once the caller is quiet", () => {
    const story = talking().speak(320).words("mm-hm");
    expect(story.told()).toEqual(["started", "duck", "hold", "release backchannel", "duck"]);
    expect(story.hush(128).told()).toEqual(["release short"]);
    expect(story.hush(1_100).told()).toEqual(["ended aside"]);
    expect(story.state).toBe("agent");
  });

  it("resumes after a nod that was recognised when it was over", () => {
    const story = talking().speak(320).hush(160).words("yeah");
    expect(story.told().slice(2)).toEqual(["hold", "release backchannel"]);
  });

  it("takes yes for an answer after a yes/no question", () => {
    const story = talking().note({ type: "asked", text: "I found a table. Shall I book it?" }).speak(320).words("yes");
    expect(story.told().slice(2)).toEqual(["hold", "interrupted words"]);
    const plain = talking().note({ type: "asked", text: "I booked it." }).speak(320).words("yes");
    expect(plain.told()).not.toContain("interrupted words");
  });

  it("is answered with silence when the caller only wants it to stop", () => {
    const story = talking()
      .speak(320)
      .words("wait, hold on", true)
      .agent(false)
      .hush(128)
      .note({ type: "likely-end", p: 0.9 })
      .hush(800);
    expect(story.told().slice(3)).toEqual(["interrupted words", "paused", "likely 0.9", "ended stop"]);
    expect(story.state).toBe("idle");
  });

  it("needs as many words as the policy says, unless they are a stop", () => {
    const policy = parsePolicy({ minWords: 3 }, withWords);
    expect(talking(policy).speak(320).words("what about").told()).not.toContain("interrupted words");
    expect(talking(policy).speak(320).words("what about tomorrow").told()).toContain("interrupted words");
    expect(talking(policy).speak(320).words("stop").told()).toContain("interrupted words");
  });

  it("goes on after a false alarm, and still gives way to words that come late", () => {
    const story = talking().speak(320).hush(1_000);
    expect(story.told().slice(2)).toEqual(["hold", "release false-alarm"]);
    expect(story.state).toBe("agent");
    story.words("I said no");
    expect(story.told()).toEqual(["interrupted words", "paused"]);
  });

  it("interrupts speech that goes on although no words come", () => {
    const story = talking().speak(1_800);
    expect(story.find("interrupted")).toEqual({ type: "interrupted", why: "speech", at: 1_504 + 1_500 });
    const deaf = talking(parsePolicy({ bargeIn: "decide" })).speak(1_800);
    expect(deaf.find("interrupted")?.at).toBe(1_504 + 700);
  });

  it("waits for more when the caller falls silent and speaks again while our voice is held", () => {
    const story = talking().speak(320).hush(320).speak(320);
    expect(story.state).toBe("held");
    expect(story.machine.deadline).toEqual({ at: 1_504 + 640 + 1_500, why: "decideMax" });
  });

  it("becomes the caller's turn when our voice ends under it", () => {
    const story = talking().speak(96).agent(false);
    expect(story.told()).toEqual(["started", "duck", "hold", "release over"]);
    expect(story.state).toBe("caller");
  });

  it("grows wary after three false alarms in half a minute, and trusting again after a minute", () => {
    const story = talking();
    for (let i = 0; i < 3; i++) story.speak(160).hush(2_500);
    expect(story.told().filter((word) => word === "release false-alarm").length).toBe(3);
    story.speak(288);
    expect(story.told()).toEqual(["started", "duck"]);
    story.hush(300);
    expect(story.hush(61_000).speak(160).told()).toContain("hold");
  });

  it("keeps what is said over a voice that may not be interrupted", () => {
    const story = new Story().agent(true, false).hush(640).speak(640).hush(320);
    expect(story.told()).toEqual(["started"]);
    story.agent(false).hush(640);
    expect(story.told()).toEqual(["paused", "ended pause"]);
    const cough = new Story().agent(true, false).hush(640).speak(96).hush(320).agent(false);
    expect(cough.told()).toEqual(["started", "ended aside"]);
    const still = new Story().agent(true, false).hush(640).speak(640).agent(false);
    expect(still.state).toBe("caller");
  });
});

describe("buttons, lines and keys", () => {
  it("listens while the button is down, whatever the detector says, and ends when it goes up", () => {
    const story = new Story().note({ type: "talk", down: true }).hush(3_000).note({ type: "talk", down: false });
    expect(story.told()).toEqual(["started", "ended button"]);
    expect(story.note({ type: "talk", down: false }).told()).toEqual([]);
  });

  it("interrupts by button and gives no reply when the button is let go with a cancel", () => {
    const story = new Story().replying().note({ type: "talk", down: true });
    expect(story.told()).toEqual(["interrupted button", "started"]);
    story.agent(false).note({ type: "talk", down: false, cancel: true });
    expect(story.told()).toEqual(["ended noise"]);
    expect(story.state).toBe("idle");
  });

  it("takes a typed line as a turn in every state", () => {
    expect(new Story().note({ type: "typed" }).told()).toEqual(["started", "ended typed"]);
    expect(new Story().speak(320).note({ type: "typed" }).told()).toEqual(["started", "ended typed"]);
    expect(new Story().replying().note({ type: "typed" }).told()).toEqual([
      "interrupted typed",
      "started",
      "ended typed",
    ]);
    const thinking = new Story().note({ type: "typed" });
    thinking.told();
    expect(thinking.note({ type: "typed" }).told()).toEqual(["interrupted typed", "started", "ended typed"]);
  });

  it("answers lines and buttons after a voice that may not be interrupted", () => {
    const story = new Story({ interrupt: false }).replying().note({ type: "typed" });
    expect(story.told()).toEqual(["started"]);
    expect(story.agent(false).told()).toEqual(["ended typed"]);
    expect(story.state).toBe("thinking");
    const button = new Story({ interrupt: false }).replying().note({ type: "talk", down: true }).hush(640);
    expect(button.note({ type: "talk", down: false }).agent(false).told()).toEqual(["started", "ended button"]);
  });

  it("collects keys until # or a pause", () => {
    const story = new Story()
      .note({ type: "digit", digit: "4" })
      .hush(1_000)
      .note({ type: "digit", digit: "2" })
      .hush(2_400);
    expect(story.told()).toEqual(["started"]);
    expect(story.hush(200).told()).toEqual(["ended digits"]);
    const hash = new Story().note({ type: "digit", digit: "4" }).note({ type: "digit", digit: "#" });
    expect(hash.told()).toEqual(["started", "ended digits"]);
    expect(new Story().replying().note({ type: "digit", digit: "1" }).told()).toEqual(["interrupted digit", "started"]);
  });

  it("ends an open utterance when the call is over, and no other", () => {
    expect(new Story().speak(320).note({ type: "closed" }).told()).toEqual(["started", "ended closed"]);
    expect(new Story().note({ type: "closed" }).told()).toEqual([]);
    expect(new Story().replying().speak(64).note({ type: "closed" }).told()).toEqual([
      "started",
      "duck",
      "release closed",
      "ended closed",
    ]);
  });
});

describe("turns decided by the provider", () => {
  const observing = (): Story => new Story({ turns: "engine" });

  it("opens and closes with the provider's detector alone", () => {
    const story = observing().speak(640).hush(2_000);
    expect(story.told()).toEqual([]);
    story.note({ type: "engine", speech: true }).speak(640).hush(2_000).note({ type: "engine", speech: false });
    expect(story.told()).toEqual(["started", "ended engine"]);
    expect(story.state).toBe("thinking");
  });

  it("ducks and holds by itself but leaves the interruption to the provider", () => {
    const story = observing().replying().speak(640);
    expect(story.told()).toEqual(["duck", "hold"]);
    expect(story.note({ type: "engine", speech: true }).told()).toEqual(["interrupted engine", "started"]);
    const alarm = observing().replying().speak(160).hush(2_000);
    expect(alarm.told()).toEqual(["duck", "hold", "release false-alarm"]);
  });

  it("ignores the provider's detector when turns are decided here", () => {
    expect(new Story().note({ type: "engine", speech: true }).told()).toEqual([]);
  });
});

describe("settings and memory", () => {
  it("finishes a pause that runs under the policy it began with", () => {
    const story = new Story().speak(320).hush(128);
    story.machine.setPolicy(parsePolicy({ silenceMs: 2_000 }));
    expect(story.machine.policy.silenceMs).toBe(2_000);
    story.hush(640);
    expect(story.find("ended")?.at).toBe(833);
    story.told();
    const from = story.agent(false).speak(320).now;
    expect((story.hush(2_500).find("ended")?.at ?? Number.NaN) - from).toBe(2_017);
  });

  it("goes on from a snapshot that went through JSON", () => {
    const story = new Story(withWords).replying().speak(160).words("yeah");
    const copy = restoreTurnMachine(JSON.parse(JSON.stringify(story.machine.snapshot())));
    expect(copy.state).toBe(story.state);
    expect(copy.deadline).toEqual(story.machine.deadline);
    for (let at = story.now + WINDOW; at < story.now + 3_000; at += WINDOW) {
      expect(copy.hear(0.02, at)).toEqual(story.machine.hear(0.02, at));
    }
  });
});
