/*
 * One WebRTC caller as a session sees it: audio both ways at the handler's rate, messages on the data channel.
 *
 *   peer.rtp ─▶ jitter ─▶ opus ─▶ sink.audio            session.send ─▶ opus ─▶ speech (numbers) ─▶ peer.send
 *   peer.text ─▶ reader ─▶ sink.message                  session.tell ─▶ writer, or stock page ─▶ peer.sendText
 *
 * It watches the link itself: engines notice a page that vanished 15 to 30 s late.
 */
import { type AudioFrame, audioFrame } from "../../audio/frame.ts";
import { isFault, VoiceError } from "../../base/errors.ts";
import type { Platform } from "../../base/platform.ts";
import type { Millis } from "../../base/time.ts";
import {
  type CallerMessage,
  type EndReason,
  type PageEvent,
  readCallerMessage,
  writePageEvent,
} from "../../protocol/page.ts";
import { isSafe } from "../../protocol/safe.ts";
import type { Profile } from "../../protocol/signal.ts";
import { echoOf, StockPage } from "../../protocol/stock.ts";
import { Strikes } from "../../protocol/strikes.ts";
import type { CallInfo, Output, Transport, TransportCan, TransportSink } from "../../session/types.ts";
import { Jitter, type RtpPacket } from "./jitter.ts";
import type { Opus } from "./opus.ts";
import { isSilenceMark } from "./opus-packet.ts";
import type { Peer } from "./peer.ts";
import { Speech } from "./speech.ts";

export interface WebRtcTransportOptions {
  readonly platform: Platform;
  readonly peer: Peer;
  /** Freed when the transport closes. */
  readonly opus: Opus;
  readonly profile: Profile;
  /** Time without anything from the caller until the link counts as lost. */
  readonly lostMs: Millis;
  /** What the page asked for in its offer. */
  readonly agent?: string | undefined;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
}

/** Longest message of a page, bytes of UTF-8 at most; longer ones are counted and ignored. */
const MESSAGE_LIMIT = 16 * 1024;
/** Messages that wait for the data channel to open. */
const WAITING_LIMIT = 64;
/** Bytes that may wait inside the channel: a page that reads nothing does not fill our memory. */
const BUFFERED_LIMIT = 1024 * 1024;
/** Audio that comes before the session listens. */
const EARLY_MS = 1000;
const WATCH_MS = 1000;
/** Between our last message and the end of the connection: browsers drop what comes in the same moment as the end. */
const FAREWELL_MS: Millis = 200;

/** TOC byte of a CELT frame of 20 ms without content: Opus for "silence, nothing more until I speak again". */
const SILENCE_MARK = Uint8Array.of(31 << 3);

/** A connected WebRTC caller. */
export class WebRtcTransport implements Transport {
  readonly name = "webrtc";
  readonly can: TransportCan;
  readonly call: CallInfo;
  readonly #inputs: WebRtcTransportOptions["inputs"];
  readonly #platform: Platform;
  readonly #peer: Peer;
  readonly #opus: Opus;
  readonly #stock: StockPage | undefined;
  readonly #speech: Speech;
  readonly #jitter: Jitter;
  readonly #lostMs: Millis;
  readonly #silence: Int16Array;
  readonly #strikes: Strikes = new Strikes();
  #sink: TransportSink | undefined;
  #openedAt: Millis = 0;
  #seq = 0;
  #waiting: string[] = [];
  #early: AudioFrame[] = [];
  #state: "live" | "closing" | "closed" = "live";
  #stopQuiet: (() => void) | undefined;
  #stopHold: (() => void) | undefined;
  #stopWatch: (() => void) | undefined;
  #stopLinger: (() => void) | undefined;
  /** How the call ended before the session listened. */
  #ending: { readonly reason: unknown; readonly resumable: boolean } | undefined;
  /** Called once everything is released. */
  onReleased: () => void = () => {};

  constructor({ platform, peer, opus, profile, lostMs, agent, inputs }: WebRtcTransportOptions) {
    this.#platform = platform;
    this.#peer = peer;
    this.#opus = opus;
    this.#lostMs = lostMs;
    this.#inputs = inputs;
    this.call = agent === undefined ? { parameters: {} } : { agent, parameters: {} };
    this.can = {
      rate: opus.rate,
      channels: opus.channels,
      lead: 20,
      video: false,
      messages: true,
      digits: false,
      clears: false,
      marks: false,
    };
    this.#stock = profile === "fastrtc" ? new StockPage() : undefined;
    this.#silence = new Int16Array((opus.rate / 50) * opus.channels);
    const random = new DataView(platform.random(8).buffer);
    // The upper half is left out: the other side cannot tell a wrap before its first packet (RFC 3711 section 3.3.1).
    this.#speech = new Speech(random.getUint16(0) & 0x7fff, random.getUint32(4));
    this.#jitter = new Jitter({
      decode: (payload, at) => {
        // A silence mark is no audio: media time moves on with the next packet.
        if (!isSilenceMark(payload)) this.#heard(this.#decoded(payload), at);
      },
      recover: (next, ms, at) => this.#heard(this.#opus.recover(next, ms), at),
      conceal: (ms, at) => this.#heard(this.#opus.conceal(ms), at),
    });
    this.#quiet();
    this.#watch();
  }

  open(sink: TransportSink): void {
    if (this.#sink !== undefined) throw new TypeError("open was called twice");
    this.#sink = sink;
    this.#openedAt = this.#platform.clock.now();
    if (this.#inputs !== undefined) sink.message({ type: "inputs", values: this.#inputs });
    const early = this.#early;
    this.#early = [];
    for (const frame of early) sink.audio(frame);
    if (this.#ending !== undefined) sink.closed(this.#ending.reason, this.#ending.resumable);
  }

  send(output: Output): void {
    if (this.#state !== "live") return;
    if (output.kind === "audio") this.#say(output);
    else if (output.kind === "message") this.tell({ type: "output", data: { name: output.name, value: output.data } });
  }

  tell(event: PageEvent): void {
    if (this.#state !== "live") return;
    if (this.#stock === undefined)
      this.#write(writePageEvent(event, this.#seq++, this.#platform.clock.now() - this.#openedAt));
    else for (const text of this.#stock.translate(event)) this.#write(text);
  }

  clear(): void {
    this.#speech.clear();
  }

  close(reason?: unknown): void {
    if (this.#state !== "live") return;
    this.tell(farewell(reason));
    this.#finish(reason, false, FAREWELL_MS);
  }

  /** A packet of the caller's voice. */
  rtp(packet: RtpPacket): void {
    if (this.#state !== "live") return;
    const { clock } = this.#platform;
    this.#jitter.push(packet, clock.now());
    if (this.#jitter.deadline === undefined || this.#stopHold !== undefined) return;
    this.#stopHold = clock.at(this.#jitter.deadline, () => this.#overdue());
  }

  /** A data channel is open. */
  channel(): void {
    if (this.#state === "live") this.#drain();
  }

  /** A text on the data channel. */
  text(text: string): void {
    if (this.#state !== "live") return;
    const { meters } = this.#platform;
    if (text.length > MESSAGE_LIMIT) return this.#strike("too-large");
    const json = parse(text);
    if (json === undefined || typeof json !== "object") {
      const echo = this.#stock === undefined ? undefined : echoOf(text);
      if (echo === undefined) this.#strike("no-json");
      else this.#write(echo);
      return;
    }
    const message = isSafe(json) ? readCallerMessage(json) : undefined;
    if (message === undefined) meters.count("repartee_webrtc_messages_total", 1, { kind: "unknown" });
    else if (isFault(message)) this.#strike(message.fault);
    else this.#receive(message);
  }

  /** The peer is gone. */
  gone(why: "hung-up" | "failed"): void {
    this.#release();
    if (why === "hung-up") this.#finish(new VoiceError("hung-up", "the caller hung up"), false);
    else this.#lost("the connection to the caller failed");
  }

  #receive(message: CallerMessage): void {
    if (message.type === "ping") {
      this.#write(JSON.stringify({ type: "pong", data: { t: message.t } }));
    } else if (message.type === "position") {
      const position = this.#speech.positionOf(message.rtpTimestamp);
      if (position !== undefined) this.#sink?.played(position);
    } else this.#sink?.message(message);
  }

  #strike(kind: string): void {
    this.#platform.meters.count("repartee_webrtc_messages_total", 1, { kind });
    if (!this.#strikes.add(this.#platform.clock.now())) return;
    this.close(new VoiceError("bad-message", "the page sent too many messages that cannot be read"));
  }

  #write(text: string): void {
    if (this.#peer.buffered > BUFFERED_LIMIT) {
      this.#platform.meters.count("repartee_webrtc_messages_total", 1, { kind: "dropped" });
      return;
    }
    this.#waiting.push(text);
    if (this.#waiting.length > WAITING_LIMIT) this.#waiting.shift();
    this.#drain();
  }

  #drain(): void {
    for (let text = this.#waiting[0]; text !== undefined && this.#peer.sendText(text); text = this.#waiting[0])
      this.#waiting.shift();
  }

  #say(frame: AudioFrame): void {
    if (frame.rate !== this.can.rate || frame.channels !== this.#opus.channels) {
      throw new RangeError(
        `audio must have ${this.#opus.channels} channels at ${this.can.rate} Hz, got ${frame.channels} at ${frame.rate} Hz`,
      );
    }
    const { samples } = frame;
    const whole = this.#silence.length;
    const payload = this.#opus.encode(samples.length === whole ? samples : padded(samples, whole));
    this.#peer.send(payload, this.#speech.voice(this.#platform.clock.now()));
  }

  /** Sends what keeps the caller's player calm while nobody speaks. */
  #quiet(): void {
    const { clock } = this.#platform;
    const now = clock.now();
    for (let quiet = this.#speech.quiet(now); quiet !== undefined; quiet = this.#speech.quiet(now)) {
      this.#peer.send(quiet.kind === "mark" ? SILENCE_MARK : this.#opus.encode(this.#silence), quiet.place);
    }
    this.#stopQuiet = clock.at(this.#speech.quietAt, () => this.#quiet());
  }

  #overdue(): void {
    const { clock } = this.#platform;
    this.#stopHold = undefined;
    this.#jitter.tick(clock.now());
    const { deadline } = this.#jitter;
    if (deadline !== undefined && this.#state === "live") this.#stopHold = clock.at(deadline, () => this.#overdue());
  }

  #decoded(payload: Uint8Array): Int16Array | undefined {
    try {
      return this.#opus.decode(payload);
    } catch {
      this.#jitter.counts.broken += 1;
      return undefined;
    }
  }

  #heard(samples: Int16Array | undefined, at: Millis): void {
    if (samples === undefined || this.#state !== "live") return;
    const frame = audioFrame(samples, this.can.rate, this.#opus.channels, at);
    if (this.#sink !== undefined) {
      this.#sink.audio(frame);
      return;
    }
    this.#early.push(frame);
    while (at - (this.#early[0]?.at ?? at) > EARLY_MS) this.#early.shift();
  }

  #watch(): void {
    const { clock } = this.#platform;
    const silent = clock.now() - this.#peer.heardAt;
    if (silent >= this.#lostMs) {
      this.#lost(`nothing came from the caller for ${Math.round(silent)} ms`);
      return;
    }
    this.#stopWatch = clock.at(clock.now() + Math.min(WATCH_MS, this.#lostMs - silent), () => this.#watch());
  }

  /** A stock page knows no way back, so nobody waits for it. */
  #lost(why: string): void {
    this.#finish(new VoiceError("connection-lost", why), this.#stock === undefined);
  }

  /** The one way out. The connection itself may `linger`, so that the page reads our last message. */
  #finish(reason: unknown, resumable: boolean, linger: Millis = 0): void {
    if (this.#state !== "live") return;
    this.#state = "closing";
    this.#stopQuiet?.();
    this.#stopHold?.();
    this.#stopWatch?.();
    this.#opus.free();
    this.#early = [];
    this.#waiting = [];
    this.#report();
    const { clock } = this.#platform;
    if (linger === 0) this.#release();
    else this.#stopLinger = clock.at(clock.now() + linger, () => this.#release());
    this.#ending = { reason, resumable };
    this.#sink?.closed(reason, resumable);
  }

  #release(): void {
    if (this.#state !== "closing") return;
    this.#state = "closed";
    this.#stopLinger?.();
    void this.#peer.close().then(this.onReleased);
  }

  #report(): void {
    const { meters } = this.#platform;
    const { received, duplicates, late, lost, recovered, concealed, broken, resets } = this.#jitter.counts;
    const kinds = { received, duplicates, late, lost, recovered, broken, resets };
    for (const [kind, count] of Object.entries(kinds)) {
      if (count > 0) meters.count("repartee_webrtc_packets_total", count, { kind });
    }
    if (concealed > 0) meters.count("repartee_webrtc_concealed_ms", concealed);
    if (this.#peer.dropped > 0)
      meters.count("repartee_webrtc_datagrams_total", this.#peer.dropped, { kind: "dropped" });
  }
}

const reasons: Readonly<Record<string, EndReason>> = {
  "time-limit": "time_limit",
  draining: "shutdown",
  forbidden: "kicked",
};

/** What the page is told when we hang up. */
function farewell(reason: unknown): PageEvent {
  if (!(reason instanceof VoiceError)) {
    return {
      type: "end_stream",
      data: { reason: reason instanceof Error ? "error" : "handler", message: "The call is over." },
    };
  }
  const ordinary = reason.code === "closed" || reason.code === "hung-up";
  const message = reason.expose ? reason.message : "The call is over.";
  return { type: "end_stream", data: { reason: reasons[reason.code] ?? (ordinary ? "handler" : "error"), message } };
}

function padded(samples: Int16Array, length: number): Int16Array {
  const out = new Int16Array(length);
  out.set(samples.subarray(0, length));
  return out;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
