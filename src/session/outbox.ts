/*
 * Our voice on its way to one caller: keeps messages in order with the audio around them, paces, ducks, holds, and knows
 * what was heard.
 *
 *   send ──▶ resample ──▶ playout queue ──tick, 20 ms──▶ transport.send ──▶ heard
 *                          │ messages wait at their place in the queue
 *
 * Pacing follows the media clock alone: while there is audio, everything up to `now - began + lead` is sent, so frames
 * never drift and a late tick catches up. What was heard is what the transport reports; where it reports nothing, or not
 * just now, it is reckoned from the clock and marked as not exact.
 */
import { resamplerFor, type StereoResampler, withChannels } from "../audio/channels.ts";
import { type AudioFrame, audioFrame } from "../audio/frame.ts";
import { Gain } from "../audio/gain.ts";
import { Playout } from "../audio/playout.ts";
import type { Resampler } from "../audio/resample.ts";
import type { Millis } from "../base/time.ts";
import type { Heard, Message, Output, TransportCan } from "./types.ts";

/** A position report older than this no longer makes the position exact. */
const FRESH: Millis = 500;
/** After a stall longer than this, playing starts anew instead of catching up: the caller has heard a gap anyway. */
const STALL: Millis = 400;

/** Silence after the last sample that still belongs to our voice, ms: a live source has gaps of a frame or two. */
const LINGER: Millis = 60;
/** Length of what leaves at a time. */
const FRAME: Millis = 20;

interface Waiting {
  /** The message goes when this much audio (ms, on the axis of everything queued) has been sent. */
  readonly after: Millis;
  readonly message: Message;
}

export interface OutboxEvents {
  /** To the transport: a paced frame or a picture. */
  send(output: Output): void;
  /** The transport forgets what it was sent and did not play. */
  clear(): void;
  /** Our voice began to be heard, or nothing of it is left. */
  playing(on: boolean): void;
  /** A message's turn has come: the audio before it was sent. */
  message(message: Message): void;
}

/** One caller's outgoing queue. All times are session time. */
export class Outbox {
  #can: TransportCan;
  #playout: Playout;
  readonly #events: OutboxEvents;
  #gain: Gain;
  #resampler: Resampler | StereoResampler | undefined;
  #lastItem: string | undefined;
  #messages: Waiting[] = [];
  #queuedEver: Millis = 0;
  #playing = false;
  #began: Millis = 0;
  #beganAt: Millis = 0;
  #held = false;
  #silentSince: Millis | undefined;
  #reported: { readonly position: Millis; readonly at: Millis } | undefined;

  constructor(can: TransportCan, events: OutboxEvents) {
    this.#can = can;
    this.#playout = new Playout(can.rate, channelsOf(can));
    this.#gain = gainFor(can);
    this.#events = events;
  }

  /** Ms that wait to be heard. */
  pending(now: Millis): Millis {
    this.#follow(now);
    return this.#playout.pending;
  }

  /** Whether the media clock has anything to do. */
  get busy(): boolean {
    return this.#playing || (!this.#held && (this.#playout.queued > 0 || this.#messages.length > 0));
  }

  /** Whether anything is being heard, or held. */
  get playing(): boolean {
    return this.#playing;
  }

  /** Queues audio or a message. Video goes straight on: its newest picture wins in the transport. */
  push(output: Output): void {
    if (output.kind === "video") {
      this.#events.send(output);
    } else if (output.kind === "message") {
      if (this.#playout.queued === 0 && this.#messages.length === 0 && !this.#held) this.#events.message(output);
      else this.#messages.push({ after: this.#queuedEver, message: output });
    } else {
      this.#queue(output);
    }
  }

  /** Sends what is due. Call every 20 ms while `busy`, and once right after a push into an idle outbox. */
  tick(now: Millis): void {
    this.#follow(now);
    if (!this.#held) {
      this.#releaseMessages();
      this.#sendDue(now);
    }
    if (this.#playing && this.#playout.queued === 0 && this.#playout.heard >= this.#playout.sent) {
      this.#silentSince ??= now;
      if (now - this.#silentSince >= LINGER) this.#stop();
    }
  }

  /**
   * Sends at once what is whole and due, without waiting for the next tick: an echo must not wait for the clock. The rest
   * of a frame waits for more.
   */
  flush(now: Millis): void {
    if (!this.#playing || this.#held) return;
    while (this.#playout.queued >= FRAME && this.#hasRoom(now) && this.#sendFrame()) continue;
  }

  /** The transport's report of what was played, ms on the stream of everything sent. */
  played(upTo: Millis, now: Millis): void {
    // Reports cross each other on the way, and a page that plays nothing more repeats its last one: neither is news.
    if (this.#reported !== undefined && upTo <= this.#reported.position) return;
    this.#reported = { position: Math.min(upTo, this.#playout.sent), at: now };
    this.#playout.played(upTo);
  }

  /** Which item is heard, and how much of it. */
  heard(now: Millis): Heard {
    this.#follow(now);
    const { item, played } = this.#playout.hearing();
    return { item, played, dropped: 0, exact: this.#isExact(now) };
  }

  /** Takes back everything that was not heard: audio, messages waiting behind it, and what the transport still holds. */
  clear(now: Millis): Heard {
    this.#follow(now);
    const exact = this.#isExact(now);
    const { item, played, dropped } = this.#playout.clear();
    this.#events.clear();
    this.#messages = [];
    this.#resampler = undefined;
    this.#lastItem = undefined;
    this.#reported = undefined;
    this.#held = false;
    this.#gain.reset();
    this.#stop();
    return { item, played, dropped, exact };
  }

  /** Quieter by 12 dB within 20 ms: somebody may be talking over us. */
  duck(): void {
    this.#gain.duck();
  }

  /** Stops sending; what the transport still holds is put back where it can be taken back. */
  hold(now: Millis): void {
    if (this.#held) return;
    this.#follow(now);
    this.#held = true;
    if (this.#can.clears) {
      this.#events.clear();
      this.#playout.rewind();
      this.#reported = undefined;
    }
  }

  /** Goes on where the caller stopped hearing us, at full level. */
  release(now: Millis): void {
    this.#gain.unduck();
    if (!this.#held) return;
    this.#held = false;
    this.#restart(now);
    this.tick(now);
  }

  /** What was not heard waits for a transport with other abilities. Hold first, release when it is there. */
  move(can: TransportCan): void {
    this.#flush();
    const old = this.#can;
    this.#can = can;
    this.#gain = gainFor(can);
    this.#playout = this.#playout.movedTo(can.rate, (samples) => converted(samples, old, can), channelsOf(can));
    this.#reported = undefined;
  }

  #queue(frame: AudioFrame): void {
    const { rate } = this.#can;
    const channels = channelsOf(this.#can);
    const samples = withChannels(frame.samples, frame.channels, channels);
    if (frame.item !== this.#lastItem || (this.#resampler !== undefined && this.#resampler.from !== frame.rate))
      this.#flush();
    this.#lastItem = frame.item;
    if (frame.rate === rate && this.#resampler === undefined) {
      this.#put(samples, frame.item);
      return;
    }
    this.#resampler ??= resamplerFor(channels, frame.rate, rate);
    this.#put(this.#resampler.process(samples), frame.item);
  }

  /** What the resampler still holds belongs to the utterance that just ended. */
  #flush(): void {
    if (this.#resampler === undefined) return;
    const rest = new Int16Array(this.#resampler.flushLength);
    this.#resampler.flush(rest);
    this.#put(rest, this.#lastItem);
    this.#resampler = undefined;
  }

  #put(samples: Int16Array, item: string | undefined): void {
    this.#playout.push(samples, item);
    this.#queuedEver += (samples.length / channelsOf(this.#can) / this.#can.rate) * 1000;
  }

  #sendDue(now: Millis): void {
    if (this.#playout.queued === 0) return;
    if (!this.#playing) {
      this.#playing = true;
      this.#restart(now);
      this.#events.playing(true);
    }
    // The source ran dry and began again, or the process stood still: do not send the lost time in one burst.
    if (now - this.#began - (this.#playout.sent - this.#beganAt) > STALL) this.#restart(now);
    while (this.#hasRoom(now) && this.#sendFrame()) continue;
  }

  #hasRoom(now: Millis): boolean {
    return this.#playout.sent - this.#beganAt < now - this.#began + this.#can.lead;
  }

  /** False when there is no frame to send just now. */
  #sendFrame(): boolean {
    const pulled = this.#playout.pull();
    if (pulled === undefined) return false;
    this.#silentSince = undefined;
    const at = this.#began + this.#playout.sent - this.#beganAt;
    const samples = this.#gain.apply(pulled.samples);
    this.#events.send(audioFrame(samples, this.#playout.rate, channelsOf(this.#can), at, pulled.item));
    this.#releaseMessages();
    return true;
  }

  #releaseMessages(): void {
    while (this.#messages.length > 0) {
      const first = this.#messages[0] as Waiting;
      if (first.after > this.#queuedEver - this.#playout.queued + 0.5) return;
      this.#messages.shift();
      this.#events.message(first.message);
    }
  }

  #restart(now: Millis): void {
    this.#began = now;
    this.#beganAt = this.#playout.sent;
  }

  #stop(): void {
    if (!this.#playing) return;
    this.#silentSince = undefined;
    this.#playing = false;
    this.#flush();
    if (this.#playout.queued > 0) {
      this.#playing = true;
      return;
    }
    this.#playout.silence();
    this.#events.playing(false);
  }

  /** Moves the heard position to where the caller must be by now. */
  #follow(now: Millis): void {
    if (!this.#playing) return;
    const report = this.#reported;
    if (report !== undefined && now - report.at < FRESH) {
      this.#playout.played(Math.min(this.#playout.sent, report.position + (now - report.at)));
    } else if (!this.#held) {
      this.#playout.played(this.#beganAt + (now - this.#began));
    } else {
      this.#playout.played(this.#playout.sent);
    }
  }

  #isExact(now: Millis): boolean {
    return this.#reported !== undefined && now - this.#reported.at < FRESH;
  }
}

const channelsOf = (can: TransportCan): 1 | 2 => can.channels ?? 1;

/** A ramp is counted in samples of all channels. */
const gainFor = (can: TransportCan): Gain => new Gain(can.rate * channelsOf(can));

function converted(samples: Int16Array, from: TransportCan, to: TransportCan): Int16Array {
  const wide = withChannels(samples, channelsOf(from), channelsOf(to));
  const resampler = resamplerFor(channelsOf(to), from.rate, to.rate);
  const head = resampler.process(wide);
  const all = new Int16Array(head.length + resampler.flushLength);
  all.set(head);
  resampler.flush(all.subarray(head.length));
  return all;
}
