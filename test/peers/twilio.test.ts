/* The telephone layer of the agents SDK: µ-law both ways, marks, and a line that is cleared on interruption. */
import { RealtimeAgent, RealtimeSession } from "@openai/agents-realtime";
import { TwilioRealtimeTransportLayer } from "@openai/agents-extensions";
import { afterEach, describe, expect, it } from "vitest";
import { encodeMulaw } from "../../src/audio/g711.ts";
import { bytesToInt16 } from "../../src/audio/pcm.ts";
import { resample } from "../../src/audio/resample.ts";
import { bench, pieces, speech, until } from "./setup.ts";

type Listener = (event: { data: string }) => void;

/** A carrier's socket: what the layer sends is kept, marks are sent back as if they had been played at once. */
class CarrierSocket {
  readonly sent: { event: string; media?: { payload: string }; mark?: { name: string } }[] = [];
  readonly #listeners = new Map<string, Listener[]>();

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {}

  receive(message: object): void {
    for (const listener of this.#listeners.get("message") ?? []) listener({ data: JSON.stringify(message) });
  }
  speak(text: string): void {
    const wide = bytesToInt16(speech(text));
    const narrow = Buffer.from(encodeMulaw(resample(wide, 24_000, 8_000)));
    for (const [index, piece] of pieces(narrow, 160).entries())
      this.receive({ event: "media", media: { payload: piece.toString("base64"), timestamp: String(index * 20) } });
  }
  get audioBytes(): number {
    return this.sent.reduce((sum, { media }) => sum + Buffer.from(media?.payload ?? "", "base64").length, 0);
  }
}

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe("the agents SDK behind a telephone", () => {
  it("hears µ-law, speaks µ-law with a mark for each delta, and clears the line when it is interrupted", async () => {
    const made = await bench({
      replies: [
        [{ say: "Good day." }],
        [{ say: "A long announcement about nothing." }, { wait: 60_000 }],
        [{ say: "Yes." }],
      ],
    });
    const carrier = new CarrierSocket();
    const transport = new TwilioRealtimeTransportLayer({ twilioWebSocket: carrier as never });
    // The two packages bring cores of different versions; the layer is the same.
    const session = new RealtimeSession(new RealtimeAgent({ name: "A", instructions: "" }), {
      transport: transport as never,
      config: { audio: { input: { turnDetection: { type: "server_vad", silenceDurationMs: 300 } } } },
    });
    const types: string[] = [];
    const errors: unknown[] = [];
    session.transport.on("*", ({ type }) => types.push(type));
    session.on("error", (error) => errors.push(error));
    open.push(session, made);
    await session.connect({ apiKey: "sk", url: `ws://127.0.0.1:${made.port}/v1/realtime` });
    await until("the session", () => types.includes("session.updated"));
    carrier.receive({
      event: "start",
      start: { streamSid: "MZ1", mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8_000, channels: 1 } },
    });
    carrier.speak("Hello there.");
    await until("a reply", () => types.includes("response.done"));
    expect(carrier.audioBytes).toBe("Good day.".length * 60 * 8);
    await until("marks", () => carrier.sent.filter(({ event }) => event === "mark").length >= 2);
    session.sendMessage("Announce.");
    await until("more of our voice", () => carrier.audioBytes > 10_000);
    carrier.speak("Stop, please stop.");
    await until("a cleared line", () => carrier.sent.some(({ event }) => event === "clear"));
    await until("the truncation", () => types.includes("conversation.item.truncated"));
    expect(errors).toEqual([]);
  });
});
