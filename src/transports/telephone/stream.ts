/*
 * From an accepted media socket to a session: waits for `start`, whose token names the call that was announced. A socket
 * without the right token is closed and learns nothing.
 */
import { codes } from "../../base/codes.ts";
import { isFault, VoiceError } from "../../base/errors.ts";
import type { Millis } from "../../base/time.ts";
import type { ServerSocket } from "../../node/socket.ts";
import type { CarrierMessage } from "../../protocol/telephone.ts";
import { Strikes } from "../../protocol/strikes.ts";
import type { Calls } from "../../session/calls.ts";
import type { CallInfo } from "../../session/types.ts";
import { PhoneCall } from "./call.ts";
import type { Carrier } from "./carrier.ts";
import type { Ticket } from "./tickets.ts";

/** How long the first message may take, ms. */
const START: Millis = 5_000;
/** The largest message: 1 s of µ-law in base64 is 11 kB. */
const LIMIT = 64 * 1024;

export interface MediaStreamOptions<In> {
  readonly calls: Calls<In>;
  readonly carrier: Carrier;
  /** Uses up the token of a call. */
  take(token: string | undefined, callId: string): Ticket | undefined;
  /** The socket broke off: the session waits for the carrier to go on. */
  lost(session: string, callId: string, call: CallInfo): void;
  /** Whether a call whose socket broke off waits. */
  readonly resumable: boolean;
}

/** One media socket from its upgrade to its end. */
export class MediaStream<In> {
  readonly #socket: ServerSocket;
  readonly #options: MediaStreamOptions<In>;
  readonly #strikes = new Strikes();
  readonly #cancelDeadline: () => void;
  #call: PhoneCall | undefined;
  #over = false;

  constructor(socket: ServerSocket, options: MediaStreamOptions<In>) {
    this.#socket = socket;
    this.#options = options;
    const { clock, log } = options.calls.platform;
    this.#cancelDeadline = clock.at(clock.now() + START, () => {
      this.#end(new VoiceError("setup-timeout", `no start came within ${START} ms`));
    });
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("close", (code) => {
      this.#over = true;
      this.#cancelDeadline();
      this.#call?.gone(code);
      this.#call = undefined;
    });
    socket.on("error", (error) => log.debug("a socket failed", { error }));
  }

  #receive(data: unknown, isBinary: boolean): void {
    if (this.#over) return;
    if (isBinary || !(data instanceof Uint8Array) || data.length > LIMIT)
      return this.#strike("a message that is not text");
    const message = this.#options.carrier.read(Buffer.from(data.buffer, data.byteOffset, data.length).toString());
    if (message === undefined) return;
    if (isFault(message)) return this.#strike(message.why);
    if (this.#call !== undefined) this.#call.receive(message);
    else if (message.type === "start") this.#begin(message);
    else if (message.type === "stop") this.#end();
  }

  #begin({ stream, call: callId, parameters }: Extract<CarrierMessage, { type: "start" }>): void {
    const { calls, carrier, take } = this.#options;
    this.#cancelDeadline();
    const { token, ...given } = parameters;
    const ticket = take(token, callId);
    if (ticket === undefined)
      return this.#end(new VoiceError("unauthorized", "the token of the media socket is not valid"));
    const id = ticket.session ?? calls.makeId();
    const info: CallInfo = { ...ticket.call, parameters: { ...ticket.call.parameters, ...given } };
    const call = new PhoneCall({
      socket: this.#socket,
      platform: calls.platform,
      carrier,
      stream,
      call: info,
      resumable: this.#options.resumable,
      strike: (why) => this.#isOut(why),
      lost: () => this.#options.lost(id, callId, info),
    });
    this.#call = call;
    void this.#putThrough(call, ticket, id);
  }

  /** When this fails the transport is closed, and that ends the socket. */
  async #putThrough(call: PhoneCall, { callId, slot, session }: Ticket, id: string): Promise<void> {
    const { calls } = this.#options;
    try {
      if (session !== undefined) calls.move(session, call);
      else
        await calls.answer(
          call,
          slot === undefined ? { alias: `phone-${callId}`, id } : { alias: `phone-${callId}`, id, slot },
        );
    } catch (error) {
      calls.platform.log.warn("a telephone call could not be answered", { error });
    }
  }

  #strike(why: string): void {
    if (!this.#isOut(why)) return;
    const error = new VoiceError("bad-message", "too many messages that cannot be used");
    if (this.#call === undefined) this.#end(error);
    else this.#call.close(error);
  }

  #isOut(why: string): boolean {
    const { platform } = this.#options.calls;
    platform.meters.count("repartee_socket_ignored_total", 1, { transport: "telephone", why: "broken" });
    if (platform.log.on("debug")) platform.log.debug("a message was ignored", { why });
    return this.#strikes.add(platform.clock.now());
  }

  /** Ends a socket that has no session. */
  #end(error?: VoiceError): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelDeadline();
    const { clock } = this.#options.calls.platform;
    this.#socket.close(error === undefined ? 1000 : codes[error.code].close, error?.code ?? "closed");
    clock.at(clock.now() + 1_000, () => this.#socket.terminate());
  }
}
