/* libwebrtc, the stack of the browsers, in this process: bare, and under the WebRTC client of the agents SDK. */
import { OpenAIRealtimeWebRTC } from "@openai/agents-realtime";
import wrtc from "@roamhq/wrtc";
import { afterEach, expect, it, vi } from "vitest";
import { rmsOf } from "../../src/audio/level.ts";
import type { ServerEvent } from "../../src/protocol/openai/server-events.ts";
import { spoken } from "../../src/testing/speech.ts";
import { RealtimeOracle } from "../fixtures/realtime-oracle.ts";
import { bench, until } from "./setup.ts";

const RATE = 48_000;
/** libwebrtc takes and gives audio 10 ms at a time. */
const FRAME_MS = 10;
/** RMS of what counts as audible: -46 dBFS. The engine's tone is at -21. */
const AUDIBLE = 0.005;

// Last opened, first closed: the native threads end with their peers and tracks.
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
  vi.unstubAllGlobals();
});

/** A microphone that never stops, as real ones: silence where nothing is said. */
function microphone() {
  const source = new wrtc.nonstandard.RTCAudioSource();
  const track = source.createTrack();
  const size = (RATE / 1000) * FRAME_MS;
  let line = new Int16Array(0);
  let due = performance.now();
  const timer = setInterval(() => {
    for (; due <= performance.now(); due += FRAME_MS) {
      const samples = new Int16Array(size);
      samples.set(line.subarray(0, size));
      line = line.subarray(size);
      source.onData({ samples, sampleRate: RATE, bitsPerSample: 16, channelCount: 1, numberOfFrames: size });
    }
  }, FRAME_MS);
  open.push({
    close: () => {
      clearInterval(timer);
      track.stop();
    },
  });
  return {
    track,
    say: (text: string): void => {
      line = new Int16Array(spoken(text, { rate: RATE }).samples);
    },
  };
}

/** What comes out of a track, in ms, and its pitch. */
function ear(track: MediaStreamTrack) {
  const sink = new wrtc.nonstandard.RTCAudioSink(track);
  open.push({ close: () => sink.stop() });
  let loud = 0;
  let quietFor = 0;
  let rises = 0;
  let last = 0;
  sink.ondata = ({ samples, sampleRate }: { samples: Int16Array; sampleRate: number }) => {
    const ms = (samples.length / sampleRate) * 1000;
    if (rmsOf(samples) < AUDIBLE) {
      quietFor += ms;
      return;
    }
    quietFor = 0;
    loud += ms;
    for (const sample of samples) {
      if (last < 0 && sample >= 0) rises += 1;
      last = sample;
    }
  };
  return {
    get loudMs() {
      return loud;
    },
    get quietForMs() {
      return quietFor;
    },
    get hertz() {
      return (rises / loud) * 1000;
    },
  };
}

async function post(url: string, offer: RTCSessionDescriptionInit): Promise<Response> {
  const answer = await fetch(`${url}/realtime/calls`, {
    method: "POST",
    body: offer.sdp ?? "",
    headers: { "content-type": "application/sdp", authorization: "Bearer sk-test" },
  });
  expect(answer.status).toBe(201);
  return answer;
}

/** A caller on libwebrtc alone, with everything the server tells it. */
async function call(url: string) {
  const peer = new wrtc.RTCPeerConnection();
  open.push(peer);
  const mic = microphone();
  peer.addTrack(mic.track, new wrtc.MediaStream([mic.track]));
  const tracks: RTCTrackEvent[] = [];
  peer.ontrack = (event) => tracks.push(event);
  const events: ServerEvent[] = [];
  const oracle = new RealtimeOracle();
  const channel = peer.createDataChannel("oai-events");
  channel.onmessage = ({ data }: MessageEvent<string>) => {
    const event: ServerEvent = JSON.parse(data);
    events.push(event);
    oracle.see(event);
  };
  const offer = await peer.createOffer();
  await peer.setLocalDescription(offer);
  const answer = await post(url, offer);
  expect(answer.headers.get("location")).toMatch(/^\/v1\/realtime\/calls\/[\w-]+$/);
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  await until("the track and the session", () => tracks.length > 0 && events.length > 0);
  // Stock clients play the first stream of the track: without an msid in the answer there is none.
  expect(tracks.map(({ streams }) => streams.length)).toEqual([1]);
  const seen = (type: ServerEvent["type"]) => events.filter((event) => event.type === type).length;
  return {
    peer,
    mic,
    events,
    oracle,
    seen,
    heard: ear(tracks[0]!.track),
    send: (event: object) => channel.send(JSON.stringify(event)),
    /** Waits for the event of this type and number, from 1. */
    gets: (type: ServerEvent["type"], count = 1) => until(`${type} ${count}`, () => seen(type) >= count, 15_000),
  };
}

const inOrder = [
  "input_audio_buffer.speech_started",
  "input_audio_buffer.speech_stopped",
  "input_audio_buffer.committed",
  "conversation.item.added",
  "conversation.item.done",
  "response.created",
  "response.output_item.added",
  "conversation.item.added",
  "response.content_part.added",
  "output_audio_buffer.started",
  "response.output_audio.done",
  "response.output_audio_transcript.done",
  "response.content_part.done",
  "conversation.item.done",
  "response.output_item.done",
  "response.done",
  "output_audio_buffer.stopped",
];

const interrupted = [
  "input_audio_buffer.speech_started",
  "response.output_audio.done",
  "response.done",
  "conversation.item.truncated",
  "output_audio_buffer.cleared",
  "input_audio_buffer.speech_stopped",
  "input_audio_buffer.committed",
  "response.created",
];

it("speaks and is answered in the order of the protocol, interrupts, and hangs up", { timeout: 60_000 }, async () => {
  const made = await bench({
    hears: ["Hello there.", "Tell me a story.", "Stop."],
    replies: [
      [{ say: "Hello to libwebrtc." }],
      [{ say: "A story that goes on and on. ".repeat(8) }, { wait: 60_000 }],
      [{ say: "Yes?" }],
    ],
  });
  open.push(made);
  const { peer, mic, events, oracle, seen, heard, send, gets } = await call(made.url);
  expect(events[0]?.type).toBe("session.created");
  expect(made.server.calls).toBe(1);
  send({
    type: "session.update",
    session: {
      type: "realtime",
      audio: { input: { transcription: { model: "t" }, turn_detection: { type: "server_vad" } } },
    },
  });
  await gets("session.updated");

  const from = events.length;
  mic.say("Hello there, can you hear me?");
  await gets("output_audio_buffer.stopped");
  const turn = events.slice(from).map(({ type }) => type);
  expect(turn.filter((type) => inOrder.includes(type))).toEqual(inOrder);
  expect(turn).toContain("conversation.item.input_audio_transcription.completed");
  expect(turn.filter((type) => type === "response.output_audio.delta")).toEqual([]);
  await until("the end of the voice", () => heard.quietForMs >= 100);
  // Nineteen characters of 60 ms, as the tone that the engine says them with.
  expect(heard.loudMs).toBeGreaterThan(1_000);
  expect(heard.loudMs).toBeLessThan(1_400);
  expect(heard.hertz).toBeGreaterThan(210);
  expect(heard.hertz).toBeLessThan(230);

  const greetingMs = heard.loudMs;
  mic.say("Please tell me a story.");
  await gets("output_audio_buffer.started", 2);
  await until("the story", () => heard.loudMs > greetingMs + 500);
  const barge = events.length;
  mic.say("Stop, please stop it now.");
  await gets("output_audio_buffer.cleared");
  await until("quiet", () => heard.quietForMs >= 200);
  const storyMs = heard.loudMs - greetingMs;
  expect(seen("response.created")).toBe(2);
  await gets("output_audio_buffer.stopped", 2);
  const ended = events.flatMap((event) => (event.type === "response.done" ? [event.response] : []));
  expect(ended.map(({ status }) => status)).toEqual(["completed", "cancelled", "completed"]);
  expect(ended[1]?.status_details).toMatchObject({ type: "cancelled", reason: "turn_detected" });
  const cut = events.find((event) => event.type === "conversation.item.truncated");
  // What was on its way when the server hushed is heard too, and libwebrtc stretches its end.
  expect(Math.abs((cut?.audio_end_ms ?? 0) - storyMs)).toBeLessThan(600);
  const reply = events.slice(barge).map(({ type }) => type);
  expect(reply.filter((type) => interrupted.includes(type)).slice(0, interrupted.length)).toEqual(interrupted);
  oracle.settle();
  expect(oracle.faults).toEqual([]);
  expect(oracle.errors).toEqual([]);

  peer.close();
  await until("the call to be gone", () => made.server.calls === 0);
  await until("the engine to be told", () => made.engine.log.at(-1) === "close");
});

it("carries the agents SDK's WebRTC client, both ways", { timeout: 30_000 }, async () => {
  const made = await bench({ hears: ["Hello."], replies: [[{ say: "Hello to the agents SDK." }]] });
  open.push(made);
  vi.stubGlobal("RTCPeerConnection", wrtc.RTCPeerConnection);
  const mic = microphone();
  const player: { srcObject?: MediaStream; autoplay?: boolean } = {};
  const transport = new OpenAIRealtimeWebRTC({
    baseUrl: `${made.url}/realtime/calls`,
    mediaStream: new wrtc.MediaStream([mic.track]),
    // All that the client does with the element is to give it the stream.
    audioElement: player as HTMLAudioElement,
  });
  open.push(transport);
  const types: string[] = [];
  const errors: unknown[] = [];
  transport.on("*", ({ type }) => types.push(type));
  transport.on("error", (error) => errors.push(error));
  await transport.connect({ apiKey: "sk-test", model: "gpt-realtime-2.1" });
  expect(types.slice(0, 2)).toEqual(["session.created", "session.updated"]);
  expect(transport.callId).toMatch(/^rtc_/);
  const track = player.srcObject?.getAudioTracks()[0];
  if (track === undefined) throw new TypeError("the client must have been given a stream to play");
  const heard = ear(track);
  mic.say("Hello there, can you hear me?");
  await until("the end of our voice", () => types.includes("output_audio_buffer.stopped"), 15_000);
  await until("quiet", () => heard.quietForMs >= 100);
  expect(heard.loudMs).toBeGreaterThan(1_200);
  expect(errors).toEqual([]);
  transport.close();
  await until("the call to be gone", () => made.server.calls === 0);
});
