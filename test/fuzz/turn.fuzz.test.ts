import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TurnEvent, TurnInput } from "../../src/turn/events.ts";
import { createTurnMachine, restoreTurnMachine, type TunableTurnMachine } from "../../src/turn/machine.ts";
import { isOurs, NEVER, type TurnMemory } from "../../src/turn/memory.ts";
import { defaultPolicy, parsePolicy, type TurnOptions, type TurnPolicy } from "../../src/turn/policy.ts";

/*
 * Random calls against the invariants of the turn machine. A call is a list of steps; time moves only in steps, so the same
 * call can be played with more ticks, or through JSON, and must come out the same. What is noted may be ahead of the audio.
 */
type Step =
  | { readonly kind: "hear"; readonly p: number; readonly windows: number; readonly ms: number }
  | { readonly kind: "note"; readonly input: TurnInput; readonly later: number; readonly lead: number }
  | { readonly kind: "policy"; readonly policy: TurnPolicy };

const texts = [
  "",
  "mm-hm",
  "yeah",
  "stop",
  "wait wait",
  "no",
  "what about tomorrow",
  "I want to",
  "sure",
  "I want to go home",
];

const input: fc.Arbitrary<TurnInput> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("agent" as const),
      playing: fc.boolean(),
      interruptible: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("words" as const), text: fc.constantFrom(...texts), final: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("likely-end" as const),
      p: fc.constantFrom(0, 0.05, 0.5, 0.78, 0.95, 1, Number.NaN),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("engine" as const), speech: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("talk" as const), down: fc.boolean(), cancel: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ type: "typed" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("patience" as const), extra: fc.constantFrom(0, 500, 5_000, -3) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("digit" as const), digit: fc.constantFrom("1", "9", "#") }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("asked" as const), text: fc.constantFrom("Shall I?", "Done.") }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "closed" as const }) },
);

const options: fc.Arbitrary<TurnOptions> = fc.record({
  words: fc.constantFrom("none", "final", "partial"),
  bargeIn: fc.constantFrom("onset", "decide"),
  interrupt: fc.constantFrom(true, true, false),
  adaptive: fc.constantFrom<TurnOptions["adaptive"]>("eager", "auto", "patient", false),
  silenceMs: fc.constantFrom(100, 500, 700),
  minSpeechMs: fc.constantFrom(0, 50, 64, 200),
  releaseMs: fc.constantFrom(0, 96, 200),
  duckMs: fc.constantFrom(0, 64, 200),
  holdMs: fc.constantFrom(0, 96, 400),
  interruptMs: fc.constantFrom(0, 160, 300),
  graceMs: fc.constantFrom(0, 250),
  finalMs: fc.constantFrom(0, 500),
  maxTurnMs: fc.constantFrom(1_000, 5_000, 60_000),
  stuckMs: fc.constantFrom(1_000, 8_000),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("hear" as const),
      p: fc.constantFrom(0.02, 0.02, 0.4, 0.55, 0.65, 0.95, 0.95, Number.NaN),
      windows: fc.integer({ min: 1, max: 24 }),
      ms: fc.constantFrom(32, 32, 32, 32, 20, 300),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("note" as const),
      input,
      later: fc.constantFrom(0, 0, 7, 400),
      lead: fc.constantFrom(0, 0, 0, 90),
    }),
  },
  { weight: 1, arbitrary: options.map((given): Step => ({ kind: "policy", policy: parsePolicy(given) })) },
);

const call = fc.record({
  policy: options.map((given) => parsePolicy(given, defaultPolicy(given.words))),
  turns: fc.constantFrom("local", "local", "local", "engine"),
  steps: fc.array(step, { minLength: 1, maxLength: 60 }),
});

type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

interface Watch {
  /** After every single call of the machine. */
  after?(machine: TunableTurnMachine, events: readonly TurnEvent[]): void;
  /** Before every single call: ticks in between, or another machine to go on with. */
  before?(
    machine: TunableTurnMachine,
    last: number,
    now: number,
  ): { machine?: TunableTurnMachine; events?: readonly TurnEvent[] };
}

function play({ policy, turns, steps }: Call, watch: Watch = {}): TurnEvent[] {
  let machine = createTurnMachine({ ...policy, turns: turns === "engine" ? "engine" : "local" });
  let now = 0;
  const all: TurnEvent[] = [];
  const run = (at: number, act: (machine: TunableTurnMachine) => readonly TurnEvent[]): void => {
    const before = watch.before?.(machine, now, at);
    if (before?.events !== undefined) all.push(...before.events);
    machine = before?.machine ?? machine;
    now = at;
    const events = act(machine);
    all.push(...events);
    watch.after?.(machine, events);
  };
  for (const next of steps) {
    if (next.kind === "policy") machine.setPolicy({ ...next.policy, turns: machine.policy.turns });
    else if (next.kind === "note") run(now + next.later, (m) => m.note(next.input, now + next.lead));
    else for (let i = 0; i < next.windows; i++) run(now + next.ms, (m) => m.hear(next.p, now));
  }
  run(now + 100_000, (m) => m.tick(now));
  return all;
}

const memoryOf = (machine: TunableTurnMachine): TurnMemory => machine.snapshot().memory;
const runs = { numRuns: 3_000 };

describe("every random call of the turn machine", () => {
  it("comes out the same with extra ticks anywhere", () => {
    fc.assert(
      fc.property(
        call,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 7 }),
        (story, shares) => {
          let turn = 0;
          const ticked = play(story, {
            before: (machine, last, now) => {
              const at = last + (now - last) * (shares[turn++ % shares.length] ?? 0);
              return { events: [...machine.tick(at), ...machine.tick(now), ...machine.tick(now)] };
            },
          });
          expect(ticked).toEqual(play(story));
        },
      ),
      runs,
    );
  });

  it("comes out the same when ticked exactly at every deadline", () => {
    fc.assert(
      fc.property(call, (story) => {
        const ticked = play(story, {
          before: (machine, _, now) => {
            const events: TurnEvent[] = [];
            for (let at = machine.deadline?.at ?? NEVER; at < now; at = machine.deadline?.at ?? NEVER)
              events.push(...machine.tick(at));
            return { events };
          },
        });
        expect(ticked).toEqual(play(story));
      }),
      runs,
    );
  });

  it("comes out the same when the memory goes through JSON before every call", () => {
    fc.assert(
      fc.property(call, (story) => {
        const stored = play(story, {
          before: (machine) => ({ machine: restoreTurnMachine(JSON.parse(JSON.stringify(machine.snapshot()))) }),
        });
        expect(stored).toEqual(play(story));
      }),
      runs,
    );
  });

  it("closes every utterance once, and takes up only what is open or was just closed", () => {
    fc.assert(
      fc.property(call, (story) => {
        let open = false;
        let opened = 0;
        let at = 0;
        for (const event of play({
          ...story,
          steps: [...story.steps, { kind: "note", input: { type: "closed" }, later: 0, lead: 0 }],
        })) {
          expect(event.at).toBeGreaterThanOrEqual(at);
          at = event.at;
          if (event.type === "started") {
            expect(open).toBe(false);
            expect(event.from).toBeLessThanOrEqual(event.at);
            open = true;
            opened++;
          }
          if (event.type === "resumed") {
            expect(opened).toBeGreaterThan(0);
            open = true;
          }
          if (event.type === "paused" || event.type === "likely" || event.type === "ended") expect(open).toBe(true);
          if (event.type === "ended") open = false;
        }
        expect(open).toBe(false);
      }),
      runs,
    );
  });

  it("ducks before it holds, and lets go of what it ducked", () => {
    fc.assert(
      fc.property(call, (story) => {
        let level: "full" | "ducked" | "held" = "full";
        play(story, {
          after: (machine, events) => {
            for (const event of events) {
              if (event.type === "duck") {
                expect(level).toBe("full");
                level = "ducked";
              } else if (event.type === "hold") {
                expect(level).toBe("ducked");
                level = "held";
              } else if (event.type === "release") {
                expect(level).not.toBe("full");
                level = "full";
              } else if (event.type === "interrupted" || (event.type === "resumed" && event.cutOff)) level = "full";
            }
            expect(machine.state === "overlap").toBe(level === "ducked");
            expect(machine.state === "held").toBe(level === "held");
          },
        });
      }),
      runs,
    );
  });

  it("keeps state and memory together", () => {
    fc.assert(
      fc.property(call, (story) => {
        play(story, {
          after: (machine) => {
            const memory = memoryOf(machine);
            const { state, open, speaking, claim, talking, clocks } = memory;
            const local = machine.policy.turns === "local";
            const heard = (speaking && claim !== "noise") || talking;
            const view = { state, open, speaking, claim, talking, clocks };
            if (state === "caller")
              expect(view).toMatchObject({ open: true, ...(local && !talking ? { speaking: true } : {}) });
            if (state === "pause") {
              expect(view).toMatchObject({ open: true });
              if (local) expect(heard).toBe(false);
              expect(Math.min(clocks.end, clocks.final)).toBeLessThan(NEVER);
            }
            if (state === "idle" || state === "rising" || state === "thinking")
              expect(view).toMatchObject({ open: false });
            expect(memory.voicePlays || !isOurs(state)).toBe(true);
            if (memory.voicePlays) expect(["idle", "rising", "thinking"]).not.toContain(state);
            if (state === "idle" && local) expect(heard).toBe(false);
            if ((state === "caller" || state === "pause") && local) expect(clocks.length).toBeLessThan(NEVER);
            if (local && !isOurs(state) && speaking) expect(claim).not.toBe("none");
            if (machine.deadline !== undefined) expect(machine.deadline.at).toBeGreaterThanOrEqual(memory.now);
          },
        });
      }),
      runs,
    );
  });

  it("never interrupts a voice that may not be interrupted", () => {
    fc.assert(
      fc.property(call, (story) => {
        const steps = story.steps.filter((next) => next.kind !== "policy");
        let ours = false;
        play(
          { ...story, steps, policy: { ...story.policy, interrupt: false } },
          {
            before: (machine) => {
              ours = isOurs(machine.state);
              return {};
            },
            after: (_, events) => {
              if (!ours) return;
              for (const event of events) expect(["duck", "hold", "release", "interrupted"]).not.toContain(event.type);
            },
          },
        );
      }),
      runs,
    );
  });
});
