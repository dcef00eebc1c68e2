/*
 * What one detector verdict costs the turn machine, by what is going on. Run: npx node bench/turn.ts
 * A verdict comes every 32 ms and caller: at 1,000 callers on one thread 31,250 a second.
 */
import { bench, do_not_optimize, run, summary } from "mitata";
import type { TurnInput } from "../src/turn/events.ts";
import { createTurnMachine, type TunableTurnMachine } from "../src/turn/machine.ts";
import { parsePolicy, type TurnOptions } from "../src/turn/policy.ts";

const WINDOW = 32;

/** 1,000 verdicts in one state, so that µs per iteration are ns per verdict. */
function verdicts(name: string, p: number, prepare: readonly TurnInput[] = [], options: TurnOptions = {}): void {
  const policy = parsePolicy(options);
  bench(name, () => {
    const machine = createTurnMachine(policy);
    for (const input of prepare) machine.note(input, 0);
    let events = 0;
    for (let now = WINDOW; now <= 1_000 * WINDOW; now += WINDOW) events += machine.hear(p, now).length;
    return do_not_optimize(events);
  });
}

/** Ten seconds of a call: speech, pauses, a reply, an interruption. Cost per verdict. */
function callOf(machine: TunableTurnMachine, from: number): number {
  let events = 0;
  for (let index = 0; index < 312; index++) {
    const now = from + (index + 1) * WINDOW;
    if (index === 90) events += machine.note({ type: "agent", playing: true }, now).length;
    const speech = index < 50 || (index > 55 && index < 60) || index > 200 ? 0.9 : 0.02;
    events += machine.hear(speech, now).length;
  }
  return events + machine.note({ type: "agent", playing: false }, from + 312 * WINDOW).length;
}

summary(() => {
  verdicts("silence, nobody speaks", 0.02);
  verdicts("the caller speaks", 0.9, []);
  verdicts("our voice, the caller is silent", 0.02, [{ type: "agent", playing: true }]);
  verdicts("our voice may not be interrupted", 0.9, [{ type: "agent", playing: true, interruptible: false }]);
});

bench("a call of 312 verdicts with all kinds of events", () => do_not_optimize(callOf(createTurnMachine(), 0)));

await run();
