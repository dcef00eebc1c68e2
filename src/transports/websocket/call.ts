/*
 * One page on a WebSocket, as a transport. Both profiles share everything but the form of what is sent:
 *
 *                 stock FastRTC page                       v1
 *   audio out     µ-law in JSON, 100 ms a message          binary frame of 20 ms, with epoch
 *   clear         told, but the page cannot obey           new epoch; the page answers what it has played
 *   position      reckoned by the session                  reported: position, mark, cleared
 *   events        FastRTC's few                            all, with seq and at
 *   lost          30 s of silence                          5 s: the page pings every 2 s
 */
import type { AudioFrame } from "../../audio/frame.ts";
import { codes } from "../../base/codes.ts";
import { decodeBase64Into, decodedLength } from "../../base/base64.ts";
import { asVoiceError, VoiceError } from "../../base/errors.ts";
import type { Platform } from "../../base/platform.ts";
import type { Millis } from "../../base/time.ts";
import { Lifeline, Outlet, type ServerSocket } from "../../node/socket.ts";
import { Marks } from "../../protocol/marks.ts";
import { type PageEvent, writePageEvent } from "../../protocol/page.ts";
import type { Profile } from "../../protocol/signal.ts";
import { type SocketMessage, writeSocketReply } from "../../protocol/socket.ts";
import { StockPage } from "../../protocol/stock.ts";
import type { CallInfo, Output, Transport, TransportCan, TransportSink } from "../../session/types.ts";
import type { Codec } from "./codecs.ts";
import { Intake } from "./intake.ts";
import { createVoice, type Voice } from "./voice.ts";

/** How often a v1 page pings, ms. */
export const HEARTBEAT: Millis = 2_000;
/** Two missed pings and a little. */
const LOST_V1: Millis = 5_000;
const LOST_STOCK: Millis = 30_000;
const PING_STOCK: Millis = 15_000;
/** How far ahead of the caller's ear audio is sent, ms. With one more frame it stays within 200. */
const LEAD: Millis = 180;
/** Without a frame for this long an utterance is over, ms. */
const IDLE: Millis = 60;
/** How long the peer may take to answer a close frame, ms: the session waits 1000. */
const CLOSE: Millis = 800;

export interface SocketCallOptions {
  readonly socket: ServerSocket;
  readonly platform: Platform;
  readonly profile: Profile;
  readonly in: Codec;
  readonly out: Codec;
  readonly binary: boolean;
  /** What a page without a negotiated codec sends: µ-law at this rate. */
  readonly stock: Codec;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly call: CallInfo;
  /** Whether a page that is lost can come back. */
  readonly resumable: boolean;
  /** The page is lost and may come back. */
  lost(): void;
  /** Something came that cannot be used. Answers whether the peer has done so too often. */
  strike(why: string): boolean;
}

/** A page's socket after its `start`. */
export class SocketCall implements Transport {
  readonly name = "websocket";
  readonly can: TransportCan;
  readonly call: CallInfo;
  readonly #options: SocketCallOptions;
  readonly #outlet: Outlet;
  readonly #lifeline: Lifeline;
  readonly #marks = new Marks();
  readonly #page = new StockPage();
  readonly #voice: Voice;
  readonly #binary: Intake;
  /** JSON media: of a stock page, of a v1 page without binary frames, or sent before the page knew that we are v1. */
  readonly #text: Intake;
  readonly #openedAt: Millis;
  #sink: TransportSink | undefined;
  /** Payloads of JSON media, used again and again. */
  #decoded = new Uint8Array(0);
  #seq = 0;
  #sentAt: Millis = 0;
  #idle: (() => void) | undefined;
  #closing = false;
  #reason: unknown;
  #cancelClose: (() => void) | undefined;

  constructor(options: SocketCallOptions) {
    const { socket, platform, profile, out, binary } = options;
    const v1 = profile === "v1";
    this.#options = options;
    this.call = options.call;
    this.#openedAt = platform.clock.now();
    this.can = { rate: out.rate, lead: LEAD, video: false, messages: true, digits: true, clears: v1, marks: v1 };
    this.#outlet = new Outlet({
      socket,
      clock: platform.clock,
      dropped: (ms, waiting) => {
        this.#marks.drop(ms, waiting);
        this.#count("repartee_audio_dropped_ms_total", "link", ms);
      },
      stuck: () => this.#lose("the page takes no data any more"),
    });
    this.#voice = createVoice(out, binary, v1, (data, ms) => this.#outlet.send(data, binary, ms));
    this.#lifeline = new Lifeline({
      socket,
      clock: platform.clock,
      pingMs: v1 ? Number.POSITIVE_INFINITY : PING_STOCK,
      lostMs: v1 ? LOST_V1 : LOST_STOCK,
      lost: () => this.#lose("nothing was heard of the page any more"),
    });
    this.#binary = this.#intake(options.in);
    this.#text = binary || !v1 ? this.#intake(options.stock) : this.#binary;
  }

  open(sink: TransportSink): void {
    if (this.#sink !== undefined) throw new TypeError("open was called twice");
    this.#sink = sink;
    if (this.#options.inputs !== undefined) sink.message({ type: "inputs", values: this.#options.inputs });
  }

  send(output: Output): void {
    if (this.#closing) return;
    if (output.kind === "audio") {
      this.#marks.send((output.samples.length / output.rate) * 1000);
      this.#voice.push(output.samples);
      this.#watchIdle();
    } else if (output.kind === "message") {
      this.#voice.flush();
      for (const text of this.#textsOf({ type: "output", data: { name: output.name, value: output.data } })) {
        this.#outlet.send(text, false, 0);
      }
    }
  }

  tell(event: PageEvent): void {
    if (this.#closing) return;
    for (const text of this.#textsOf(event)) this.#outlet.urgent(text);
  }

  clear(): void {
    if (this.#closing) return;
    this.#outlet.clear();
    const epoch = this.#marks.clear() % 256;
    this.#voice.clear(epoch);
    this.#outlet.urgent(writeSocketReply(this.can.clears ? { event: "clear", epoch } : { event: "clear" }));
  }

  close(reason?: unknown): void {
    if (this.#closing) return;
    this.#voice.flush();
    const error = reason === undefined || reason === "handler" ? undefined : asVoiceError(reason, "bug");
    const code = error === undefined ? 1000 : codes[error.code].close;
    this.#shut(reason);
    const { socket, platform } = this.#options;
    // 1006 may not be sent: it means that no close frame came.
    if (code === 1006) socket.terminate();
    else socket.close(code, error?.code ?? "closed");
    this.#cancelClose = platform.clock.at(platform.clock.now() + CLOSE, () => socket.terminate());
  }

  /** A text message came. */
  receive(message: SocketMessage): void {
    this.#lifeline.seen();
    if (this.#closing) return;
    switch (message.type) {
      case "media":
        return this.#hear(this.#text, message.payload);
      case "ping":
        return this.#pong(message.t);
      case "position":
        return this.#played(this.#marks.reported(message.playedMs, message.epoch));
      case "mark":
        return this.#played(this.#marks.returned(message.name));
      case "caller":
        return this.#sink?.message(message.message);
      case "stop":
        return this.#sink?.message({ type: "stop" });
      case "cleared":
        // The session took back what was not heard when it sent the clear: by now it is past.
        return;
      case "start":
        return this.#strike("a second start");
    }
  }

  /** A binary payload came, in the agreed codec. */
  receiveBinary(payload: Uint8Array): void {
    this.#lifeline.seen();
    if (!this.#closing) this.#take(this.#binary, payload);
  }

  /** The socket is closed. */
  gone(code: number): void {
    const reason = this.#closing
      ? this.#reason
      : code === 1000 || code === 1001 || code === 1005
        ? new VoiceError("hung-up", "the page closed its socket")
        : new VoiceError("connection-lost", `the socket broke off with code ${code}`);
    const resumable = this.#options.resumable && reason instanceof VoiceError && reason.code === "connection-lost";
    this.#shut(reason);
    this.#cancelClose?.();
    this.#options.in.free();
    this.#options.out.free();
    if (resumable) this.#options.lost();
    this.#sink?.closed(reason, resumable);
    this.#sink = undefined;
  }

  #intake(codec: Codec): Intake {
    return new Intake({
      codec,
      rate: this.can.rate,
      frame: (frame: AudioFrame) => this.#sink?.audio(frame),
      wrongRate: (measured) => {
        const message = `Your audio arrives at ${measured} Hz but ${codec.rate} Hz was agreed: it will be heard too fast or too slowly.`;
        this.tell({ type: "warning", message, data: { code: "protocol", fatal: false } });
        this.#count("repartee_socket_wrong_rates_total", "rate", 1);
      },
    });
  }

  #hear(intake: Intake, payload: string): void {
    // Buffer decodes without complaint what is not base64, so the strict reader is asked. Codecs keep nothing of their input.
    const length = decodedLength(payload);
    if (this.#decoded.length < length) this.#decoded = new Uint8Array(length);
    if (decodeBase64Into(payload, this.#decoded) < 0) return this.#strike("a payload that is not base64");
    this.#take(intake, this.#decoded.subarray(0, length));
  }

  #take(intake: Intake, payload: Uint8Array): void {
    const refused = intake.push(payload, this.#options.platform.clock.now());
    if (refused !== undefined) this.#strike(refused);
  }

  #pong(t: number | undefined): void {
    if (t === undefined) this.#outlet.urgent(PONG);
    else this.#outlet.urgent(writeSocketReply({ event: "pong", t, s: this.#now() }));
  }

  #played(position: Millis | undefined): void {
    if (position !== undefined) this.#sink?.played(position);
  }

  #textsOf(event: PageEvent): readonly string[] {
    return this.can.marks ? [writePageEvent(event, this.#seq++, this.#now())] : this.#page.translate(event);
  }

  /** Notices that an utterance is over: its rest goes out, and a v1 page is told where it ends. */
  #watchIdle(): void {
    const { clock } = this.#options.platform;
    this.#sentAt = clock.now();
    this.#idle ??= clock.at(this.#sentAt + IDLE, () => this.#onIdle());
  }

  #onIdle(): void {
    const { clock } = this.#options.platform;
    this.#idle = undefined;
    if (this.#closing) return;
    if (clock.now() - this.#sentAt < IDLE) {
      this.#idle = clock.at(this.#sentAt + IDLE, () => this.#onIdle());
      return;
    }
    this.#voice.flush();
    if (this.can.marks && this.#marks.unmarked > 0) {
      this.#outlet.send(writeSocketReply({ event: "mark", mark: { name: this.#marks.mark() } }), false, 0);
    }
  }

  #strike(why: string): void {
    if (this.#options.strike(why)) this.close(new VoiceError("bad-message", "too many messages that cannot be used"));
  }

  #lose(why: string): void {
    if (this.#closing) return;
    this.close(new VoiceError("connection-lost", why));
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

  #now(): number {
    return Math.round(this.#options.platform.clock.now() - this.#openedAt);
  }
}

const PONG = writeSocketReply({ event: "pong" });
