/*
 * What the stock pages send and expect, in their order: own transcripts of the kinds of page there are, not copies of any.
 * `OFFER` stands for an SDP with all candidates in it, `BARE` for one without any.
 */

/** Something that is posted, and what comes back. */
export interface Post {
  readonly to: "webrtc/offer" | "input_hook";
  readonly body: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly answer: unknown;
}

export interface Transcript {
  /** What kind of page does so. */
  readonly page: string;
  readonly id: string;
  readonly offer: "OFFER" | "BARE";
  /** Whether the page makes a data channel. */
  readonly channel: boolean;
  /** Before the offer is sent: pages gather while they write it. */
  readonly before: readonly Post[];
  /** Right after the answer, before the call is up. */
  readonly after: readonly Post[];
  /** Text that the page sends on the data channel once it is open. */
  readonly sends: readonly string[];
  /** While the call is up. */
  readonly during: readonly Post[];
  /** Messages on the data channel, each at least once, in this order. */
  readonly channelGets: readonly Readonly<Record<string, unknown>>[];
  /** Data of the events of its EventSource, which it opens with the call. */
  readonly eventsGet: readonly string[];
}

const ok = { status: "ok" };
const success = { status: "success" };
const candidate = (last: number) => ({
  candidate: `candidate:${last} 1 udp 2122260223 192.0.2.${last} 6369${last % 10} typ host generation 0 ufrag x network-id 1`,
  sdpMid: "0",
  sdpMLineIndex: 0,
  usernameFragment: "x",
});
const named = {
  candidate: "candidate:3 1 udp 2113937151 1b2c3d4e-0000-4000-8000-000000000000.local 54400 typ host",
  sdpMid: "0",
  sdpMLineIndex: 0,
};
const tcp = {
  candidate: "candidate:4 1 tcp 1518214911 192.0.2.9 9 typ host tcptype active",
  sdpMid: "0",
  sdpMLineIndex: 0,
};
const trickle = (webrtc_id: string | undefined, one: unknown, status = 200, answer: unknown = success): Post => ({
  to: "webrtc/offer",
  body: { candidate: one, ...(webrtc_id === undefined ? {} : { webrtc_id }), type: "ice-candidate" },
  status,
  answer,
});
const hook = (body: Readonly<Record<string, unknown>>, status = 200, answer: unknown = ok): Post => ({
  to: "input_hook",
  body,
  status,
  answer,
});

const quiet = { channel: true, before: [], after: [], sends: [], during: [], channelGets: [], eventsGet: [] } as const;
/** What the handler of these calls says to everybody at the start. */
const hello = '{"role":"assistant","content":"hello"}';

export const transcripts: readonly Transcript[] = [
  { ...quiet, page: "an echo page that gathers before it offers", id: "k3x9q", offer: "OFFER", eventsGet: [] },
  {
    ...quiet,
    page: "a page that trickles, candidates first",
    id: "4f0zk",
    offer: "BARE",
    before: [trickle("4f0zk", candidate(1)), trickle("4f0zk", named)],
    after: [
      trickle("4f0zk", candidate(2)),
      trickle("4f0zk", tcp),
      trickle("4f0zk", { candidate: "", sdpMid: "0", sdpMLineIndex: 0 }),
    ],
  },
  {
    ...quiet,
    page: "a page that makes its id after it began to gather, with the id of its last call at first",
    id: "p0q8r2",
    offer: "OFFER",
    before: [
      trickle(undefined, candidate(5), 422, { status: "failed" }),
      trickle("k3x9q", candidate(5), 200, { status: "failed", meta: { error: "connection_closed" } }),
    ],
  },
  {
    ...quiet,
    page: "a chat page that answers send_input with its history",
    id: "8d2m1",
    offer: "OFFER",
    during: [hook({ webrtc_id: "8d2m1", chatbot: [{ role: "user", content: "hi" }], state: [] })],
    channelGets: [
      { type: "send_input", data: [] },
      { type: "fetch_output", data: [] },
    ],
    eventsGet: [hello, '{"chatbot":[{"role":"user","content":"hi"}],"state":[]}'],
  },
  {
    ...quiet,
    page: "a page that sends its key and voice before the call is up",
    id: "zz91c",
    offer: "BARE",
    after: [
      hook({ webrtc_id: "zz91c", voice_name: "Puck", api_key: "none" }),
      hook({ webrtc_id: "other", voice_name: "Puck" }, 404, { status: "failed" }),
    ],
    eventsGet: [hello, '{"voice_name":"Puck","api_key":"none"}'],
  },
  {
    ...quiet,
    page: "a page with a text box",
    id: "b7t5x",
    offer: "OFFER",
    during: [hook({ webrtc_id: "b7t5x", chatbot: [], state: [], textbox: "two\nlines" })],
    eventsGet: [hello, '{"chatbot":[],"state":[],"textbox":"two\\nlines"}', "two\nlines"],
  },
  {
    ...quiet,
    page: "a page with a slider, and one that wraps its values",
    id: "s11de",
    offer: "OFFER",
    during: [
      hook({ webrtc_id: "s11de", conf_threshold: 0.3 }),
      hook({ webrtc_id: "s11de", inputs: { transcript: "so far" } }),
    ],
    eventsGet: [hello, '{"conf_threshold":0.3}', '{"conf_threshold":0.3,"transcript":"so far"}'],
  },
  {
    ...quiet,
    page: "the page that shakes hands on the data channel",
    id: "h4nd5",
    offer: "OFFER",
    sends: ["handshake"],
    channelGets: [{ type: "log", data: "Server received: handshake" }],
  },
  { ...quiet, page: "a page without a data channel", id: "n0ch4", offer: "OFFER", channel: false, eventsGet: [hello] },
];
