/*
 * A realtime provider for tests of clients: our own server half behind a real socket, with a scripted mind, that does
 * wrong what it is told to do wrong. What it sends without a fault is what the service sends.
 *
 *   call ─▶ event ─▶ [ faults, in order: the first that fits is used up ] ─▶ socket
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Engine } from "../agents/types.ts";
import { toBase64Url } from "../base/ids.ts";
import { silentLog } from "../base/log.ts";
import { noMeters } from "../base/meters.ts";
import type { Platform } from "../base/platform.ts";
import type { Clock, Millis } from "../base/time.ts";
import { scripted, type Script } from "../engines/scripted/index.ts";
import { nodePlatform } from "../node/platform.ts";
import { readServerEvent, type ServerEvent, writeServerEvent } from "../protocol/openai/server-events.ts";
import { LiveCall } from "../realtime-server/live-call.ts";
import type { LimitsOptions } from "../realtime/server/limits.ts";
import type { DetectorMaker } from "../vad/detector.ts";
import { EnergyDetector } from "../vad/energy.ts";

/** What goes wrong, at the `nth` event (from 1, default 1) of this type on a connection, or at any event. */
export type UpstreamFault = {
  readonly on: ServerEvent["type"] | "any";
  readonly nth?: number;
  /** Which connection, from 0. Default: every one. */
  readonly connection?: number;
} & (
  | /** The line is dead at once: no close frame, and the event is lost. */ { readonly do: "cut" }
  | /** Closed in good order, in place of the event. */ {
      readonly do: "close";
      readonly code: number;
      readonly reason?: string;
    }
  | /** From this event on nothing is sent and nothing read: the socket stays open. */ { readonly do: "silence" }
  | /** The event never comes: an abandoned response, a lost acknowledgement. */ { readonly do: "drop" }
  | /** The first half of the text, as if that were all. */ { readonly do: "half" }
  | /** Twice, with the same ids. */ { readonly do: "duplicate" }
  | /** After this many later events. */ { readonly do: "late"; readonly by: number }
  | /** An audio delta as long as this many bytes of base64. */ { readonly do: "huge"; readonly bytes: number }
  | /** Something else in its place. */ { readonly do: "replace"; readonly with: ServerEvent | string }
  | /** Something else before it. */ { readonly do: "before"; readonly send: ServerEvent | string }
);

/** How an upgrade is answered in place of a connection. */
export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface UpstreamOptions {
  /** What is said, by answer. Default: nothing. */
  readonly replies?: Script;
  /** What the caller is heard to say, by utterance. */
  readonly hears?: readonly string[];
  /** A mind of your own in place of the script. */
  readonly engine?: Engine;
  readonly faults?: readonly UpstreamFault[];
  /** Default: real time. With a virtual one the end of a session is an `advance(3_600_000)` away. */
  readonly clock?: Clock;
  /** Default: by loudness. */
  readonly detector?: DetectorMaker;
  readonly lifetimeMs?: Millis;
  /** Fewer than a client wants: responses fail with `rate_limit_exceeded`. */
  readonly limits?: LimitsOptions;
}

/** A provider that runs. */
export interface Upstream {
  /** `ws://…/v1/realtime`. */
  readonly url: string;
  /** All connections so far, oldest first. */
  readonly connections: readonly UpstreamConnection[];
  /** More faults, for what is sent from now on. */
  plan(...faults: readonly UpstreamFault[]): void;
  /** The next upgrades are answered like this, one each. */
  refuse(...refusals: readonly Refusal[]): void;
  close(): Promise<void>;
}

/** One connection as the provider sees it. */
export class UpstreamConnection {
  /** Path, query and headers of the upgrade. */
  readonly request: { readonly url: string; readonly headers: IncomingMessage["headers"] };
  /** Every text that came, in order. */
  readonly received: string[] = [];
  /** Every event that went out, in order: what faults left of them. */
  readonly sent: string[] = [];
  readonly #socket: WebSocket;
  readonly #late: { text: string; after: number }[] = [];
  #isSilent = false;
  #isOpen = true;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.#socket = socket;
    this.request = { url: request.url ?? "", headers: request.headers };
    socket.on("close", () => {
      this.#isOpen = false;
    });
    socket.on("error", () => {});
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The parsed events of this type that the client sent. */
  of(type: string): readonly Readonly<Record<string, unknown>>[] {
    return this.received
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .filter((event) => event["type"] === type);
  }

  /** Sends anything, past all faults. */
  send(what: ServerEvent | string): void {
    if (this.#isSilent || !this.#isOpen) return;
    const text = typeof what === "string" ? what : writeServerEvent(what);
    this.sent.push(text);
    this.#socket.send(text, { binary: false });
    for (const late of this.#late) late.after -= 1;
    const due = this.#late.findIndex(({ after }) => after <= 0);
    if (due >= 0) for (const { text: held } of this.#late.splice(due, 1)) this.send(held);
  }

  /** Sends after this many other events. */
  sendLate(text: string, by: number): void {
    this.#late.push({ text, after: by });
  }

  /** Ends the line without a close frame. */
  cut(): void {
    this.#isOpen = false;
    this.#socket.terminate();
  }

  close(code: number, reason = ""): void {
    this.#socket.close(code, reason);
  }

  /** Sends and reads nothing more: pings and close frames stay without answer. */
  silence(): void {
    this.#isSilent = true;
    this.#socket.pause();
  }
}

/** Starts a provider on a free port of this machine. */
export async function createUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = new RunningUpstream(options);
  await upstream.listen();
  return upstream;
}

class RunningUpstream implements Upstream {
  readonly connections: UpstreamConnection[] = [];
  readonly #options: UpstreamOptions;
  readonly #platform: Platform;
  readonly #server: Server = createServer((_request, response) => response.writeHead(404).end());
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 21 * 1024 * 1024, perMessageDeflate: false });
  readonly #calls = new Set<LiveCall>();
  #faults: UpstreamFault[];
  #refusals: Refusal[] = [];

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#faults = [...(options.faults ?? [])];
    const { clock } = options;
    this.#platform = nodePlatform({ log: silentLog, meters: noMeters, ...(clock !== undefined && { clock }) });
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/realtime`;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve()));
  }

  plan(...faults: readonly UpstreamFault[]): void {
    this.#faults.push(...faults);
  }

  refuse(...refusals: readonly Refusal[]): void {
    this.#refusals.push(...refusals);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const call of this.#calls) void call.close();
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    await closed;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#refusals.shift();
    if (refusal !== undefined) {
      const headers = Object.entries({ "content-length": "0", connection: "close", ...refusal.headers });
      socket.end(
        `HTTP/1.1 ${refusal.status} Refused\r\n${headers.map(([name, value]) => `${name}: ${value}`).join("\r\n")}\r\n\r\n`,
      );
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#serve(client, request));
  }

  #serve(client: WebSocket, request: IncomingMessage): void {
    const connection = new UpstreamConnection(client, request);
    const index = this.connections.push(connection) - 1;
    const counts = new Map<string, number>();
    const call = this.#begin(new URLSearchParams(request.url?.split("?")[1]));
    this.#calls.add(call);
    const wire = {
      send: (text: string) => this.#pass(text, connection, index, counts),
      close: (code: number, reason: string) => connection.close(code, reason),
    };
    client.on("message", (data) => {
      const text = Buffer.isBuffer(data) ? data.toString("utf8") : "";
      connection.received.push(text);
      call.receive(text);
    });
    client.on("close", () => {
      this.#calls.delete(call);
      call.leave(wire);
      void call.close();
    });
    call.join(wire);
  }

  #begin(query: URLSearchParams): LiveCall {
    const { replies = [], hears = [], engine, detector, lifetimeMs, limits } = this.#options;
    const makeId = (prefix: string): string => `${prefix}_${toBase64Url(this.#platform.random(15))}`;
    return new LiveCall({
      id: makeId("rtc"),
      engine: engine ?? scripted({ replies, hears, can: { rate: { in: 16_000, out: 24_000 } } }),
      platform: this.#platform,
      makeId,
      agent: "assistant",
      phrases: () => [],
      kind: query.get("intent") === "transcription" ? "transcription" : "realtime",
      model: query.get("model") ?? undefined,
      media: "events",
      makeDetector: detector ?? ((rate) => new EnergyDetector(rate)),
      lifetimeMs,
      limits,
      defaultModel: "gpt-realtime-2.1",
      onClosed: () => {},
    });
  }

  /** Sends an event, or does with it what a fault says. */
  #pass(text: string, connection: UpstreamConnection, index: number, counts: Map<string, number>): void {
    const event = readServerEvent(text);
    const type = "type" in event ? event.type : "unknown";
    const count = (name: string): number => {
      const next = (counts.get(name) ?? 0) + 1;
      counts.set(name, next);
      return next;
    };
    const nth = { [type]: count(type), any: count("any") };
    const at = this.#faults.findIndex(
      (one) =>
        (one.on === type || one.on === "any") && nth[one.on] === (one.nth ?? 1) && (one.connection ?? index) === index,
    );
    const [fault] = at < 0 ? [] : this.#faults.splice(at, 1);
    if (fault === undefined) return connection.send(text);
    switch (fault.do) {
      case "cut":
        return connection.cut();
      case "close":
        return connection.close(fault.code, fault.reason);
      case "silence":
        return connection.silence();
      case "drop":
        return;
      case "half":
        return connection.send(text.slice(0, Math.floor(text.length / 2)));
      case "duplicate":
        connection.send(text);
        return connection.send(text);
      case "late":
        return connection.sendLate(text, fault.by);
      case "huge":
        return connection.send(enlarged(text, fault.bytes));
      case "replace":
        return connection.send(fault.with);
      case "before":
        connection.send(fault.send);
        return connection.send(text);
    }
  }
}

/** The same delta with its audio over and over, up to this many characters; other events stay as they are. */
function enlarged(text: string, bytes: number): string {
  const event = readServerEvent(text);
  if (!("type" in event) || event.type !== "response.output_audio.delta") return text;
  // Whole groups of four without padding stay base64 when they are put one behind the other.
  const whole = event.delta.replace(/=+$/, "");
  const unit = whole.slice(0, whole.length - (whole.length % 4));
  if (unit === "") return text;
  return writeServerEvent({ ...event, delta: unit.repeat(Math.max(1, Math.floor(bytes / unit.length))) });
}
