/*
 * A caller on a WebSocket without a browser: both profiles, with a loudspeaker that keeps time, so that positions, marks
 * and clears are answered as a real page answers them. For tests, load and benchmarks.
 */
import { WebSocket } from "ws";
import type { AudioFrame } from "../audio/frame.ts";
import { Rechunker } from "../audio/rechunk.ts";
import { decodeBase64, encodeBase64 } from "../base/base64.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { isFault } from "../base/errors.ts";
import type { Clock, Millis } from "../base/time.ts";
import { createClock } from "../node/clock.ts";
import { isRecord } from "../protocol/page.ts";
import { binaryLength, readBinaryFrame, readFormat, writeBinaryFrame } from "../protocol/socket.ts";
import { type Codec, mulaw, openCodec } from "../transports/websocket/codecs.ts";
import { Speaker } from "./speaker.ts";

export interface SocketCallerOptions {
  /** Default "v1". */
  readonly profile?: "fastrtc" | "v1";
  /** The `websocket_id`. Default: a random one. */
  readonly id?: string;
  /** What a stock page sends and expects, Hz. Default 48 000 and 24 000. */
  readonly inputRate?: number;
  readonly outputRate?: number;
  /** Offered by a v1 page, both ways. Default `pcm16/24000`. */
  readonly formats?: readonly string[];
  readonly binary?: boolean;
  /** More members of `start`: ticket, inputs, metadata, resume. */
  readonly start?: Readonly<Record<string, unknown>>;
  /** Of the player, ms. Default 0. */
  readonly prebufferMs?: Millis;
  /** Pings and position reports of a v1 page. Default true. */
  readonly reports?: boolean;
  /** Default: real time. */
  readonly clock?: Clock;
  /** Keep the audio and events that come: off for load. Default true. */
  readonly keep?: boolean;
  /** Headers of the upgrade. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A piece of audio that came. */
export interface HeardAudio {
  readonly at: Millis;
  /** When the loudspeaker begins to play it. */
  readonly playsAt: Millis;
  readonly samples: Int16Array;
  readonly epoch: number;
}

/** A text message that came, other than media. */
export interface HeardEvent {
  readonly at: Millis;
  /** Its `type`, `event` or `status`. */
  readonly name: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** What a test may do to the socket behind the caller's back. */
export interface RawSocket {
  send(data: string | Uint8Array): void;
  close(code: number): void;
  /** Stops reading, as a page does whose process stands still. */
  pause(): void;
  resume(): void;
}

const PING: Millis = 2_000;
const REPORT: Millis = 200;

/** One caller. */
export class SocketCaller {
  readonly clock: Clock;
  readonly id: string;
  readonly audio: HeardAudio[] = [];
  readonly events: HeardEvent[] = [];
  readonly speaker: Speaker;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** The socket itself, for tests that send what no page would. */
  get socket(): RawSocket {
    return this.#socket;
  }
  /** Called for each piece of audio, besides keeping it. */
  onAudio: ((samples: Int16Array, at: Millis) => void) | undefined;
  /** Bytes of all messages that came. */
  bytes = 0;
  /** Rate of the audio that comes, Hz. */
  outRate = 0;
  /** Rate of the audio to send, Hz. */
  inRate = 0;
  readonly #socket: WebSocket;
  readonly #options: SocketCallerOptions;
  #waiting: readonly { readonly name: string; readonly found: Deferred<HeardEvent> }[] = [];
  #in: Codec | undefined;
  #out: Codec | undefined;
  #binary = false;
  #sequence = 0;
  #epoch = 0;
  /** What was played in earlier epochs. */
  #playedBefore: Millis = 0;
  #marks: (() => void)[] = [];
  /** What came before the codecs were ready: Opus takes a moment. */
  #early: { readonly payload: Uint8Array; readonly at: Millis }[] = [];
  #cancels = new Set<() => void>();

  constructor(url: string, options: SocketCallerOptions = {}) {
    this.#options = options;
    this.clock = options.clock ?? createClock();
    this.id = options.id ?? `page-${Math.random().toString(36).slice(2)}`;
    this.speaker = new Speaker(options.prebufferMs);
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      ...(options.headers && { headers: { ...options.headers } }),
    });
    this.#socket.on("message", (data, isBinary) => {
      if (!(data instanceof Buffer)) return;
      this.bytes += data.length;
      if (isBinary) this.#receiveBinary(data);
      else this.#receive(data.toString());
    });
    this.closed = new Promise((resolve) => {
      this.#socket.on("close", (code, reason) => {
        this.#stop();
        resolve({ code, reason: reason.toString() });
      });
    });
    this.#socket.on("error", () => {}); // the close that follows says enough
  }

  /** Connects. Rejects when the server refuses the upgrade. */
  async open(): Promise<this> {
    if (this.#socket.readyState === WebSocket.OPEN) return this;
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("open", () => resolve());
      this.#socket.once("error", reject);
    });
    return this;
  }

  /** Connects and starts. A v1 caller resolves with `started`, and rejects when it is refused. */
  async start(): Promise<this> {
    await this.open();
    const {
      profile = "v1",
      formats = ["pcm16/24000"],
      binary = true,
      start,
      inputRate = 48_000,
      outputRate = 24_000,
    } = this.#options;
    if (profile === "fastrtc") {
      this.#use(mulaw({ codec: "mulaw", rate: inputRate }), mulaw({ codec: "mulaw", rate: outputRate }), false);
      this.json({ event: "start", websocket_id: this.id, ...start });
      return this;
    }
    const started = this.next("started");
    this.json({ event: "start", websocket_id: this.id, v: 1, audio: { in: formats, out: formats, binary }, ...start });
    const { json } = await started;
    const audio = isRecord(json["audio"]) ? json["audio"] : {};
    const [input, output] = [readFormat(audio["in"]), readFormat(audio["out"])];
    if (input === undefined || output === undefined)
      throw new TypeError(`started must name formats, got ${JSON.stringify(json)}`);
    this.#use(await openCodec(input, "out"), await openCodec(output, "in"), audio["binary"] === true);
    if (this.#options.reports !== false) {
      this.#every(PING, () => this.json({ event: "ping", t: Math.round(this.clock.now()) }));
      this.#every(REPORT, () => this.#report());
    }
    return this;
  }

  /** Sends anything as JSON text. */
  json(value: unknown): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(value));
  }

  /** Sends one piece of audio at `inRate`, at once. */
  say(samples: Int16Array): void {
    if (this.#in === undefined) throw new TypeError("start has to come before say");
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const payload = this.#in.encode(samples);
    if (!this.#binary) return this.json({ event: "media", media: { payload: encodeBase64(payload) } });
    const frame = { codec: this.#in.format.codec, epoch: 0, sequence: this.#sequence, payload };
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#socket.send(writeBinaryFrame(frame, Buffer.allocUnsafe(binaryLength(payload))));
  }

  /** Speaks in real time, 20 ms at a time; audio at `inRate`. Resolves at its end. */
  async speak(audio: AudioFrame, frameMs: Millis = 20): Promise<void> {
    const frames: Int16Array[] = [];
    const cutter = new Rechunker(Math.round((audio.rate * frameMs) / 1000), (frame) => frames.push(frame));
    cutter.push(audio.samples);
    cutter.flush();
    const began = this.clock.now();
    for (const [index, frame] of frames.entries()) {
      await this.until(began + index * frameMs);
      this.say(frame);
    }
  }

  /** Waits for a point in time. */
  until(at: Millis): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.at(at, () => {
        this.#cancels.delete(cancel);
        resolve();
      });
      this.#cancels.add(cancel);
    });
  }

  /** The next message of this name from now on. Rejects when the socket closes or the call is refused before. */
  next(name: string): Promise<HeardEvent> {
    const found = deferred<HeardEvent>();
    this.#waiting = [...this.#waiting, { name, found }];
    return found.promise;
  }

  /** The first message of this name, be it here already or still to come. */
  async event(name: string): Promise<HeardEvent> {
    return this.events.find((event) => event.name === name) ?? (await this.next(name));
  }

  /** All samples so far. */
  samples(): Int16Array {
    const all = new Int16Array(this.audio.reduce((sum, piece) => sum + piece.samples.length, 0));
    let at = 0;
    for (const { samples } of this.audio) {
      all.set(samples, at);
      at += samples.length;
    }
    return all;
  }

  /** Ends politely and waits for the close. */
  async stop(): Promise<void> {
    this.json({ event: "stop" });
    await this.closed;
  }

  /** Goes without a word, as a page whose network is gone. */
  vanish(): void {
    this.#socket.terminate();
  }

  #use(input: Codec, output: Codec, binary: boolean): void {
    this.#in = input;
    this.#out = output;
    this.#binary = binary;
    this.inRate = input.rate;
    this.outRate = output.rate;
    for (const { payload, at } of this.#early.splice(0)) this.#play(payload, at);
  }

  #receiveBinary(data: Buffer): void {
    const frame = readBinaryFrame(data);
    if (frame === undefined || isFault(frame)) throw new TypeError("the server sent a broken binary frame");
    // Audio of another epoch was on its way when the clear was sent.
    if (frame.epoch === this.#epoch) this.#play(frame.payload);
  }

  #receive(text: string): void {
    const json: unknown = JSON.parse(text);
    if (!isRecord(json)) throw new TypeError(`the server sent something else than an object: ${text}`);
    const media = json["event"] === "media" && isRecord(json["media"]) ? json["media"]["payload"] : undefined;
    if (typeof media === "string") {
      const payload = decodeBase64(media);
      if (payload === undefined) throw new TypeError("the server sent broken base64");
      return this.#play(payload);
    }
    const name = [json["event"], json["type"], json["status"]].find((one) => typeof one === "string");
    const event: HeardEvent = { at: this.clock.now(), name: typeof name === "string" ? name : "", json };
    if (this.#options.keep !== false) this.events.push(event);
    this.#obey(event);
    const asked = this.#waiting;
    this.#waiting = asked.filter(({ name: wanted }) => wanted !== event.name && event.name !== "failed");
    for (const { name: wanted, found } of asked) {
      if (wanted === event.name) found.resolve(event);
      else if (event.name === "failed") found.reject(new Error(`refused: ${text}`));
    }
  }

  #play(payload: Uint8Array, at: Millis = this.clock.now()): void {
    if (this.#out === undefined) {
      this.#early.push({ payload, at });
      return;
    }
    const samples = this.#out.decode(payload);
    if (samples === undefined) throw new TypeError("the server sent audio that cannot be decoded");
    this.onAudio?.(samples, at);
    const playsAt = this.speaker.push((samples.length / this.outRate) * 1000, at);
    if (this.#options.keep !== false) this.audio.push({ at, playsAt, samples, epoch: this.#epoch });
  }

  /** What a real page does by itself. */
  #obey({ name, json }: HeardEvent): void {
    if (this.#options.profile === "fastrtc") return;
    if (name === "clear" && typeof json["epoch"] === "number") {
      const now = this.clock.now();
      const playedMs = this.speaker.played(now) - this.#playedBefore;
      const droppedMs = this.speaker.clear(now);
      this.#playedBefore = this.speaker.played(now);
      this.#epoch = json["epoch"];
      for (const cancel of this.#marks) cancel();
      this.#marks = [];
      this.json({ event: "cleared", epoch: this.#epoch, playedMs, droppedMs });
    } else if (name === "mark") {
      this.#marks.push(this.clock.at(this.speaker.emptyAt, () => this.json({ event: "mark", mark: json["mark"] })));
    }
  }

  #report(): void {
    const now = this.clock.now();
    const bufferedMs = this.speaker.waiting(now);
    if (bufferedMs === 0) return;
    this.json({
      event: "position",
      epoch: this.#epoch,
      playedMs: this.speaker.played(now) - this.#playedBefore,
      bufferedMs,
    });
  }

  #every(ms: Millis, task: () => void): void {
    let cancel = (): void => {};
    const arm = (): void => {
      this.#cancels.delete(cancel);
      cancel = this.clock.at(this.clock.now() + ms, () => {
        task();
        arm();
      });
      this.#cancels.add(cancel);
    };
    arm();
  }

  #stop(): void {
    for (const cancel of this.#cancels) cancel();
    for (const cancel of this.#marks) cancel();
    this.#cancels.clear();
    for (const { name, found } of this.#waiting) found.reject(new Error(`the socket closed before ${name} came`));
    this.#waiting = [];
  }
}
