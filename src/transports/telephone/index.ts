/*
 * Telephone calls through a carrier: three addresses below the public one, to be mounted by whoever serves HTTP.
 *
 *   POST|GET  /telephone/incoming   a call comes in          ──▶ incomingCall
 *   POST|GET  /telephone/continue   its stream has ended     ──▶ continueCall: goes on with a lost call, else says goodbye
 *   WebSocket /telephone/handler    its audio                ──▶ answerMediaStream
 *
 * Checks, cheapest first: size, signature, form, call id, then a place. The place is held for the socket, which shows the
 * one-time token of its call.
 */
import { isFault, VoiceError } from "../../base/errors.ts";
import type { Millis } from "../../base/time.ts";
import type { ServerSocket } from "../../node/socket.ts";
import type { Calls } from "../../session/calls.ts";
import type { CallInfo, Slot } from "../../session/types.ts";
import type { Carrier, CarrierReply, CarrierRequest } from "./carrier.ts";
import { MediaStream } from "./stream.ts";
import { Tickets } from "./tickets.ts";

export type { AnnouncedCall, Carrier, CarrierReply, CarrierRequest } from "./carrier.ts";
export { type ConnectOptions, busyTwiml, connectTwiml, hangupTwiml } from "./twiml.ts";
export { dial, type DialedCall, type DialOptions } from "./dial.ts";
export { signTwilio, verifyTwilio } from "./signature.ts";
export { twilio, type TwilioOptions } from "./twilio.ts";

/** The largest form of a webhook, characters: Twilio sends about 1 kB. */
const FORM_LIMIT = 64 * 1024;
/** What a form says about the call itself; every other parameter of the URL goes to the handler. */
const PARAMETERS = 64;

export interface TelephoneOptions<In> {
  readonly calls: Calls<In>;
  readonly carrier: Carrier;
  /**
   * The public address of the mount, `https://voice.example.org/app`. Without it the address is that of the request, which
   * a stranger may forge: good enough on one machine.
   */
  readonly publicUrl?: string;
  /** Believe `X-Forwarded-Proto`, `-Host` and `-Prefix` when there is no publicUrl. Default false. */
  readonly trustProxy?: boolean;
  /** Spoken by the carrier; without a text nothing is. */
  readonly texts?: {
    /** Before the line is open. */
    readonly greeting?: string;
    /** When the call is over and the caller still there. */
    readonly farewell?: string;
    /** In place of the busy tone. */
    readonly busy?: string;
  };
  /** How long a place is held for the media socket, ms. Default 60 000. */
  readonly socketMs?: Millis;
  /** How long a call whose socket broke off waits for the carrier to go on with it, ms; 0: it ends at once. Default 10 000. */
  readonly pickUpMs?: Millis;
}

/** Telephone calls for one handler. */
export interface Telephone {
  /** Answers the webhook of a call. Never rejects. */
  incomingCall(request: CarrierRequest): Promise<CarrierReply>;
  /** Answers the question what to do after the stream has ended. Never rejects. */
  continueCall(request: CarrierRequest): Promise<CarrierReply>;
  /** Whether the upgrade of a media socket may be accepted: a signature that is there must be right. */
  mayConnect(request: CarrierRequest): boolean;
  /** Takes over an accepted media socket, in the tick of its upgrade. Never throws. */
  answerMediaStream(socket: ServerSocket): void;
  /** How many calls wait for their socket. */
  readonly waiting: number;
  /** Gives back the places of calls whose socket has not come. */
  close(): void;
}

/** Makes the telephone side of a server. */
export function createTelephone<In>(options: TelephoneOptions<In>): Telephone {
  return new PhoneDesk(options);
}

class PhoneDesk<In> implements Telephone {
  readonly #options: TelephoneOptions<In>;
  readonly #tickets: Tickets;
  /** Calls whose socket broke off, with the session that waits. */
  readonly #lost = new Map<
    string,
    { readonly session: string; readonly call: CallInfo; readonly cancel: () => void }
  >();

  constructor(options: TelephoneOptions<In>) {
    this.#options = options;
    this.#tickets = new Tickets(options.calls.platform, options.socketMs ?? 60_000);
  }

  get waiting(): number {
    return this.#tickets.waiting;
  }

  async incomingCall(request: CarrierRequest): Promise<CarrierReply> {
    const { carrier, calls, texts } = this.#options;
    const read = this.#read(request, "/telephone/incoming");
    if ("status" in read) return read;
    const { callId, call, base } = read;
    if (this.#tickets.wasUsed(callId)) return this.#refuse(403, "replayed");
    const before = this.#tickets.waitingFor(callId);
    if (before !== undefined) return this.#connect(base, this.#tickets.issue(before).token, texts?.greeting);
    let slot: Slot;
    try {
      slot = await calls.reserve(`phone-${callId}`);
    } catch (error) {
      calls.platform.log.info("a telephone call found no room", { error });
      this.#count("busy");
      return this.#reply(carrier.busy(texts?.busy));
    }
    return this.#connect(base, this.#tickets.issue({ callId, call, slot, session: undefined }).token, texts?.greeting);
  }

  continueCall(request: CarrierRequest): Promise<CarrierReply> {
    const { carrier, calls, texts } = this.#options;
    const read = this.#read(request, "/telephone/continue");
    if ("status" in read) return Promise.resolve(read);
    const lost = this.#lost.get(read.callId);
    this.#forgetLost(read.callId);
    if (lost === undefined || calls.get(lost.session) === undefined)
      return Promise.resolve(this.#reply(carrier.hangup(texts?.farewell)));
    const { token } = this.#tickets.issue({
      callId: read.callId,
      call: lost.call,
      slot: undefined,
      session: lost.session,
    });
    return Promise.resolve(this.#connect(read.base, token, undefined));
  }

  mayConnect(request: CarrierRequest): boolean {
    if (request.headers["x-twilio-signature"] === undefined) return true;
    const { base, search } = this.#address(request, "/telephone/handler");
    return this.#options.carrier.verify(request.headers, socketUrl(base) + search, new URLSearchParams());
  }

  answerMediaStream(socket: ServerSocket): void {
    const { calls, carrier, pickUpMs = 10_000 } = this.#options;
    new MediaStream(socket, {
      calls,
      carrier,
      take: (token, callId) => this.#tickets.take(token, callId),
      lost: (session, callId, call) => {
        this.#forgetLost(callId);
        const { clock } = calls.platform;
        const cancel = clock.at(clock.now() + pickUpMs, () => {
          this.#lost.delete(callId);
          const reason = new VoiceError(
            "connection-lost",
            `the carrier did not go on with the call within ${pickUpMs} ms`,
          );
          void calls.get(session)?.close(reason);
        });
        this.#lost.set(callId, { session, call, cancel });
      },
      resumable: pickUpMs > 0,
    });
  }

  close(): void {
    this.#tickets.close();
    for (const callId of this.#lost.keys()) this.#forgetLost(callId);
  }

  #forgetLost(callId: string): void {
    this.#lost.get(callId)?.cancel();
    this.#lost.delete(callId);
  }

  /** What a webhook says, or the refusal. */
  #read(request: CarrierRequest, route: string): { callId: string; call: CallInfo; base: string } | CarrierReply {
    const { body = "" } = request;
    if (body.length > FORM_LIMIT || request.url.length > FORM_LIMIT) return this.#refuse(413, "too large");
    const { base, search } = this.#address(request, route);
    const form = new URLSearchParams(request.method === "POST" ? body : "");
    if (!this.#options.carrier.verify(request.headers, base + route + search, form))
      return this.#refuse(403, "signature");
    const query = new URLSearchParams(search);
    const announced = this.#options.carrier.readCall(request.method === "POST" ? form : query);
    if (isFault(announced)) return this.#refuse(400, "form");
    const parameters = request.method === "POST" ? Object.fromEntries([...query].slice(0, PARAMETERS)) : {};
    return { callId: announced.callId, call: { ...announced, parameters }, base };
  }

  /** The public address of the mount, and the query of this request. */
  #address({ url, headers }: CarrierRequest, route: string): { readonly base: string; readonly search: string } {
    const { publicUrl, trustProxy = false } = this.#options;
    const [, path = "", search = ""] = /^(?:[a-z]+:\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?/i.exec(url) ?? [];
    if (publicUrl !== undefined) return { base: publicUrl.replace(/\/+$/, ""), search };
    const forwarded = (name: string): string | undefined => {
      const value = headers[`x-forwarded-${name}`];
      return trustProxy && typeof value === "string" ? value.split(",")[0]?.trim() : undefined;
    };
    const host = forwarded("host") ?? headers["host"];
    const prefix = (forwarded("prefix") ?? "").replace(/\/+$/, "");
    const mount = path.endsWith(route) ? path.slice(0, -route.length) : "";
    return {
      base: `${forwarded("proto") ?? "http"}://${typeof host === "string" ? host : "localhost"}${prefix}${mount}`,
      search,
    };
  }

  #connect(base: string, token: string, greeting: string | undefined): CarrierReply {
    const streamUrl = socketUrl(base);
    return this.#reply(
      this.#options.carrier.connect({
        greeting,
        streamUrl,
        actionUrl: `${base}/telephone/continue`,
        parameters: { token },
      }),
    );
  }

  #reply(body: string): CarrierReply {
    return {
      status: 200,
      headers: { "content-type": this.#options.carrier.contentType, "cache-control": "no-store" },
      body,
    };
  }

  #refuse(status: number, why: string): CarrierReply {
    this.#count(why);
    return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: "refused" };
  }

  #count(why: string): void {
    this.#options.calls.platform.meters.count("repartee_telephone_refused_total", 1, { why });
  }
}

function socketUrl(base: string): string {
  return `${base.replace(/^http/, "ws")}/telephone/handler`;
}
