/*
 * From an offer over HTTP to a caller on the line. Order: shape → room among the pending → slot → engine, so that nothing
 * costly exists before there is room for it, and whatever fails gives back all that was taken.
 *
 *   receive(body) ─▶ reserve ─▶ answer ─▶ (pending, <= setupMs) ─▶ connected ─▶ calls.answer
 *                       └──────────┴──────────────┴── refusal, failure or deadline: slot and peer are released
 */
import { asVoiceError, isFault, VoiceError } from "../../base/errors.ts";
import type { Platform } from "../../base/platform.ts";
import type { Millis } from "../../base/time.ts";
import { readOffer } from "../../protocol/sdp.ts";
import {
  type Candidate,
  CANDIDATE_LIMIT,
  type Offer,
  readSignal,
  refusalOf,
  refusalOfFault,
  type SignalReply,
  type Trickle,
  writeAnswer,
  writeRefusal,
  writeSuccess,
} from "../../protocol/signal.ts";
import type { Slot, Transport } from "../../session/types.ts";
import { isOpusRate, loadOpus, Opus, type OpusRate } from "./opus.ts";
import { Peer, type PeerOptions, warmUp } from "./peer.ts";
import { rehearse } from "./rehearsal.ts";
import { WebRtcTransport } from "./transport.ts";

/** Who takes the calls. */
export interface Answering {
  /** Keeps a place for the call with this id. Throws VoiceError `concurrency-limit`, `draining`, `session-exists`. */
  reserve(id: string): Promise<Slot>;
  /** Takes a connected caller, and the slot with it. */
  answer(transport: Transport, options: { readonly slot: Slot; readonly alias: string }): unknown;
}

export interface OffersOptions extends Omit<PeerOptions, "clock" | "log"> {
  readonly calls: Answering;
  readonly platform: Platform;
  /** Rate of audio both ways, Hz: 8000, 12000, 16000, 24000 or 48000. Default 24 000. */
  readonly rate?: number | undefined;
  /** Whether an offer with a video track is taken without it, in place of being refused. Default false. */
  readonly allowExtraTracks?: boolean | undefined;
  /** From the answer until the caller must be connected. Default 10 000; more only keeps dead offers longer. */
  readonly setupMs?: Millis | undefined;
  /** Time without anything from a connected caller until the call counts as lost. Default 6000: two ICE checks of a browser. */
  readonly lostMs?: Millis | undefined;
  /** Most callers that are not yet connected, at once. Default 50. */
  readonly pendingLimit?: number | undefined;
  /** Connects a call to itself at the start, which saves the first caller half a second. Default false. */
  readonly rehearse?: boolean | undefined;
}

/** Takes offers and candidates as they come over HTTP. */
export interface Offers {
  /** The body of `POST /webrtc/offer` as text or as parsed JSON. Never rejects. */
  receive(body: unknown): Promise<SignalReply>;
  /** Refuses new offers and ends what is not connected yet; calls that live are their sessions' to end. */
  close(): Promise<void>;
  /** Offers that are not connected yet. */
  readonly pending: number;
}

/** How long candidates wait for their offer. */
const EARLY_MS = 10_000;
const EARLY_IDS = 1000;
/** How many ended calls are told from those that never were. */
const REMEMBERED = 256;

interface Call {
  state: "reserving" | "pending" | "live";
  peer?: Peer;
  candidates: number;
  /** Ends a call that is not live yet. */
  abandon?: () => void;
}

/** Makes the WebRTC side of a server. Throws RangeError when Opus does not work at the rate. */
export function createOffers(options: OffersOptions): Offers {
  const { rate = 24_000 } = options;
  if (!isOpusRate(rate)) throw new RangeError(`rate must be 8000, 12000, 16000, 24000 or 48000, got ${rate}`);
  return new WebRtcOffers(options, rate);
}

class WebRtcOffers implements Offers {
  readonly #options: OffersOptions;
  readonly #rate: OpusRate;
  readonly #platform: Platform;
  readonly #calls = new Map<string, Call>();
  readonly #early = new Map<string, { readonly at: Millis; readonly candidates: Candidate[] }>();
  readonly #over = new Set<string>();
  #closed = false;
  #stopSweep: (() => void) | undefined;
  /** Looking for a free port in a range is not safe to do twice at once. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: OffersOptions, rate: OpusRate) {
    this.#options = options;
    this.#rate = rate;
    this.#platform = options.platform;
    const rehearsal = options.rehearse === true ? rehearse(this.#platform.clock) : undefined;
    Promise.all([loadOpus(), warmUp(), rehearsal]).catch((error: unknown) => {
      this.#platform.log.error("the media engine could not be loaded", { error });
    });
  }

  get pending(): number {
    let count = 0;
    for (const call of this.#calls.values()) if (call.state !== "live") count += 1;
    return count;
  }

  async receive(body: unknown): Promise<SignalReply> {
    const signal = readSignal(typeof body === "string" ? parse(body) : body);
    if (isFault(signal)) {
      this.#count(signal.refusal);
      return writeRefusal(signal.refusal, signal.profile, signal.profile === "v1" ? { why: signal.why } : {});
    }
    if (signal.type === "trickle") return this.#trickle(signal);
    try {
      const reply = signal.restart ? await this.#restart(signal) : await this.#offer(signal);
      this.#count(reply.body["type"] === "answer" ? "answered" : "refused");
      return reply;
    } catch (error) {
      const wrapped = asVoiceError(error, "bug");
      this.#count(wrapped.code);
      if (wrapped.side === "library" && !wrapped.retryable)
        this.#platform.log.error("an offer failed", { error: wrapped });
      else this.#platform.log.debug("an offer was refused", { error: wrapped });
      return refusalOf(wrapped, signal.profile);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopSweep?.();
    this.#early.clear();
    for (const call of this.#calls.values()) call.abandon?.();
    await this.#turn;
  }

  async #offer(offer: Offer): Promise<SignalReply> {
    const { id, profile } = offer;
    if (this.#closed) return writeRefusal("draining", profile);
    const shape = readOffer(offer.sdp);
    if (isFault(shape)) return refusalOfFault(shape, profile);
    if (shape.video && this.#options.allowExtraTracks !== true)
      return writeRefusal("unsupported_track", profile, { why: "a video track was offered: only audio is taken here" });
    if (this.#calls.has(id)) return writeRefusal("connection_already_exists", profile);
    if (this.pending >= (this.#options.pendingLimit ?? 50))
      return writeRefusal("overloaded", profile, { retryAfterMs: 1000 });
    const call: Call = { state: "reserving", candidates: 0 };
    this.#calls.set(id, call);
    let slot: Slot | undefined;
    try {
      slot = await this.#options.calls.reserve(id);
      const setup = this.#setup(id, call, offer, slot);
      const sdp = await this.#inTurn(() => setup.peer.answer(offer.sdp, shape));
      if (this.#closed) throw new VoiceError("draining", "the server is shutting down");
      setup.answered();
      for (const candidate of this.#takeEarly(id)) this.#candidate(call, candidate);
      return writeAnswer(sdp, profile);
    } catch (error) {
      // Whoever holds the peer releases the slot; before there is one, it is ours.
      if (call.abandon !== undefined) call.abandon();
      else {
        this.#calls.delete(id);
        await slot?.release();
      }
      throw error;
    }
  }

  /** Makes the peer and all that ends it before it is live. */
  #setup(id: string, call: Call, offer: Offer, slot: Slot): { readonly peer: Peer; answered(): void } {
    const { platform } = this.#options;
    const { clock, log } = platform;
    let transport: WebRtcTransport | undefined;
    let stopDeadline = (): void => {};
    const abandon = (): void => {
      if (call.state === "live" || this.#calls.get(id) !== call) return;
      stopDeadline();
      this.#forget(id);
      void Promise.all([peer.close(), slot.release()]).catch((error: unknown) =>
        log.error("a slot was not released", { error }),
      );
    };
    const connected = async (): Promise<void> => {
      const opus = await Opus.create(this.#rate, "agent", this.#options.channels ?? 1);
      if (call.state === "live" || this.#calls.get(id) !== call) {
        opus.free();
        return;
      }
      stopDeadline();
      call.state = "live";
      transport = new WebRtcTransport({
        platform,
        peer,
        opus,
        profile: offer.profile,
        lostMs: this.#options.lostMs ?? 6000,
        agent: offer.agent,
        inputs: offer.inputs,
      });
      transport.onReleased = () => this.#forget(id);
      platform.meters.observe("repartee_webrtc_setup_ms", clock.now() - began);
      await this.#options.calls.answer(transport, { slot, alias: id });
    };
    const began = clock.now();
    const peer = new Peer(
      "called",
      { ...this.#options, clock, log },
      {
        connected: () => {
          connected().catch((error: unknown) => {
            log.warn("a connected caller was not taken", { error });
            if (transport === undefined) abandon();
            else transport.close(error);
          });
        },
        rtp: (packet) => transport?.rtp(packet),
        channel: () => transport?.channel(),
        text: (text) => transport?.text(text),
        closed: (why) => {
          if (transport === undefined) abandon();
          else transport.gone(why);
        },
      },
    );
    call.peer = peer;
    call.abandon = abandon;
    return {
      peer,
      answered: () => {
        if (call.state !== "reserving") return;
        call.state = "pending";
        stopDeadline = clock.at(clock.now() + (this.#options.setupMs ?? 10_000), () => {
          this.#count("setup-timeout");
          log.info("a caller did not connect in time");
          abandon();
        });
      },
    };
  }

  async #restart({ id, sdp, profile }: Offer): Promise<SignalReply> {
    const peer = this.#calls.get(id)?.peer;
    if (peer === undefined || this.#closed) return writeRefusal("restart_impossible", profile);
    const shape = readOffer(sdp);
    if (isFault(shape)) return refusalOfFault(shape, profile);
    return writeAnswer(await this.#inTurn(() => peer.answer(sdp, shape)), profile);
  }

  #trickle({ id, candidates, profile }: Trickle): SignalReply {
    const call = this.#calls.get(id);
    if (call !== undefined) for (const candidate of candidates) this.#candidate(call, candidate);
    else if (this.#over.has(id) || this.#closed) return writeRefusal("connection_closed", profile);
    else this.#keepEarly(id, candidates);
    return writeSuccess();
  }

  #candidate(call: Call, candidate: Candidate): void {
    call.candidates += 1;
    if (call.candidates <= CANDIDATE_LIMIT) call.peer?.candidate(candidate);
    else this.#count("candidate-ignored");
  }

  #keepEarly(id: string, candidates: readonly Candidate[]): void {
    const { clock } = this.#platform;
    let early = this.#early.get(id);
    if (early === undefined) {
      early = { at: clock.now(), candidates: [] };
      this.#early.set(id, early);
      for (const oldest of this.#early.keys()) {
        if (this.#early.size <= EARLY_IDS) break;
        this.#early.delete(oldest);
      }
    }
    early.candidates.push(...candidates.slice(0, CANDIDATE_LIMIT - early.candidates.length));
    this.#stopSweep ??= clock.at(clock.now() + EARLY_MS, () => this.#sweep());
  }

  #takeEarly(id: string): readonly Candidate[] {
    const early = this.#early.get(id)?.candidates ?? [];
    this.#early.delete(id);
    return early;
  }

  #sweep(): void {
    const { clock } = this.#platform;
    this.#stopSweep = undefined;
    for (const [id, { at }] of this.#early) if (clock.now() - at >= EARLY_MS) this.#early.delete(id);
    const [first] = this.#early.values();
    if (first !== undefined) this.#stopSweep = clock.at(first.at + EARLY_MS, () => this.#sweep());
  }

  #forget(id: string): void {
    this.#calls.delete(id);
    this.#over.add(id);
    for (const oldest of this.#over) {
      if (this.#over.size <= REMEMBERED) break;
      this.#over.delete(oldest);
    }
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#options.portRange === undefined) return task();
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => {});
    return result;
  }

  #count(kind: string): void {
    this.#platform.meters.count("repartee_webrtc_offers_total", 1, { kind });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
