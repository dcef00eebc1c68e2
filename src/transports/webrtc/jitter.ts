/*
 * Puts the packets of one caller back in order and says what to do about those that are missing.
 *
 *   in order            decode at once: no delay is added while the network behaves
 *   a gap               hold up to 3 packets or 60 ms for the late one, then
 *                         recover the last missing packet from the copy the next one carries,
 *                         conceal the rest, at most 100 ms of it; what is longer stays a hole in media time
 *   a step in time      without a gap in the numbers is silence that was not sent (DTX): only `at` moves
 *   duplicate, late     dropped
 *
 * Push-based and sans-IO: `push` and `tick` call the sink, `deadline` says when `tick` is due. `at` of what comes out is
 * media time in ms from the first packet, by RTP timestamp; a new source goes on where the arrival times put it.
 */
import { difference16, difference32 } from "../../base/sequence.ts";
import type { Millis } from "../../base/time.ts";
import { hasCopy, isSilenceMark, samplesOf } from "./opus-packet.ts";

export interface RtpPacket {
  readonly ssrc: number;
  /** 16 bit. */
  readonly sequence: number;
  /** 32 bit, at 48 kHz. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/** What to do next, in the order of media time. */
export interface JitterSink {
  decode(payload: Uint8Array, at: Millis): void;
  /** Decode the copy of the packet before this one, `ms` long. */
  recover(next: Uint8Array, ms: Millis, at: Millis): void;
  /** Invent `ms` of audio that continues the last. */
  conceal(ms: Millis, at: Millis): void;
}

export interface JitterCounts {
  received: number;
  duplicates: number;
  /** Came after their place was given up. */
  late: number;
  /** Missing for good. */
  lost: number;
  /** Of those, made up for by the copy in the next packet. */
  recovered: number;
  /** Ms of invented audio. */
  concealed: number;
  /** Ms of holes that were too long to conceal. */
  holes: number;
  /** Times the source or its clock began anew. */
  resets: number;
  /** Were no Opus packets. */
  broken: number;
}

const HOLD_PACKETS = 3;
const HOLD_MS = 60;
const CONCEAL_MS = 100;
/** Samples of RTP time per ms. */
const PER_MS = 48;
/** A number this far back is a sender that began anew, not a late packet (RFC 3550 appendix A.1, MAX_MISORDER). */
const MISORDER = 100;
/** A media clock this far ahead of what arrival times allow has jumped: taste. */
const AHEAD_MS = 3000;

interface Held {
  readonly packet: RtpPacket;
  readonly since: Millis;
}

/** The jitter buffer of one incoming audio stream. */
export class Jitter {
  readonly counts: JitterCounts = {
    received: 0,
    duplicates: 0,
    late: 0,
    lost: 0,
    recovered: 0,
    concealed: 0,
    holes: 0,
    resets: 0,
    broken: 0,
  };
  readonly #sink: JitterSink;
  #ssrc: number | undefined;
  /** The source before this one: what still comes from it is late. */
  #formerSsrc: number | undefined;
  /** The number that is due. */
  #next = 0;
  /** Bit i: number `#next - 1 - i` was received. */
  #seen = 0;
  /** RTP time at which the next packet begins when nothing is left out. */
  #expected = 0;
  /** Media time of `#expected`. */
  #at: Millis = 0;
  #lastArrival: Millis = 0;
  #lastSamples = 960;
  /** The sender said it goes silent: a step in time is no loss. */
  #silent = false;
  #held: Held[] = [];

  constructor(sink: JitterSink) {
    this.#sink = sink;
  }

  /** When `tick` must be called at the latest, or undefined. */
  get deadline(): Millis | undefined {
    const oldest = this.#held[0];
    if (oldest === undefined) return undefined;
    let since = oldest.since;
    for (const one of this.#held) if (one.since < since) since = one.since;
    return since + HOLD_MS;
  }

  push(packet: RtpPacket, now: Millis): void {
    this.counts.received += 1;
    if (samplesOf(packet.payload) === 0) {
      this.counts.broken += 1;
      return;
    }
    if (packet.ssrc !== this.#ssrc) {
      if (packet.ssrc === this.#formerSsrc) {
        this.counts.late += 1;
        return;
      }
      this.#begin(packet, now);
    }
    const ahead = difference16(packet.sequence, this.#next);
    if (ahead < -MISORDER) this.#begin(packet, now);
    else if (ahead < 0) {
      if (ahead >= -32 && (this.#seen & (1 << (-ahead - 1))) !== 0) this.counts.duplicates += 1;
      else this.counts.late += 1;
      return;
    } else if (ahead > 0) {
      this.#hold(packet, now);
      return;
    }
    this.#deliver(packet, now);
    this.#drain(now);
  }

  /** Gives up waiting for what is overdue. */
  tick(now: Millis): void {
    for (let due = this.deadline; due !== undefined && due <= now; due = this.deadline) this.#giveUp(now);
  }

  #begin(packet: RtpPacket, now: Millis): void {
    while (this.#held.length > 0) this.#giveUp(now);
    if (this.#ssrc !== undefined) {
      this.counts.resets += 1;
      this.#at += Math.max(0, now - this.#lastArrival - this.#lastSamples / PER_MS);
      if (packet.ssrc !== this.#ssrc) this.#formerSsrc = this.#ssrc;
    }
    this.#ssrc = packet.ssrc;
    this.#next = packet.sequence;
    this.#seen = 0;
    this.#expected = packet.timestamp;
    this.#lastArrival = now;
  }

  #hold(packet: RtpPacket, now: Millis): void {
    let index = this.#held.length;
    while (index > 0) {
      const step = difference16(packet.sequence, (this.#held[index - 1] as Held).packet.sequence);
      if (step > 0) break;
      if (step === 0) {
        this.counts.duplicates += 1;
        return;
      }
      index -= 1;
    }
    this.#held.splice(index, 0, { packet, since: now });
    if (this.#held.length >= HOLD_PACKETS) this.#giveUp(now);
  }

  /** Takes the first held packet although those before it are missing, and all that follow it without a gap. */
  #giveUp(now: Millis): void {
    const first = this.#held.shift();
    if (first === undefined) return;
    const missing = difference16(first.packet.sequence, this.#next);
    this.counts.lost += missing;
    this.#fill(first.packet, missing);
    this.#seen = missing >= 32 ? 0 : this.#seen << missing;
    this.#next = first.packet.sequence;
    this.#deliver(first.packet, now);
    this.#drain(now);
  }

  #drain(now: Millis): void {
    for (let first = this.#held[0]; first?.packet.sequence === this.#next; first = this.#held[0]) {
      this.#held.shift();
      this.#deliver(first.packet, now);
    }
  }

  /** Makes up for `missing` packets before `next`. */
  #fill(next: RtpPacket, missing: number): void {
    const step = difference32(next.timestamp, this.#expected);
    // Silence that was not sent explains the step, or time does not go forward: nothing to make up for.
    if (this.#silent || step <= 0) return;
    const samples = Math.min(step, missing * this.#lastSamples);
    const length = Math.min(samples, samplesOf(next.payload));
    const copy = hasCopy(next.payload) ? length : 0;
    let rest = Math.min(samples - copy, CONCEAL_MS * PER_MS);
    // Whole frames of 2.5 ms: what the decoder can conceal.
    rest -= rest % 120;
    let at = this.#at;
    this.counts.concealed += rest / PER_MS;
    while (rest > 0) {
      const part = Math.min(rest, this.#lastSamples);
      this.#sink.conceal(part / PER_MS, at);
      at += part / PER_MS;
      rest -= part;
    }
    if (copy > 0) {
      this.counts.recovered += 1;
      this.#sink.recover(next.payload, copy / PER_MS, this.#at + (step - copy) / PER_MS);
    }
    const hole = this.#at + (step - copy) / PER_MS - at;
    if (hole > 0) this.counts.holes += hole;
  }

  #deliver(packet: RtpPacket, now: Millis): void {
    const step = difference32(packet.timestamp, this.#expected) / PER_MS;
    const elapsed = Math.max(0, now - this.#lastArrival);
    if (step > elapsed + AHEAD_MS || step < -AHEAD_MS) {
      this.counts.resets += 1;
      this.#at += Math.max(0, elapsed - this.#lastSamples / PER_MS);
    } else if (step > 0) this.#at += step;
    const samples = samplesOf(packet.payload);
    this.#sink.decode(packet.payload, this.#at);
    this.#at += samples / PER_MS;
    this.#expected = (packet.timestamp + samples) >>> 0;
    this.#next = (packet.sequence + 1) & 0xffff;
    this.#seen = (this.#seen << 1) | 1;
    this.#lastSamples = samples;
    this.#lastArrival = now;
    this.#silent = isSilenceMark(packet.payload);
  }
}
