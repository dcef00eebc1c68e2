/* All calls of a realtime server: who may begin one, which ones are live, and how they begin. */
import type { Engine } from "../agents/types.ts";
import { VoiceError } from "../base/errors.ts";
import { toBase64Url } from "../base/ids.ts";
import type { Platform } from "../base/platform.ts";
import type { Millis } from "../base/time.ts";
import type { SessionPatch } from "../protocol/openai/session.ts";
import type { LimitsOptions } from "../realtime/server/limits.ts";
import type { DetectorMaker } from "../vad/detector.ts";
import { LiveCall } from "./live-call.ts";
import type { MindOptions } from "./mind.ts";
import { Secrets } from "./secrets.ts";
import { answerOffer, type WebRtcOptions } from "./webrtc.ts";

export interface CallsOptions {
  readonly engine: Engine;
  readonly platform: Platform;
  readonly makeDetector: DetectorMaker;
  authorize(key: string | undefined): boolean | Promise<boolean>;
  readonly origins: readonly string[];
  readonly agent: string;
  readonly model: string;
  readonly defaults: { readonly instructions?: string; readonly voice?: string };
  readonly phrases: MindOptions["phrases"];
  readonly lifetimeMs: Millis | undefined;
  readonly callLimit: number;
  readonly limits: LimitsOptions | undefined;
  readonly rtc: Omit<WebRtcOptions, "platform">;
}

/** What a key is good for; undefined when it is good for nothing. */
export interface Pass {
  /** The session that came with a secret. */
  readonly session: SessionPatch | undefined;
}

export interface BeginOptions {
  readonly media: "events" | "track";
  readonly kind: "realtime" | "transcription";
  readonly model: string | undefined;
  readonly session: SessionPatch | undefined;
}

/** Pages on the machine itself may always call. */
const LOCAL = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** The calls of one server. */
export class RealtimeCalls {
  readonly secrets: Secrets;
  readonly options: CallsOptions;
  readonly #calls = new Map<string, LiveCall>();
  #closed = false;

  constructor(options: CallsOptions) {
    this.options = options;
    this.secrets = new Secrets(options.platform);
  }

  get size(): number {
    return this.#calls.size;
  }

  find(id: string): LiveCall | undefined {
    return this.#calls.get(id);
  }

  /** A browser sends an origin, everybody else does not. */
  isWelcome(origin: string | undefined): boolean {
    return origin === undefined || LOCAL.test(origin) || this.options.origins.includes(origin);
  }

  async check(key: string | undefined): Promise<Pass | undefined> {
    if (key?.startsWith("ek_") === true) return this.secrets.find(key);
    return (await this.options.authorize(key)) ? { session: undefined } : undefined;
  }

  /** Why no more calls can begin now, if so. */
  full(): VoiceError | undefined {
    const { callLimit } = this.options;
    if (this.#closed) return new VoiceError("draining", "The server is closing.", { expose: true });
    if (this.#calls.size < callLimit) return undefined;
    return new VoiceError("concurrency-limit", `${callLimit} calls are live, which is the limit.`, { expose: true });
  }

  /** Throws VoiceError `concurrency-limit` or `draining`. */
  begin({ media, kind, model, session }: BeginOptions): LiveCall {
    const { engine, platform, makeDetector, agent, defaults, phrases, lifetimeMs, limits } = this.options;
    const full = this.full();
    if (full !== undefined) throw full;
    const id = this.makeId("rtc");
    const call = new LiveCall({
      id,
      engine,
      platform,
      makeDetector,
      makeId: (prefix) => this.makeId(prefix),
      agent,
      phrases,
      defaults,
      kind,
      model: model ?? (session?.type === "realtime" ? session.model : undefined),
      patch: session,
      media,
      lifetimeMs,
      limits,
      defaultModel: this.options.model,
      onClosed: () => this.#calls.delete(id),
    });
    this.#calls.set(id, call);
    return call;
  }

  /** Begins a call over WebRTC; answers its id and the SDP answer. Throws what `begin` and `answerOffer` throw. */
  async offer(sdp: string, session: SessionPatch | undefined): Promise<{ readonly id: string; readonly sdp: string }> {
    const call = this.begin({ media: "track", kind: "realtime", model: undefined, session });
    const { platform, rtc } = this.options;
    return { id: call.id, sdp: await answerOffer(sdp, call, { ...rtc, platform }) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#calls.values()].map((call) => call.close(1001, "the server is closing")));
  }

  makeId(prefix: string): string {
    return `${prefix}_${toBase64Url(this.options.platform.random(15))}`;
  }
}
