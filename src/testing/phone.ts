/*
 * A telephone carrier that places real calls against a running server, the way Twilio does: signed webhook, TwiML, media
 * socket, a buffer that is played in real time, marks that come back when what is before them was played and all at once
 * after a clear, and the question what to do when the stream has ended.
 *
 *   const carrier = new Phone({ webhook: "http://127.0.0.1:7860/telephone/incoming", authToken });
 *   const call = await carrier.call({ from: "+49301" });
 *   await call.speak(samples);  call.digit("5");  call.received;  await call.hangUp();
 */
import { WebSocket } from "ws";
import { decodeMulaw, encodeMulaw } from "../audio/g711.ts";
import { decodeBase64, encodeBase64 } from "../base/base64.ts";
import type { Clock, Millis } from "../base/time.ts";
import { createClock } from "../node/clock.ts";
import { isRecord } from "../protocol/page.ts";
import { signTwilio } from "../transports/telephone/signature.ts";
import { Speaker } from "./speaker.ts";
import { readTwiml, type TwimlVerb } from "./twiml.ts";

export interface PhoneOptions {
  /** The address of `/telephone/incoming` as the server calls itself: it is what gets signed. */
  readonly webhook: string;
  readonly authToken: string;
  readonly accountSid?: string;
  /** Where the server really is, when its public address is not reachable from here: replaces scheme and host. */
  readonly reach?: string;
  /** Default: real time. */
  readonly clock?: Clock;
}

export interface PlaceCall {
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  /** How the webhook is signed. Default "right". */
  readonly sign?: "right" | "wrong" | "none";
  readonly method?: "POST" | "GET";
  /** Query of the webhook's URL. */
  readonly query?: Readonly<Record<string, string>>;
  /** Changes what is sent to the socket in `start`: to show a wrong token. */
  readonly parameters?: (given: Readonly<Record<string, string>>) => Readonly<Record<string, string>>;
  /** The CallSid that `start` names. Default: that of the call. */
  readonly startAs?: string;
  /** Do not open the socket. */
  readonly noSocket?: boolean;
}

/** Audio the carrier got from the server, and when it is played. */
export interface PhoneAudio {
  readonly at: Millis;
  readonly playsAt: Millis;
  readonly samples: Int16Array;
}

const FRAME: Millis = 20;
const SILENCE: Int16Array = new Int16Array(160);
/** What the carrier holds at most; more is thrown away. */
const BUFFER: Millis = 600_000;

/** The carrier. */
export class Phone {
  readonly options: PhoneOptions;
  readonly clock: Clock;
  #calls = 0;

  constructor(options: PhoneOptions) {
    this.options = options;
    this.clock = options.clock ?? createClock();
  }

  /** Places a call and follows what the server answers. Resolves when its media socket is open, or it was not taken. */
  async call(place: PlaceCall = {}): Promise<PlacedCall> {
    this.#calls += 1;
    const callId =
      place.callId ?? `CA${String(this.#calls).padStart(8, "0")}${Math.random().toString(16).slice(2, 10)}`;
    const call = new PlacedCall(this, callId, place);
    const query = new URLSearchParams(place.query).toString();
    await call.ask(this.options.webhook + (query === "" ? "" : `?${query}`), place.method ?? "POST", place.sign);
    return call;
  }

  /** The address at which the server is reached. */
  reach(url: string): string {
    const { reach } = this.options;
    if (reach === undefined) return url;
    const [from, to] = [new URL(url), new URL(reach)];
    return `${from.protocol.startsWith("ws") ? to.protocol.replace("http", "ws") : to.protocol}//${to.host}${from.pathname}${from.search}`;
  }
}

/** One call as the carrier sees it. */
export class PlacedCall {
  readonly callId: string;
  /** Every webhook answer so far. */
  readonly answers: { readonly status: number; readonly body: string; readonly verbs: readonly TwimlVerb[] }[] = [];
  /** What the carrier was told to say. */
  readonly said: string[] = [];
  readonly received: PhoneAudio[] = [];
  /** Marks in the order in which they went back, and why. */
  readonly marks: { readonly name: string; readonly at: Millis; readonly why: "played" | "cleared" }[] = [];
  readonly clears: Millis[] = [];
  readonly speaker: Speaker = new Speaker();
  /** How the call ended for the caller. Undefined while it lasts. */
  ended: "busy" | "refused" | "hung up" | "server" | undefined;
  readonly #phone: Phone;
  readonly #place: PlaceCall;
  #stream = "";
  #streams = 0;
  #sequence = 0;
  #socket: WebSocket | undefined;
  #connect: TwimlVerb | undefined;
  #beganAt: Millis = 0;
  #chunk = 0;
  #skip = 0;
  #voice: Int16Array[] = [];
  #pending: { readonly name: string; readonly cancel: () => void }[] = [];
  #cancelTick: (() => void) | undefined;
  #spoken: (() => void)[] = [];
  #over: (() => void)[] = [];
  #hangingUp = false;

  constructor(phone: Phone, callId: string, place: PlaceCall) {
    this.#phone = phone;
    this.callId = callId;
    this.#place = place;
  }

  /** Whether audio flows. */
  get connected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Settles when the call is over for the caller. */
  async over(): Promise<string> {
    while (this.ended === undefined) await new Promise<void>((resolve) => this.#over.push(resolve));
    return this.ended;
  }

  /** The caller speaks: 8 kHz samples, sent in real time. Resolves when the last frame has left. */
  speak(samples: Int16Array): Promise<void> {
    for (let at = 0; at < samples.length; at += 160) {
      const frame = new Int16Array(160);
      frame.set(samples.subarray(at, at + 160));
      this.#voice.push(frame);
    }
    return new Promise((resolve) => this.#spoken.push(resolve));
  }

  /** The caller presses a key. */
  digit(digit: string): void {
    this.#send({ event: "dtmf", dtmf: { track: "inbound_track", digit } });
  }

  /** The carrier loses this much of the caller's audio: timestamps go on, frames are missing. */
  lose(frames: number): void {
    this.#skip += frames;
  }

  /** Sends any text on the media socket. */
  raw(text: string): void {
    this.#socket?.send(text);
  }

  /** The caller hangs up. */
  async hangUp(): Promise<void> {
    this.#hangingUp = true;
    this.#send({ event: "stop", stop: { accountSid: this.#account, callSid: this.callId } });
    this.#socket?.close(1000);
    this.#end("hung up");
    await this.over();
  }

  /** The media socket breaks off without `stop`; the caller is still there, so the carrier asks what to do. */
  dropSocket(): void {
    this.#socket?.terminate();
  }

  /** All samples that came, in order. */
  samples(): Int16Array {
    const all = new Int16Array(this.received.reduce((sum, piece) => sum + piece.samples.length, 0));
    let at = 0;
    for (const { samples } of this.received) {
      all.set(samples, at);
      at += samples.length;
    }
    return all;
  }

  /** Ms that were played to the caller. */
  get played(): Millis {
    return this.speaker.played(this.#phone.clock.now());
  }

  /** Asks a webhook and does what it says. */
  async ask(url: string, method: "POST" | "GET" = "POST", sign: PlaceCall["sign"] = "right"): Promise<void> {
    const { authToken } = this.#phone.options;
    const { from = "+15005550006", to = "+15005550001" } = this.#place;
    const form = new URLSearchParams({
      CallSid: this.callId,
      AccountSid: this.#account,
      From: from,
      To: to,
      CallStatus: "ringing",
    });
    const asked = method === "GET" ? `${url}${url.includes("?") ? "&" : "?"}${form.toString()}` : url;
    const right = signTwilio(authToken, asked, method === "GET" ? [] : form);
    const signature =
      sign === "right" ? right : sign === "wrong" ? signTwilio(`${authToken}x`, asked, form) : undefined;
    const response = await fetch(this.#phone.reach(asked), {
      method,
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        ...(signature === undefined ? {} : { "x-twilio-signature": signature }),
      },
      ...(method === "POST" ? { body: form.toString() } : {}),
    });
    const body = await response.text();
    const verbs = response.ok ? readTwiml(body) : [];
    this.answers.push({ status: response.status, body, verbs });
    if (!response.ok) return this.#end("refused");
    await this.#follow(verbs);
  }

  get #account(): string {
    return this.#phone.options.accountSid ?? "AC00000000000000000000000000000000";
  }

  async #follow(verbs: readonly TwimlVerb[]): Promise<void> {
    for (const verb of verbs) {
      if (verb.name === "Say") this.said.push(verb.text);
      else if (verb.name === "Reject") return this.#end("busy");
      else if (verb.name === "Hangup") return this.#end("server");
      else if (verb.name === "Connect") {
        this.#connect = verb;
        if (this.#place.noSocket !== true) await this.#open(verb);
        return;
      }
    }
    this.#end("server");
  }

  async #open(connect: TwimlVerb): Promise<void> {
    const stream = connect.children.find(({ name }) => name === "Stream");
    if (stream === undefined) throw new TypeError("Connect must have a Stream");
    // Carriers strip the query of a stream's address.
    const url = (stream.attributes["url"] ?? "").replace(/\?.*$/, "");
    const signature = signTwilio(this.#phone.options.authToken, url);
    const socket = new WebSocket(this.#phone.reach(url), {
      perMessageDeflate: false,
      headers: { "x-twilio-signature": signature },
    });
    this.#socket = socket;
    this.#streams += 1;
    this.#stream = `MZ${this.callId}${this.#streams}`;
    socket.on("message", (data) => {
      if (data instanceof Buffer) this.#receive(data.toString());
    });
    socket.on("close", () => void this.#onClose(socket));
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve());
      socket.once("error", reject);
    });
    socket.on("error", () => {});
    const given: Record<string, string> = {};
    for (const { name, attributes } of stream.children)
      if (name === "Parameter") given[attributes["name"] ?? ""] = attributes["value"] ?? "";
    this.#start(this.#place.parameters?.(given) ?? given);
  }

  #start(customParameters: Readonly<Record<string, string>>): void {
    this.#sequence = 0;
    this.#chunk = 0;
    this.#beganAt = this.#phone.clock.now();
    this.#socket?.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
    this.#send({
      event: "start",
      start: {
        accountSid: this.#account,
        streamSid: this.#stream,
        callSid: this.#place.startAs ?? this.callId,
        tracks: ["inbound"],
        customParameters,
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
      },
    });
    this.#tick();
  }

  /** The caller's side runs on the carrier's own clock, whatever the server does. */
  #tick(): void {
    const due = this.#beganAt + (this.#chunk + 1) * FRAME;
    this.#cancelTick = this.#phone.clock.at(due, () => {
      this.#chunk += 1;
      if (this.#skip > 0) this.#skip -= 1;
      else {
        const media = { track: "inbound", chunk: String(this.#chunk), timestamp: String((this.#chunk - 1) * FRAME) };
        this.#send({
          event: "media",
          media: { ...media, payload: encodeBase64(encodeMulaw(this.#voice.shift() ?? SILENCE)) },
        });
        if (this.#voice.length === 0) for (const done of this.#spoken.splice(0)) done();
      }
      if (this.connected) this.#tick();
    });
  }

  #receive(text: string): void {
    const json: unknown = JSON.parse(text);
    if (!isRecord(json) || json["streamSid"] !== this.#stream)
      throw new TypeError(`a message must name the stream, got ${text}`);
    const now = this.#phone.clock.now();
    if (json["event"] === "media" && isRecord(json["media"])) {
      const bytes = decodeBase64(String(json["media"]["payload"]));
      if (bytes === undefined) throw new TypeError("the server sent broken base64");
      if (this.speaker.waiting(now) > BUFFER) return;
      this.received.push({ at: now, playsAt: this.speaker.push(bytes.length / 8, now), samples: decodeMulaw(bytes) });
    } else if (json["event"] === "mark" && isRecord(json["mark"])) {
      this.#onMark(String(json["mark"]["name"]));
    } else if (json["event"] === "clear") {
      this.clears.push(now);
      this.speaker.clear(now);
      // All marks come back at once: they mean "dropped".
      for (const { name, cancel } of this.#pending.splice(0)) {
        cancel();
        this.#mark(name, "cleared");
      }
    } else throw new TypeError(`a carrier knows media, mark and clear, got ${text}`);
  }

  #onMark(name: string): void {
    const pending = {
      name,
      cancel: this.#phone.clock.at(this.speaker.emptyAt, () => {
        this.#pending = this.#pending.filter((one) => one !== pending);
        this.#mark(name, "played");
      }),
    };
    this.#pending.push(pending);
  }

  #mark(name: string, why: "played" | "cleared"): void {
    this.marks.push({ name, at: this.#phone.clock.now(), why });
    this.#send({ event: "mark", mark: { name } });
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    this.#sequence += 1;
    if (!this.connected) return;
    this.#socket?.send(JSON.stringify({ ...message, sequenceNumber: String(this.#sequence), streamSid: this.#stream }));
  }

  /** The stream has ended: what next? */
  async #onClose(socket: WebSocket): Promise<void> {
    if (socket !== this.#socket) return;
    this.#cancelTick?.();
    for (const { cancel } of this.#pending.splice(0)) cancel();
    for (const done of this.#spoken.splice(0)) done();
    const action = this.#connect?.attributes["action"];
    if (this.#hangingUp || this.ended !== undefined) return;
    if (action === undefined) return this.#end("server");
    try {
      await this.ask(action);
    } catch {
      this.#end("server");
    }
  }

  #end(how: NonNullable<PlacedCall["ended"]>): void {
    this.ended ??= how;
    this.#cancelTick?.();
    for (const done of this.#spoken.splice(0)) done();
    for (const done of this.#over.splice(0)) done();
  }
}
