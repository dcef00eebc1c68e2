/*
 * From an SDP offer to a call on the line: the peer, its data channel `oai-events` as a wire, its track as the voice. The
 * answer holds all our candidates: stock clients never send any later.
 */
import { encodeAlaw, encodeMulaw } from "../audio/g711.ts";
import { int16ToBytes } from "../audio/pcm.ts";
import { Resampler } from "../audio/resample.ts";
import { isFault, VoiceError } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";
import type { Millis } from "../base/time.ts";
import type { WireFormat } from "../protocol/openai/session.ts";
import { readOffer } from "../protocol/sdp.ts";
import { Opus } from "../transports/webrtc/opus.ts";
import { Peer, type PeerOptions } from "../transports/webrtc/peer.ts";
import type { LiveCall, Wire } from "./live-call.ts";
import { VoiceTrack } from "./track.ts";

/** Audio of a session is at this rate, and Opus works at it. */
const RATE = 24_000;
/** From the answer until the caller must be connected, ms. */
const SETUP: Millis = 10_000;
/** Without anything from a caller for this long the call is lost, ms. */
const LOST: Millis = 10_000;
const WATCH: Millis = 1_000;
/** Between two tries to send what did not fit, ms. */
const RETRY: Millis = 20;
/** Bytes that may wait in the data channel. */
const BUFFERED = 1024 * 1024;
/** Events that may wait for the data channel; beyond it the call ends: none is ever left out. */
const WAITING = 50_000;

export interface WebRtcOptions extends Omit<PeerOptions, "clock" | "log"> {
  readonly platform: Platform;
}

/** The data channel of one client. */
class ChannelWire implements Wire {
  readonly #peer: Peer;
  readonly #platform: Platform;
  readonly #close: () => void;
  #waiting: string[] = [];
  #isOpen = false;
  #stopRetry: (() => void) | undefined;
  #isClosed = false;

  constructor(peer: Peer, platform: Platform, close: () => void) {
    this.#peer = peer;
    this.#platform = platform;
    this.#close = close;
  }

  opened(): void {
    this.#isOpen = true;
    this.#drain();
  }

  send(text: string): void {
    if (this.#isClosed) return;
    this.#waiting.push(text);
    if (this.#waiting.length > WAITING) this.close();
    else if (this.#isOpen) this.#drain();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopRetry?.();
    this.#close();
  }

  #drain(): void {
    if (this.#stopRetry !== undefined || this.#isClosed) return;
    let sent = 0;
    for (const text of this.#waiting) {
      if (this.#peer.buffered > BUFFERED || !this.#peer.sendText(text)) break;
      sent += 1;
    }
    this.#waiting = sent === this.#waiting.length ? [] : this.#waiting.slice(sent);
    if (this.#waiting.length === 0) return;
    const { clock } = this.#platform;
    this.#stopRetry = clock.at(clock.now() + RETRY, () => {
      this.#stopRetry = undefined;
      this.#drain();
    });
  }
}

/**
 * Answers an offer for a call. Throws VoiceError `bad-offer`, `too-large`, `unsupported` or `overloaded`; then the call is
 * closed.
 */
export async function answerOffer(sdp: string, call: LiveCall, options: WebRtcOptions): Promise<string> {
  const shape = readOffer(sdp);
  if (isFault(shape)) {
    void call.close();
    throw new VoiceError(shape.fault, shape.why, { expose: true });
  }
  const { platform } = options;
  const { clock, log } = platform;
  let track: VoiceTrack | undefined;
  let isOver = false;
  let stopTimer = (): void => {};
  const hangUp = (): void => {
    if (isOver) return;
    isOver = true;
    stopTimer();
    track?.close();
    call.leave(wire);
    void Promise.all([call.close(), peer.close()]);
  };
  const watch = (): void => {
    if (clock.now() - peer.heardAt >= LOST) return hangUp();
    stopTimer = clock.at(clock.now() + WATCH, watch);
  };
  const toInput = encoderFor(() => call.session.audio.input.format);
  const connected = async (): Promise<void> => {
    const opus = await Opus.create(RATE);
    if (isOver) return opus.free();
    stopTimer();
    watch();
    track = new VoiceTrack({
      platform,
      peer,
      opus,
      hear: (samples) => call.hear(toInput(samples)),
      drained: () => call.drained(),
    });
    call.attach(track);
  };
  let isJoined = false;
  const peer = new Peer(
    "called",
    { ...options, clock, log },
    {
      connected: () => {
        connected().catch((error: unknown) => {
          log.warn("a connected caller was not taken", { error });
          hangUp();
        });
      },
      rtp: (packet) => track?.rtp(packet),
      channel: () => {
        if (!isJoined) call.join(wire);
        isJoined = true;
        wire.opened();
      },
      text: (text) => call.receive(text),
      closed: hangUp,
    },
  );
  const wire = new ChannelWire(peer, platform, hangUp);
  try {
    const answer = await peer.answer(sdp, shape);
    stopTimer = clock.at(clock.now() + SETUP, hangUp);
    return answer;
  } catch (error) {
    hangUp();
    throw error;
  }
}

/** Turns the track's audio into the bytes of the session's input format, which may change. */
function encoderFor(formatOf: () => WireFormat): (samples: Int16Array) => Uint8Array {
  let narrow: Resampler | undefined;
  return (samples) => {
    const { type } = formatOf();
    if (type === "audio/pcm") return int16ToBytes(samples);
    narrow ??= new Resampler(RATE, 8000);
    const eight = narrow.process(samples);
    return type === "audio/pcmu" ? encodeMulaw(eight) : encodeAlaw(eight);
  };
}
