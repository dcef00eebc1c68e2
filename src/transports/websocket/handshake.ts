/*
 * From an accepted socket to a session:
 *
 *   waiting ──start──▶ admitting: ticket, slot, codecs ──▶ live ──▶ over
 *      │ 5 s                │ refused                        ▲
 *      └──▶ over            └──▶ {status: "failed"}, over    └ what came meanwhile is delivered first
 *
 * A socket that closes at any point leaves nothing behind. A `websocket_id` that is in use is refused without touching
 * the session that has it.
 */
import { codes } from "../../base/codes.ts";
import { asVoiceError, isFault, VoiceError } from "../../base/errors.ts";
import { decodedLength } from "../../base/base64.ts";
import type { Millis } from "../../base/time.ts";
import type { ServerSocket } from "../../node/socket.ts";
import type { ResumeTokens } from "../../protocol/resume.ts";
import { refusalOf } from "../../protocol/signal.ts";
import {
  type AudioFormat,
  chooseFormat,
  readBinaryFrame,
  readSocketMessage,
  SOCKET_MESSAGE_LIMIT,
  type SocketMessage,
  type SocketStart,
  writeFormat,
  writeSocketReply,
} from "../../protocol/socket.ts";
import { Strikes } from "../../protocol/strikes.ts";
import type { Calls } from "../../session/calls.ts";
import type { Slot } from "../../session/types.ts";
import { HEARTBEAT, SocketCall } from "./call.ts";
import { type Codec, mulaw, openCodec, supportedFormats } from "./codecs.ts";

/** Bytes of what a page may send while its call is being set up. */
const EARLY_LIMIT = 4 * SOCKET_MESSAGE_LIMIT;

export interface SocketOptions {
  /** What stock pages send, Hz: it is not on the wire. Default 48 000, as in FastRTC. */
  readonly inputRate?: number;
  /** What stock pages expect, Hz. Default 24 000, as in FastRTC. */
  readonly outputRate?: number;
  /** Codecs offered to v1 pages. Default: PCM16, Opus and µ-law. */
  readonly formats?: readonly AudioFormat[];
  /** How long the first message may take, ms. Default 5 000. */
  readonly startMs?: Millis;
  /** Whether this page may come in. Called once, before a slot is taken; without it everybody may. */
  readonly verifyTicket?: (ticket: string | undefined, start: SocketStart) => boolean | Promise<boolean>;
  /** The tokens by which a page comes back to a lost call. Without them none waits for its page. */
  readonly resume?: ResumeTokens;
}

interface Ready {
  readonly codecs: { readonly in: Codec; readonly out: Codec };
  readonly formats: { readonly in: AudioFormat; readonly out: AudioFormat };
}

/** One socket from its upgrade to its end. */
export class Handshake<In> {
  readonly #socket: ServerSocket;
  readonly #calls: Calls<In>;
  readonly #options: SocketOptions;
  readonly #strikes = new Strikes();
  readonly #cancelDeadline: () => void;
  #state: "waiting" | "admitting" | "live" | "over" = "waiting";
  #call: SocketCall | undefined;
  /** What came while the call was being set up. */
  #early: (SocketMessage | Uint8Array)[] = [];
  #earlyBytes = 0;

  constructor(socket: ServerSocket, calls: Calls<In>, options: SocketOptions) {
    this.#socket = socket;
    this.#calls = calls;
    this.#options = options;
    const { clock } = calls.platform;
    const { startMs = 5_000 } = options;
    this.#cancelDeadline = clock.at(clock.now() + startMs, () => {
      this.#end(new VoiceError("setup-timeout", `no start came within ${startMs} ms`));
    });
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("close", (code) => this.#closed(code));
    // What is wrong with a socket is told by its close code; without a listener Node would end the process.
    socket.on("error", (error) => calls.platform.log.debug("a socket failed", { error }));
  }

  #receive(data: unknown, isBinary: boolean): void {
    if (this.#state === "over") return;
    if (!(data instanceof Uint8Array) || data.length > SOCKET_MESSAGE_LIMIT)
      return this.#strike("a message that is too large");
    if (isBinary) return this.#receiveBinary(data);
    const message = readSocketMessage(Buffer.from(data.buffer, data.byteOffset, data.length).toString());
    if (message === undefined) return this.#count("an unknown type");
    if (isFault(message)) return this.#strike(message.why);
    if (this.#call !== undefined) return this.#call.receive(message);
    if (this.#state === "admitting")
      return this.#keep(message, message.type === "media" ? decodedLength(message.payload) : 256);
    if (message.type === "start") return void this.#admit(message);
    if (message.type === "stop") return this.#end();
    if (message.type === "ping") return this.#socket.send('{"event":"pong"}', { binary: false });
    this.#count("a message before start");
  }

  #receiveBinary(data: Uint8Array): void {
    const frame = readBinaryFrame(data);
    if (frame === undefined) return this.#count("an unknown codec");
    if (isFault(frame)) return this.#strike(frame.why);
    if (this.#call !== undefined) this.#call.receiveBinary(frame.payload);
    else if (this.#state === "admitting") this.#keep(frame.payload, frame.payload.length);
    else this.#count("a message before start");
  }

  #keep(message: SocketMessage | Uint8Array, bytes: number): void {
    this.#earlyBytes += bytes;
    if (this.#earlyBytes <= EARLY_LIMIT) this.#early.push(message);
    else this.#count("too much before the call was set up");
  }

  async #admit(start: SocketStart): Promise<void> {
    this.#state = "admitting";
    this.#cancelDeadline();
    let slot: Slot | undefined;
    let ready: Ready | undefined;
    try {
      await this.#verify(start);
      const back = this.#comingBack(start);
      if (back === undefined) slot = await this.#calls.reserve(start.id);
      ready = await this.#prepare(start);
      if (this.#over) throw new VoiceError("hung-up", "the page left while its call was being set up");
      this.#begin(start, ready, slot, back);
    } catch (error) {
      void slot?.release();
      ready?.codecs.in.free();
      ready?.codecs.out.free();
      this.#refuse(asVoiceError(error, "bug"));
    }
  }

  /** Reads the state anew after an await: the socket may have closed meanwhile. */
  get #over(): boolean {
    return this.#state === "over";
  }

  async #verify(start: SocketStart): Promise<void> {
    const { verifyTicket } = this.#options;
    if (verifyTicket === undefined || (await verifyTicket(start.ticket, start))) return;
    throw new VoiceError("unauthorized", "the ticket is not valid");
  }

  /** The session that a token opens; undefined when the page does not come back. */
  #comingBack({ resume }: SocketStart): string | undefined {
    if (resume === undefined) return undefined;
    const session = this.#options.resume?.take(resume, this.#calls.platform.clock.now());
    if (typeof session === "string" && this.#calls.get(session) !== undefined) return session;
    throw new VoiceError("resume-expired", "the session cannot be resumed any more", { expose: true });
  }

  async #prepare({ profile, audio }: SocketStart): Promise<Ready> {
    if (profile === "fastrtc") {
      const { inputRate = 48_000, outputRate = 24_000 } = this.#options;
      const formats = { in: { codec: "mulaw", rate: inputRate }, out: { codec: "mulaw", rate: outputRate } } as const;
      return { formats, codecs: { in: mulaw(formats.in), out: mulaw(formats.out) } };
    }
    const { formats: supported = supportedFormats } = this.#options;
    const chosen = { in: chooseFormat(audio.in, supported), out: chooseFormat(audio.out, supported) };
    if (chosen.in === undefined || chosen.out === undefined) throw noCommonCodec(supported);
    const formats = { in: chosen.in, out: chosen.out };
    const input = await openCodec(formats.in, "in");
    try {
      return { formats, codecs: { in: input, out: await openCodec(formats.out, "out") } };
    } catch (error) {
      input.free();
      throw error;
    }
  }

  /** Nothing is awaited from here on: two pages with one id cannot both get through. */
  #begin(start: SocketStart, { codecs, formats }: Ready, slot: Slot | undefined, back: string | undefined): void {
    if (back === undefined && this.#calls.get(start.id) !== undefined) {
      throw new VoiceError("session-exists", `a session with the id ${start.id} is alive`);
    }
    const id = back ?? this.#calls.makeId();
    const call = new SocketCall({
      socket: this.#socket,
      platform: this.#calls.platform,
      profile: start.profile,
      ...codecs,
      binary: start.audio.binary,
      stock:
        start.profile === "fastrtc" ? codecs.in : mulaw({ codec: "mulaw", rate: this.#options.inputRate ?? 48_000 }),
      inputs: start.inputs,
      call: { ...(start.agent === undefined ? {} : { agent: start.agent }), parameters: start.metadata ?? {} },
      resumable: start.profile === "v1" && this.#options.resume !== undefined,
      lost: () => this.#options.resume?.away(id, this.#calls.platform.clock.now()),
      strike: (why) => this.#isOut(why),
    });
    if (start.profile === "v1") this.#sayStarted(id, formats, start.audio.binary);
    this.#state = "live";
    this.#call = call;
    void this.#putThrough(call, { id, alias: start.id, slot, back: back !== undefined });
    for (const early of this.#early) {
      if (early instanceof Uint8Array) call.receiveBinary(early);
      else call.receive(early);
    }
    this.#early = [];
  }

  /** When this fails the transport is closed, and that ends the socket. */
  async #putThrough(
    call: SocketCall,
    {
      id,
      alias,
      slot,
      back,
    }: { readonly id: string; readonly alias: string; readonly slot: Slot | undefined; readonly back: boolean },
  ): Promise<void> {
    const calls = this.#calls;
    try {
      if (back) calls.move(id, call);
      else {
        const session = await calls.answer(call, slot === undefined ? { alias, id } : { alias, id, slot });
        session.on("closed", () => this.#options.resume?.revoke(id));
      }
    } catch (error) {
      calls.platform.log.warn("a call could not be answered", { error });
    }
  }

  #sayStarted(id: string, formats: Ready["formats"], binary: boolean): void {
    const tokens = this.#options.resume;
    const text = writeSocketReply({
      event: "started",
      v: 1,
      id,
      audio: { in: writeFormat(formats.in), out: writeFormat(formats.out), binary },
      heartbeatMs: HEARTBEAT,
      ...(tokens === undefined ? {} : { resume: tokens.issue(id), expiresIn: Math.floor(tokens.windowMs / 1000) }),
    });
    this.#socket.send(text, { binary: false });
  }

  #refuse(error: VoiceError): void {
    if (this.#over) return;
    const { supported } = error.meta;
    const body =
      supported === undefined
        ? refusalOf(error, "v1").body
        : { status: "failed", meta: { error: "no_common_codec", supported } };
    if (error.code === "bug") this.#calls.platform.log.error("a socket could not be set up", { error });
    this.#socket.send(JSON.stringify(body), { binary: false });
    this.#end(error);
  }

  #strike(why: string): void {
    if (!this.#isOut(why)) return;
    const error = new VoiceError("bad-message", "too many messages that cannot be used");
    if (this.#call === undefined) this.#end(error);
    else this.#call.close(error);
  }

  #isOut(why: string): boolean {
    const { platform } = this.#calls;
    this.#count("broken");
    if (platform.log.on("debug")) platform.log.debug("a message was ignored", { why });
    return this.#strikes.add(platform.clock.now());
  }

  #count(why: string): void {
    this.#calls.platform.meters.count("repartee_socket_ignored_total", 1, { transport: "websocket", why });
  }

  /** Ends a socket that has no session. */
  #end(error?: VoiceError): void {
    if (this.#over) return;
    this.#state = "over";
    this.#cancelDeadline();
    this.#early = [];
    const { clock } = this.#calls.platform;
    this.#socket.close(error === undefined ? 1000 : codes[error.code].close, error?.code ?? "closed");
    clock.at(clock.now() + 1_000, () => this.#socket.terminate());
  }

  #closed(code: number): void {
    this.#cancelDeadline();
    this.#state = "over";
    this.#early = [];
    this.#call?.gone(code);
    this.#call = undefined;
  }
}

function noCommonCodec(supported: readonly AudioFormat[]): VoiceError {
  const meta = { supported: supported.map(writeFormat) };
  return new VoiceError("unsupported", "page and server have no codec in common", { meta });
}
