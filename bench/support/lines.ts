/*
 * One caller on any transport, for benchmarks that follow single calls: what it says leaves in real time, what it hears is
 * kept with the time it came and the time it stops sounding.
 */
import { type AudioFrame, monoFrame } from "../../src/audio/frame.ts";
import { levelOf } from "../../src/audio/level.ts";
import { webrtcCaller } from "../../src/testing/caller.ts";
import { Phone } from "../../src/testing/phone.ts";
import { SocketCaller } from "../../src/testing/socket-caller.ts";

export type LineKind = "webrtc" | "v1" | "stock" | "phone";
export const lineKinds: readonly LineKind[] = ["webrtc", "v1", "stock", "phone"];

/** Sound that came, by the clock of `performance.now()`. */
export interface Piece {
  readonly at: number;
  /** When its last sample is played by a player that starts at once. */
  readonly until: number;
}

export interface Line {
  readonly rate: number;
  /** Says this in frames of 20 ms. Answers when its first frame left. */
  say(samples: Int16Array): Promise<number>;
  /** Audible pieces since the last call. */
  take(): readonly Piece[];
  /** Whether a codec adds a lone last frame when sound breaks off: the rest of what it looked ahead. */
  readonly rings: boolean;
  /** When this caller's player first threw away what it held at or after `from`; Infinity when it did not. */
  clearedAfter(from: number): number;
  hangUp(): Promise<void>;
}

const FRAME = 20;
/** Codec noise stays below, dBFS. */
const AUDIBLE = -50;

export function dial(kind: LineKind, url: string): Promise<Line> {
  if (kind === "webrtc") return dialWebRtc(url);
  if (kind === "phone") return dialPhone(url);
  return dialSocket(url, kind);
}

async function dialWebRtc(url: string): Promise<Line> {
  const caller = await webrtcCaller(url);
  const origin = performance.now() - caller.now;
  return {
    rate: caller.rate,
    rings: true,
    say: async (samples) => {
      caller.say(monoFrame(samples, caller.rate));
      const queued = caller.saying;
      await caller.until(() => caller.saying < queued, { timeoutMs: 60_000 });
      const first = performance.now();
      await caller.until(() => caller.saying === 0, { timeoutMs: 60_000 });
      return first;
    },
    take: () =>
      audible(caller.heard.splice(0).map(({ at, frame }) => ({ at: at + origin, frame, playsAt: at + origin }))),
    // Sound is played as it comes: there is nothing to throw away.
    clearedAfter: () => Number.POSITIVE_INFINITY,
    hangUp: () => caller.hangUp(),
  };
}

async function dialSocket(url: string, kind: "v1" | "stock"): Promise<Line> {
  const caller = new SocketCaller(`${url.replace(/^http/, "ws")}/websocket/offer`, {
    profile: kind === "v1" ? "v1" : "fastrtc",
  });
  await caller.start();
  return {
    rate: caller.inRate,
    rings: false,
    say: async (samples) => {
      const began = performance.now();
      await caller.speak(monoFrame(samples, caller.inRate));
      return began;
    },
    take: () =>
      audible(
        caller.audio.splice(0).map(({ at, playsAt, samples }) => ({
          at,
          playsAt,
          frame: monoFrame(samples, caller.outRate),
        })),
      ),
    // A stock page is told to clear as well, and cannot.
    clearedAfter: (from) =>
      kind === "stock"
        ? Number.POSITIVE_INFINITY
        : (caller.events.find(({ name, at }) => name === "clear" && at >= from)?.at ?? Number.POSITIVE_INFINITY),
    hangUp: () => caller.stop(),
  };
}

async function dialPhone(url: string): Promise<Line> {
  const phone = new Phone({ webhook: `${url}/telephone/incoming`, authToken: "" });
  const call = await phone.call();
  if (!call.connected) throw new Error(`the call was not taken: ${call.ended ?? "no media stream"}`);
  return {
    rate: 8_000,
    rings: false,
    say: async (samples) => {
      // Resolves when the last frame has left; the carrier's frames keep an even grid.
      await call.speak(samples);
      return performance.now() - (Math.ceil(samples.length / 160) - 1) * FRAME;
    },
    take: () =>
      audible(
        call.received.splice(0).map(({ at, playsAt, samples }) => ({ at, playsAt, frame: monoFrame(samples, 8_000) })),
      ),
    clearedAfter: (from) => call.clears.find((at) => at >= from) ?? Number.POSITIVE_INFINITY,
    hangUp: () => call.hangUp(),
  };
}

function audible(pieces: readonly { at: number; playsAt: number; frame: AudioFrame }[]): readonly Piece[] {
  return pieces
    .filter(({ frame }) => levelOf(frame.samples) > AUDIBLE)
    .map(({ at, playsAt, frame }) => ({ at, until: playsAt + (frame.samples.length / frame.rate) * 1000 }));
}
