/*
 * Audio over a peer connection, messages on its data channel `text`.
 *
 * The offer leaves as soon as it is written, candidates follow. They wait for the answer, because a server may not know the
 * connection before. The browser does not say in useful time that a connection fails (still nothing after 40 s with an
 * unreachable candidate, 7.6 s after a peer vanished), so the timers here are our own.
 */
import { asVoiceError, VoiceError } from "../../base/errors.ts";
import { toBase64Url } from "../../base/ids.ts";
import type { Signalling } from "../signalling.ts";
import { netStats, type Reading, readStats } from "../stats.ts";
import type { NetStats } from "../types.ts";
import type { Link, LinkSink } from "./link.ts";

/** From the answer to an open channel. Twice what a slow TURN server needs. */
const MEDIA_TIMEOUT_MS = 8_000;

/** ICE may be `disconnected` this long before the call is taken to be lost: a change of network takes a second or so. */
const DISCONNECTED_MS = 2_000;

const CANDIDATE_BATCH_MS = 100;

/** Longer than what the browser's jitter buffer holds after the server has stopped sending. */
const HUSH_MS = 150;

/** Statistics look back over this many readings, so that one lost packet does not look like a bad network. */
const READINGS = 5;

export interface WebRtcLinkOptions {
  readonly signalling: Signalling;
  readonly rtc: RTCConfiguration;
  readonly element: HTMLAudioElement;
  readonly agent?: string;
  readonly sink: LinkSink;
}

export class WebRtcLink implements Link {
  readonly transport = "webrtc";
  readonly #signalling: Signalling;
  readonly #element: HTMLAudioElement;
  readonly #agent: string | undefined;
  readonly #sink: LinkSink;
  readonly #peer: RTCPeerConnection;
  readonly #channel: RTCDataChannel;
  readonly #id: string = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
  readonly #abort = new AbortController();
  /** Candidates that wait for the answer, or for others to go with. */
  #candidates: RTCIceCandidateInit[] = [];
  #answer: { readonly batch: boolean } | undefined;
  #batchTimer: ReturnType<typeof setTimeout> | undefined;
  #lostTimer: ReturnType<typeof setTimeout> | undefined;
  #hushTimer: ReturnType<typeof setTimeout> | undefined;
  #open = false;
  #closed = false;
  /** The last few readings, the oldest first. */
  #readings: readonly Reading[] = [];

  /** Throws VoiceError `unsupported` in a browser without WebRTC. */
  constructor({ signalling, rtc, element, agent, sink }: WebRtcLinkOptions) {
    if (!("RTCPeerConnection" in globalThis)) throw new VoiceError("unsupported", "this browser has no WebRTC");
    this.#signalling = signalling;
    this.#element = element;
    this.#agent = agent;
    this.#sink = sink;
    this.#peer = new RTCPeerConnection(rtc);
    // Before the offer: FastRTC servers send no audio without it.
    this.#channel = this.#peer.createDataChannel("text");
    this.#peer.onicecandidate = ({ candidate }) => candidate !== null && this.#addCandidate(candidate);
    this.#peer.ontrack = ({ streams, track }) => this.#attach(streams[0] ?? new MediaStream([track]));
    this.#peer.onconnectionstatechange = () => this.#watch();
    this.#channel.onmessage = ({ data }) => {
      if (typeof data === "string" && !this.#closed) this.#sink.message(data);
    };
    this.#channel.onclose = () => this.#lose("the server ended the connection");
  }

  async open(microphone: MediaStreamTrack): Promise<string> {
    try {
      this.#peer.addTransceiver(microphone, { direction: "sendrecv", streams: [new MediaStream([microphone])] });
      const ready = this.#ready();
      ready.catch(() => undefined); // it is awaited below, but may already be rejected before
      await this.#peer.setLocalDescription();
      const answer = await this.#signalling.offer(
        {
          sdp: this.#peer.localDescription?.sdp,
          webrtc_id: this.#id,
          ...(this.#agent !== undefined && { agent: this.#agent }),
        },
        this.#abort.signal,
      );
      this.#abort.signal.throwIfAborted();
      await this.#peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      this.#abort.signal.throwIfAborted();
      this.#answer = answer;
      this.#flush();
      this.#sink.answered();
      const timer = setTimeout(() => this.#abort.abort(tooLong()), MEDIA_TIMEOUT_MS);
      await ready.finally(() => clearTimeout(timer));
      this.#open = true;
      return answer.id;
    } catch (error) {
      this.close();
      throw asVoiceError(error, "protocol");
    }
  }

  send(text: string): void {
    if (this.#channel.readyState === "open") this.#channel.send(text);
  }

  async replace(microphone: MediaStreamTrack): Promise<void> {
    await this.#peer.getSenders()[0]?.replaceTrack(microphone);
  }

  position(): number | undefined {
    return this.#peer.getReceivers()[0]?.getSynchronizationSources()[0]?.rtpTimestamp;
  }

  hush(): void {
    this.#element.muted = true;
    clearTimeout(this.#hushTimer);
    this.#hushTimer = setTimeout(() => {
      this.#element.muted = false;
    }, HUSH_MS);
  }

  async play(): Promise<void> {
    try {
      await this.#element.play();
      if (!this.#closed) this.#sink.blocked(false);
    } catch (error) {
      // `AbortError` only says that another stream took its place.
      if (!this.#closed && error instanceof Error && error.name === "NotAllowedError") this.#sink.blocked(true);
    }
  }

  async stats(): Promise<NetStats> {
    const report = await this.#peer.getStats();
    const entries: Readonly<Record<string, unknown>>[] = [];
    report.forEach((entry: Readonly<Record<string, unknown>>) => entries.push(entry));
    const now = readStats(entries);
    const before = this.#readings[0];
    this.#readings = [...this.#readings, now].slice(-READINGS);
    return before === undefined ? {} : netStats(before, now);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#batchTimer);
    clearTimeout(this.#lostTimer);
    clearTimeout(this.#hushTimer);
    this.#abort.abort(new VoiceError("hung-up", "the call was ended"));
    this.#element.muted = false;
    this.#element.srcObject = null;
    this.#peer.close();
  }

  /** Settles when the channel opens, or with the reason why it will not. */
  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#channel.onopen = () => resolve();
      this.#abort.signal.addEventListener("abort", () => reject(this.#abort.signal.reason));
    });
  }

  #attach(stream: MediaStream): void {
    if (this.#closed) return;
    this.#element.srcObject = stream;
    void this.play();
    this.#sink.remote(stream);
  }

  #addCandidate(candidate: RTCIceCandidate): void {
    if (this.#closed || candidate.candidate === "") return;
    this.#candidates.push(candidate.toJSON());
    if (this.#answer !== undefined) this.#batchTimer ??= setTimeout(() => this.#flush(), CANDIDATE_BATCH_MS);
  }

  #flush(): void {
    this.#batchTimer = undefined;
    if (this.#answer === undefined || this.#candidates.length === 0) return;
    const candidates = this.#candidates;
    this.#candidates = [];
    // One that is lost may not matter, since others lead to the server too; if it does, the media timer says so.
    void this.#signalling.candidates(this.#id, candidates, this.#answer.batch).catch(() => undefined);
  }

  #watch(): void {
    const state = this.#peer.connectionState;
    clearTimeout(this.#lostTimer);
    if (state === "failed" || state === "closed") this.#lose("the connection broke off");
    if (state === "disconnected") {
      this.#lostTimer = setTimeout(() => this.#lose("the server is not heard any more"), DISCONNECTED_MS);
    }
  }

  #lose(why: string): void {
    if (this.#closed) return;
    const error = new VoiceError("connection-lost", why);
    if (!this.#open) return this.#abort.abort(error);
    this.close();
    this.#sink.lost(error);
  }
}

const tooLong = (): VoiceError =>
  new VoiceError("setup-timeout", `no media connection after ${MEDIA_TIMEOUT_MS / 1000} s: a firewall may block UDP`);
