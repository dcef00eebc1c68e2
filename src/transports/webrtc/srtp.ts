/*
 * SRTP with AES_CM_128_HMAC_SHA1_80 (RFC 3711), one direction of one call.
 *
 *   packet:  RTP header | payload XOR key stream | first 80 bits of HMAC-SHA1(header, payload, roll-over counter)
 *
 * The key stream is AES in counter mode. One lasting ECB cipher encrypts the counters: creating a cipher per packet costs
 * ten times as much on Node 24. werift's own SRTP also lacks the replay window of section 3.3.2, which is here.
 */
import { type Cipheriv, createCipheriv } from "node:crypto";
import { HmacSha1 } from "./hmac-sha1.ts";

const HEADER = 12;
const TAG = 10;
/** Packets that may come late, RFC 3711 section 3.3.2: at least 64. */
const WINDOW = 64;
/** Longest packet in AES blocks: 1536 bytes, more than a datagram of a browser has. */
const BLOCKS = 96;
/** Sources of one caller that are remembered: one, and those of replaced tracks. */
const STREAMS = 16;

/** Labels of the keys derived from the master key, section 4.3.2. */
const CIPHER = 0;
const AUTHENTICATION = 1;
const SALT = 2;

interface Stream {
  /** Roll-over counter and sequence number of the newest packet: its 48-bit index. */
  top: number;
  /** Bit i: index `top - i` was received; `older` goes on at 32. */
  recent: number;
  older: number;
}

export interface SrtpKeys {
  /** 16 bytes. */
  readonly key: Uint8Array;
  /** 14 bytes. */
  readonly salt: Uint8Array;
}

/** What a protected packet holds. The payload is a view of the datagram. */
export interface RtpContent {
  readonly ssrc: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly payloadType: number;
  readonly payload: Buffer;
}

/** Protects packets for the other side, or opens those it has protected. */
export class Srtp {
  readonly #mac: HmacSha1;
  readonly #salt: Uint8Array;
  readonly #cipher: Cipheriv;
  readonly #counters: Buffer = Buffer.alloc(BLOCKS * 16);
  readonly #streams = new Map<number, Stream>();

  constructor({ key, salt }: SrtpKeys) {
    if (key.length !== 16 || salt.length !== 14) {
      throw new RangeError(`keys must have 16 and 14 bytes, got ${key.length} and ${salt.length}`);
    }
    this.#mac = new HmacSha1(derive(key, salt, AUTHENTICATION, 20));
    this.#salt = derive(key, salt, SALT, 14);
    this.#cipher = createCipheriv("aes-128-ecb", derive(key, salt, CIPHER, 16), null).setAutoPadding(false);
  }

  /** Builds and protects a packet. Sequence numbers of a source go up by less than 32768. */
  protect(
    payload: Uint8Array,
    payloadType: number,
    marker: boolean,
    sequence: number,
    timestamp: number,
    ssrc: number,
  ): Buffer {
    const length = HEADER + payload.length;
    const packet = Buffer.allocUnsafe(length + TAG);
    packet[0] = 0x80;
    packet[1] = (marker ? 0x80 : 0) | payloadType;
    packet.writeUInt16BE(sequence, 2);
    packet.writeUInt32BE(timestamp, 4);
    packet.writeUInt32BE(ssrc, 8);
    packet.set(payload, HEADER);
    const stream = this.#streamOf(ssrc);
    const index = stream.top < 0 ? sequence : indexOf(sequence, stream.top);
    stream.top = index;
    const roll = Math.floor(index / 65_536);
    this.#mix(packet, HEADER, length, ssrc, roll, sequence);
    const mac = this.#mac.digest(packet, length, roll);
    packet.writeInt32BE(mac[0] ?? 0, length);
    packet.writeInt32BE(mac[1] ?? 0, length + 4);
    packet.writeUInt16BE((mac[2] ?? 0) >>> 16, length + 8);
    return packet;
  }

  /** Opens a packet in place; undefined when it is broken, not genuine, or was here before. */
  open(packet: Buffer): RtpContent | undefined {
    const length = packet.length - TAG;
    const start = payloadOf(packet, length);
    if (start === undefined || length - start > BLOCKS * 16) return undefined;
    const sequence = packet.readUInt16BE(2);
    const ssrc = packet.readUInt32BE(8);
    const known = this.#streams.get(ssrc);
    const index = known === undefined ? sequence : indexOf(sequence, known.top);
    if (index < 0 || (known !== undefined && wasHere(known, index))) return undefined;
    const roll = Math.floor(index / 65_536);
    if (!isGenuine(packet, length, this.#mac.digest(packet, length, roll))) return undefined;
    remember(known ?? this.#streamOf(ssrc), index);
    this.#mix(packet, start, length, ssrc, roll, sequence);
    const first = packet[0] ?? 0;
    const padding = (first & 0x20) === 0 ? 0 : (packet[length - 1] ?? 0);
    if (start + padding > length) return undefined;
    return {
      ssrc,
      sequence,
      timestamp: packet.readUInt32BE(4),
      payloadType: (packet[1] ?? 0) & 0x7f,
      payload: packet.subarray(start, length - padding),
    };
  }

  #streamOf(ssrc: number): Stream {
    let stream = this.#streams.get(ssrc);
    if (stream === undefined) {
      stream = { top: -1, recent: 0, older: 0 };
      this.#streams.set(ssrc, stream);
      // Only genuine packets come this far, so a caller can only forget its own.
      const [oldest] = this.#streams.keys();
      if (this.#streams.size > STREAMS && oldest !== undefined) this.#streams.delete(oldest);
    }
    return stream;
  }

  /** XORs the key stream of this packet over a part of it, section 4.1.1. */
  #mix(packet: Buffer, start: number, end: number, ssrc: number, roll: number, sequence: number): void {
    const counters = this.#counters;
    const salt = this.#salt;
    const blocks = (end - start + 15) >> 4;
    for (let i = 0; i < 14; i++) counters[i] = salt[i]!;
    counters.writeInt32BE(counters.readInt32BE(4) ^ ssrc, 4);
    counters.writeInt32BE(counters.readInt32BE(8) ^ roll, 8);
    counters[12]! ^= sequence >>> 8;
    counters[13]! ^= sequence & 0xff;
    for (let block = 0, at = 0; block < blocks; block++, at += 16) {
      if (block > 0) counters.copyWithin(at, 0, 14);
      counters[at + 14] = block >>> 8;
      counters[at + 15] = block;
    }
    const stream = this.#cipher.update(counters.subarray(0, blocks * 16));
    for (let i = start, k = 0; i < end; i++, k++) packet[i]! ^= stream[k]!;
  }
}

/** The index nearest to the newest one that ends in this sequence number, section 3.3.1. */
function indexOf(sequence: number, top: number): number {
  const step = ((sequence - (top % 65_536)) << 16) >> 16;
  return top + step;
}

function wasHere(stream: Stream, index: number): boolean {
  const behind = stream.top - index;
  if (behind < 0) return false;
  if (behind >= WINDOW) return true;
  return ((behind < 32 ? stream.recent >>> behind : stream.older >>> (behind - 32)) & 1) === 1;
}

function remember(stream: Stream, index: number): void {
  const ahead = stream.top < 0 ? WINDOW : index - stream.top;
  if (ahead <= 0) {
    if (ahead > -32) stream.recent |= 1 << -ahead;
    else stream.older |= 1 << (-ahead - 32);
    return;
  }
  if (ahead >= WINDOW) {
    stream.recent = 0;
    stream.older = 0;
  } else if (ahead >= 32) {
    stream.older = stream.recent << (ahead - 32);
    stream.recent = 0;
  } else {
    stream.older = (stream.older << ahead) | (stream.recent >>> (32 - ahead));
    stream.recent <<= ahead;
  }
  stream.recent |= 1;
  stream.top = index;
}

/** Compares all 80 bits in a time that does not tell where they differ. */
function isGenuine(packet: Buffer, at: number, mac: Int32Array): boolean {
  const a = packet.readInt32BE(at) ^ (mac[0] ?? 0);
  const b = packet.readInt32BE(at + 4) ^ (mac[1] ?? 0);
  const c = packet.readUInt16BE(at + 8) ^ ((mac[2] ?? 0) >>> 16);
  return (a | b | c) === 0;
}

/** Where the payload begins: behind header, sources and extension (RFC 3550 section 5.1). */
function payloadOf(packet: Buffer, length: number): number | undefined {
  if (length < HEADER || (packet[0]! & 0xc0) !== 0x80) return undefined;
  let start = HEADER + (packet[0]! & 0x0f) * 4;
  if ((packet[0]! & 0x10) !== 0) {
    if (start + 4 > length) return undefined;
    start += 4 + packet.readUInt16BE(start + 2) * 4;
  }
  return start <= length ? start : undefined;
}

/** A session key: AES in counter mode over the salt with the label in it, sections 4.3.1 and 4.3.3. */
function derive(key: Uint8Array, salt: Uint8Array, label: number, length: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.set(salt);
  counter[7]! ^= label;
  return createCipheriv("aes-128-ctr", key, counter).update(Buffer.alloc(length));
}
