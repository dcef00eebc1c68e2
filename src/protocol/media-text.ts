/*
 * A JSON text around a payload in base64, written as bytes without making a string: FastRTC's socket and the telephone
 * carriers send one per 20 to 100 ms.
 *
 *   {"event":"media","media":{"payload":"   AAAA…   "}}
 *   └────────── before ────────────────┘   base64   after
 */
import { base64Length, writeBase64 } from "../base/base64.ts";

/** Writes one kind of media message. */
export class MediaText {
  readonly #before: Uint8Array;
  readonly #after: Uint8Array;

  /** What stands around the payload; ASCII. Throws RangeError for other characters. */
  constructor(before: string, after: string) {
    this.#before = ascii(before);
    this.#after = ascii(after);
  }

  /** How many bytes the message around this payload has. */
  lengthFor(payload: Uint8Array): number {
    return this.#before.length + base64Length(payload.length) + this.#after.length;
  }

  /** Writes the message into `into`, which must be exactly as long as `lengthFor` says, and returns it. */
  write<T extends Uint8Array>(payload: Uint8Array, into: T): T {
    into.set(this.#before, 0);
    into.set(this.#after, writeBase64(payload, into, this.#before.length));
    return into;
  }
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => {
    const code = letter.charCodeAt(0);
    if (code > 127 || letter.length > 1) throw new RangeError(`text around a payload must be ASCII, got ${letter}`);
    return code;
  });
}
