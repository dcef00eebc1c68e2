/*
 * Finds the turns in a caller's audio the way the session asks for: `server_vad` by the length of a silence,
 * `semantic_vad` by how finished it sounds, null not at all. Time is media time: a gap in the audio stops it, as it stops
 * the service's.
 */
import { Windower } from "../../audio/rechunk.ts";
import { Resampler } from "../../audio/resample.ts";
import type { Millis } from "../../base/time.ts";
import type { SemanticVad, ServerVad } from "../../protocol/openai/session.ts";
import type { TurnEvent } from "../../turn/events.ts";
import { createTurnMachine, type TunableTurnMachine } from "../../turn/machine.ts";
import { parsePolicy, type TurnPolicy } from "../../turn/policy.ts";
import type { DetectorMaker, VoiceDetector } from "../../vad/detector.ts";

export type TurnDetection = ServerVad | SemanticVad | null;

/** The longest wait of `semantic_vad`, ms, by eagerness. */
const LONGEST: Readonly<Record<SemanticVad["eagerness"], Millis>> = {
  low: 8_000,
  medium: 4_000,
  auto: 4_000,
  high: 2_000,
};
/** The shortest one, ms. */
const SHORTEST: Readonly<Record<SemanticVad["eagerness"], Millis>> = { low: 500, medium: 300, auto: 300, high: 200 };
/** A turn is never longer. */
const LONGEST_TURN: Millis = 600_000;

/** What our turn machine makes of a session's `turn_detection`. */
export function policyOf(detection: ServerVad | SemanticVad): TurnPolicy {
  // Everything that was detected is committed, as the service does: no voice is too short.
  const common = { words: "none", minVoiceMs: 0, maxTurnMs: LONGEST_TURN } as const;
  if (detection.type === "semantic_vad") {
    const { eagerness } = detection;
    return parsePolicy({ ...common, adaptive: { minMs: SHORTEST[eagerness], maxMs: LONGEST[eagerness], curve: 1.5 } });
  }
  const { threshold, prefix_padding_ms, silence_duration_ms } = detection;
  return parsePolicy({
    ...common,
    adaptive: false,
    threshold,
    releaseThreshold: Math.max(0, threshold - 0.15),
    overThreshold: threshold,
    prefixMs: Math.min(2_000, prefix_padding_ms),
    silenceMs: Math.max(100, silence_duration_ms),
  });
}

/** Listens to one call. */
export class Ears {
  readonly #makeDetector: DetectorMaker;
  readonly #onTurn: (event: TurnEvent) => void;
  #detection: TurnDetection = null;
  #rate = 0;
  #detector: VoiceDetector | undefined;
  #machine: TunableTurnMachine | undefined;
  #resampler: Resampler | undefined;
  #windower: Windower | undefined;
  #floats: Float32Array = new Float32Array(0);
  /** End of the last window. */
  #now: Millis = 0;

  /** `onTurn` is called from inside `push`, in media time. */
  constructor(makeDetector: DetectorMaker, onTurn: (event: TurnEvent) => void) {
    this.#makeDetector = makeDetector;
    this.#onTurn = onTurn;
  }

  /** Listens this way from `at` on, to audio of this rate in Hz. A changed policy keeps an utterance that is open. */
  set(detection: TurnDetection, rate: number, at: Millis): void {
    const before = this.#detection;
    this.#detection = detection;
    if (detection !== null && before?.type === detection.type && rate === this.#rate && this.#machine !== undefined) {
      this.#machine.setPolicy(policyOf(detection));
      return;
    }
    if (rate !== this.#rate) this.#detector = undefined;
    this.#rate = rate;
    this.restart(at);
  }

  /** Forgets an open utterance: the next speech begins another one. */
  restart(at: Millis): void {
    const detection = this.#detection;
    if (detection === null) {
      this.#machine = undefined;
      return;
    }
    this.#detector ??= this.#makeDetector(this.#rate);
    const detector = this.#detector;
    detector.reset();
    this.#machine = createTurnMachine(policyOf(detection));
    this.#machine.tick(at);
    this.#now = at;
    this.#resampler = new Resampler(this.#rate, detector.rate);
    const span = (detector.window / detector.rate) * 1000;
    this.#windower = new Windower(detector.window, (window) => {
      this.#now += span;
      this.#tell(this.#machine?.hear(detector.push(window), this.#now));
    });
  }

  /** The next audio, mono at the rate that was set. */
  push(samples: Int16Array): void {
    const resampler = this.#resampler;
    if (this.#machine === undefined || resampler === undefined) return;
    const length = resampler.outputLength(samples.length);
    if (this.#floats.length < length) this.#floats = new Float32Array(length);
    resampler.push(samples, this.#floats);
    this.#windower?.push(this.#floats, length);
  }

  /** How likely the caller has finished, as a recogniser or a turn model says. */
  likelyEnd(p: number): void {
    if (this.#detection?.type === "semantic_vad") this.#tell(this.#machine?.note({ type: "likely-end", p }, this.#now));
  }

  #tell(events: readonly TurnEvent[] | undefined): void {
    for (const event of events ?? []) {
      this.#onTurn(event);
      // The reply is heard at the other end of a wire we do not see: for the machine the floor is free again at once.
      if (event.type === "ended") this.#tell(this.#machine?.note({ type: "agent", playing: false }, this.#now));
    }
  }
}
