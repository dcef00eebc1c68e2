/*
 * One caller. The session joins a transport to a handler: microphone frames are put on the session's axis and handed out
 * synchronously, our voice leaves through the outbox, and everything ends on one path. It decides nothing about turns:
 * whoever wants turns attaches a listener (turns.ts).
 */
import { mixedDown, resamplerFor, type StereoResampler } from "../audio/channels.ts";
import { type AudioFrame, audioFrame, durationOf } from "../audio/frame.ts";
import type { Resampler } from "../audio/resample.ts";
import { deferred } from "../base/deferred.ts";
import { Emitter } from "../base/emitter.ts";
import { asVoiceError, VoiceError } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";
import { Queue } from "../base/queue.ts";
import { type Clock, type Millis, startingNow } from "../base/time.ts";
import type { CallerMessage, PageEvent } from "../protocol/page.ts";
import type { DetectorMaker } from "../vad/detector.ts";
import type { VideoFrame } from "../video/frame.ts";
import { Axis } from "./axis.ts";
import { type Closing, closeAll, endReasonOf } from "./close.ts";
import { Line } from "./line.ts";
import { Outbox } from "./outbox.ts";
import { checkOutput } from "./output.ts";
import { Outputs } from "./outputs.ts";
import type { Ticker } from "./ticker.ts";
import type {
  CallInfo,
  Heard,
  Message,
  Output,
  Session,
  SessionEvents,
  Slot,
  Transport,
  TransportCan,
} from "./types.ts";

/** How much of the microphone waits for a slow reader, ms. */
const AUDIO_LIMIT: Millis = 5_000;
/** How long a transport may take to say that it is closed, ms. */
const TRANSPORT_CLOSE: Millis = 1_000;
/** How long giving back the slot may take, ms. */
const SLOT_RELEASE: Millis = 2_000;

export interface SessionOptions<In> {
  readonly id: string;
  readonly transport: Transport;
  readonly platform: Platform;
  readonly ticker: Ticker;
  readonly slot: Slot;
  /** How long a lost line waits for its caller, ms. */
  readonly awayMs: Millis;
  /** Which way media flows, seen from the caller: what flows the other way is dropped. */
  readonly mode: "send-receive" | "send" | "receive";
  /** Rate of the audio the handler gets, Hz. Default: that of the transport. */
  readonly rate?: number | undefined;
  readonly inputs: In;
  /** Checks what the page sends as inputs; throws VoiceError `bad-message`. */
  readonly parseInputs: (values: Readonly<Record<string, unknown>>, old: In) => In;
  readonly detector: DetectorMaker | undefined;
  /** Called when everything is released. */
  readonly onClosed: (session: LiveSession<In>) => void;
}

/** The session behind the contract. Handlers see `Session`; its neighbours on this floor see a little more. */
export class LiveSession<In = unknown> implements Session<In> {
  readonly id: string;
  readonly clock: Clock;
  readonly platform: Platform;
  readonly call: CallInfo;
  readonly signal: AbortSignal;
  readonly audio: AsyncIterable<AudioFrame>;
  readonly video: AsyncIterable<VideoFrame>;
  /** Makes the detector for whoever listens for turns. */
  readonly detector: DetectorMaker | undefined;

  /** Its messages, for whoever subscribes. */
  readonly outputs: Outputs = new Outputs();

  #state: Session["state"] = "opening";
  #inputs: In;
  readonly #options: SessionOptions<In>;
  readonly #abort = new AbortController();
  readonly #events: Emitter<SessionEvents>;
  #axis = new Axis();
  readonly #line: Line;
  readonly #outbox: Outbox;
  readonly #rate: number | undefined;
  #raw: readonly ((frame: AudioFrame) => void)[] = [];
  #taps: readonly ((frame: AudioFrame) => void)[] = [];
  #resampler: Resampler | StereoResampler | undefined;
  readonly #readers: Queue<AudioFrame>[] = [];
  readonly #viewers: Queue<VideoFrame>[] = [];
  #closers: Closing[] = [];
  #stopTicking: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  /** Listeners are being told of an error. */
  #faulting = false;

  constructor(options: SessionOptions<In>) {
    const { transport, platform } = options;
    this.#options = options;
    this.id = options.id;
    this.platform = platform;
    this.clock = startingNow(platform.clock);
    this.call = transport.call ?? { parameters: {} };
    this.signal = this.#abort.signal;
    this.detector = options.detector;
    this.#inputs = options.inputs;
    this.#rate = options.rate;
    this.#events = new Emitter<SessionEvents>((error) => this.fault(error));
    this.#line = new Line(transport, {
      clock: this.clock,
      awayMs: options.awayMs,
      sink: {
        audio: (frame) => this.#hear(frame),
        video: (frame) => {
          for (const viewer of this.#viewers) viewer.push(frame);
        },
        message: (message) => this.#receive(message),
        played: (upTo) => this.#outbox.played(upTo, this.clock.now()),
      },
      onAway: () => this.#goAway(),
      onClosed: (reason) => void this.close(reason ?? new VoiceError("hung-up", "the caller hung up")),
    });
    this.#outbox = new Outbox(transport.can, {
      send: (output) => this.#line.send(output),
      clear: () => this.#line.clear(),
      playing: (on) => this.#events.emit("playing", { on, at: this.clock.now() }),
      message: (message) => this.#deliver(message),
    });
    this.audio = { [Symbol.asyncIterator]: () => this.#read() };
    this.video = { [Symbol.asyncIterator]: () => this.#view() };
  }

  /** Connects the transport; the handler starts right after. */
  open(): void {
    this.#state = "live";
    this.#line.open();
  }

  /** Goes on over another transport: after the line was lost, or to change from one kind to another. */
  move(transport: Transport): void {
    if (this.#state === "closing" || this.#state === "closed") throw new VoiceError("closed", "the session is over");
    this.#outbox.hold(this.clock.now());
    this.#axis = new Axis();
    this.#resampler = undefined;
    this.#state = "live";
    this.#line.move(transport);
    this.#outbox.move(transport.can);
    // A transport that was dead already leaves the session away.
    if (this.state === "live") this.#outbox.release(this.clock.now());
    this.#keepTicking();
    this.#events.emit("moved", { transport: transport.name });
  }

  get transport(): { readonly name: string; readonly can: TransportCan } {
    return this.#line.transport;
  }
  get state(): Session["state"] {
    return this.#state;
  }
  get inputs(): In {
    return this.#inputs;
  }
  get pending(): Millis {
    return this.#outbox.pending(this.clock.now());
  }

  tap(listener: (frame: AudioFrame) => void): () => void {
    this.#taps = [...this.#taps, listener];
    return () => {
      this.#taps = this.#taps.filter((one) => one !== listener);
    };
  }

  /** The microphone at the transport's own rate, before any resampling, mixed down. */
  tapRaw(listener: (frame: AudioFrame) => void): () => void {
    this.#raw = [...this.#raw, listener];
    return () => {
      this.#raw = this.#raw.filter((one) => one !== listener);
    };
  }

  send(output: Output): void {
    checkOutput(output);
    if (this.#state === "closing" || this.#state === "closed") return;
    if (this.#options.mode === "send" && output.kind !== "message") return;
    const idle = !this.#outbox.busy;
    this.#outbox.push(output);
    if (idle && this.#outbox.busy) this.#tick(this.clock.now());
    else if (!idle && output.kind === "audio") this.#outbox.flush(this.clock.now());
  }

  tell(event: PageEvent): void {
    if (this.#state === "closed") return;
    try {
      this.#line.tell(event);
    } catch (error) {
      this.fault(error);
    }
  }

  warn(message: string): void {
    this.tell({ type: "warning", message, data: { code: "warning", fatal: false } });
  }

  interrupt(): Heard {
    const heard = this.#outbox.clear(this.clock.now());
    if (this.#state === "away") this.#outbox.hold(this.clock.now());
    this.#events.emit("heard", heard);
    return heard;
  }

  duck(): void {
    this.#outbox.duck();
  }
  hold(): void {
    this.#outbox.hold(this.clock.now());
  }
  release(): void {
    this.#outbox.release(this.clock.now());
    this.#keepTicking();
  }
  heard(): Heard {
    return this.#outbox.heard(this.clock.now());
  }

  on<E extends keyof SessionEvents>(event: E, listener: (event: SessionEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  /** For the parts of this floor: tells listeners of the session. */
  emit<E extends keyof SessionEvents>(event: E, value: SessionEvents[E]): void {
    this.#events.emit(event, value);
  }

  /** Reports an error that does not end the session. */
  fault(error: unknown): void {
    const wrapped = asVoiceError(error, "agent-error");
    this.platform.log.error("a part of the session failed", { session: this.id, code: wrapped.code, error });
    this.platform.meters.count("repartee_session_errors_total", 1, { code: wrapped.code });
    // Whoever fails at being told of an error is not told of that one too.
    if (this.#faulting || !this.#events.has("error")) return;
    this.#faulting = true;
    this.#events.emit("error", wrapped);
    this.#faulting = false;
  }

  setInputs(values: Readonly<Record<string, unknown>>): void {
    this.#inputs = this.#options.parseInputs(values, this.#inputs);
    this.#events.emit("inputs", this.#inputs);
  }

  /** Values posted beside the media: inputs, and a typed turn in a non-empty `textbox`. */
  post(values: Readonly<Record<string, unknown>>): void {
    const { textbox } = values;
    if (Object.keys(values).length > 0) this.setInputs(values);
    if (typeof textbox === "string" && textbox.trim() !== "")
      this.#events.emit("message", { type: "text", text: textbox.trim() });
  }

  async requestInputs({ timeoutMs = 1_000 }: { readonly timeoutMs?: number } = {}): Promise<In> {
    if (!(timeoutMs >= 0)) throw new RangeError(`timeoutMs must be 0 or more, got ${timeoutMs}`);
    if (this.signal.aborted) return this.#inputs;
    const answered = deferred<void>();
    const undo = this.on("inputs", () => answered.resolve());
    const cancel = this.clock.at(this.clock.now() + timeoutMs, () => answered.resolve());
    const onAbort = (): void => answered.resolve();
    this.signal.addEventListener("abort", onAbort, { once: true });
    this.tell({ type: "send_input", data: [] });
    await answered.promise;
    undo();
    cancel();
    this.signal.removeEventListener("abort", onAbort);
    return this.#inputs;
  }

  /** Something to let go at the end, bounded in time, before the transport closes. */
  onClose(closing: Closing): () => void {
    this.#closers = [...this.#closers, closing];
    return () => {
      this.#closers = this.#closers.filter((one) => one !== closing);
    };
  }

  close(reason?: unknown): Promise<void> {
    // The promise must be there before the work begins: what the work calls may close the session again.
    if (this.#closed === undefined) {
      const done = deferred<void>();
      this.#closed = done.promise;
      void this.#shut(reason).then(done.resolve, done.reject);
    }
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #shut(reason: unknown): Promise<void> {
    const { slot, onClosed, platform } = this.#options;
    const report = (name: string, error: unknown): void => {
      platform.log.warn("a step of closing failed", { session: this.id, step: name, error });
      platform.meters.count("repartee_close_failures_total", 1, { step: name });
    };
    this.#state = "closing";
    this.#raw = [];
    this.#taps = [];
    for (const reader of this.#readers) reader.end();
    for (const viewer of this.#viewers) viewer.end();
    this.#abort.abort(reason ?? new VoiceError("closed", "the session was closed"));
    this.#stopTicking?.();
    await closeAll(this.#closers, platform.clock, report);
    const leave: Closing = {
      name: "transport",
      boundMs: TRANSPORT_CLOSE,
      run: () => {
        try {
          this.#line.tell({ type: "end_stream", data: endReasonOf(reason) });
        } finally {
          this.#line.close(reason);
        }
        return this.#line.closed;
      },
    };
    await closeAll([leave], platform.clock, report);
    await closeAll([{ name: "slot", boundMs: SLOT_RELEASE, run: () => slot.release() }], platform.clock, report);
    this.#state = "closed";
    this.outputs.end();
    this.#events.emit("closed", { reason });
    this.#events.clear();
    onClosed(this);
  }

  #hear(frame: AudioFrame): void {
    if (this.#state !== "live" || this.#options.mode === "receive") return;
    const now = this.clock.now();
    const at = this.#axis.place(frame.at, durationOf(frame), now);
    const placed = audioFrame(frame.samples, frame.rate, frame.channels, at);
    if (this.#raw.length > 0) {
      const mono = mixedDown(placed);
      for (const listener of this.#raw) this.#offer(listener, mono);
    }
    if (this.#taps.length === 0 && this.#readers.length === 0) return;
    const own = this.#rate === undefined || this.#rate === frame.rate ? placed : this.#convert(placed, this.#rate);
    for (const listener of this.#taps) this.#offer(listener, own);
    for (const reader of this.#readers) reader.push(own);
  }

  /** Its turn in the voice has come. One that the transport cannot say is lost; the voice goes on. */
  #deliver(message: Message): void {
    try {
      this.#line.send(message);
      this.outputs.push(message);
    } catch (error) {
      this.fault(error);
    }
  }

  #offer(listener: (frame: AudioFrame) => void, frame: AudioFrame): void {
    try {
      listener(frame);
    } catch (error) {
      this.fault(error);
    }
  }

  #convert(frame: AudioFrame, rate: number): AudioFrame {
    if (this.#resampler?.from !== frame.rate) this.#resampler = resamplerFor(frame.channels, frame.rate, rate);
    return audioFrame(this.#resampler.process(frame.samples), rate, frame.channels, frame.at);
  }

  /** The line is lost: our voice waits where the caller stopped hearing it. */
  #goAway(): void {
    if (this.#state !== "live") return;
    this.#state = "away";
    this.#outbox.hold(this.clock.now());
    this.#keepTicking();
  }

  #receive(message: CallerMessage): void {
    if (this.#state !== "live") return;
    if (message.type === "inputs") {
      try {
        this.setInputs(message.values);
      } catch (error) {
        const { code, message: text } = asVoiceError(error, "bad-message");
        this.tell({ type: "warning", message: text, data: { code, fatal: false } });
        return;
      }
    }
    this.#events.emit("message", message);
    if (message.type === "stop") void this.close(new VoiceError("hung-up", "the caller hung up"));
  }

  #tick(now: Millis): void {
    this.#outbox.tick(now);
    if (this.#outbox.playing && this.#events.has("heard")) this.#events.emit("heard", this.#outbox.heard(now));
    this.#keepTicking();
  }

  #keepTicking(): void {
    if (this.#outbox.busy && this.#state !== "closed") {
      this.#stopTicking ??= this.#options.ticker.start(() => this.#tick(this.clock.now()));
    } else {
      this.#stopTicking?.();
      this.#stopTicking = undefined;
    }
  }

  #read(): AsyncIterator<AudioFrame> {
    return this.#attach(new Queue<AudioFrame>({ limit: AUDIO_LIMIT, weigh: durationOf }), this.#readers);
  }

  #view(): AsyncIterator<VideoFrame> {
    return this.#attach(new Queue<VideoFrame>({ limit: 1 }), this.#viewers);
  }

  #attach<T>(queue: Queue<T>, readers: Queue<T>[]): AsyncIterator<T> {
    if (this.#state === "closing" || this.#state === "closed") queue.end();
    readers.push(queue);
    queue.onLeave(() => {
      const place = readers.indexOf(queue);
      if (place >= 0) readers.splice(place, 1);
    });
    return queue[Symbol.asyncIterator]();
  }
}
