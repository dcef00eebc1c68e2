/**
 * Judges windows of microphone audio: is somebody speaking? Opening and closing of speech is not its business, the turn
 * machine does that, so that all tuning is in one policy.
 */
export interface VoiceDetector {
  /** Rate it wants, in Hz. */
  readonly rate: number;
  /** Samples per window, exactly. */
  readonly window: number;
  /**
   * The probability, 0 to 1, that this window holds speech. Samples are mono in [-1, 1]; windows must follow each other
   * without a gap (feed silence for what was lost). Synchronous; keeps no reference to `samples`.
   */
  push(samples: Float32Array): number;
  /** Forget what was heard: a new stream begins. */
  reset(): void;
}

/** Makes a detector for one caller whose audio has this rate in Hz. Called once per session. */
export type DetectorMaker = (rate: number) => VoiceDetector;
