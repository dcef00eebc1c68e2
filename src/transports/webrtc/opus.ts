/*
 * Opus at the rate of the handler, both ways, without a resampler. libopus runs as WebAssembly: one instance per process,
 * loaded on first use; a coder exists from the moment a call is connected until it is closed.
 */
import {
  Application,
  createDecoder,
  createEncoder,
  loadLibopus,
  type OpusDecoderHandle,
  type OpusEncoderHandle,
} from "libopus-wasm";
import type { Millis } from "../../base/time.ts";

/** Rates that Opus takes and gives, Hz. */
export type OpusRate = 8000 | 12_000 | 16_000 | 24_000 | 48_000;

const rates: readonly number[] = [8000, 12_000, 16_000, 24_000, 48_000];

/** Whether Opus works at this rate. */
export function isOpusRate(rate: number): rate is OpusRate {
  return rates.includes(rate);
}

/**
 * CELT without look-ahead beyond 2.5 ms: a third of the work of the voice mode and 4 ms less delay. 40 kbit/s and
 * complexity 5: see bench/.
 */
const BITRATE = 40_000;
const COMPLEXITY = 5;

/** Loads the codec, so that the first call does not wait for it. */
export async function loadOpus(): Promise<void> {
  await loadLibopus();
}

/** One caller's encoder and decoder; two channels are interleaved. `free` must be called. */
export class Opus {
  readonly rate: OpusRate;
  readonly channels: 1 | 2;
  readonly #encoder: OpusEncoderHandle;
  readonly #decoder: OpusDecoderHandle;
  #free = false;

  private constructor(rate: OpusRate, channels: 1 | 2, encoder: OpusEncoderHandle, decoder: OpusDecoderHandle) {
    this.rate = rate;
    this.channels = channels;
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  /** `agent`: for our voice. `browser`: as browsers encode a microphone, in voice mode with copies against loss. */
  static async create(rate: OpusRate, kind: "agent" | "browser" = "agent", channels: 1 | 2 = 1): Promise<Opus> {
    const browser = kind === "browser";
    const encoder = await createEncoder({
      sampleRate: rate,
      channels,
      frameSize: rate / 50,
      application: browser ? Application.Voip : Application.RestrictedLowDelay,
      bitrate: (browser ? 32_000 : BITRATE) * channels,
      complexity: COMPLEXITY,
      ...(browser ? { fec: true, packetLossPercent: 10 } : {}),
    });
    try {
      return new Opus(rate, channels, encoder, await createDecoder({ sampleRate: rate, channels }));
    } catch (error) {
      encoder.free();
      throw error;
    }
  }

  /** Encodes 20 ms. The result is the caller's to keep. */
  encode(samples: Int16Array): Uint8Array {
    return this.#encoder.encode(samples);
  }

  /** Decodes one packet of 2.5 to 120 ms. Throws when it is broken. */
  decode(packet: Uint8Array): Int16Array {
    return this.#decoder.decode(packet);
  }

  /** The lost packet before `next`, from the copy that `next` carries. */
  recover(next: Uint8Array, ms: Millis): Int16Array {
    return this.#decoder.decode(next, { decodeFec: true, frameSize: (ms * this.rate) / 1000 });
  }

  /** Audio in place of what was lost, fading with every call. */
  conceal(ms: Millis): Int16Array {
    return this.#decoder.decodePacketLoss((ms * this.rate) / 1000);
  }

  free(): void {
    if (this.#free) return;
    this.#free = true;
    this.#encoder.free();
    this.#decoder.free();
  }
}
