import { VoiceError } from "../base/errors.ts";
import type { Millis } from "../base/time.ts";

/** How long a silence must be, from what the words say: between `minMs` and `maxMs` after the end of speech. */
export interface Adaptive {
  readonly minMs: Millis;
  readonly maxMs: Millis;
  /** How fast the wait shrinks as the end becomes likely. 1 is a straight line; higher values wait less in the middle. */
  readonly curve: number;
}

/** What the recogniser tells: nothing, only whole results after a pause, or words while the caller speaks. */
export type WordsAtHand = "none" | "final" | "partial";

/**
 * Every choice of the turn machine. Plain data, may be changed while a call runs. What each member means, its range, and
 * what too small and too large do stands in `policyFields`, from which docs/turns.md is made.
 */
export interface TurnPolicy {
  readonly turns: "local" | "engine";
  readonly words: WordsAtHand;
  readonly threshold: number;
  readonly releaseThreshold: number;
  readonly overThreshold: number;
  readonly minSpeechMs: Millis;
  readonly releaseMs: Millis;
  readonly prefixMs: Millis;
  readonly minVoiceMs: Millis;
  readonly silenceMs: Millis;
  /** `undefined`: every turn ends after `silenceMs`. */
  readonly adaptive: Adaptive | undefined;
  readonly verdictMs: Millis;
  readonly finalMs: Millis;
  readonly eagerAt: number;
  readonly interrupt: boolean;
  readonly bargeIn: "onset" | "decide";
  readonly duckMs: Millis;
  readonly holdMs: Millis;
  readonly interruptMs: Millis;
  readonly decideMs: Millis;
  readonly decideMaxMs: Millis;
  readonly falseAlarmMs: Millis;
  readonly minWords: number;
  readonly lateMs: Millis;
  readonly graceMs: Millis;
  readonly mergeMs: Millis;
  readonly mergeHeardMs: Millis;
  readonly digitsMs: Millis;
  readonly stuckMs: Millis;
  readonly maxTurnMs: Millis;
}

/** What people write: any part of a policy; `adaptive` also by the name of a preset, or `false` for off. */
export type TurnOptions = { readonly [K in Exclude<keyof TurnPolicy, "adaptive">]?: TurnPolicy[K] } & {
  readonly adaptive?: AdaptivePreset | Partial<Adaptive> | false | undefined;
};

export type AdaptivePreset = "eager" | "auto" | "patient";

/** Measured on the end-of-turn benchmark: a curve of 1.5 cuts fewer turns off than 2 at the same mean wait. */
export const adaptivePresets: Readonly<Record<AdaptivePreset, Adaptive>> = {
  eager: { minMs: 150, maxMs: 1_500, curve: 2 },
  auto: { minMs: 250, maxMs: 2_500, curve: 1.5 },
  patient: { minMs: 500, maxMs: 4_000, curve: 1.5 },
};

type NumberField = {
  readonly unit: "ms" | "share" | "words";
  readonly least: number;
  readonly most: number;
  readonly about: string;
};
type ChoiceField = { readonly unit: "choice"; readonly values: readonly (string | boolean)[]; readonly about: string };

/** Range and meaning of every member but `adaptive`. `share` is a probability. */
export const policyFields: Readonly<Record<Exclude<keyof TurnPolicy, "adaptive">, NumberField | ChoiceField>> = {
  turns: choice(
    ["local", "engine"],
    "Who decides turns: this machine, or the provider; then only duck and hold stay here.",
  ),
  words: choice(
    ["none", "final", "partial"],
    "What the recogniser tells: nothing, whole results after a pause, words while the caller speaks.",
  ),
  threshold: share(
    "Speech begins at this probability. Too small: noise opens turns. Too large: soft callers are missed.",
  ),
  releaseThreshold: share(
    "Below it a window is quiet. Too small: turns never pause in noise. Too large: soft endings are cut.",
  ),
  overThreshold: share(
    "As `threshold`, while our voice is heard. Too small: our echo interrupts us. Too large: callers must shout.",
  ),
  minSpeechMs: ms(
    0,
    1_000,
    "Unbroken speech that opens a turn. Too small: clicks open turns. Too large: short words are missed.",
  ),
  releaseMs: ms(
    0,
    1_000,
    "Unbroken quiet that counts as a pause. Too small: stops between syllables count. Too large: pauses are seen late.",
  ),
  prefixMs: ms(
    0,
    2_000,
    "Audio kept from before the onset. Too small: the head of a word is lost. Too large: memory, and noise for the recogniser.",
  ),
  minVoiceMs: ms(
    0,
    5_000,
    'Without words: less voice than this is noise and gets no reply. Too small: coughs are answered. Too large: "yes" is not.',
  ),
  silenceMs: ms(
    100,
    10_000,
    "Without `adaptive`: silence that ends a turn. Too small: cuts callers off. Too large: slow replies.",
  ),
  verdictMs: ms(
    0,
    5_000,
    "Wait for an opinion on a pause before taking it as even odds. Too small: opinions come too late to count. Too large: slow replies.",
  ),
  finalMs: ms(
    0,
    10_000,
    "Wait for the final words once the pause is long enough. Too small: last words are lost. Too large: slow replies.",
  ),
  eagerAt: share(
    "Likelihood of the end at which a reply is prepared. Too small: wasted model calls. Too large: nothing gained.",
  ),
  interrupt: choice(
    [true, false],
    "Whether the caller can interrupt. If not, what is said over our voice is answered afterwards.",
  ),
  bargeIn: choice(
    ["onset", "decide"],
    "Speech over our voice interrupts by its length alone, or is held until words or `decideMs` tell.",
  ),
  duckMs: ms(
    0,
    2_000,
    "Speech over our voice that makes it quieter. Too small: it flutters with clicks. Too large: we talk over the caller.",
  ),
  holdMs: ms(
    0,
    5_000,
    "Speech over our voice that pauses it. Too small: pauses for coughs. Too large: we talk over the caller.",
  ),
  interruptMs: ms(
    0,
    5_000,
    "`onset`: speech over our voice that interrupts. Too small: a cough loses the reply. Too large: reply work goes on in vain.",
  ),
  decideMs: ms(
    0,
    10_000,
    '`decide`: still speaking then interrupts, if no words can come or they are only "mm-hm". Too small: backchannels interrupt. Too large: long wait.',
  ),
  decideMaxMs: ms(
    0,
    20_000,
    "`decide`: still speaking then interrupts, words or not. Too small: noise interrupts. Too large: callers wait for a slow recogniser.",
  ),
  falseAlarmMs: ms(
    0,
    10_000,
    "`decide`: quiet this long without words lets our voice go on. Too small: late words meet our voice. Too large: an awkward silence.",
  ),
  minWords: {
    unit: "words",
    least: 1,
    most: 20,
    about: 'Words that interrupt, unless they are "stop" or "mm-hm". Too large: callers must insist.',
  },
  lateMs: ms(
    0,
    10_000,
    "After our voice went on: words that still come count. Too small: slow recognisers lose. Too large: old words interrupt.",
  ),
  graceMs: ms(
    0,
    5_000,
    "After our first sound the caller's speech waits this long. Too small: echo of our first syllable interrupts. Too large: deaf start.",
  ),
  mergeMs: ms(
    0,
    10_000,
    "Going on within this time after a turn ended continues it, if little was heard. Too small: one sentence, two replies. Too large: answers are read as corrections.",
  ),
  mergeHeardMs: ms(
    0,
    5_000,
    "How much of our reply counts as little. Too small: never continues. Too large: as above.",
  ),
  digitsMs: ms(
    200,
    30_000,
    "Wait for the next key of a telephone. Too small: numbers are cut. Too large: slow replies; # ends at once.",
  ),
  stuckMs: ms(
    1_000,
    120_000,
    "`partial`: voice without new words for this long is background noise. Too small: slow speakers are cut. Too large: a radio holds the turn.",
  ),
  maxTurnMs: ms(
    1_000,
    600_000,
    "Longest turn. Too small: cuts stories. Too large: memory, and a caller who is never answered.",
  ),
};

/**
 * The policy to start from. With words at hand pauses are judged by them and speech over our voice is held until they
 * tell; without, silence and length decide.
 */
export function defaultPolicy(words: WordsAtHand = "none"): TurnPolicy {
  return {
    turns: "local",
    words,
    threshold: 0.5,
    releaseThreshold: 0.35,
    overThreshold: 0.6,
    minSpeechMs: 64,
    releaseMs: 96,
    prefixMs: 300,
    minVoiceMs: 200,
    silenceMs: 500,
    adaptive: words === "none" ? undefined : adaptivePresets.auto,
    verdictMs: 300,
    finalMs: 500,
    eagerAt: 0.5,
    interrupt: true,
    bargeIn: words === "none" ? "onset" : "decide",
    duckMs: 64,
    // Three windows: our last sample leaves about 100 ms after the onset. Five windows would miss the 120 ms we promise.
    holdMs: 96,
    // Five windows: an 80 ms cough touches at most four.
    interruptMs: 160,
    // A backchannel lasts 480 ms (p50) to 640 ms (p90) as the detector sees it.
    decideMs: 700,
    decideMaxMs: 1_500,
    falseAlarmMs: words === "partial" ? 800 : 1_500,
    minWords: 1,
    lateMs: 1_000,
    graceMs: 250,
    mergeMs: 1_000,
    mergeHeardMs: 300,
    digitsMs: 2_500,
    stuckMs: 8_000,
    maxTurnMs: 60_000,
  };
}

/** One thing that is wrong with what was written. */
export interface PolicyFault {
  readonly path: string;
  readonly expected: string;
  readonly got: unknown;
}

/**
 * Completes what was written (see TurnOptions) with `base`, or with the defaults for its `words`. Unknown names are faults
 * too: a misspelt option would silently do nothing. Throws VoiceError `config` that names all faults;
 * `meta.faults` holds them as PolicyFault[].
 */
export function parsePolicy(input: unknown, base?: TurnPolicy): TurnPolicy {
  const faults: PolicyFault[] = [];
  const given = input ?? {};
  if (!isRecord(given)) throw configError([{ path: "policy", expected: "an object", got: input }]);

  const start = base ?? defaultPolicy(readWords(given["words"]));
  const policy: Record<string, unknown> = { ...start };
  for (const [path, got] of Object.entries(given)) {
    if (got === undefined && path !== "adaptive") continue;
    if (path === "adaptive") {
      policy[path] = readAdaptive(got, start.adaptive, faults);
      continue;
    }
    if (!isField(path)) {
      faults.push({ path, expected: `one of ${Object.keys(policyFields).join(", ")}, adaptive`, got });
      continue;
    }
    const expected = expectedOf(policyFields[path], got);
    if (expected === undefined) policy[path] = got;
    else faults.push({ path, expected, got });
  }
  if (faults.length > 0) throw configError(faults);

  // Every member was checked above or comes from a policy.
  const parsed = policy as unknown as TurnPolicy;
  // A lower `threshold` alone takes `releaseThreshold` along, so that one slider is enough.
  const settled =
    given["releaseThreshold"] === undefined && parsed.releaseThreshold > parsed.threshold
      ? { ...parsed, releaseThreshold: parsed.threshold }
      : parsed;
  checkOrder(settled, faults);
  if (faults.length > 0) throw configError(faults);
  return settled;
}

function readWords(got: unknown): WordsAtHand {
  return got === "final" || got === "partial" ? got : "none";
}

function readAdaptive(got: unknown, base: Adaptive | undefined, faults: PolicyFault[]): Adaptive | undefined {
  if (got === undefined || got === null || got === false) return undefined;
  if (got === true) return base ?? adaptivePresets.auto;
  if (got === "eager" || got === "auto" || got === "patient") return adaptivePresets[got];
  if (!isRecord(got)) {
    faults.push({ path: "adaptive", expected: "eager, auto, patient, false or { minMs, maxMs, curve }", got });
    return base;
  }
  const { minMs, maxMs, curve } = { ...(base ?? adaptivePresets.auto), ...got };
  for (const path of Object.keys(got)) {
    if (path !== "minMs" && path !== "maxMs" && path !== "curve") {
      faults.push({ path: `adaptive.${path}`, expected: "one of minMs, maxMs, curve", got: got[path] });
    }
  }
  if (!isWithin(minMs, 0, 10_000)) faults.push({ path: "adaptive.minMs", expected: "0 to 10000 ms", got: minMs });
  if (!isWithin(maxMs, 100, 30_000)) faults.push({ path: "adaptive.maxMs", expected: "100 to 30000 ms", got: maxMs });
  if (!isWithin(curve, 0.25, 8))
    faults.push({ path: "adaptive.curve", expected: "a number from 0.25 to 8", got: curve });
  if (isWithin(minMs, 0, 10_000) && isWithin(maxMs, 0, 30_000) && minMs > maxMs) {
    faults.push({ path: "adaptive.minMs", expected: `at most maxMs, ${maxMs}`, got: minMs });
  }
  return { minMs, maxMs, curve };
}

function checkOrder(policy: TurnPolicy, faults: PolicyFault[]): void {
  const { threshold, releaseThreshold, decideMs, decideMaxMs } = policy;
  if (releaseThreshold > threshold) {
    faults.push({ path: "releaseThreshold", expected: `at most threshold, ${threshold}`, got: releaseThreshold });
  }
  if (releaseThreshold > policy.overThreshold) {
    faults.push({
      path: "overThreshold",
      expected: `at least releaseThreshold, ${releaseThreshold}`,
      got: policy.overThreshold,
    });
  }
  if (decideMs > decideMaxMs)
    faults.push({ path: "decideMs", expected: `at most decideMaxMs, ${decideMaxMs}`, got: decideMs });
}

function expectedOf(field: NumberField | ChoiceField, got: unknown): string | undefined {
  if (field.unit === "choice") {
    return field.values.some((value) => value === got) ? undefined : `one of ${field.values.join(", ")}`;
  }
  const whole = field.unit === "words";
  if (isWithin(got, field.least, field.most) && (!whole || Number.isInteger(got))) return undefined;
  return `${whole ? "a whole number" : "a number"} from ${field.least} to ${field.most}${field.unit === "ms" ? " ms" : ""}`;
}

function configError(faults: readonly PolicyFault[]): VoiceError {
  const lines = faults.map(({ path, expected, got }) => `${path} must be ${expected}, got ${show(got)}`);
  return new VoiceError("config", `turn policy: ${lines.join("; ")}`, { meta: { faults } });
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  return typeof value === "object" && value !== null ? (Array.isArray(value) ? "a list" : "an object") : String(value);
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && value >= least && value <= most;
}

function isField(name: string): name is keyof typeof policyFields {
  return Object.hasOwn(policyFields, name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function ms(least: number, most: number, about: string): NumberField {
  return { unit: "ms", least, most, about };
}

function share(about: string): NumberField {
  return { unit: "share", least: 0.01, most: 1, about };
}

function choice(values: readonly (string | boolean)[], about: string): ChoiceField {
  return { unit: "choice", values, about };
}
