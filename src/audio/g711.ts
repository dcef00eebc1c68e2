/*
 * ITU-T G.711: the two codecs of the telephone network, 8 bits a sample on a roughly logarithmic scale. One byte is sign,
 * 3 bits of exponent, 4 bits of mantissa. µ-law inverts all bits, A-law every other one, so that silence has many edges.
 */

/** The byte that is silence in µ-law. 0x00 would be a full-scale click. */
export const MULAW_SILENCE = 0xff;
/** The byte that is silence in A-law. */
export const ALAW_SILENCE = 0xd5;

const MULAW_BIAS = 132;
const MULAW_CLIP = 32635;

const mulawTable: Int16Array = Int16Array.from({ length: 256 }, (_, b) => mulawToSample(b));
const alawTable: Int16Array = Int16Array.from({ length: 256 }, (_, b) => alawToSample(b));

/** µ-law bytes to samples, one each. Writes into `into` when given, which must hold `bytes.length` samples. */
export function decodeMulaw(bytes: Uint8Array, into: Int16Array = new Int16Array(bytes.length)): Int16Array {
  return decode(bytes, mulawTable, into);
}

/** A-law bytes to samples, one each. Writes into `into` when given, which must hold `bytes.length` samples. */
export function decodeAlaw(bytes: Uint8Array, into: Int16Array = new Int16Array(bytes.length)): Int16Array {
  return decode(bytes, alawTable, into);
}

/** Samples to µ-law bytes, one each. Writes into `into` when given, which must hold `samples.length` bytes. */
export function encodeMulaw(samples: Int16Array, into: Uint8Array = new Uint8Array(samples.length)): Uint8Array {
  checkRoom(samples.length, into.length);
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i]!;
    const sign = (x >> 8) & 0x80;
    const magnitude = x < 0 ? -x : x;
    const biased = (magnitude > MULAW_CLIP ? MULAW_CLIP : magnitude) + MULAW_BIAS;
    const exponent = 24 - Math.clz32(biased); // the highest set bit, counted from bit 7
    into[i] = ~(sign | (exponent << 4) | ((biased >> (exponent + 3)) & 15));
  }
  return into;
}

/** Samples to A-law bytes, one each. Writes into `into` when given, which must hold `samples.length` bytes. */
export function encodeAlaw(samples: Int16Array, into: Uint8Array = new Uint8Array(samples.length)): Uint8Array {
  checkRoom(samples.length, into.length);
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i]!;
    const sign = (~x >> 8) & 0x80;
    const magnitude = x < 0 ? ~x : x;
    const exponent = magnitude < 256 ? 0 : 24 - Math.clz32(magnitude); // below 256 the scale is linear
    const shift = exponent === 0 ? 4 : exponent + 3;
    into[i] = (sign | (exponent << 4) | ((magnitude >> shift) & 15)) ^ 0x55;
  }
  return into;
}

function decode(bytes: Uint8Array, table: Int16Array, into: Int16Array): Int16Array {
  checkRoom(bytes.length, into.length);
  for (let i = 0; i < bytes.length; i++) into[i] = table[bytes[i]!]!;
  return into;
}

function checkRoom(needed: number, got: number): void {
  if (got < needed) throw new RangeError(`into must hold ${needed} values, got ${got}`);
}

function mulawToSample(byte: number): number {
  const b = ~byte & 0xff;
  const magnitude = ((((b & 15) << 3) + MULAW_BIAS) << ((b >> 4) & 7)) - MULAW_BIAS;
  return b & 0x80 ? -magnitude : magnitude;
}

function alawToSample(byte: number): number {
  const b = byte ^ 0x55;
  const exponent = (b >> 4) & 7;
  const mantissa = (b & 15) << 4;
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1);
  return b & 0x80 ? magnitude : -magnitude;
}
