/* The low-level client of the `openai` package, with a record of what came and an oracle that watches it. */
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import type { ServerEvent } from "../../src/protocol/openai/server-events.ts";
import { RealtimeOracle } from "../fixtures/realtime-oracle.ts";
import { type Bench, pieces, until } from "./setup.ts";

export type ClientEvent = Parameters<OpenAIRealtimeWS["send"]>[0];

/** One connection. */
export class Client {
  readonly events: ServerEvent[] = [];
  readonly oracle = new RealtimeOracle();
  readonly errors: unknown[] = [];
  readonly socket: OpenAIRealtimeWS;
  closed: number | undefined;

  constructor(
    { port }: Bench,
    target: { model: string } | { callID: string } | { intent: "transcription" } = { model: "gpt-realtime-2.1" },
  ) {
    const client = new OpenAI({ apiKey: "sk-test", baseURL: `https://127.0.0.1:${port}/v1` });
    // The certificate is made for each run and names no host.
    this.socket = new OpenAIRealtimeWS({ ...target, options: { rejectUnauthorized: false } }, client);
    this.socket.on("event", (event) => {
      // The official union and ours hold the same events: see test/types.
      const seen = event as unknown as ServerEvent;
      this.events.push(seen);
      this.oracle.see(seen);
    });
    this.socket.on("error", (error) => this.errors.push(error));
    this.socket.socket.on("close", (code) => {
      this.closed = code;
    });
  }

  send(event: ClientEvent): void {
    this.socket.send(event);
  }

  speak(bytes: Buffer): void {
    for (const piece of pieces(bytes))
      this.send({ type: "input_audio_buffer.append", audio: piece.toString("base64") });
  }

  of<Type extends ServerEvent["type"]>(type: Type): (ServerEvent & { readonly type: Type })[] {
    return this.events.filter((event): event is ServerEvent & { readonly type: Type } => event.type === type);
  }

  /** Waits for the nth event of a type. */
  async wait<Type extends ServerEvent["type"]>(type: Type, count = 1): Promise<ServerEvent & { readonly type: Type }> {
    await until(`${count} × ${type}`, () => this.of(type).length >= count);
    const event = this.of(type)[count - 1];
    if (event === undefined) throw new Error("unreachable");
    return event;
  }

  get audioBytes(): number {
    return this.of("response.output_audio.delta").reduce(
      (sum, { delta }) => sum + Buffer.from(delta, "base64").length,
      0,
    );
  }
}
