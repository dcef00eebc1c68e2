/*
 * A caller without a browser: a real WebRTC connection from Node over UDP, that talks and listens as a page does. It
 * sends silence when it has nothing to say, as a microphone would, and keeps what it hears with the time of arrival.
 */
import { type AudioFrame, audioFrame, durationOf } from "../audio/frame.ts";
import { levelOf } from "../audio/level.ts";
import { deferred } from "../base/deferred.ts";
import { VoiceError } from "../base/errors.ts";
import { type Log, silentLog } from "../base/log.ts";
import type { Clock, Millis } from "../base/time.ts";
import { createClock } from "../node/clock.ts";
import { isRecord } from "../protocol/page.ts";
import { codeOfRefusal } from "../protocol/signal.ts";
import { Jitter, type JitterCounts } from "../transports/webrtc/jitter.ts";
import { Opus, type OpusRate } from "../transports/webrtc/opus.ts";
import { isSilenceMark } from "../transports/webrtc/opus-packet.ts";
import { Peer } from "../transports/webrtc/peer.ts";
import { Speech } from "../transports/webrtc/speech.ts";

export interface CallerOptions {
  /** Speak the messages of a repartee page ("v1", default) or those of a stock FastRTC page. */
  readonly profile?: "v1" | "fastrtc";
  /** The caller's own name for the call. Default: random. */
  readonly id?: string;
  /** Rate of what is said and heard, Hz. Default 24 000. */
  readonly rate?: OpusRate;
  /** Of what is said and heard. Default 1. */
  readonly channels?: 1 | 2;
  /** Whether to make a data channel. Default true. */
  readonly channel?: boolean;
  /** More members of the offer's body: `agent`, `inputs`, `resume`. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest time to get connected, ms. Default 10 000. */
  readonly timeoutMs?: Millis;
  /** How the offer travels. Default: `POST <url>/webrtc/offer`. */
  readonly post?: Post;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** A message from the server. */
export interface CallerEvent {
  /** When it arrived, ms since the offer was made. */
  readonly at: Millis;
  readonly type: string;
  readonly data: unknown;
  /** The whole message. */
  readonly message: Readonly<Record<string, unknown>>;
}

/** Audio that arrived. */
export interface HeardFrame {
  /** When it arrived, ms since the offer was made. */
  readonly at: Millis;
  /** `frame.at` is media time since the first packet. */
  readonly frame: AudioFrame;
  /** Nothing arrived: the jitter buffer has made it up. */
  readonly concealed: boolean;
}

/** Ms from the moment the offer was ready. */
export interface CallerTimes {
  answered: Millis | undefined;
  connected: Millis | undefined;
  /** First RTP packet of the server. */
  media: Millis | undefined;
  channel: Millis | undefined;
}

type Post = (body: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** What counts as a voice, dBFS. Codec noise stays below. */
const AUDIBLE = -50;
const FRAME_MS = 20;
const RTP_HEADER = 12;

/**
 * Calls a server and resolves when the call is connected, and its data channel open if there is one. Throws VoiceError:
 * `server-unreachable`, the code of the server's refusal, or `setup-timeout`.
 */
export async function webrtcCaller(url: string | URL, options: CallerOptions = {}): Promise<Caller> {
  const { clock = createClock(), rate = 24_000, timeoutMs = 10_000 } = options;
  const caller = new Caller({ ...options, clock, rate }, await Opus.create(rate, "browser", options.channels));
  const stop = clock.at(clock.now() + timeoutMs, () => {
    void caller.end(new VoiceError("setup-timeout", `the call was not connected within ${timeoutMs} ms`));
  });
  try {
    await caller.connect(options.post ?? poster(url, options.headers ?? {}));
    return caller;
  } catch (error) {
    await caller.end(error);
    throw error;
  } finally {
    stop();
  }
}

/** A call under way. Ends with `hangUp`, or when the server ends it. */
export class Caller implements AsyncDisposable {
  readonly id: string;
  readonly rate: OpusRate;
  /** All messages of the server, oldest first. */
  readonly events: CallerEvent[] = [];
  /** All audio of the server, oldest first. */
  readonly heard: HeardFrame[] = [];
  readonly times: CallerTimes = { answered: undefined, connected: undefined, media: undefined, channel: undefined };
  /** The server's answer to the offer. */
  answer: Readonly<Record<string, unknown>> = {};
  /** Bytes of media that came, headers of RTP included. */
  bytes = 0;
  /** RTP time of the last packet of the server: what a page reports as its position. */
  rtpTimestamp: number | undefined;
  /** Settles when the call is over, with what ended it. */
  readonly ended: Promise<unknown>;
  readonly #options: CallerOptions & { readonly clock: Clock };
  readonly #opus: Opus;
  readonly #peer: Peer;
  readonly #jitter: Jitter;
  readonly #speech: Speech = new Speech(1, 0);
  readonly #silence: Int16Array;
  readonly #ending = deferred<unknown>();
  readonly #connected = deferred<void>();
  readonly #opened = deferred<void>();
  readonly #waiting: (() => void)[] = [];
  /** What is left to say, in frames of 20 ms. */
  #words: Int16Array[] = [];
  #post: Post = () => Promise.reject(new TypeError("connect comes first"));
  #startedAt: Millis;
  #nextAt: Millis = 0;
  #audibleAt: Millis | undefined;
  #spokeAt: Millis | undefined;
  #stopTicking: (() => void) | undefined;
  #over = false;

  /** @internal Use `webrtcCaller`. */
  constructor(options: CallerOptions & { readonly clock: Clock; readonly rate: OpusRate }, opus: Opus) {
    this.#options = options;
    this.#opus = opus;
    this.rate = options.rate;
    this.id = options.id ?? globalThis.crypto.randomUUID();
    this.ended = this.#ending.promise;
    this.#silence = new Int16Array((options.rate / 50) * opus.channels);
    this.#startedAt = options.clock.now();
    this.#jitter = new Jitter({
      decode: (payload, at) => {
        if (!isSilenceMark(payload)) this.#hear(this.#opus.decode(payload), at);
      },
      recover: (next, ms, at) => this.#hear(this.#opus.recover(next, ms), at),
      conceal: (ms, at) => this.#hear(this.#opus.conceal(ms), at, true),
    });
    this.#peer = new Peer(
      "calling",
      { clock: options.clock, log: options.log ?? silentLog, channels: options.channels },
      {
        connected: () => {
          this.times.connected = this.now;
          this.#nextAt = this.#options.clock.now();
          this.#tick();
          this.#connected.resolve();
        },
        rtp: (packet) => {
          if (this.#over) return;
          this.times.media ??= this.now;
          this.bytes += RTP_HEADER + packet.payload.length;
          this.rtpTimestamp = packet.timestamp;
          this.#jitter.push(packet, this.#options.clock.now());
        },
        channel: () => {
          this.times.channel ??= this.now;
          this.#opened.resolve();
        },
        text: (text) => this.#receive(text),
        closed: (why) => {
          const code = why === "hung-up" ? "hung-up" : "connection-lost";
          void this.end(
            new VoiceError(code, why === "hung-up" ? "the server hung up" : "the connection to the server failed"),
          );
        },
      },
    );
  }

  /** Ms since the offer was made. */
  get now(): Millis {
    return this.#options.clock.now() - this.#startedAt;
  }
  get over(): boolean {
    return this.#over;
  }
  /** Packets received, lost and made up for. */
  get counts(): Readonly<JitterCounts> {
    return this.#jitter.counts;
  }
  /** Ms that are still to be said. */
  get saying(): Millis {
    return this.#words.length * FRAME_MS;
  }
  /** When the last frame of what was said has left, ms since the offer. */
  get spokeAt(): Millis | undefined {
    return this.#spokeAt;
  }
  /** Ms since something audible arrived; Infinity when nothing did. */
  get quietFor(): Millis {
    return this.#audibleAt === undefined ? Number.POSITIVE_INFINITY : this.now - this.#audibleAt;
  }

  /** @internal */
  async connect(post: Post): Promise<void> {
    const { channel = true } = this.#options;
    const sdp = await this.#peer.offer({ channel });
    this.#startedAt = this.#options.clock.now();
    this.#post = post;
    await this.#negotiate(sdp, {});
    await Promise.race([this.#connected.promise, this.#fails()]);
    if (channel) await Promise.race([this.#opened.promise, this.#fails()]);
  }

  /** Looks for a new way to the server, as a page does whose network has changed. The call goes on. */
  async restart(): Promise<void> {
    await this.#negotiate(await this.#peer.offer(), { restart: true });
  }

  async #negotiate(sdp: string, more: Readonly<Record<string, unknown>>): Promise<void> {
    const { profile = "v1", body = {} } = this.#options;
    const version = profile === "v1" ? { v: 1 } : {};
    const offer = { ...body, ...more, ...version, type: "offer", sdp, webrtc_id: this.id };
    const answer = await Promise.race([this.#post(offer), this.#fails()]);
    this.times.answered ??= this.now;
    this.answer = readAnswer(answer);
    await this.#peer.accept(String(this.answer["sdp"]));
  }

  /** Says this after what is still to be said. At the caller's rate, with its channels. */
  say(frame: AudioFrame): void {
    if (frame.rate !== this.rate || frame.channels !== this.#opus.channels) {
      throw new RangeError(
        `speech must have ${this.#opus.channels} channels at ${this.rate} Hz, got ${frame.channels} at ${frame.rate} Hz`,
      );
    }
    const step = this.#silence.length;
    for (let at = 0; at < frame.samples.length; at += step) {
      const words = new Int16Array(step);
      words.set(frame.samples.subarray(at, at + step));
      this.#words.push(words);
    }
  }

  /** Sends a message of a page: `send("text", { text: "hello" })`. */
  send(type: string, data: Readonly<Record<string, unknown>> = {}): boolean {
    return this.sendText(JSON.stringify({ type, data }));
  }

  /** Sends any text on the data channel. */
  sendText(text: string): boolean {
    return this.#peer.sendText(text);
  }

  /** The first message, also an earlier one, of this type or of which `wanted` says so. Throws VoiceError when none comes. */
  async waitFor(
    wanted: string | ((event: CallerEvent) => boolean),
    { timeoutMs = 5000 }: { readonly timeoutMs?: Millis } = {},
  ): Promise<CallerEvent> {
    const matches = typeof wanted === "string" ? (event: CallerEvent): boolean => event.type === wanted : wanted;
    await this.until(() => this.events.some(matches), {
      timeoutMs,
      what: typeof wanted === "string" ? wanted : "a message",
    });
    return this.events.find(matches) as CallerEvent;
  }

  /** Waits until something is so, looked at whenever audio or a message comes, and every 20 ms. Throws VoiceError when it is not. */
  async until(
    isSo: () => boolean,
    { timeoutMs = 5000, what = "it" }: { readonly timeoutMs?: Millis; readonly what?: string } = {},
  ): Promise<void> {
    const latest = this.now + timeoutMs;
    while (!isSo()) {
      if (this.#over) throw new VoiceError("closed", `the call ended before ${what} came`);
      if (this.now > latest) throw new VoiceError("setup-timeout", `${what} did not come within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** All that was heard as one recording: media time from the first packet, silence where nothing was sent. */
  recording(): Int16Array {
    const last = this.heard.at(-1)?.frame;
    const first = this.heard[0]?.frame.at ?? 0;
    const length = last === undefined ? 0 : last.at - first + durationOf(last);
    const { channels } = this.#opus;
    const samples = new Int16Array(Math.ceil((length * this.rate) / 1000) * channels);
    for (const { frame } of this.heard) {
      const at = Math.round(((frame.at - first) * this.rate) / 1000) * channels;
      samples.set(frame.samples.subarray(0, samples.length - at), at);
    }
    return samples;
  }

  /** Ends the call as a page does that is closed. */
  async hangUp(): Promise<void> {
    await this.end(new VoiceError("closed", "the caller has hung up"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hangUp();
  }

  /** @internal */
  async end(reason: unknown): Promise<void> {
    if (!this.#over) {
      this.#over = true;
      this.#stopTicking?.();
      this.#opus.free();
      this.#ending.resolve(reason);
      this.#wake();
    }
    await this.#peer.close();
  }

  async #fails(): Promise<never> {
    throw await this.ended;
  }

  #tick(): void {
    const { clock } = this.#options;
    while (!this.#over && this.#nextAt <= clock.now()) {
      this.#nextAt += FRAME_MS;
      const words = this.#words.shift();
      this.#peer.send(this.#opus.encode(words ?? this.#silence), this.#speech.voice(this.#nextAt));
      if (words !== undefined && this.#words.length === 0) this.#spokeAt = this.now;
    }
    this.#jitter.tick(clock.now());
    this.#wake();
    if (!this.#over) this.#stopTicking = clock.at(this.#nextAt, () => this.#tick());
  }

  #hear(samples: Int16Array, at: Millis, concealed: boolean = false): void {
    this.heard.push({ at: this.now, frame: audioFrame(samples, this.rate, this.#opus.channels, at), concealed });
    if (levelOf(samples) > AUDIBLE) this.#audibleAt = this.now;
    this.#wake();
  }

  #receive(text: string): void {
    const message: unknown = JSON.parse(text);
    if (!isRecord(message)) throw new VoiceError("protocol", "the server sent something that is no message");
    this.events.push({ at: this.now, type: String(message["type"]), data: message["data"], message });
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function poster(url: string | URL, headers: Readonly<Record<string, string>>): Post {
  const base = new URL(url);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return async (body) => {
    let response: Response;
    try {
      response = await fetch(new URL("webrtc/offer", base), {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      });
    } catch (error) {
      throw new VoiceError("server-unreachable", `there is no server at ${base.href}`, { cause: error });
    }
    try {
      return await response.json();
    } catch (error) {
      throw new VoiceError("protocol", `${base.href} answered with status ${response.status} and no JSON`, {
        cause: error,
      });
    }
  };
}

function readAnswer(answer: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(answer) && typeof answer["sdp"] === "string") return answer;
  const meta = isRecord(answer) && isRecord(answer["meta"]) ? answer["meta"] : {};
  const { error } = meta;
  const name = typeof error === "string" ? error : "an unknown answer";
  throw new VoiceError(codeOfRefusal(name) ?? "protocol", `the server refused the call: ${name}`, { meta });
}
