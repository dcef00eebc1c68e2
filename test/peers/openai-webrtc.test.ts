/* The low-level WebRTC client of the `openai` package, on werift in place of a browser's connection. */
import { OpenAIRealtimeWebRTC } from "openai/realtime/webrtc";
import { MediaStreamTrack, RTCPeerConnection } from "werift";
import { afterEach, expect, it, vi } from "vitest";
import { bench, until } from "./setup.ts";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  vi.unstubAllGlobals();
});

it("connects with an offer of its own, talks on oai-events, and hears our voice as RTP", async () => {
  const made = await bench({ replies: [[{ say: "Hello to werift." }]] });
  open.push(made);
  vi.stubGlobal("RTCPeerConnection", RTCPeerConnection);
  // Without a server of its own werift would ask a public one.
  const connection = new OpenAIRealtimeWebRTC({ iceServers: [] });
  open.push(connection);
  const peer: unknown = connection.peerConnection;
  if (!(peer instanceof RTCPeerConnection)) throw new TypeError("the client must use the connection it was given");
  let packets = 0;
  peer.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(() => void (packets += 1)));
  peer.addTransceiver(new MediaStreamTrack({ kind: "audio" }), { direction: "sendrecv" });
  const types: string[] = [];
  let transcript = "";
  connection.onEvent(({ type }) => types.push(type));
  connection.on("response.output_audio_transcript.done", (event) => {
    transcript = event.transcript;
  });
  await connection.connect({
    exchangeSdp: async (offer) => {
      const answer = await fetch(`${made.url}/realtime/calls`, {
        method: "POST",
        body: offer,
        headers: { "content-type": "application/sdp", authorization: "Bearer sk-test" },
      });
      expect(answer.status).toBe(201);
      return answer.text();
    },
  });
  await until("the session", () => types.includes("session.created"));
  connection.send({
    type: "conversation.item.create",
    item: { type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] },
  });
  connection.send({ type: "response.create" });
  await until("the end of our voice", () => types.includes("output_audio_buffer.stopped"));
  expect(transcript).toBe("Hello to werift.");
  // Sixteen characters of 60 ms are 48 packets of 20 ms.
  expect(packets).toBeGreaterThanOrEqual(45);
  connection.close();
  await until("the call to be gone", () => made.server.calls === 0);
});
