/*
 * Chromium with a voice: either a wav file as its microphone, or a microphone that speaks when the test says so. What
 * comes back from the server is recorded where a person would hear it: at the remote track.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { type AudioFrame, monoFrame } from "../../src/audio/frame.ts";
import { int16ToBytes } from "../../src/audio/pcm.ts";
import { writeWav } from "../../src/audio/wav.ts";
// @ts-expect-error a plain script without types
import { findChromium } from "../../scripts/chromium.mjs";

/** Rate of what is recorded and spoken in the page, Hz: what the recogniser wants. */
export const PAGE_RATE = 16_000;

export interface OpenOptions {
  /** The microphone, from when it is asked for; it is silent afterwards. Without it the test speaks with `say`. */
  readonly microphone?: AudioFrame;
  readonly permission?: "granted" | "denied" | "no-device";
  readonly colours?: "light" | "dark";
  readonly size?: { readonly width: number; readonly height: number };
}

/** A page in a browser of its own. */
export class Caller {
  readonly page: Page;
  /** Faults of the page: errors and failed checks. */
  readonly faults: string[];
  readonly #browser: Browser;
  readonly #folder: string;

  private constructor(page: Page, browser: Browser, folder: string, faults: string[]) {
    this.page = page;
    this.#browser = browser;
    this.#folder = folder;
    this.faults = faults;
  }

  static async open(url: string, options: OpenOptions = {}): Promise<Caller> {
    const { microphone, permission = "granted", colours = "light", size = { width: 1_280, height: 800 } } = options;
    const folder = await mkdtemp(join(tmpdir(), "repartee-e2e-"));
    const args = [
      "--autoplay-policy=document-user-activation-required",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-quic",
      "--no-first-run",
    ];
    if (permission !== "no-device") args.push("--use-fake-device-for-media-stream");
    if (permission === "granted") args.push("--use-fake-ui-for-media-stream");
    if (microphone !== undefined) {
      const wav = join(folder, "microphone.wav");
      await writeFile(wav, writeWav(microphone.samples, microphone.rate));
      args.push(`--use-file-for-fake-audio-capture=${wav}%noloop`);
    }
    const browser = await chromium.launch({ executablePath: findChromium(), args });
    const context = await browser.newContext({ colorScheme: colours, viewport: size, reducedMotion: "reduce" });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
    await page.addInitScript(recordRemoteAudio, PAGE_RATE);
    if (microphone === undefined && permission === "granted") await page.addInitScript(speakOnDemand, PAGE_RATE);
    await page.goto(url);
    return new Caller(page, browser, folder, faults);
  }

  /** Speaks into the page's microphone; settles when the last sample was played into it. */
  async say(frame: AudioFrame): Promise<void> {
    if (frame.rate !== PAGE_RATE) throw new RangeError(`speech for a page must have ${PAGE_RATE} Hz, got ${frame.rate}`);
    const bytes = Buffer.from(int16ToBytes(frame.samples)).toString("base64");
    await this.page.evaluate((text) => window.reparteeTest.say(text), bytes);
  }

  /** What the page has heard since `from` ms after its first sound, mono. */
  async heard(fromMs = 0): Promise<AudioFrame> {
    const text = await this.page.evaluate((from) => window.reparteeTest.heard(from), fromMs);
    const bytes = Buffer.from(text, "base64");
    return monoFrame(new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)), PAGE_RATE);
  }

  /** How much was recorded so far, ms: a place to give to `heard`. */
  async place(): Promise<number> {
    return await this.page.evaluate(() => window.reparteeTest.place());
  }

  /** Settles when the remote voice has been silent for `ms`; rejects after `timeoutMs`. */
  async quiet(ms = 700, timeoutMs = 30_000): Promise<void> {
    await this.page.waitForFunction((quiet) => window.reparteeTest.quietFor() >= quiet, ms, { timeout: timeoutMs, polling: 50 });
  }

  /** Settles when the remote voice is heard; rejects after `timeoutMs`. */
  async voice(timeoutMs = 15_000): Promise<void> {
    await this.page.waitForFunction(() => window.reparteeTest.quietFor() < 100, undefined, { timeout: timeoutMs, polling: 20 });
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

declare global {
  interface Window {
    reparteeTest: {
      say(base64: string): Promise<void>;
      heard(fromMs: number): string;
      place(): number;
      quietFor(): number;
    };
  }
}

/** Runs in the page before its scripts: records every remote audio track. */
function recordRemoteAudio(rate: number): void {
  const chunks: Float32Array[] = [];
  let lastSound = -1;
  let context: AudioContext | undefined;
  const record = (track: MediaStreamTrack): void => {
    context ??= new AudioContext({ sampleRate: rate });
    const source = context.createMediaStreamSource(new MediaStream([track]));
    const tap = context.createScriptProcessor(1_024, 1, 1);
    tap.onaudioprocess = (event) => {
      const samples = event.inputBuffer.getChannelData(0).slice();
      chunks.push(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      if (Math.sqrt(sum / samples.length) > 0.003) lastSound = performance.now();
    };
    source.connect(tap);
    tap.connect(context.destination);
  };
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener("track", ({ track }) => {
        if (track.kind === "audio") record(track);
      });
    }
  };
  const length = (): number => chunks.reduce((all, chunk) => all + chunk.length, 0);
  window.reparteeTest = {
    say: () => Promise.reject(new Error("this page has a wav file as its microphone")),
    place: () => (length() / rate) * 1_000,
    quietFor: () => (lastSound < 0 ? 0 : performance.now() - lastSound),
    heard: (fromMs) => {
      const all = new Int16Array(length());
      let at = 0;
      for (const chunk of chunks) {
        for (const sample of chunk) all[at++] = Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)));
      }
      const bytes = new Uint8Array(all.slice(Math.floor((fromMs * rate) / 1_000)).buffer);
      let text = "";
      for (let i = 0; i < bytes.length; i += 8_192) text += String.fromCharCode(...bytes.subarray(i, i + 8_192));
      return btoa(text);
    },
  };
}

/** Runs in the page before its scripts: a microphone that speaks when the test says so. */
function speakOnDemand(rate: number): void {
  let context: AudioContext | undefined;
  let out: MediaStreamAudioDestinationNode | undefined;
  navigator.mediaDevices.getUserMedia = () => {
    context ??= new AudioContext();
    out ??= context.createMediaStreamDestination();
    return context.resume().then(() => (out as MediaStreamAudioDestinationNode).stream.clone());
  };
  window.reparteeTest.say = (base64) => {
    if (context === undefined || out === undefined) return Promise.reject(new Error("the page has not asked for a microphone"));
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer);
    const buffer = context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32_768), 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(out);
    return new Promise((resolve) => {
      source.onended = () => resolve();
      source.start();
    });
  };
}
