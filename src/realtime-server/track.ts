/*
 * The media track of a WebRTC caller: what our voice says is played at the pace of a clock, what the caller says comes out
 * without gaps, because a detector hears no end of speech where there is no audio.
 *
 *   play ─▶ playout ─ 20 ms, a little ahead of the clock ─▶ opus ─▶ peer          hush takes back the rest
 *   peer ─▶ jitter ─▶ opus ─▶ holes filled with silence ─▶ hear
 */
import { Playout } from "../audio/playout.ts";
import { Resampler } from "../audio/resample.ts";
import type { Platform } from "../base/platform.ts";
import type { Millis } from "../base/time.ts";
import { Jitter, type RtpPacket } from "../transports/webrtc/jitter.ts";
import type { Opus } from "../transports/webrtc/opus.ts";
import { isSilenceMark } from "../transports/webrtc/opus-packet.ts";
import type { Peer } from "../transports/webrtc/peer.ts";
import { FRAME_MS, Speech } from "../transports/webrtc/speech.ts";
import type { Track } from "./live-call.ts";

export interface VoiceTrackOptions {
  readonly platform: Platform;
  readonly peer: Peer;
  /** Freed with the track. */
  readonly opus: Opus;
  /** The caller's audio, at the rate of `opus`. */
  hear(samples: Int16Array): void;
  /** Nothing is left to play. */
  drained(): void;
}

/** How far ahead of the clock audio is sent, ms. */
const LEAD: Millis = 40;
/** From sending to the ear: half a jitter buffer of a browser on a good network. Reckoned, not reported. */
const ON_THE_WAY: Millis = 60;
/** The longest hole in the caller's audio that is filled, ms. */
const LONGEST_HOLE: Millis = 2_000;
/** TOC byte of a CELT frame without content: Opus for "silence until I speak again". */
const SILENCE_MARK = Uint8Array.of(31 << 3);

/** The voice of one WebRTC call, both ways. */
export class VoiceTrack implements Track {
  readonly #options: VoiceTrackOptions;
  readonly #playout: Playout;
  readonly #speech: Speech;
  readonly #jitter: Jitter;
  readonly #silence: Int16Array;
  #resampler: Resampler | undefined;
  #rate = 0;
  /** End of the caller's audio so far, ms. */
  #heardUpTo: Millis | undefined;
  /** When the audio at the front of the playout is due. */
  #due: Millis = 0;
  #stopTicking: (() => void) | undefined;
  #stopQuiet: (() => void) | undefined;
  #stopHold: (() => void) | undefined;
  #closed = false;

  constructor(options: VoiceTrackOptions) {
    this.#options = options;
    const { platform, opus } = options;
    this.#playout = new Playout(opus.rate);
    this.#silence = new Int16Array(opus.rate / 50);
    const random = new DataView(platform.random(8).buffer);
    this.#speech = new Speech(random.getUint16(0), random.getUint32(4));
    this.#jitter = new Jitter({
      decode: (payload, at) => {
        if (!isSilenceMark(payload)) this.#heard(this.#decoded(payload), at);
      },
      recover: (next, ms, at) => this.#heard(opus.recover(next, ms), at),
      conceal: (ms, at) => this.#heard(opus.conceal(ms), at),
    });
    this.#quiet();
  }

  get pending(): Millis {
    return this.#playout.pending;
  }

  play(samples: Int16Array, rate: number, item: string): void {
    if (this.#closed) return;
    const { opus, platform } = this.#options;
    if (rate !== this.#rate) {
      this.#rate = rate;
      this.#resampler = new Resampler(rate, opus.rate);
    }
    this.#playout.push(this.#resampler?.process(samples) ?? samples, item);
    if (this.#stopTicking !== undefined) return;
    this.#due = platform.clock.now();
    this.#tick();
  }

  hush(): { readonly item: string | undefined; readonly played: Millis } {
    this.#reckon();
    const { item, played } = this.#playout.clear();
    this.#speech.clear();
    this.#stopTicking?.();
    this.#stopTicking = undefined;
    return { item, played };
  }

  /** A packet of the caller's voice. */
  rtp(packet: RtpPacket): void {
    if (this.#closed) return;
    const { clock } = this.#options.platform;
    this.#jitter.push(packet, clock.now());
    if (this.#jitter.deadline !== undefined && this.#stopHold === undefined)
      this.#stopHold = clock.at(this.#jitter.deadline, () => this.#overdue());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopTicking?.();
    this.#stopQuiet?.();
    this.#stopHold?.();
    this.#options.opus.free();
  }

  #tick(): void {
    const { clock } = this.#options.platform;
    this.#stopTicking = undefined;
    const now = clock.now();
    while (this.#due < now + LEAD && this.#playout.queued > 0) {
      const frame = this.#playout.pull();
      // Less than a frame is left: one more look, in case the rest of it comes.
      if (frame === undefined) break;
      this.#options.peer.send(this.#options.opus.encode(frame.samples), this.#speech.voice(now));
      this.#due += FRAME_MS;
    }
    this.#reckon();
    if (this.#playout.pending > 0) {
      this.#stopTicking = clock.at(now + FRAME_MS, () => this.#tick());
      return;
    }
    this.#options.drained();
  }

  /** What was sent long enough ago was heard. */
  #reckon(): void {
    const { clock } = this.#options.platform;
    const ahead = Math.max(0, this.#due - clock.now());
    this.#playout.played(Math.max(0, this.#playout.sent - ahead - (this.#playout.queued > 0 ? ON_THE_WAY : 0)));
  }

  /** Keeps the caller's player calm while nobody speaks. */
  #quiet(): void {
    const { platform, peer, opus } = this.#options;
    const now = platform.clock.now();
    for (let quiet = this.#speech.quiet(now); quiet !== undefined; quiet = this.#speech.quiet(now))
      peer.send(quiet.kind === "mark" ? SILENCE_MARK : opus.encode(this.#silence), quiet.place);
    this.#stopQuiet = platform.clock.at(this.#speech.quietAt, () => this.#quiet());
  }

  #overdue(): void {
    const { clock } = this.#options.platform;
    this.#stopHold = undefined;
    this.#jitter.tick(clock.now());
    if (this.#jitter.deadline !== undefined && !this.#closed)
      this.#stopHold = clock.at(this.#jitter.deadline, () => this.#overdue());
  }

  #decoded(payload: Uint8Array): Int16Array | undefined {
    try {
      return this.#options.opus.decode(payload);
    } catch {
      this.#jitter.counts.broken += 1;
      return undefined;
    }
  }

  #heard(samples: Int16Array | undefined, at: Millis): void {
    if (samples === undefined || this.#closed) return;
    const { rate } = this.#options.opus;
    const hole = Math.min(LONGEST_HOLE, at - (this.#heardUpTo ?? at));
    if (hole > 1) this.#options.hear(new Int16Array(Math.round((hole * rate) / 1000)));
    this.#heardUpTo = at + (samples.length / rate) * 1000;
    this.#options.hear(samples);
  }
}
