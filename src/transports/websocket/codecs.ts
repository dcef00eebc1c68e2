/*
 * The codecs a page may choose from. PCM16 costs nothing and 48 kB/s at 24 kHz; Opus costs 3 kB/s; µ-law is what stock
 * FastRTC pages speak.
 */
import { decodeMulaw, encodeMulaw } from "../../audio/g711.ts";
import { int16ToBytes } from "../../audio/pcm.ts";
import { VoiceError } from "../../base/errors.ts";
import type { AudioFormat } from "../../protocol/socket.ts";

/** Both directions of one codec. Opus keeps state, so each direction of a call has its own. */
export interface Codec {
  readonly format: AudioFormat;
  /** Rate of the samples, Hz. That of the format, but 24 000 for Opus, whose clock always says 48 000. */
  readonly rate: number;
  /** The samples in an array of their own; undefined when the payload cannot be of this codec. */
  decode(payload: Uint8Array): Int16Array | undefined;
  /** The payload for 20 ms. Valid until the next call. */
  encode(samples: Int16Array): Uint8Array;
  free(): void;
}

/** What is offered, the best first. The page's order decides. */
export const supportedFormats: readonly AudioFormat[] = [
  { codec: "pcm16", rate: 24_000 },
  { codec: "opus", rate: 48_000 },
  { codec: "pcm16", rate: 16_000 },
  { codec: "pcm16", rate: 48_000 },
  { codec: "mulaw", rate: 24_000 },
  { codec: "mulaw", rate: 16_000 },
  { codec: "mulaw", rate: 8_000 },
  { codec: "mulaw", rate: 48_000 },
];

/** Speech at 24 kbit/s is hard to tell from the original. */
const OPUS_BITRATE = 24_000;
const OPUS_RATE = 24_000;
/** The longest Opus packet is 120 ms; a payload above this many bytes is none. */
const OPUS_LIMIT = 4_000;

/** Makes the codec for one direction of one call. */
export async function openCodec(format: AudioFormat, direction: "in" | "out"): Promise<Codec> {
  switch (format.codec) {
    case "pcm16":
      return pcm16(format);
    case "mulaw":
      return mulaw(format);
    case "opus":
      return direction === "in" ? await opusDecoder(format) : await opusEncoder(format);
  }
}

/** Little-endian samples. */
export function pcm16(format: AudioFormat): Codec {
  return {
    format,
    rate: format.rate,
    decode(payload) {
      if (payload.length % 2 === 1 || payload.length === 0) return undefined;
      // A copy: the payload is a view on what the socket received, and half of them lie on an odd address.
      const samples = new Int16Array(payload.length / 2);
      int16ToBytes(samples).set(payload);
      return samples;
    },
    encode: int16ToBytes,
    free() {},
  };
}

/** ITU-T G.711 at any rate. */
export function mulaw(format: AudioFormat): Codec {
  let scratch = new Uint8Array(0);
  return {
    format,
    rate: format.rate,
    decode: (payload) => (payload.length === 0 ? undefined : decodeMulaw(payload)),
    encode(samples) {
      if (scratch.length !== samples.length) scratch = new Uint8Array(samples.length);
      return encodeMulaw(samples, scratch);
    },
    free() {},
  };
}

async function opusDecoder(format: AudioFormat): Promise<Codec> {
  const { createDecoder } = await loadOpus();
  const decoder = await createDecoder({ sampleRate: OPUS_RATE, channels: 1 });
  return {
    format,
    rate: OPUS_RATE,
    decode(payload) {
      if (payload.length === 0 || payload.length > OPUS_LIMIT) return undefined;
      try {
        return decoder.decode(payload);
      } catch {
        return undefined;
      }
    },
    encode: wrongWay,
    free: () => decoder.free(),
  };
}

async function opusEncoder(format: AudioFormat): Promise<Codec> {
  const { createEncoder, Application, Signal } = await loadOpus();
  const encoder = await createEncoder({
    sampleRate: OPUS_RATE,
    channels: 1,
    application: Application.Voip,
    signal: Signal.Voice,
    bitrate: OPUS_BITRATE,
    frameSize: (OPUS_RATE * 20) / 1000,
    complexity: 5,
  });
  return {
    format,
    rate: OPUS_RATE,
    decode: () => undefined,
    encode: (samples) => encoder.encode(samples),
    free: () => encoder.free(),
  };
}

function wrongWay(): Uint8Array {
  throw new TypeError("a codec made for one direction was used for the other");
}

async function loadOpus(): Promise<typeof import("libopus-wasm")> {
  try {
    return await import("libopus-wasm");
  } catch (cause) {
    throw new VoiceError("missing-peer", "Opus needs the package libopus-wasm: npm install libopus-wasm", { cause });
  }
}
