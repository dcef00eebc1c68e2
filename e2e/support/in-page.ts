/*
 * What runs inside the page, before its own scripts. Each function is sent as text: it may use nothing from outside.
 */

/** Rate of what is recorded and spoken in the page, Hz: what the recogniser wants. */
export const PAGE_RATE = 16_000;

declare global {
  interface Window {
    reparteeTest: {
      /** Plays 16-bit samples into the microphone. */
      say(base64: string): Promise<void>;
      /** What was said and what was heard since `fromMs`, as 16-bit samples. */
      recording(fromMs: number): [said: string, heard: string];
      place(): number;
      quietFor(): number;
      /** From now on nothing is sent, not even silence. */
      stopSending(): Promise<void>;
      noteClick(): void;
      clickToVoice(): number;
    };
  }
}

/** Runs on the page's audio thread: a busy page loses nothing of the recording. Hands over blocks of 100 ms. */
export const recorderWorklet = `
class Recorder extends AudioWorkletProcessor {
  #said = new Float32Array(sampleRate / 10);
  #heard = new Float32Array(sampleRate / 10);
  #at = 0;
  process([said, heard]) {
    for (let i = 0; i < 128; i++) {
      this.#said[this.#at] = said[0]?.[i] ?? 0;
      this.#heard[this.#at] = heard[0]?.[i] ?? 0;
      this.#at += 1;
      if (this.#at < this.#heard.length) continue;
      this.port.postMessage({ said: this.#said.slice(), heard: this.#heard.slice(), end: currentTime + (i + 1) / sampleRate });
      this.#at = 0;
    }
    return true;
  }
}
registerProcessor("recorder", Recorder);
`;

/** Records the microphone and every remote audio track as the two channels of one recording. */
export function recordBothSides({ rate, worklet }: { readonly rate: number; readonly worklet: string }): void {
  const AUDIBLE = 0.003;
  const chunks: { readonly said: Float32Array; readonly heard: Float32Array }[] = [];
  let samples = 0;
  let clickedAt = Number.NaN;
  let firstSound = Number.NaN;
  let lastSound = Number.NEGATIVE_INFINITY;
  let context: AudioContext | undefined;
  let node: Promise<AudioWorkletNode> | undefined;

  const connect = (track: MediaStreamTrack, channel: 0 | 1): void => {
    context ??= new AudioContext({ sampleRate: rate });
    const audio = context;
    node ??= open(audio);
    void node.then((to) => audio.createMediaStreamSource(new MediaStream([track])).connect(to, 0, channel));
  };
  const open = async (audio: AudioContext): Promise<AudioWorkletNode> => {
    await audio.audioWorklet.addModule(URL.createObjectURL(new Blob([worklet], { type: "text/javascript" })));
    const opened = new AudioWorkletNode(audio, "recorder", { numberOfInputs: 2, numberOfOutputs: 1 });
    opened.connect(audio.destination);
    opened.port.onmessage = ({ data }: MessageEvent<{ said: Float32Array; heard: Float32Array; end: number }>) => {
      const { heard, end } = data;
      chunks.push(data);
      samples += heard.length;
      for (let at = 0; at < heard.length; at += 160) {
        let sum = 0;
        for (let i = at; i < at + 160; i++) sum += (heard[i] ?? 0) ** 2;
        if (Math.sqrt(sum / 160) < AUDIBLE) continue;
        lastSound = performance.now() - (audio.currentTime - end + (heard.length - at) / rate) * 1_000;
        if (Number.isNaN(firstSound)) firstSound = lastSound;
      }
    };
    return opened;
  };

  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    for (const track of stream.getAudioTracks()) connect(track.clone(), 0);
    return stream;
  };
  const Original = window.RTCPeerConnection;
  let line: RTCPeerConnection | undefined;
  const follow = (peer: RTCPeerConnection): void => {
    line = peer;
    peer.addEventListener("track", ({ track }) => {
      if (track.kind === "audio") connect(track, 1);
    });
  };
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      follow(this);
    }
  };

  const textOf = (channel: "said" | "heard", fromMs: number): string => {
    const all = new Int16Array(samples);
    let at = 0;
    for (const chunk of chunks) {
      for (const sample of chunk[channel]) all[at++] = Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)));
    }
    const bytes = new Uint8Array(all.slice(Math.floor((fromMs * rate) / 1_000)).buffer);
    let text = "";
    for (let i = 0; i < bytes.length; i += 8_192) text += String.fromCharCode(...bytes.subarray(i, i + 8_192));
    return btoa(text);
  };
  window.reparteeTest = {
    say: window.reparteeTest?.say ?? (() => Promise.reject(new Error("this page has a wav file as its microphone"))),
    place: () => (samples / rate) * 1_000,
    quietFor: () => performance.now() - lastSound,
    recording: (fromMs) => [textOf("said", fromMs), textOf("heard", fromMs)],
    stopSending: async () => {
      for (const sender of line?.getSenders() ?? []) await sender.replaceTrack(null);
    },
    noteClick: () =>
      document.addEventListener("click", () => (clickedAt = performance.now()), { once: true, capture: true }),
    clickToVoice: () => firstSound - clickedAt,
  };
}

/** A microphone that speaks when the test says so. */
export function speakOnDemand(rate: number): void {
  let context: AudioContext | undefined;
  let out: MediaStreamAudioDestinationNode | undefined;
  navigator.mediaDevices.getUserMedia = async () => {
    context ??= new AudioContext();
    if (out === undefined) {
      out = context.createMediaStreamDestination();
      // No microphone is digitally silent: the page takes one that is for a broken one.
      const room = context.createBuffer(1, context.sampleRate, context.sampleRate);
      const samples = room.getChannelData(0);
      for (let i = 0; i < samples.length; i++) samples[i] = (Math.random() - 0.5) * 0.001;
      const noise = new AudioBufferSourceNode(context, { buffer: room, loop: true });
      noise.connect(out);
      noise.start();
    }
    await context.resume();
    return out.stream.clone();
  };
  const say = (base64: string): Promise<void> => {
    if (context === undefined || out === undefined)
      return Promise.reject(new Error("the page has not asked for a microphone"));
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer);
    const buffer = context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(
      Float32Array.from(samples, (sample) => sample / 32_768),
      0,
    );
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(out);
    return new Promise((resolve) => {
      source.onended = () => resolve();
      source.start();
    });
  };
  window.reparteeTest = { ...window.reparteeTest, say };
}
