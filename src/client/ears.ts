/*
 * Listens to both sides in the page: levels for meters, the end of the caller's voice and the onset of the agent's for
 * latency. Looks every 20 ms at what two analysers have kept (about 0.17 s), so a page that stalls for less misses
 * nothing. The one AudioContext lives here.
 */
import type { Millis } from "../base/time.ts";
import { firstLoud, lastLoud, meterOf, NoiseFloor, rmsOf } from "./levels.ts";

const LOOK_EVERY_MS = 20;
const WINDOW = 8_192;

/** The agent is audible above -50 dBFS: decoded silence and comfort noise stay below. */
const AUDIBLE = 0.0032;

/** A gap this long inside the agent's voice makes the next sound a new onset. */
const AGENT_GAP_MS = 120;

/**
 * Below -70 dBFS for this long, a microphone that should be open is taken to be dead. One that has given a voice before is
 * only dead when it gives zeros: noise suppression makes the pauses of a good one as quiet as -90 dBFS.
 */
const DEAD = 0.00032;
const ZEROS = 1e-6;
const DEAD_AFTER_MS = 4_000;

export interface EarsSink {
  /** The microphone was voiced until `at`. */
  voiced(at: Millis): void;
  /** The agent became audible at `at`. */
  audible(at: Millis): void;
  /** The page stalled for too long: something may have been missed. */
  spoiled(): void;
  /** The open microphone gives nothing, or gives something again. */
  dead(dead: boolean): void;
}

export class Ears {
  readonly #sink: EarsSink;
  readonly #context: AudioContext;
  readonly #samples: Float32Array<ArrayBuffer> = new Float32Array(WINDOW);
  readonly #floor = new NoiseFloor();
  readonly #timer: ReturnType<typeof setInterval>;
  #mic: Side | undefined;
  #agent: Side | undefined;
  #muted = false;
  #lookedAt: Millis;
  #heardAgentAt: Millis = -Infinity;
  #heardMicAt: Millis;
  #dead = false;
  /** This microphone has given a voice. */
  #voiced = false;

  constructor(context: AudioContext, sink: EarsSink) {
    this.#sink = sink;
    this.#context = context;
    this.#lookedAt = performance.now();
    this.#heardMicAt = this.#lookedAt;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** `undefined`: there is no microphone, only silence in its place. */
  listenToMic(track: MediaStreamTrack | undefined): void {
    this.#mic?.close();
    // A clone: disabling the original must not depend on who else listens, nor on the order of doing so.
    this.#mic = track === undefined ? undefined : new Side(this.#context, new MediaStream([track.clone()]), true);
    this.#heardMicAt = performance.now();
    this.#voiced = false;
  }

  listenToAgent(stream: MediaStream): void {
    this.#agent?.close();
    this.#agent = new Side(this.#context, stream, false);
  }

  setMuted(muted: boolean): void {
    this.#muted = muted;
    this.#heardMicAt = performance.now();
    if (muted) this.#setDead(false);
  }

  /** The agent was audible a moment ago. */
  get agentAudible(): boolean {
    return performance.now() - this.#heardAgentAt < AGENT_GAP_MS;
  }
  get micLevel(): number {
    return this.#muted ? 0 : (this.#mic?.level ?? 0);
  }
  get agentLevel(): number {
    return this.#agent?.level ?? 0;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#mic?.close();
    this.#agent?.close();
  }

  #look(): void {
    const now = performance.now();
    const passed = now - this.#lookedAt;
    this.#lookedAt = now;
    if (this.#context.state !== "running") return;
    const rate = this.#context.sampleRate;
    const from = Math.max(0, WINDOW - Math.ceil((passed / 1000) * rate));
    if ((passed / 1000) * rate > WINDOW) this.#sink.spoiled();
    if (this.#mic !== undefined && !this.#muted) this.#lookAtMic(this.#mic, from, now);
    if (this.#agent !== undefined) this.#lookAtAgent(this.#agent, from, now);
  }

  #lookAtMic(mic: Side, from: number, now: Millis): void {
    const rate = this.#context.sampleRate;
    const rms = mic.read(this.#samples, from);
    this.#floor.push(rms, ((WINDOW - from) / rate) * 1000);
    const ago = lastLoud(this.#samples, from, rate, this.#floor.threshold);
    if (ago !== undefined) {
      this.#sink.voiced(now - ago);
      this.#voiced = true;
    }
    if (rms > (this.#voiced ? ZEROS : DEAD)) this.#heardMicAt = now;
    this.#setDead(now - this.#heardMicAt > DEAD_AFTER_MS);
  }

  #lookAtAgent(agent: Side, from: number, now: Millis): void {
    const rate = this.#context.sampleRate;
    agent.read(this.#samples, from);
    const first = firstLoud(this.#samples, from, rate, AUDIBLE);
    if (first === undefined) return;
    if (now - first - this.#heardAgentAt > AGENT_GAP_MS) this.#sink.audible(now - first);
    this.#heardAgentAt = now - (lastLoud(this.#samples, from, rate, AUDIBLE) ?? 0);
  }

  #setDead(dead: boolean): void {
    if (dead === this.#dead) return;
    this.#dead = dead;
    this.#sink.dead(dead);
  }
}

/** One side of the call: a stream, its analyser and its meter. */
class Side {
  readonly #source: MediaStreamAudioSourceNode;
  readonly #analyser: AnalyserNode;
  readonly #stream: MediaStream;
  /** Whether the stream's tracks were made for this side and end with it. */
  readonly #owned: boolean;
  level = 0;

  constructor(context: AudioContext, stream: MediaStream, owned: boolean) {
    this.#stream = stream;
    this.#owned = owned;
    this.#source = context.createMediaStreamSource(stream);
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = WINDOW;
    this.#source.connect(this.#analyser);
  }

  /** Fills `samples` with the latest, returns the RMS of those from `from` on and brings the meter up to date. */
  read(samples: Float32Array<ArrayBuffer>, from: number): number {
    this.#analyser.getFloatTimeDomainData(samples);
    const rms = rmsOf(samples, from);
    const level = meterOf(rms);
    // Up at once, down slowly: a meter that follows every gap between syllables only flickers.
    this.level = level > this.level ? level : this.level * 0.88 + level * 0.12;
    return rms;
  }

  close(): void {
    this.#source.disconnect();
    if (this.#owned) for (const track of this.#stream.getTracks()) track.stop();
  }
}
