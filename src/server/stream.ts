/*
 * The front door for users: one handler, all the ways to reach it. Nothing is opened before `mount` or `launch`.
 */
import type { Server } from "node:http";
import type { StandardSchema } from "../agents/schema.ts";
import { VoiceError } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";
import type { Millis } from "../base/time.ts";
import { nodePlatform } from "../node/platform.ts";
import type { PageConfig } from "../protocol/config.ts";
import { loadSilero } from "../providers/silero/index.ts";
import { Calls, checkCalls } from "../session/calls.ts";
import type { Handler, Message, Session } from "../session/types.ts";
import type { TelephoneOptions } from "../transports/telephone/index.ts";
import type { RtcConfig, RtcSource } from "../transports/webrtc/ice.ts";
import type { SocketOptions } from "../transports/websocket/index.ts";
import type { DetectorMaker } from "../vad/detector.ts";
import { type Inputs, inputsOf } from "./inputs.ts";
import type { VoiceServer } from "./server.ts";

/** How long whoever asks for outputs before the call is up is kept waiting, ms. */
const OUTPUTS_WAIT: Millis = 10_000;

/** Which way media flows, seen from the caller. */
export type Mode = "send-receive" | "send" | "receive";

export interface StreamOptions<In = unknown> {
  /** Default "audio". Video is not there yet: "video" and "audio-video" are refused with `unsupported`. */
  readonly modality?: "audio" | "video" | "audio-video";
  /** "send": the caller only talks; "receive": the caller only listens. Default "send-receive". */
  readonly mode?: Mode;
  readonly audio?: {
    /** Rate of the audio a handler gets, Hz; it may answer at any rate. Default 24 000. */
    readonly inputRate?: number;
    /** 2: stereo both ways with callers over WebRTC who send it; everywhere else it is mixed down. Default 1. */
    readonly channels?: 1 | 2;
  };
  /** Most calls at once, over all transports. Default: no limit. */
  readonly concurrencyLimit?: number;
  /** Longest call, ms. Default: no limit. */
  readonly timeLimitMs?: Millis;
  /** Longest wait for a caller whose line was lost and who may come back, ms; 0: none. Default 60 000. */
  readonly awayMs?: Millis;
  /**
   * What pages may set, as a zod schema or any other Standard Schema of an object: its defaults are the inputs of a new
   * session, and what does not fit is refused with 422. Default: anything, unchecked.
   */
  readonly inputs?: StandardSchema<In>;
  /** What the page shows: title, agents, the parts in use. */
  readonly page?: Partial<PageConfig>;
  /**
   * A page of your own at the root, in place of the built one. `__RTC_CONFIGURATION__` in it becomes what `rtc` answers, as
   * JSON, so that pages written for FastRTC need no change.
   */
  readonly html?: string;
  /** Default: the built-in Silero detector. */
  readonly detector?: DetectorMaker;
  readonly platform?: Platform;
  /** Whether an offer with a video track is taken without it, in place of being refused. Default false. */
  readonly allowExtraTracks?: boolean;
  /** How browsers reach this server over WebRTC. */
  readonly serverRtc?: RtcOptions;
  /** Callers over a WebSocket: the rates of stock FastRTC pages, codecs, tickets. */
  readonly websocket?: SocketOptions;
  /** Telephone calls through Twilio. They are taken when this is set, or `TWILIO_AUTH_TOKEN` is. */
  readonly telephone?: PhoneOptions;
  /** Pages of other origins that may use this server, such as "https://app.example.org"; "*" is everybody. Default: none. */
  readonly origins?: readonly string[];
  /**
   * What browsers get as their ICE configuration, or how it is made for each of them: see the TURN helpers of
   * `repartee/webrtc`. Default: no servers, which is right on one machine and in one network.
   */
  readonly rtc?: RtcConfig | RtcSource;
}

/** How browsers reach this server over WebRTC. Nothing is needed on one machine or in one network. */
export interface RtcOptions {
  /** Given to the server's own side. Default: none. */
  readonly iceServers?: readonly { readonly urls: string; readonly username?: string; readonly credential?: string }[];
  /** UDP ports to use. Default: any. */
  readonly portRange?: readonly [number, number];
  /** Addresses at which the server is reached from outside, when it does not see them itself. */
  readonly announce?: readonly string[];
  /** How long a call may take to connect after its offer, ms. Default 10 000. */
  readonly setupMs?: Millis;
}

/** How telephone calls come in. */
export interface PhoneOptions extends Omit<TelephoneOptions<unknown>, "calls" | "carrier"> {
  /** Default: `TWILIO_AUTH_TOKEN`. */
  readonly authToken?: string;
  /** Whether webhooks must carry the carrier's signature. Default true; false only behind a gate of your own. */
  readonly verify?: boolean;
}

export interface LaunchOptions {
  /** Default 7860, or `PORT`. */
  readonly port?: number;
  /** Default 127.0.0.1, or `HOST`. */
  readonly host?: string;
}

export interface MountOptions {
  /** Below which path, such as "/voice". Default: the root. */
  readonly path?: string;
  /** The http.Server behind the application, for WebSocket callers. */
  readonly server?: Server;
}

/** One handler and everybody who talks to it. */
export class Stream<In = unknown> {
  readonly #handler: Handler<In>;
  readonly #options: StreamOptions<In>;
  readonly #inputs: Inputs<In> | undefined;
  readonly #platform: Platform;
  #calls: Calls<In> | undefined;
  #server: Promise<VoiceServer> | undefined;

  constructor(handler: Handler<In>, options: StreamOptions<In> = {}) {
    checkCalls(handler, { ...options, rate: options.audio?.inputRate });
    if (options.modality !== undefined && options.modality !== "audio") {
      throw new VoiceError("unsupported", `modality ${options.modality} is not there yet: only audio is`);
    }
    this.#handler = handler;
    this.#options = options;
    this.#inputs = options.inputs === undefined ? undefined : inputsOf(options.inputs);
    this.#platform = options.platform ?? nodePlatform();
  }

  /** Everybody on the line, by session id. */
  get sessions(): ReadonlyMap<string, Session<In>> {
    return this.#calls?.sessions ?? new Map();
  }

  /** A session by its id or by the id its page has chosen. */
  get(id: string): Session<In> | undefined {
    return this.#calls?.get(id);
  }

  /** Sets inputs from outside, as the page would. Throws VoiceError `unknown-session` or `bad-message`. */
  setInputs(id: string, values: Readonly<Record<string, unknown>>): void {
    if (this.#calls === undefined) throw new VoiceError("unknown-session", `there is no session ${id}`);
    this.#calls.setInputs(id, values);
  }

  /**
   * The messages of a session, also those from before the call when nobody has asked yet, until it ends. Waits 10 s for a
   * session that is still being set up. Throws VoiceError `unknown-session`.
   */
  async *outputs(id: string): AsyncGenerator<Message, void, undefined> {
    const found = await (await this.calls()).outputs(id, { timeoutMs: OUTPUTS_WAIT });
    if (found === undefined) throw new VoiceError("unknown-session", `there is no session ${id}`);
    if (found === "ended") return;
    for await (const { message } of found) yield message;
  }

  /**
   * Starts an HTTP server with the page. Resolves when it takes calls; a second call answers the server that runs.
   * Throws VoiceError `config` when the address is taken.
   */
  async launch({ port, host }: LaunchOptions = {}): Promise<VoiceServer> {
    const { PORT, HOST } = process.env;
    this.#server ??= import("./server.ts").then(({ createServer }) =>
      createServer(this, { port: port ?? Number(PORT || 7860), host: host ?? (HOST || "127.0.0.1") }),
    );
    const launching = this.#server;
    try {
      return await launching;
    } catch (error) {
      // Another address may be free.
      if (this.#server === launching) this.#server = undefined;
      throw error;
    }
  }

  /**
   * Hangs all routes into somebody else's server: a Hono, Express or Fastify application, or an http.Server. Hono and
   * Express do not know their server: give it as `server` for WebSocket callers. The result ends all calls.
   */
  async mount(app: unknown, { path = "", server }: MountOptions = {}): Promise<{ close(): Promise<void> }> {
    const [{ Front }, { mountFront }] = await Promise.all([import("./front.ts"), import("./mount.ts")]);
    const front = await Front.open(this, path);
    mountFront(app, front, server);
    return front;
  }

  /** The calls behind this stream: for transports of your own. */
  async calls(): Promise<Calls<In>> {
    if (this.#calls !== undefined) return this.#calls;
    const detector = this.#options.detector ?? (await loadSilero());
    const { concurrencyLimit, timeLimitMs, awayMs, audio, mode } = this.#options;
    this.#calls ??= new Calls(this.#handler, {
      platform: this.#platform,
      detector,
      concurrencyLimit,
      timeLimitMs,
      awayMs,
      rate: audio?.inputRate,
      mode,
      inputs: this.#inputs,
    });
    return this.#calls;
  }

  /** What the start line calls it. */
  get name(): string {
    return this.#options.page?.title ?? "repartee";
  }
  /** The ICE configuration for the next browser. Fails as the service that gives it does. */
  async rtc(): Promise<RtcConfig> {
    const { rtc = { iceServers: [] } } = this.#options;
    return typeof rtc === "function" ? await rtc() : rtc;
  }

  /** The speech parts in use, for people. */
  get parts(): string {
    return this.#options.page?.parts ?? "silero";
  }
  get options(): StreamOptions<In> {
    return this.#options;
  }
  get platform(): Platform {
    return this.#platform;
  }
}
