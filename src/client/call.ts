/*
 * One attempt at a call and, if it succeeds, the call: microphone, link, ears and the timers between them. A new attempt is
 * a new object. Once `over`, nothing that comes late (a permission, an answer, a timer) has any effect, and every track,
 * context and timer that belongs to it is released.
 */
import { type Code, codes } from "../base/codes.ts";
import { asVoiceError, isFault, VoiceError } from "../base/errors.ts";
import type { PageEvent } from "../protocol/page.ts";
import { Ears } from "./ears.ts";
import { Heartbeat, PING_EVERY_MS } from "./heartbeat.ts";
import { LatencyMeter } from "./latency.ts";
import type { Link, LinkSink } from "./links/link.ts";
import { openMicrophone } from "./microphone.ts";
import { readPageEvent } from "./page-events.ts";
import type { NetStats, StepName } from "./types.ts";

const POSITION_EVERY_MS = 200;
const STATS_EVERY_MS = 1_000;

/** A server that neither says anything at the start nor answers pings is taken to be ready after this long. */
const GREETING_MS = 1_500;

export interface CallOptions {
  readonly mic: MediaTrackConstraints | MediaStream | false;
  readonly link: (sink: LinkSink) => Link;
  readonly sink: CallSink;
}

export interface CallSink {
  /** This step begins; the one before took `ms`. */
  step(name: StepName, ms: number): void;
  /** The microphone is open, or another one is; undefined: only silence is sent. */
  mic(track: MediaStreamTrack | undefined): void;
  hint(hint: "silent" | "system-muted" | undefined): void;
  event(event: PageEvent): void;
  measured(turnId: string, totalMs: number): void;
  net(stats: NetStats): void;
  blocked(blocked: boolean): void;
  /** The call is up; the last step took `ms`. */
  up(transport: Link["transport"], sessionId: string, ms: number): void;
  /** The call is lost, or the server has ended it. Not called for `hangUp`. */
  over(end: VoiceError | Extract<PageEvent, { readonly type: "end_stream" }>["data"]): void;
}

export class Call {
  readonly #options: CallOptions;
  readonly #sink: CallSink;
  readonly #context: AudioContext;
  readonly #ears: Ears;
  readonly #latency = new LatencyMeter();
  readonly #heartbeat = new Heartbeat();
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #link: Link | undefined;
  #stream: MediaStream | undefined;
  /** Whether the stream is ours to stop. */
  #owned = false;
  #muted = false;
  #over = false;
  #agentSpeaking = false;
  #stepAt: number = performance.now();
  #greeted: () => void = () => undefined;

  /** Makes the AudioContext, so it has to be called inside the caller's tap. */
  constructor(options: CallOptions) {
    this.#options = options;
    this.#sink = options.sink;
    this.#context = new AudioContext({ latencyHint: "interactive" });
    this.#ears = new Ears(this.#context, {
      voiced: (at) => this.#latency.voiced(at),
      audible: (at) => {
        const measured = this.#latency.audible(at);
        if (measured !== undefined) this.#sink.measured(measured.turnId, measured.totalMs);
      },
      spoiled: () => this.#latency.spoiled(),
      dead: (dead) => this.#sink.hint(dead ? "silent" : undefined),
    });
  }

  /** Rejects with a VoiceError when the call does not come up, with `hung-up` when it was ended meanwhile. */
  async start(): Promise<void> {
    try {
      this.#step("microphone");
      const track = await this.#openMic();
      this.#alive();
      this.#step("signalling");
      const greeting = new Promise<void>((resolve) => {
        this.#greeted = resolve;
      });
      const link = this.#options.link(this.#linkSink());
      this.#link = link;
      const id = await link.open(track);
      this.#alive();
      this.#step("agent");
      this.#watch();
      this.#timers.push(setTimeout(() => this.#greeted(), GREETING_MS));
      await greeting;
      this.#alive();
      this.#sink.up(link.transport, id, this.#lap());
    } catch (error) {
      const failure = this.#over ? hungUp() : asVoiceError(error, "bug");
      this.#release();
      throw failure;
    }
  }

  get levels(): { readonly input: number; readonly output: number } {
    return { input: this.#ears.micLevel, output: this.#ears.agentLevel };
  }

  send(type: string, data: unknown = {}): void {
    this.#link?.send(JSON.stringify({ type, data }));
  }

  setMuted(muted: boolean): void {
    this.#muted = muted;
    for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = !muted;
    this.#ears.setMuted(muted);
    this.send("mic", { muted });
  }

  /** Goes over to another microphone; the old one is kept when the new one cannot be opened. */
  async setMic(constraints: MediaTrackConstraints): Promise<void> {
    const stream = await openMicrophone(constraints);
    const [track] = stream.getAudioTracks();
    if (this.#over || track === undefined) return stopAll(stream);
    track.enabled = !this.#muted;
    await this.#link?.replace(track);
    if (this.#owned && this.#stream !== undefined) stopAll(this.#stream);
    this.#take(stream, track, true);
  }

  sendText(text: string): void {
    this.#takeFloor();
    this.#latency.typed(performance.now());
    this.send("text", { text });
  }

  interrupt(): void {
    this.#takeFloor();
    this.send("interrupt");
  }

  async play(): Promise<void> {
    await this.#context.resume();
    await this.#link?.play();
  }

  /** Ends the call, or the attempt at one. Idempotent. */
  hangUp(): void {
    if (this.#over) return;
    this.send("stop");
    this.#release();
  }

  async #openMic(): Promise<MediaStreamTrack> {
    const { mic } = this.#options;
    // Silence is sent where there is no microphone: the server's clock and detector need audio that goes on.
    if (mic === false) return this.#silence();
    const owned = !(mic instanceof MediaStream);
    const stream = owned ? await openMicrophone(mic) : mic;
    const [track] = stream.getAudioTracks();
    if (this.#over || track === undefined) {
      if (owned) stopAll(stream);
      throw this.#over ? hungUp() : new VoiceError("mic-not-found", "the stream has no audio track");
    }
    void this.#context.resume(); // a permission counts as the gesture that an old tap no longer is
    this.#take(stream, track, owned);
    return track;
  }

  #silence(): MediaStreamTrack {
    const [track] = this.#context.createMediaStreamDestination().stream.getAudioTracks();
    if (track === undefined) throw new VoiceError("unsupported", "this browser makes no audio streams");
    this.#sink.mic(undefined);
    return track;
  }

  #take(stream: MediaStream, track: MediaStreamTrack, owned: boolean): void {
    this.#stream = stream;
    this.#owned = owned;
    this.#ears.listenToMic(track);
    track.onmute = () => this.#stream === stream && this.#sink.hint("system-muted");
    track.onunmute = () => this.#stream === stream && this.#sink.hint(undefined);
    // Unplugged: go on with whatever the system offers instead, else say so and let the caller type.
    track.onended = () => {
      if (this.#over || this.#stream !== stream) return;
      void this.setMic({}).catch(() => this.#over || this.#sink.hint("silent"));
    };
    this.#sink.mic(track);
  }

  #linkSink(): LinkSink {
    return {
      answered: () => this.#over || this.#step("media"),
      message: (text) => this.#hear(text),
      remote: (stream) => this.#over || this.#ears.listenToAgent(stream),
      blocked: (blocked) => this.#over || this.#sink.blocked(blocked),
      lost: (error) => this.#end(error),
    };
  }

  #hear(text: string): void {
    if (this.#over) return;
    const event = readPageEvent(text);
    this.#heartbeat.alive();
    if (event === undefined || isFault(event)) return;
    this.#greeted();
    if (event.type === "pong") return this.#heartbeat.pong(event.t, performance.now());
    this.#follow(event);
    this.#sink.event(event);
    if (event.type === "end_stream") this.#end(event.data);
    if (event.type === "error" && event.data.fatal) this.#end(toCallError(event));
  }

  /** What the page has to do itself when the server says something. */
  #follow(event: PageEvent): void {
    if (event.type === "agent_state") this.#agentSpeaking = event.data.state === "speaking";
    if (event.type === "user_state" && event.data.speaking) this.#reportPosition();
    if (event.type === "interrupted") this.#link?.hush();
    if (event.type !== "turn") return;
    if (event.data.phase === "ended") this.#latency.ended(event.data.turnId, performance.now());
    if (event.data.phase === "started" || event.data.phase === "resumed") this.#latency.dropped();
  }

  /** The position goes first, so that the server cuts at what was heard. */
  #takeFloor(): void {
    if (!this.#ears.agentAudible) return;
    this.#reportPosition();
    this.#link?.hush();
  }

  #watch(): void {
    this.#every(PING_EVERY_MS, () => {
      if (this.#heartbeat.beat()) this.send("ping", { t: performance.now() });
      else this.#end(new VoiceError("connection-lost", "the server does not answer any more"));
    });
    this.#every(POSITION_EVERY_MS, () => {
      if (this.#agentSpeaking || this.#ears.agentAudible) this.#reportPosition();
    });
    this.#every(STATS_EVERY_MS, () => void this.#readStats());
    this.send("ping", { t: performance.now() });
    this.#heartbeat.beat();
    void this.#readStats(); // what the first second is compared with
  }

  async #readStats(): Promise<void> {
    const stats = await this.#link?.stats().catch(() => undefined);
    if (this.#over || stats === undefined) return;
    const rttMs = stats.rttMs ?? this.#heartbeat.rttMs;
    this.#sink.net(rttMs === undefined ? stats : { ...stats, rttMs });
  }

  #reportPosition(): void {
    const rtpTimestamp = this.#link?.position();
    if (rtpTimestamp !== undefined) this.send("position", { rtpTimestamp });
  }

  #every(ms: number, task: () => void): void {
    this.#timers.push(setInterval(() => this.#over || task(), ms));
  }

  #step(name: StepName): void {
    this.#sink.step(name, this.#lap());
  }

  #lap(): number {
    const now = performance.now();
    const ms = now - this.#stepAt;
    this.#stepAt = now;
    return ms;
  }

  #alive(): void {
    if (this.#over) throw hungUp();
  }

  #end(end: Parameters<CallSink["over"]>[0]): void {
    if (this.#over) return;
    this.#release();
    this.#sink.over(end);
  }

  #release(): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#greeted();
    this.#link?.close();
    this.#ears.close();
    if (this.#owned && this.#stream !== undefined) stopAll(this.#stream);
    void this.#context.close().catch(() => undefined);
  }
}

function toCallError({ message, data }: Extract<PageEvent, { readonly type: "error" | "warning" }>): VoiceError {
  const code = isCode(data.code) ? data.code : "agent-error";
  return new VoiceError(code, message === "" ? "the call failed" : message, { fatal: true });
}

const isCode = (code: string): code is Code => Object.hasOwn(codes, code);

function stopAll(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

const hungUp = (): VoiceError => new VoiceError("hung-up", "the call was ended");
