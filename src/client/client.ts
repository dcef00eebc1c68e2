import { Emitter } from "../base/emitter.ts";
import { asVoiceError, VoiceError } from "../base/errors.ts";
import type { PageEvent } from "../protocol/page.ts";
import { Call, type CallSink } from "./call.ts";
import { addMeasured } from "./latency.ts";
import { WebRtcLink } from "./links/webrtc.ts";
import { listMicrophones } from "./microphone.ts";
import { createSignalling, type Signalling } from "./signalling.ts";
import * as snapshots from "./snapshot.ts";
import { Store } from "./store.ts";
import type { MicView, VoiceClient, VoiceClientOptions, VoiceEvents, VoiceSnapshot } from "./types.ts";

/** Makes a client for one page. It connects when asked to, again and again, one call at a time. */
export function createVoiceClient(options: VoiceClientOptions = {}): VoiceClient {
  return new Client(options);
}

class Client implements VoiceClient {
  readonly #options: VoiceClientOptions;
  readonly #signalling: Signalling;
  readonly #store: Store<VoiceSnapshot> = new Store(snapshots.initialSnapshot);
  readonly #events: Emitter<VoiceEvents>;
  readonly #element: HTMLAudioElement;
  #call: Call | undefined;
  #connecting: Promise<void> | undefined;
  #loading: Promise<void> | undefined;
  /** The microphone of the next call, once the caller has chosen one. */
  #deviceId: string | undefined;

  constructor(options: VoiceClientOptions) {
    this.#options = options;
    const { baseUrl = new URL(".", document.baseURI).href, auth } = options;
    this.#signalling = createSignalling({ baseUrl, ...(auth !== undefined && { auth }) });
    // A listener that throws must not stop the call; the browser's console is where its author looks.
    this.#events = new Emitter((error) => reportError(error));
    this.#element = options.element ?? new Audio();
    this.#element.autoplay = true;
    globalThis.addEventListener("pagehide", this.#leave);
    this.#devices()?.addEventListener("devicechange", this.#refreshDevices);
    this.#refreshDevices();
  }

  async load(): Promise<void> {
    this.#loading ??= this.#signalling
      .config()
      .then((config) => this.#store.update((old) => snapshots.withConfig(old, config)));
    try {
      await this.#loading;
    } catch (error) {
      this.#loading = undefined;
      throw asVoiceError(error, "server-unreachable");
    }
  }

  connect(options: Pick<VoiceClientOptions, "mic" | "agent"> = {}): Promise<void> {
    if (this.#connecting !== undefined) return this.#connecting;
    if (this.#call !== undefined) return Promise.resolve();
    // Everything up to the first await happens inside the caller's tap.
    const connecting = this.#connect({ ...this.#options, ...options }).finally(() => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    });
    this.#connecting = connecting;
    return connecting;
  }

  disconnect(): void {
    this.#call?.hangUp();
    this.#call = undefined;
    this.#connecting = undefined;
    this.#store.update((old) => snapshots.withEnd(old, { reason: "user" }, Date.now()));
  }

  reset(): void {
    this.send("reset");
    this.#store.update(snapshots.withoutConversation);
  }

  async unlockAudio(): Promise<void> {
    await this.#call?.play();
  }

  setMuted(muted: boolean): void {
    this.#call?.setMuted(muted);
    this.#changeMic((mic) => ({ ...mic, muted, hint: muted ? undefined : mic.hint }));
  }

  async setMic(deviceId: string): Promise<void> {
    const before = this.#deviceId;
    this.#deviceId = deviceId;
    this.#changeMic((mic) => ({ ...mic, deviceId }));
    try {
      await this.#call?.setMic({ deviceId: { exact: deviceId } });
    } catch (error) {
      this.#deviceId = before;
      this.#changeMic((mic) => ({ ...mic, deviceId: before }));
      throw this.#report(asVoiceError(error, "mic-not-found"));
    }
  }

  interrupt(): void {
    this.#call?.interrupt();
  }

  sendText(text: string): void {
    const line = text.trim();
    if (line !== "") this.#call?.sendText(line);
  }

  approveTool(callId: string, ok: boolean): void {
    this.send("tool_approval", { callId, ok });
  }

  readonly talk: VoiceClient["talk"] = {
    start: () => this.send("talk", { phase: "start" }),
    end: () => this.send("talk", { phase: "end" }),
    cancel: () => this.send("talk", { phase: "cancel" }),
  };

  send(type: string, data: unknown = {}): void {
    this.#call?.send(type, data);
  }

  readonly levels: VoiceClient["levels"] = {
    input: () => this.#call?.levels.input ?? 0,
    output: () => this.#call?.levels.output ?? 0,
  };

  getSnapshot(): VoiceSnapshot {
    return this.#store.value;
  }

  subscribe(listener: () => void): () => void {
    return this.#store.subscribe(listener);
  }

  on<E extends keyof VoiceEvents>(event: E, listener: (value: VoiceEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  dispose(): void {
    this.disconnect();
    globalThis.removeEventListener("pagehide", this.#leave);
    this.#devices()?.removeEventListener("devicechange", this.#refreshDevices);
    this.#events.clear();
    this.#store.close();
  }

  async #connect({ mic = {}, agent, rtc = {} }: VoiceClientOptions): Promise<void> {
    this.#store.update((old) => snapshots.withConnecting(old, Date.now()));
    let call: Call | undefined;
    try {
      const chosen = this.#deviceId === undefined ? {} : { deviceId: { ideal: this.#deviceId } };
      call = new Call({
        mic: mic === false || mic instanceof MediaStream ? mic : { ...mic, ...chosen },
        link: (sink) =>
          new WebRtcLink({
            signalling: this.#signalling,
            rtc,
            element: this.#element,
            sink,
            ...(agent !== undefined && { agent }),
          }),
        sink: this.#sink(() => this.#call === call),
      });
      this.#call = call;
      this.#changeMic((view) => ({ ...view, state: mic === false ? "off" : "requesting" }));
      // The configuration only serves the picture: a server without one (FastRTC's) can be talked to all the same.
      void this.load().catch(() => undefined);
      await call.start();
    } catch (error) {
      const failure = this.#report(asVoiceError(error, "bug"));
      if (this.#call === call) {
        this.#call = undefined;
        if (failure.code.startsWith("mic-") || failure.code === "insecure-context") {
          this.#changeMic((view) => ({ ...view, state: "error" }));
        }
        this.#loading = undefined; // the server may be another one when it is back
        this.#store.update((old) => snapshots.withEnd(old, { error: failure }, Date.now()));
      }
      throw failure;
    }
  }

  /** Where a call reports; deaf as soon as another call, or none, is the client's. */
  #sink(current: () => boolean): CallSink {
    const update = (change: (old: VoiceSnapshot) => VoiceSnapshot, soon: boolean = false): void => {
      if (current()) this.#store.update(change, { soon });
    };
    return {
      step: (name, ms) => update((old) => snapshots.withStep(old, name, ms)),
      mic: (track) => {
        if (!current()) return;
        this.#changeMic((mic) => (track === undefined ? { ...mic, state: "off" } : withTrack(mic, track)));
        this.#refreshDevices();
      },
      hint: (hint) => update((old) => ({ ...old, mic: { ...old.mic, hint } })),
      event: (event) => {
        if (!current()) return;
        this.#store.update((old) => snapshots.reduceEvent(old, event, Date.now()), {
          soon: isProgress(event, this.#store.latest),
        });
        this.#events.emit("message", event);
        if (event.type === "error") this.#report(new VoiceError("agent-error", event.message, { meta: event.data }));
      },
      measured: (turnId, totalMs) => update((old) => ({ ...old, latency: addMeasured(old.latency, turnId, totalMs) })),
      net: (net) => update((old) => ({ ...old, net }), true),
      blocked: (audioBlocked) => update((old) => (old.audioBlocked === audioBlocked ? old : { ...old, audioBlocked })),
      up: (transport, sessionId, ms) =>
        update((old) => ({
          ...snapshots.withStep(old, "all", ms),
          connection: { state: "connected", transport, sessionId, since: Date.now() },
        })),
      over: (end) => {
        if (!current()) return;
        this.#call = undefined;
        this.#loading = undefined;
        if (end instanceof VoiceError) this.#report(end);
        this.#store.update((old) =>
          snapshots.withEnd(old, end instanceof VoiceError ? { error: end } : end, Date.now()),
        );
      },
    };
  }

  #changeMic(change: (mic: MicView) => MicView): void {
    this.#store.update((old) => ({ ...old, mic: change(old.mic) }));
  }

  #report(error: VoiceError): VoiceError {
    if (error.code !== "hung-up") this.#events.emit("error", error);
    return error;
  }

  #devices(): MediaDevices | undefined {
    return navigator.mediaDevices; // undefined on insecure pages, which its type does not say
  }

  readonly #leave = (): void => this.disconnect();

  readonly #refreshDevices = (): void => {
    void listMicrophones().then((devices) => {
      if (JSON.stringify(devices) === JSON.stringify(this.#store.latest.mic.devices)) return;
      this.#changeMic((mic) => ({ ...mic, devices }));
    });
  };
}

/** Partial words and positions of a line that is already there can wait a little; everything else cannot. */
function isProgress(event: PageEvent, { transcript }: VoiceSnapshot): boolean {
  return event.type === "transcript" && !event.data.final && transcript.some((line) => line.id === event.data.id);
}

function withTrack(mic: MicView, track: MediaStreamTrack): MicView {
  return { ...mic, state: "on", label: track.label, deviceId: track.getSettings().deviceId, hint: undefined };
}
