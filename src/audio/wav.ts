import type { Fault } from "../base/errors.ts";
import { decodeAlaw, decodeMulaw } from "./g711.ts";
import { clampInt16, int16ToBytes } from "./pcm.ts";

/** What a WAV file holds, as 16-bit samples, interleaved when there are two channels. */
export interface Wav {
  readonly rate: number;
  readonly channels: 1 | 2;
  readonly samples: Int16Array;
}

/** Length of the header that `wavHeader` makes, in bytes. */
export const WAV_HEADER_BYTES = 44;

const UNKNOWN_LENGTH = 0xffffffff;
const PCM = 1;
const FLOAT = 3;
const ALAW = 6;
const MULAW = 7;
const EXTENSIBLE = 0xfffe;

interface Format {
  readonly tag: number;
  readonly channels: 1 | 2;
  readonly rate: number;
  readonly bits: number;
}

/**
 * Reads a RIFF WAVE file: PCM of 8, 16, 24 or 32 bits, float of 32 or 64, µ-law or A-law, mono or stereo. Unknown chunks
 * are skipped; a data chunk that promises more than there is (a stream, a cut-off file) gives what is there. Answers a
 * fault with code `bad-message` when it is not such a file.
 */
export function readWav(bytes: Uint8Array): Wav | Fault {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || textAt(bytes, 0) !== "RIFF" || textAt(bytes, 8) !== "WAVE") {
    return fault("expected a RIFF WAVE header");
  }
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const id = textAt(bytes, at);
    const promised = view.getUint32(at + 4, true);
    const start = at + 8;
    const length = Math.min(promised, bytes.length - start);
    if (id === "fmt ") {
      const read = readFormat(view, start, length);
      if ("fault" in read) return read;
      format = read;
    } else if (id === "data") {
      if (format === undefined) return fault("expected a fmt chunk before the data chunk");
      return {
        rate: format.rate,
        channels: format.channels,
        samples: readSamples(bytes.subarray(start, start + length), format),
      };
    }
    at = start + promised + (promised % 2); // chunks begin on even offsets
  }
  return fault(format === undefined ? "expected a fmt chunk, found none" : "expected a data chunk, found none");
}

/** A 16-bit WAV file of these samples, interleaved when there are two channels. */
export function writeWav(samples: Int16Array, rate: number, channels: 1 | 2 = 1): Uint8Array {
  const file = new Uint8Array(WAV_HEADER_BYTES + samples.byteLength);
  file.set(wavHeader(rate, channels, samples.byteLength), 0);
  file.set(int16ToBytes(samples), WAV_HEADER_BYTES);
  return file;
}

/**
 * The 44 bytes in front of 16-bit samples. Without `dataBytes` the length is marked as unknown, for a stream that is
 * written as it comes; write the header again over the first one when the length is known.
 */
export function wavHeader(rate: number, channels: 1 | 2 = 1, dataBytes?: number): Uint8Array {
  if (!Number.isInteger(rate) || rate < 1 || rate > 0xffffffff)
    throw new RangeError(`rate must be a positive whole number, got ${rate}`);
  const header = new Uint8Array(WAV_HEADER_BYTES);
  const view = new DataView(header.buffer);
  const known = dataBytes !== undefined && dataBytes <= UNKNOWN_LENGTH - 36;
  putText(header, 0, "RIFF");
  view.setUint32(4, known ? dataBytes + 36 : UNKNOWN_LENGTH, true);
  putText(header, 8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels * 2, true);
  view.setUint16(32, channels * 2, true);
  view.setUint16(34, 16, true);
  putText(header, 36, "data");
  view.setUint32(40, known ? dataBytes : UNKNOWN_LENGTH, true);
  return header;
}

function readFormat(view: DataView, at: number, length: number): Format | Fault {
  if (length < 16) return fault(`expected a fmt chunk of at least 16 bytes, got ${length}`);
  const declared = view.getUint16(at, true);
  // The extensible form keeps the real tag in the first two bytes of a GUID.
  const tag = declared === EXTENSIBLE && length >= 26 ? view.getUint16(at + 24, true) : declared;
  const channels = view.getUint16(at + 2, true);
  const rate = view.getUint32(at + 4, true);
  const bits = view.getUint16(at + 14, true);
  if (channels !== 1 && channels !== 2) return fault(`expected 1 or 2 channels, got ${channels}`);
  if (rate < 1) return fault(`expected a rate above 0 Hz, got ${rate}`);
  if (!isKnown(tag, bits))
    return fault(`expected PCM, float, A-law or µ-law samples, got format ${tag} of ${bits} bits`);
  return { tag, channels, rate, bits };
}

function isKnown(tag: number, bits: number): boolean {
  if (tag === PCM) return bits === 8 || bits === 16 || bits === 24 || bits === 32;
  if (tag === FLOAT) return bits === 32 || bits === 64;
  return (tag === ALAW || tag === MULAW) && bits === 8;
}

function readSamples(data: Uint8Array, { tag, channels, bits }: Format): Int16Array {
  const width = bits / 8;
  const count = Math.floor(data.length / (width * channels)) * channels;
  if (tag === MULAW) return decodeMulaw(data.subarray(0, count));
  if (tag === ALAW) return decodeAlaw(data.subarray(0, count));
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const samples = new Int16Array(count);
  if (tag === FLOAT) {
    for (let i = 0; i < count; i++) {
      const value = width === 4 ? view.getFloat32(i * 4, true) : view.getFloat64(i * 8, true);
      samples[i] = clampInt16(Math.round(value * 32768));
    }
  } else if (width === 1) {
    for (let i = 0; i < count; i++) samples[i] = (data[i]! - 128) << 8; // 8-bit PCM is unsigned
  } else {
    for (let i = 0; i < count; i++) samples[i] = view.getInt16((i + 1) * width - 2, true); // the upper two bytes
  }
  return samples;
}

function textAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
}

function putText(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

function fault(why: string): Fault {
  return { fault: "bad-message", why };
}
