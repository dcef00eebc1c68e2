/*
 * A page that knows nothing but FastRTC's messages: offer, input hook, outputs, and the placeholder for its ICE servers.
 * Pages you already have work the same way. Run it: npx repartee dev examples/stock-page.ts
 */
import { replyOnPause, Stream } from "repartee";

const html = `<!doctype html>
<meta charset="utf-8">
<title>Stock page</title>
<button id="call">Call</button> <label>Times <input id="times" type="number" value="1" min="1" max="3"></label>
<audio id="voice" autoplay></audio>
<ol id="turns"></ol>
<script>
  const configuration = __RTC_CONFIGURATION__;
  const id = Math.random().toString(36).slice(2);
  const post = (path, body) =>
    fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const sendInputs = () => post("/input_hook", { webrtc_id: id, times: Number(times.value) });

  call.onclick = async () => {
    const peer = new RTCPeerConnection(configuration ?? undefined);
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of microphone.getTracks()) peer.addTrack(track, microphone);
    peer.ontrack = (event) => (voice.srcObject = event.streams[0]);
    peer.onicecandidate = ({ candidate }) =>
      candidate && post("/webrtc/offer", { candidate: candidate.toJSON(), webrtc_id: id, type: "ice-candidate" });
    peer.createDataChannel("text").onmessage = ({ data }) => {
      if (JSON.parse(data).type === "send_input") sendInputs();
    };
    await peer.setLocalDescription(await peer.createOffer());
    const { sdp, type } = peer.localDescription;
    const answer = await (await post("/webrtc/offer", { sdp, type, webrtc_id: id })).json();
    if (answer.status === "failed") return alert(answer.meta.error);
    await peer.setRemoteDescription(answer);
    new EventSource("/outputs?webrtc_id=" + id).addEventListener("output", ({ data }) => {
      turns.append(Object.assign(document.createElement("li"), { textContent: JSON.parse(data).content }));
    });
  };
</script>`;

export const stream = new Stream<{ times?: number }>(
  replyOnPause(async function* (turn, session) {
    const { times = 1 } = await session.requestInputs();
    yield { kind: "message", name: "chat", data: { role: "assistant", content: `You hear yourself ${times} times.` } };
    for (let i = 0; i < Math.min(3, times); i++) yield turn.audio;
  }),
  { html },
);
await stream.launch();
