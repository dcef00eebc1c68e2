/*
 * Base64 (RFC 4648 section 4) for the media path: bytes to and from text without Buffer, so that it also runs in a
 * browser, and strict, where Buffer silently skips what is not base64.
 *
 *   3 bytes   aaaaaaaa bbbbbbbb cccccccc   ⇄   4 characters   aaaaaa aabbbb bbbbcc cccccc
 */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = 61;
/** The letter that stands for zero. */
const ZERO = 65;

/** ASCII code of each value. */
const encodeTable: Uint8Array = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));
/** Value of each ASCII code; -1 for what is not in the alphabet. */
const decodeTable: Int8Array = new Int8Array(128).fill(-1);
for (let value = 0; value < 64; value++) decodeTable[encodeTable[value]!] = value;
const identity: Int16Array = Int16Array.from({ length: 256 }, (_, byte) => byte);

/** How many characters this many bytes take, padding included. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** How many bytes a text of base64 holds. Padding may be missing. */
export function decodedLength(text: string): number {
  return Math.floor((endOf(text) * 3) / 4);
}

/** The bytes, or undefined when the text is not base64: a wrong character, or one left over. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(decodedLength(text));
  return decodeBase64Into(text, bytes) < 0 ? undefined : bytes;
}

/**
 * Decodes into a buffer that is used again and again. Answers how many bytes it wrote; -1 when the text is not base64 or
 * does not fit, and then what `into` holds means nothing.
 */
export function decodeBase64Into(text: string, into: Uint8Array): number {
  return decode(text, into, identity);
}

/**
 * Decodes bytes that each stand for a sample, in one pass: `table` holds the sample of each of the 256 bytes. Answers
 * the samples in an array of their own, or undefined when the text is not base64.
 */
export function decodeBase64Samples(text: string, table: Int16Array): Int16Array | undefined {
  const samples = new Int16Array(decodedLength(text));
  return decode(text, samples, table) < 0 ? undefined : samples;
}

function decode(text: string, into: Uint8Array | Int16Array, table: Int16Array): number {
  const end = endOf(text);
  const length = Math.floor((end * 3) / 4);
  if (end % 4 === 1 || length > into.length) return -1;
  // Wrong characters are -1 in the table, codes above 127 make `127 - code` negative: one sign bit tells at the end.
  let wrong = 0;
  let at = 0;
  let i = 0;
  for (; i + 3 < end; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    const bits =
      (decodeTable[a & 127]! << 18) |
      (decodeTable[b & 127]! << 12) |
      (decodeTable[c & 127]! << 6) |
      decodeTable[d & 127]!;
    wrong |= bits | (127 - (a | b | c | d));
    into[at] = table[(bits >> 16) & 255]!;
    into[at + 1] = table[(bits >> 8) & 255]!;
    into[at + 2] = table[bits & 255]!;
    at += 3;
  }
  if (i < end) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = i + 2 < end ? text.charCodeAt(i + 2) : ZERO;
    const bits = (decodeTable[a & 127]! << 18) | (decodeTable[b & 127]! << 12) | (decodeTable[c & 127]! << 6);
    wrong |= bits | (127 - (a | b | c));
    into[at++] = table[(bits >> 16) & 255]!;
    if (at < length) into[at++] = table[(bits >> 8) & 255]!;
  }
  return wrong < 0 ? -1 : length;
}

/** Writes bytes as ASCII base64 into `into` from `at` on; answers where it ended. Throws RangeError without room. */
export function writeBase64(bytes: Uint8Array, into: Uint8Array, at = 0): number {
  const needed = base64Length(bytes.length);
  if (into.length - at < needed)
    throw new RangeError(`into must have room for ${needed} bytes, got ${into.length - at}`);
  let to = at;
  let i = 0;
  for (; i + 2 < bytes.length; i += 3) {
    const bits = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    into[to++] = encodeTable[bits >> 18]!;
    into[to++] = encodeTable[(bits >> 12) & 63]!;
    into[to++] = encodeTable[(bits >> 6) & 63]!;
    into[to++] = encodeTable[bits & 63]!;
  }
  if (i < bytes.length) {
    const two = i + 1 < bytes.length;
    const bits = (bytes[i]! << 16) | (two ? bytes[i + 1]! << 8 : 0);
    into[to++] = encodeTable[bits >> 18]!;
    into[to++] = encodeTable[(bits >> 12) & 63]!;
    into[to++] = two ? encodeTable[(bits >> 6) & 63]! : PADDING;
    into[to++] = PADDING;
  }
  return to;
}

/** Bytes as base64 text, with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  const piece = new Uint8Array(base64Length(Math.min(bytes.length, PIECE)));
  for (let at = 0; at < bytes.length; at += PIECE) {
    const end = writeBase64(bytes.subarray(at, at + PIECE), piece);
    text += String.fromCharCode(...piece.subarray(0, end));
  }
  return text;
}

/** Bytes turned into text at once: a multiple of 3, small enough to be arguments of a call. */
const PIECE = 3 * 2048;

function endOf(text: string): number {
  let end = text.length;
  if (end % 4 === 0 && end > 0 && text.charCodeAt(end - 1) === PADDING) {
    end -= text.charCodeAt(end - 2) === PADDING ? 2 : 1;
  }
  return end;
}
