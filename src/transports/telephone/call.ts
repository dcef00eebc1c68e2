/*
 * One telephone call on its media socket, as a transport: 8 kHz µ-law both ways. The carrier buffers what it gets, so we
 * stay 200 ms ahead, ask every 200 ms what was played (mark), and take back the rest at once (clear).
 */
import { decodeMulaw, encodeMulaw } from "../../audio/g711.ts";
import { monoFrame } from "../../audio/frame.ts";
import { decodeBase64Samples } from "../../base/base64.ts";
import { codes } from "../../base/codes.ts";
import { asVoiceError, VoiceError } from "../../base/errors.ts";
import type { Platform } from "../../base/platform.ts";
import type { Millis } from "../../base/time.ts";
import { Lifeline, Outlet, type ServerSocket } from "../../node/socket.ts";
import { MediaBudget } from "../../protocol/budget.ts";
import { Marks } from "../../protocol/marks.ts";
import type { MediaText } from "../../protocol/media-text.ts";
import { type CarrierMessage, PHONE_RATE } from "../../protocol/telephone.ts";
import type { CallInfo, Output, Transport, TransportCan, TransportSink } from "../../session/types.ts";
import type { Carrier } from "./carrier.ts";

/** How far ahead of the caller's ear audio is sent, ms. With one more frame it stays within 200. */
const LEAD: Millis = 180;
/** Audio between two marks, ms. */
const MARK_EVERY: Millis = 200;
/** The carrier never holds more than this, ms, whatever its clock does: what it has is hard to take back. */
const FARTHEST: Millis = 2_000;
/** Without a frame for this long an utterance is over, ms. */
const IDLE: Millis = 60;
/** A jump of the carrier's timestamps below this is rounding, ms. */
const GAP: Millis = 15;
/** The longest payload: 1 s. */
const LONGEST = PHONE_RATE;
const PING: Millis = 15_000;
const LOST: Millis = 30_000;
/** How long the last mark of a farewell may take to come back, ms. */
const FAREWELL: Millis = 400;
/** How long the peer may take to answer a close frame, ms. */
const CLOSE: Millis = 500;

/** The sample of each µ-law byte. */
const mulawTable: Int16Array = decodeMulaw(Uint8Array.from({ length: 256 }, (_, byte) => byte));

export interface PhoneCallOptions {
  readonly socket: ServerSocket;
  readonly platform: Platform;
  readonly carrier: Carrier;
  /** The carrier's id of the stream. */
  readonly stream: string;
  readonly call: CallInfo;
  /** Something came that cannot be used. Answers whether the peer has done so too often. */
  strike(why: string): boolean;
  /** Whether the carrier may connect the call again after its socket broke off. */
  readonly resumable: boolean;
  /** The socket broke off and the call waits for the carrier. */
  lost(): void;
}

/** A telephone call after its `start`. */
export class PhoneCall implements Transport {
  readonly name = "telephone";
  readonly can: TransportCan = {
    rate: PHONE_RATE,
    lead: LEAD,
    video: false,
    messages: false,
    digits: true,
    clears: true,
    marks: true,
  };
  readonly call: CallInfo;
  readonly #options: PhoneCallOptions;
  readonly #outlet: Outlet;
  readonly #lifeline: Lifeline;
  readonly #marks = new Marks();
  readonly #media: MediaText;
  readonly #budget = new MediaBudget();
  #mulaw = new Uint8Array(160);
  #sink: TransportSink | undefined;
  /** End of the caller's audio so far, on the carrier's time. */
  #heardTo: Millis | undefined;
  #sentAt: Millis = 0;
  #idle: (() => void) | undefined;
  #leaving = false;
  #closing = false;
  #reason: unknown;
  #cancelClose: (() => void) | undefined;

  constructor(options: PhoneCallOptions) {
    const { socket, platform, carrier, stream } = options;
    this.#options = options;
    this.call = options.call;
    this.#media = carrier.media(stream);
    this.#outlet = new Outlet({
      socket,
      clock: platform.clock,
      dropped: (ms, waiting) => {
        this.#marks.drop(ms, waiting);
        this.#count("repartee_audio_dropped_ms_total", "link", ms);
      },
      stuck: () => this.#lose("the carrier plays nothing any more"),
      // What is at hand counts as sent already.
      room: () => this.#marks.ahead - this.#outlet.held <= FARTHEST,
    });
    this.#lifeline = new Lifeline({
      socket,
      clock: platform.clock,
      pingMs: PING,
      lostMs: LOST,
      lost: () => this.#lose("nothing was heard of the carrier any more"),
    });
  }

  open(sink: TransportSink): void {
    if (this.#sink !== undefined) throw new TypeError("open was called twice");
    this.#sink = sink;
  }

  send(output: Output): void {
    if (this.#closing || output.kind !== "audio") return;
    const { samples } = output;
    const ms = (samples.length / PHONE_RATE) * 1000;
    if (this.#mulaw.length !== samples.length) this.#mulaw = new Uint8Array(samples.length);
    const payload = encodeMulaw(samples, this.#mulaw);
    this.#marks.send(ms);
    this.#outlet.send(this.#media.write(payload, Buffer.allocUnsafe(this.#media.lengthFor(payload))), false, ms);
    if (this.#marks.unmarked >= MARK_EVERY) this.#mark();
    this.#watchIdle();
  }

  /** A telephone shows nothing. */
  tell(): void {}

  clear(): void {
    if (this.#closing) return;
    const { carrier, stream } = this.#options;
    this.#outlet.clear();
    this.#marks.clear();
    this.#outlet.urgent(carrier.clear(stream));
  }

  close(reason?: unknown): void {
    if (this.#closing || this.#leaving) return;
    const polite = reason === undefined || reason === "handler";
    if (!polite || this.#marks.ahead < 1) return this.#finish(reason);
    // Closing the stream cuts what the carrier still holds: its last mark says when nothing is left.
    this.#leaving = true;
    if (this.#marks.unmarked > 0) this.#mark();
    const { clock } = this.#options.platform;
    this.#cancelClose = clock.at(clock.now() + FAREWELL, () => this.#finish(reason));
  }

  #finish(reason: unknown): void {
    if (this.#closing) return;
    this.#cancelClose?.();
    const error = reason === undefined || reason === "handler" ? undefined : asVoiceError(reason, "bug");
    this.#shut(reason);
    const { socket, platform } = this.#options;
    const code = error === undefined ? 1000 : codes[error.code].close;
    if (code === 1006) socket.terminate();
    else socket.close(code, error?.code ?? "closed");
    this.#cancelClose = platform.clock.at(platform.clock.now() + CLOSE, () => socket.terminate());
  }

  /** A message of the carrier came. */
  receive(message: CarrierMessage): void {
    this.#lifeline.seen();
    if (this.#closing) return;
    switch (message.type) {
      case "media":
        return this.#hear(message.payload, message.timestamp);
      case "mark": {
        const position = this.#marks.returned(message.name);
        if (position !== undefined) this.#sink?.played(position);
        if (this.#leaving && this.#marks.ahead < 1) this.#finish(undefined);
        return;
      }
      case "digit":
        return this.#sink?.message({ type: "digit", digit: message.digit });
      case "stop":
        return this.#finish(new VoiceError("hung-up", "the caller hung up"));
      case "start":
        return this.#strike("a second start");
      case "connected":
        return;
    }
  }

  /** The socket is closed. */
  gone(code: number): void {
    const reason = this.#closing
      ? this.#reason
      : new VoiceError("connection-lost", `the socket broke off with code ${code}`);
    const lost = reason instanceof VoiceError && reason.code === "connection-lost";
    const resumable = lost && this.#options.resumable;
    this.#shut(reason);
    this.#cancelClose?.();
    if (resumable) this.#options.lost();
    this.#sink?.closed(reason, resumable);
    this.#sink = undefined;
  }

  #hear(payload: string, timestamp: Millis | undefined): void {
    const { platform } = this.#options;
    const samples = decodeBase64Samples(payload, mulawTable);
    if (samples === undefined || samples.length === 0 || samples.length > LONGEST)
      return this.#strike("a broken payload");
    const ms = (samples.length / PHONE_RATE) * 1000;
    if (!this.#budget.take(ms, platform.clock.now())) return this.#strike("too much audio");
    // The carrier leaves out what it lost on its own way: its timestamps say how much.
    const expected = this.#heardTo ?? timestamp ?? 0;
    const missing = timestamp === undefined ? 0 : timestamp - expected;
    if (missing >= GAP) this.#count("repartee_audio_missing_ms_total", "carrier", missing);
    const at = missing >= GAP ? expected + missing : expected;
    this.#heardTo = at + ms;
    this.#sink?.audio(monoFrame(samples, PHONE_RATE, at));
  }

  #mark(): void {
    const { carrier, stream } = this.#options;
    this.#outlet.send(carrier.mark(stream, this.#marks.mark()), false, 0);
  }

  /** Notices that an utterance is over, and marks its end. */
  #watchIdle(): void {
    const { clock } = this.#options.platform;
    this.#sentAt = clock.now();
    this.#idle ??= clock.at(this.#sentAt + IDLE, () => this.#onIdle());
  }

  #onIdle(): void {
    const { clock } = this.#options.platform;
    this.#idle = undefined;
    if (this.#closing) return;
    if (clock.now() - this.#sentAt < IDLE) this.#idle = clock.at(this.#sentAt + IDLE, () => this.#onIdle());
    else if (this.#marks.unmarked > 0) this.#mark();
  }

  #strike(why: string): void {
    if (this.#options.strike(why)) this.#finish(new VoiceError("bad-message", "too many messages that cannot be used"));
  }

  #lose(why: string): void {
    this.#finish(new VoiceError("connection-lost", why));
  }

  #shut(reason: unknown): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#reason = reason;
    this.#idle?.();
    this.#lifeline.stop();
    this.#outlet.close();
  }

  #count(name: string, why: string, by: number): void {
    this.#options.platform.meters.count(name, by, { transport: this.name, why });
  }
}
