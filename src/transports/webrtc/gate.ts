/*
 * Stands between a UDP socket and the engine, which trusts what it is given: werift answers unauthenticated STUN, takes
 * data from any source, and one stray DTLS record can end a call. So, per call:
 *
 *   STUN request     only with our ICE fragment and a right MESSAGE-INTEGRITY (RFC 8489 section 14.5): its source is known
 *   STUN response    passes: the engine matches it to its own request and checks its integrity
 *   DTLS, RTP        only from a known source; DTLS only whole records of a known type
 *   DTLS of epoch 0  not after the handshake: an unencrypted alert would end the call
 *   anything else    dropped
 *
 * DTLS that comes before the engine can take it is kept: the browser's first hello would else be repeated much later.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

export type Verdict = "stun" | "dtls" | "media" | "early" | "dropped";

const COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const USERNAME = 0x0006;
const INTEGRITY = 0x0008;
const INTEGRITY_BYTES = 20;
/** Addresses one caller may come from at once: one per network and address family. */
const SOURCES = 8;
const EARLY = 8;

export interface EarlyRecord {
  readonly data: Buffer;
  readonly address: string;
  readonly port: number;
}

/** Decides about each datagram of one call. */
export class Gate {
  /** The engine can take DTLS. */
  ready = false;
  /** The handshake is over for both sides: unencrypted records are none of the caller's. */
  sealed = false;
  dropped = 0;
  readonly #passwords = new Map<string, string>();
  readonly #sources: string[] = [];
  #early: EarlyRecord[] = [];
  #lastAddress = "";
  #lastPort = 0;

  /** Takes STUN for these credentials from now on; those before stay valid for the time of an ICE restart. */
  admit(fragment: string, password: string): void {
    this.#passwords.set(fragment, password);
    for (const old of this.#passwords.keys()) {
      if (this.#passwords.size <= 2) break;
      this.#passwords.delete(old);
    }
  }

  judge(data: Buffer, address: string, port: number): Verdict {
    const verdict = this.#judge(data, address, port);
    if (verdict === "dropped") this.dropped += 1;
    return verdict;
  }

  /** Hands out what came too early, once. */
  takeEarly(): readonly EarlyRecord[] {
    const early = this.#early;
    this.#early = [];
    return early;
  }

  #judge(data: Buffer, address: string, port: number): Verdict {
    const first = data[0];
    if (first === undefined) return "dropped";
    if (first < 4) return this.#stun(data, address, port) ? "stun" : "dropped";
    if (!this.#knows(address, port)) return "dropped";
    if (first >= 128 && first < 192) return data.length >= 12 ? "media" : "dropped";
    if (first < 20 || first > 63 || !isDtls(data, this.sealed)) return "dropped";
    if (this.ready) return "dtls";
    if (this.#early.length < EARLY) this.#early.push({ data: Buffer.from(data), address, port });
    return "early";
  }

  #knows(address: string, port: number): boolean {
    // Nearly every packet comes from where the last one came from: no string is built for it.
    if (port === this.#lastPort && address === this.#lastAddress) return true;
    if (!this.#sources.includes(`${address} ${port}`)) return false;
    this.#lastAddress = address;
    this.#lastPort = port;
    return true;
  }

  #stun(data: Buffer, address: string, port: number): boolean {
    if (data.length < 20 || data.length % 4 !== 0 || data.readUInt32BE(4) !== COOKIE) return false;
    if (data.readUInt16BE(2) !== data.length - 20) return false;
    const type = data.readUInt16BE(0);
    // Bit 8 of the class: a success or error response.
    if ((type & 0x0100) !== 0) return true;
    if (type !== BINDING_REQUEST || !this.#isGenuine(data)) return false;
    const source = `${address} ${port}`;
    if (!this.#sources.includes(source)) {
      this.#sources.push(source);
      if (this.#sources.length > SOURCES) this.#forgetOldest();
    }
    return true;
  }

  #forgetOldest(): void {
    this.#sources.shift();
    this.#lastPort = 0;
  }

  #isGenuine(data: Buffer): boolean {
    let password: string | undefined;
    for (let at = 20; at + 4 <= data.length;) {
      const type = data.readUInt16BE(at);
      const length = data.readUInt16BE(at + 2);
      const value = at + 4;
      if (value + length > data.length) return false;
      if (type === USERNAME)
        password = this.#passwords.get(data.toString("latin1", value, value + length).split(":")[0] ?? "");
      if (type === INTEGRITY)
        return password !== undefined && length === INTEGRITY_BYTES && isSigned(data, at, password);
      at = value + ((length + 3) & ~3);
    }
    return false;
  }
}

/** The hash covers all before the attribute, with the header's length as if the message ended behind it. */
function isSigned(data: Buffer, at: number, password: string): boolean {
  const signed = Buffer.from(data.subarray(0, at));
  signed.writeUInt16BE(at - 20 + 4 + INTEGRITY_BYTES, 2);
  const wanted = createHmac("sha1", password).update(signed).digest();
  return timingSafeEqual(wanted, data.subarray(at + 4, at + 4 + INTEGRITY_BYTES));
}

/** Whether a datagram is a row of whole DTLS 1.0 to 1.2 records: type, version, epoch, number, length. */
function isDtls(data: Buffer, sealed: boolean): boolean {
  let at = 0;
  while (at < data.length) {
    if (at + 13 > data.length) return false;
    const type = data[at] ?? 0;
    const version = data.readUInt16BE(at + 1);
    if (type < 20 || type > 23 || (version !== 0xfefd && version !== 0xfeff)) return false;
    if (sealed && data.readUInt16BE(at + 3) === 0) return false;
    at += 13 + data.readUInt16BE(at + 11);
  }
  return at === data.length;
}
