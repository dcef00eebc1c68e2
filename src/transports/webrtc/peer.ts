/*
 * The border to werift, which does SDP, ICE, DTLS and SCTP. Nothing of its types goes beyond this file, so that its parts
 * can be replaced one by one.
 *
 * Beside its public API it needs a few private fields, for three things that cost 100 ms of every call otherwise:
 *   we are the DTLS server (`setup:passive`)    werift's client sleeps 100 ms before its first hello
 *   an early ClientHello is kept                werift drops it, and browsers repeat it after 50 ms and more
 *   SRTP_AES128_CM_HMAC_SHA1_80 only            the profile that all peers have
 * for the gate in front of its sockets, and for a fault of its DTLS. All are probed for each call: when their shape is another one, the call goes
 * on without them, and the log says so.
 *
 * Without TURN we are an ICE-lite agent: the caller comes to us, we send no checks, and what candidates it names does not
 * matter. werift would else ask a public STUN server, and resolve mDNS names.
 */
import { EventEmitter } from "node:events";
import { networkInterfaces } from "node:os";
import {
  RTCPeerConnection,
  type RTCDataChannel,
  RTCDtlsTransport,
  RtpHeader,
  type RtpPacket as WeriftPacket,
  useOPUS,
} from "werift";
import { VoiceError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Clock, Millis } from "../../base/time.ts";
import { type OfferShape, withAddresses, withoutCandidates } from "../../protocol/sdp.ts";
import type { Candidate } from "../../protocol/signal.ts";
import { Gate } from "./gate.ts";
import type { RtpPacket } from "./jitter.ts";
import { hasFreePorts } from "./ports.ts";
import type { Place } from "./speech.ts";
import { Srtp } from "./srtp.ts";

export interface PeerServer {
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

export interface PeerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** TURN or STUN for this side. Default: none, which is right wherever callers can reach us. */
  readonly iceServers?: readonly PeerServer[] | undefined;
  /** First and last UDP port. Default: any. */
  readonly portRange?: readonly [number, number] | undefined;
  /** Addresses at which we are reached from outside, on the same ports. */
  readonly announce?: readonly string[] | undefined;
  /** 2: stereo is offered and asked for. Default 1. */
  readonly channels?: 1 | 2 | undefined;
}

/** What happens at a peer. After `closed` nothing comes any more. */
export interface PeerEvents {
  /** Media and messages can flow. */
  connected(): void;
  /** The payload is a view: read it before returning, or copy it. */
  rtp(packet: RtpPacket): void;
  /** A data channel is open. */
  channel(): void;
  text(text: string): void;
  /** The other side hung up, or can never be reached again. Not called after our own `close`. */
  closed(why: "hung-up" | "failed"): void;
}

/** Makes the process's certificate, so that the first call does not wait for it. */
export async function warmUp(): Promise<void> {
  await RTCDtlsTransport.SetupCertificate();
}

/** One WebRTC connection, as the one that is called or the one that calls. */
export class Peer {
  /** When something genuine came from the other side last. */
  heardAt: Millis;
  readonly #pc: RTCPeerConnection;
  readonly #events: PeerEvents;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #announce: readonly string[];
  readonly #portRange: readonly [number, number] | undefined;
  /** How many sockets the engine opens: one per address of the machine. */
  readonly #sockets: number;
  readonly #lite: boolean;
  readonly #gate: Gate = new Gate();
  readonly #gated = new WeakSet<object>();
  #guarded = true;
  readonly #header: RtpHeader = new RtpHeader({ version: 2, extension: false });
  #transport: RTCDtlsTransport | undefined;
  #channel: RTCDataChannel | undefined;
  #codec = -1;
  /** Our own SRTP, both ways; undefined where werift's has to do. */
  #incoming: Srtp | undefined;
  #outgoing: Srtp | undefined;
  #ended = false;

  /** `called`: we answer an offer. `calling`: we make it. */
  constructor(side: "called" | "calling", options: PeerOptions, events: PeerEvents) {
    const { clock, log, iceServers = [], portRange, announce = [], channels = 1 } = options;
    this.#events = events;
    this.#clock = clock;
    this.#log = log;
    this.#announce = announce;
    this.#portRange = portRange;
    this.heardAt = clock.now();
    this.#lite = side === "called" && iceServers.length === 0;
    const addresses = hostAddresses();
    this.#sockets = Math.max(1, addresses.four === 0 ? addresses.six : addresses.four);
    this.#pc = new RTCPeerConnection({
      iceServers: iceServers.flatMap(({ urls, ...rest }) => [urls].flat().map((url) => ({ urls: url, ...rest }))),
      iceLite: this.#lite,
      iceUseIpv6: addresses.four === 0 && addresses.six > 0,
      iceAdditionalHostAddresses:
        side === "calling" || addresses.four + addresses.six === 0 ? ["127.0.0.1"] : undefined,
      icePortRange: portRange === undefined ? undefined : [portRange[0], portRange[1]],
      iceFilterStunResponse: () => {
        this.heardAt = this.#clock.now();
        return true;
      },
      bundlePolicy: "max-bundle",
      codecs: { audio: [useOPUS({ parameters: channels === 2 ? `${PARAMETERS};${STEREO}` : PARAMETERS })], video: [] },
      headerExtensions: { audio: [], video: [] },
    });
    this.#pc.onDataChannel.subscribe((channel) => this.#onChannel(channel));
    this.#pc.connectionStateChange.subscribe((state) => {
      if (state === "failed" || state === "closed") this.#end("failed");
    });
  }

  /** Answers an offer, the first one or one that restarts ICE. Throws VoiceError `bad-offer` or `overloaded`. */
  async answer(sdp: string, shape: OfferShape): Promise<string> {
    if (
      this.#portRange !== undefined &&
      this.#transport === undefined &&
      !(await hasFreePorts(this.#portRange, this.#sockets))
    ) {
      throw noPort();
    }
    try {
      await this.#pc.setRemoteDescription({
        type: "offer",
        sdp: this.#lite ? withoutCandidates(sdp) : withoutNames(sdp),
      });
      for (const transceiver of this.#pc.getTransceivers()) {
        if (transceiver.kind !== "audio") continue;
        if (shape.audio === "sendrecv") transceiver.setDirection("sendrecv");
        else if (shape.audio === "recvonly") transceiver.setDirection("sendonly");
        // Stock pages play `event.streams[0]`: without a stream id the call is silent.
        transceiver.sender.streamIds = ["agent"];
        break;
      }
      const transport = this.#pc.dtlsTransports[0];
      if (transport === undefined) throw new TypeError("no transport was made");
      if (this.#transport === undefined) this.#watch(transport, "server");
      await this.#pc.setLocalDescription(await this.#pc.createAnswer());
    } catch (error) {
      throw new VoiceError("bad-offer", "the offer could not be answered", { cause: error });
    }
    this.#guard();
    this.#resumeIce();
    return this.#description();
  }

  /** Makes an offer with one audio section and, unless told not to, a data channel; the second one restarts ICE. */
  async offer({ channel = true }: { readonly channel?: boolean } = {}): Promise<string> {
    const restart = this.#transport !== undefined;
    if (!restart) {
      this.#pc.addTransceiver("audio", { direction: "sendrecv" });
      if (channel) this.#onChannel(this.#pc.createDataChannel("text"));
    }
    const offer = await this.#pc.createOffer({ iceRestart: restart });
    const transport = this.#pc.dtlsTransports[0];
    if (!restart && transport !== undefined) this.#watch(transport, "client");
    await this.#pc.setLocalDescription(offer);
    return this.#description();
  }

  /** Takes the answer to our offer. Throws what is wrong with it. */
  async accept(sdp: string): Promise<void> {
    await this.#pc.setRemoteDescription({ type: "answer", sdp });
    this.#resumeIce();
  }

  /** One more place at which the other side may be. Names, TCP and what cannot be read is ignored. */
  candidate(candidate: Candidate): void {
    if (this.#lite || this.#ended || !isUsable(candidate.candidate)) return;
    this.#pc
      .addIceCandidate({ ...candidate, sdpMid: candidate.sdpMid ?? "0" })
      .catch((error: unknown) => this.#log.debug("a candidate was not taken", { error }));
  }

  /** Sends 20 ms of Opus. Nothing happens before `connected` and after the end. */
  send(payload: Uint8Array, { sequence, timestamp, marker }: Place): void {
    const transport = this.#transport;
    if (this.#ended || transport?.state !== "connected" || this.#codec < 0) return;
    if (this.#outgoing !== undefined) {
      const path = transport.iceTransport.connection.nominated;
      if (path === undefined) return;
      const packet = this.#outgoing.protect(payload, this.#codec, marker, sequence, timestamp, this.#header.ssrc);
      path.protocol.sendData(packet, path.remoteAddr).catch(ignore);
      return;
    }
    const header = this.#header;
    header.sequenceNumber = sequence;
    header.timestamp = timestamp;
    header.marker = marker;
    void transport.sendRtp(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength), header);
  }

  /** Sends a text on the data channel; false when there is none that is open. */
  sendText(text: string): boolean {
    if (this.#ended || this.#channel?.readyState !== "open") return false;
    try {
      this.#channel.send(text);
      return true;
    } catch (error) {
      this.#log.debug("a message could not be sent", { error });
      return false;
    }
  }

  /** Bytes of messages that wait to be sent. */
  get buffered(): number {
    return this.#channel?.bufferedAmount ?? 0;
  }

  /** How many datagrams were not let through. */
  get dropped(): number {
    return this.#gate.dropped;
  }

  /** Closes sockets and timers. Idempotent; never rejects. */
  async close(): Promise<void> {
    this.#ended = true;
    try {
      await this.#pc.close();
    } catch (error) {
      this.#log.warn("a peer did not close cleanly", { error });
    }
  }

  #watch(transport: RTCDtlsTransport, side: "server" | "client"): void {
    this.#transport = transport;
    if (side === "server") {
      transport.role = "server";
      if (Array.isArray(Reflect.get(transport, "srtpProfiles"))) Reflect.set(transport, "srtpProfiles", [1]);
      else this.#log.warn("werift has changed: SRTP profiles cannot be chosen");
    }
    // Without a server of our own werift would ask a public one.
    if (!this.#pc.getConfiguration().iceServers.some(({ urls }) => String(urls).startsWith("stun"))) {
      delete transport.iceTransport.connection.stunServer;
    }
    transport.iceTransport.connection.onData.subscribe(() => {
      this.heardAt = this.#clock.now();
    });
    transport.onRtp.subscribe((packet) => this.#onRtp(packet));
    transport.onStateChange.subscribe((state) => {
      if (state === "connecting") setImmediate(() => this.#letEarlyIn());
      else if (state === "connected") this.#onConnected();
      // werift's connection state does not follow a close_notify: without this a page that left is noticed 30 s later.
      else if (state === "closed") this.#end("hung-up");
      else if (state === "failed") this.#end("failed");
    });
  }

  /** Puts the gate in front of each UDP socket. */
  #guard(): void {
    const connection = this.#transport?.iceTransport.connection;
    if (connection === undefined) return;
    this.#gate.admit(connection.localUsername, connection.localPassword);
    const protocols: unknown = Reflect.get(connection, "protocols");
    for (const protocol of Array.isArray(protocols) ? protocols : [undefined]) {
      const socket = socketOf(protocol);
      if (socket === undefined) {
        this.#gate.ready = true;
        this.#guarded = false;
        this.#log.warn("werift has changed: its sockets cannot be guarded");
      } else if (!this.#gated.has(socket)) {
        this.#gated.add(socket);
        // Without a listener an unreachable network would end the process.
        socket.socket.on("error", (error) => this.#log.debug("a datagram could not be sent", { error }));
        const inner = socket.onData;
        socket.onData = (data, from) => {
          const verdict = this.#gate.judge(data, from[0], from[1]);
          if (verdict === "media" && this.#incoming !== undefined && !isRtcp(data)) this.#onMedia(this.#incoming, data);
          else if (verdict !== "dropped" && verdict !== "early") inner(data, from);
        };
      }
    }
  }

  /** After a restart werift waits for checks only while DTLS is not connected: it would never choose the new path. */
  #resumeIce(): void {
    const transport = this.#transport;
    if (transport?.state !== "connected" || transport.iceTransport.connection.nominated !== undefined) return;
    transport.iceTransport.start().catch((error: unknown) => {
      this.#log.debug("the restart of ICE failed", { error });
      this.#end("failed");
    });
  }

  #letEarlyIn(): void {
    this.#gate.ready = true;
    const connection = this.#transport?.iceTransport.connection;
    for (const { data } of this.#gate.takeEarly()) connection?.onData.execute(data);
  }

  #onConnected(): void {
    if (this.#ended) return;
    this.#skipUsedNumbers();
    const audio = this.#pc.getTransceivers().find((one) => one.kind === "audio");
    this.#codec = audio?.codecs[0]?.payloadType ?? -1;
    this.#header.payloadType = Math.max(0, this.#codec);
    this.#header.ssrc = audio?.sender.ssrc ?? 0;
    this.#takeMedia();
    this.#events.connected();
  }

  /** From here on RTP goes past werift, whose SRTP costs four times as much and knows no replays. */
  #takeMedia(): void {
    const config = this.#transport?.srtp.config;
    if (!this.#guarded || config?.profile !== 1) return;
    const { remoteMasterKey, remoteMasterSalt, localMasterKey, localMasterSalt } = config.keys;
    this.#incoming = new Srtp({ key: remoteMasterKey, salt: remoteMasterSalt });
    this.#outgoing = new Srtp({ key: localMasterKey, salt: localMasterSalt });
  }

  /**
   * werift sends its Finished with the number that its handshake has come to and begins data at 0 again, so one of the
   * first data records repeats a number (and a nonce): browsers drop it, and the message waits a second to be sent again.
   */
  #skipUsedNumbers(): void {
    const socket = this.#transport?.dtls;
    const context: unknown = socket === undefined ? undefined : Reflect.get(socket, "dtls");
    if (hasNumber(context)) context.recordSequenceNumber = Math.max(context.recordSequenceNumber, BEYOND_HANDSHAKE);
    else this.#log.warn("werift has changed: DTLS record numbers cannot be corrected");
  }

  #onMedia(srtp: Srtp, data: Buffer): void {
    const packet = srtp.open(data);
    if (packet === undefined || this.#ended) return;
    this.#gate.sealed = true;
    this.heardAt = this.#clock.now();
    if (packet.payloadType === this.#codec) this.#events.rtp(packet);
  }

  #onRtp({ header, payload }: WeriftPacket): void {
    this.#gate.sealed = true;
    if (this.#ended || header.payloadType !== this.#codec) return;
    const { ssrc, sequenceNumber: sequence, timestamp } = header;
    this.#events.rtp({ ssrc, sequence, timestamp, payload });
  }

  #onChannel(channel: RTCDataChannel): void {
    // The newest one that is open carries our messages; all of them are heard.
    const opened = (): void => {
      if (this.#ended) return;
      this.#channel = channel;
      this.#events.channel();
    };
    channel.onMessage.subscribe((message) => {
      this.#gate.sealed = true;
      if (!this.#ended && typeof message === "string") this.#events.text(message);
    });
    channel.stateChange.subscribe((state) => {
      if (state === "open") opened();
      else if (state === "closed" && this.#channel === channel) this.#end("hung-up");
    });
    if (channel.readyState === "open") opened();
  }

  #end(why: "hung-up" | "failed"): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.closed(why);
  }

  #description(): string {
    const sdp = this.#pc.localDescription?.sdp ?? "";
    if (!sdp.includes("\na=candidate:")) throw noPort();
    return withAddresses(sdp, ["127.0.0.1", ...this.#announce]);
  }
}

const PARAMETERS = "minptime=10;useinbandfec=1";
/** "Send me stereo, and mine will be", RFC 7587 section 6.1. */
const STEREO = "stereo=1;sprop-stereo=1";

/** More records than a handshake has, retransmissions included. */
const BEYOND_HANDSHAKE = 1000;

function hasNumber(value: unknown): value is { recordSequenceNumber: number } {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "recordSequenceNumber") === "number";
}

interface Socket {
  onData: (data: Buffer, from: readonly [string, number]) => void;
  readonly socket: EventEmitter;
}

/** The UDP socket of one of werift's STUN protocols, if it still looks as it did. */
function socketOf(protocol: unknown): Socket | undefined {
  if (typeof protocol !== "object" || protocol === null) return undefined;
  const socket: unknown = Reflect.get(protocol, "transport");
  return isSocket(socket) ? socket : undefined;
}

function isSocket(value: unknown): value is Socket {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof Reflect.get(value, "onData") === "function" &&
    Reflect.get(value, "socket") instanceof EventEmitter
  );
}

/** RTCP is told by its second byte, RFC 5761 section 4. */
function isRtcp(data: Buffer): boolean {
  const type = data[1] ?? 0;
  return type >= 192 && type < 224;
}

function noPort(): VoiceError {
  return new VoiceError("overloaded", "there is no free UDP port for one more call");
}

function ignore(): void {}

/** How many addresses of each family the machine has beside loopback and link-local ones. */
function hostAddresses(): { readonly four: number; readonly six: number } {
  let four = 0;
  let six = 0;
  for (const { family, address, internal } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    if (internal) continue;
    if (family === "IPv4" && !address.startsWith("169.254.")) four += 1;
    if (family === "IPv6" && !address.startsWith("fe80:")) six += 1;
  }
  return { four, six };
}

/** Only UDP candidates with an address: a name would be looked up by multicast. */
function isUsable(candidate: string): boolean {
  const [, , protocol = "", , address = ""] = candidate.replace(/^a=/, "").split(" ");
  return (
    protocol.toLowerCase() === "udp" &&
    /^[\d.]+$|:/.test(address) &&
    !/^(0\.|127\.|169\.254\.|22[4-9]\.|23\d\.)|^(::1?$|fe80:|ff)/i.test(address)
  );
}

function withoutNames(sdp: string): string {
  return sdp.replaceAll(/^a=candidate:.*\r?\n/gm, (line) => (isUsable(line.trim()) ? line : ""));
}
