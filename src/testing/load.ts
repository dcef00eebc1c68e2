/*
 * What one caller of a load test sees of a server: how fast it connects, how regularly audio comes, how fast it answers.
 * The callers are the real ones of this folder; this file only measures.
 *
 *   say ──── spoken ────▶| end         first sound ▶|
 *                        |<──────── answer ────────▶|
 */
import { type AudioFrame, monoFrame } from "../audio/frame.ts";
import { levelOf } from "../audio/level.ts";
import { resample } from "../audio/resample.ts";
import { Histogram } from "../base/histogram.ts";
import type { Millis } from "../base/time.ts";
import { type Caller, webrtcCaller } from "./caller.ts";
import { Phone, type PlacedCall } from "./phone.ts";
import { SocketCaller } from "./socket-caller.ts";

export type LoadTransport = "webrtc" | "websocket" | "telephone";

/** Audio that came. */
interface Piece {
  readonly at: Millis;
  readonly samples: Int16Array;
}

/** One caller under load, whatever carries the call. */
interface Line {
  readonly rate: number;
  /** Begins to say this in real time; `onEnd` is called when its last sample has left. */
  say(samples: Int16Array, onEnd: () => void): void;
  /** What came since the last call. */
  take(): readonly Piece[];
  hangUp(): Promise<void>;
}

export interface LoadOptions {
  readonly transport: LoadTransport;
  /** The server's address, mount prefix included. */
  readonly url: string;
  /** What callers say, again and again. */
  readonly speech: AudioFrame;
  /** Quiet between two sayings, for the answer, ms. */
  readonly pauseMs: Millis;
  /** Whether the server answers when a saying is over, or echoes it as it comes. Default "answer". */
  readonly measure?: "answer" | "echo";
  /** Of the telephone's carrier. */
  readonly authToken?: string;
  readonly now: () => Millis;
}

/** Louder than this is an answer, dBFS: codec noise stays below. */
const AUDIBLE = -45;
/** Nothing for this long ends a stretch of audio, ms. */
const STRETCH_END: Millis = 400;

/** What all callers of one run have seen, in ms. */
export class LoadFigures {
  readonly connect: Histogram = new Histogram();
  /** How late a frame came for a player that began with the first one of its stretch. */
  readonly lateness: Histogram = new Histogram();
  /** Time between two pieces of one stretch, less the audio in the first. */
  readonly gap: Histogram = new Histogram();
  /** From the last sample said (for an echo: the first) to the first sound of the answer. */
  readonly answer: Histogram = new Histogram();
  frames = 0;
  failed = 0;
  lost = 0;
}

/** One caller: connects, talks, listens. */
export class LoadCaller {
  readonly #options: LoadOptions;
  readonly #figures: LoadFigures;
  #line: Line | undefined;
  #words: Int16Array = new Int16Array(0);
  #spokenAt: Millis | undefined;
  #sayAt: Millis = 0;
  #saying = false;
  /** The stretch of audio that comes: when its first piece came, how much came since, when the last piece came. */
  #stretch: { readonly began: Millis; media: Millis; last: Millis; lastMs: Millis } | undefined;

  constructor(options: LoadOptions, figures: LoadFigures) {
    this.#options = options;
    this.#figures = figures;
  }

  async connect(index: number): Promise<void> {
    const { now, speech } = this.#options;
    const began = now();
    try {
      this.#line = await dial(this.#options);
    } catch (error) {
      this.#figures.failed += 1;
      throw error;
    }
    this.#figures.connect.add(now() - began);
    this.#words = resample(speech.samples, speech.rate, this.#line.rate);
    // Callers do not speak in step.
    this.#sayAt = now() + ((index * 137) % this.#options.pauseMs);
  }

  /** Looks at what came and says the next thing. Call it every few ms. */
  tick(): void {
    const line = this.#line;
    if (line === undefined) return;
    for (const piece of line.take()) this.#measure(piece, line.rate);
    const now = this.#options.now();
    if (this.#saying || now < this.#sayAt) return;
    this.#saying = true;
    const echo = this.#options.measure === "echo";
    this.#spokenAt = echo ? now : undefined;
    line.say(this.#words, () => {
      this.#saying = false;
      const end = this.#options.now();
      if (!echo) this.#spokenAt = end;
      this.#sayAt = end + this.#options.pauseMs;
    });
  }

  async hangUp(): Promise<void> {
    await this.#line?.hangUp();
    this.#line = undefined;
  }

  #measure({ at, samples }: Piece, rate: number): void {
    const figures = this.#figures;
    const ms = (samples.length / rate) * 1000;
    figures.frames += 1;
    const stretch = this.#stretch;
    if (stretch === undefined || at - stretch.last > STRETCH_END) {
      this.#stretch = { began: at, media: ms, last: at, lastMs: ms };
    } else {
      figures.lateness.add(at - stretch.began - stretch.media);
      figures.gap.add(at - stretch.last - stretch.lastMs);
      stretch.media += ms;
      stretch.last = at;
      stretch.lastMs = ms;
    }
    if (this.#spokenAt !== undefined && levelOf(samples) > AUDIBLE) {
      figures.answer.add(at - this.#spokenAt);
      this.#spokenAt = undefined;
    }
  }
}

function dial(options: LoadOptions): Promise<Line> {
  switch (options.transport) {
    case "webrtc":
      return dialWebRtc(options);
    case "websocket":
      return dialSocket(options);
    case "telephone":
      return dialPhone(options);
  }
}

async function dialWebRtc({ url, now }: LoadOptions): Promise<Line> {
  const caller: Caller = await webrtcCaller(url);
  // The caller counts from its offer.
  const origin = now() - caller.now;
  return {
    rate: caller.rate,
    say: (samples, onEnd) => {
      caller.say(monoFrame(samples, caller.rate));
      void caller.until(() => caller.saying === 0, { timeoutMs: 60_000 }).then(onEnd, onEnd);
    },
    take: () => caller.heard.splice(0).map(({ at, frame }) => ({ at: at + origin, samples: frame.samples })),
    hangUp: () => caller.hangUp(),
  };
}

async function dialSocket({ url, now }: LoadOptions): Promise<Line> {
  const caller = new SocketCaller(`${url.replace(/^http/, "ws").replace(/\/$/, "")}/websocket/offer`, { keep: false });
  const pieces: Piece[] = [];
  caller.onAudio = (samples) => pieces.push({ at: now(), samples });
  await caller.start();
  return {
    rate: caller.inRate,
    say: (samples, onEnd) => void caller.speak(monoFrame(samples, caller.inRate)).then(onEnd, onEnd),
    take: () => pieces.splice(0),
    hangUp: () => caller.stop(),
  };
}

async function dialPhone({ url, authToken = "", now }: LoadOptions): Promise<Line> {
  const phone = new Phone({ webhook: `${url.replace(/\/$/, "")}/telephone/incoming`, authToken });
  const call: PlacedCall = await phone.call();
  if (!call.connected) throw new Error(`the call was not taken: ${call.ended ?? "no media stream"}`);
  const origin = now() - phone.clock.now();
  return {
    rate: 8_000,
    say: (samples, onEnd) => void call.speak(samples).then(onEnd, onEnd),
    take: () => call.received.splice(0).map(({ at, samples }) => ({ at: at + origin, samples })),
    hangUp: () => call.hangUp(),
  };
}

/** A second and a half that any voice detector takes for speech, when no voice is installed: a buzz with formants. */
export function babble(rate: number = 16_000): AudioFrame {
  const samples = new Int16Array(rate * 1.5);
  for (let i = 0; i < samples.length; i++) {
    const t = i / rate;
    const syllable = Math.max(0, Math.sin(2 * Math.PI * 3.5 * t)) ** 0.5;
    let value = 0;
    for (let harmonic = 1; harmonic <= 24; harmonic++) {
      const f = 130 * harmonic * (1 + 0.05 * Math.sin(2 * Math.PI * 2 * t));
      const formant = 1 / (1 + ((f - 600) / 250) ** 2) + 0.6 / (1 + ((f - 1_400) / 300) ** 2);
      value += formant * Math.sin(2 * Math.PI * f * t);
    }
    samples[i] = Math.round(4_000 * syllable * value);
  }
  return monoFrame(samples, rate);
}
