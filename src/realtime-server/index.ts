/*
 * A server that speaks the OpenAI Realtime protocol (GA) over any engine, on this machine, without a key.
 *
 *   ws    /v1/realtime?model=…                    a call over WebSocket; ?intent=transcription; ?call_id= joins one
 *   POST  /v1/realtime/calls                      a call over WebRTC, raw SDP or multipart
 *   POST  /v1/realtime/calls/{id}/hangup          and accept, reject, refer for calls that came by SIP
 *   POST  /v1/realtime/client_secrets             a short-lived key for a browser
 */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { WebSocketServer } from "ws";
import type { Engine } from "../agents/types.ts";
import { VoiceError } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";
import type { Millis } from "../base/time.ts";
import { nodePlatform } from "../node/platform.ts";
import { loadSilero } from "../providers/silero/index.ts";
import type { LimitsOptions } from "../realtime/server/limits.ts";
import type { DetectorMaker } from "../vad/detector.ts";
import { type CallsOptions, RealtimeCalls } from "./calls.ts";
import { embeddedEngine } from "./embedded.ts";
import { answerRequest } from "./http.ts";
import { phrasesFor } from "./responder.ts";
import { acceptSocket, refuse, targetOf } from "./upgrade.ts";

export { phrasesFor, responder } from "./responder.ts";

export interface RealtimeServerOptions {
  /** The mind of every call. It must take `can.manual` turns. Default: the embedded parts, which need no key. */
  readonly engine?: Engine | undefined;
  /** Finds speech. Default: Silero. */
  readonly detector?: DetectorMaker | undefined;
  readonly platform?: Platform | undefined;
  /**
   * Whether a key may be used; it is what a client sends as bearer token or subprotocol, undefined when it sends none.
   * Secrets of our own are known without it. Default: any key, and none.
   */
  readonly authorize?: ((key: string | undefined) => boolean | Promise<boolean>) | undefined;
  /** Pages that may call, beside those on this machine: origins such as `https://example.org`. Default none. */
  readonly origins?: readonly string[] | undefined;
  /** The name that engines know the agent by. Default "assistant". */
  readonly agent?: string | undefined;
  /** The model that is told when a client names none. Default "repartee". */
  readonly model?: string | undefined;
  /** What a session begins with when the client says nothing. Default: no instructions, voice "marin". */
  readonly defaults?: { readonly instructions?: string; readonly voice?: string } | undefined;
  /** What callers may say, for recognisers that have to know. Default: the names of the client's tools, and usual words. */
  readonly phrases?: CallsOptions["phrases"] | undefined;
  /** Longest call. Default 3 600 000. */
  readonly lifetimeMs?: Millis | undefined;
  /** Calls at once. Default 100. */
  readonly callLimit?: number | undefined;
  readonly limits?: LimitsOptions | undefined;
  /** ICE servers, UDP ports and public addresses of WebRTC calls. */
  readonly rtc?: CallsOptions["rtc"] | undefined;
}

export interface RealtimeListenOptions {
  /** Default 8080; 0 takes any free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Certificate and key in PEM: some clients insist on `wss:`. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A realtime server: mount `fetch` and `upgrade` in a server of your own, or let it listen. */
export interface RealtimeServer {
  /** Answers a request below `/v1/realtime`; undefined when the path is not one of ours. */
  fetch(request: Request): Promise<Response> | undefined;
  /** Takes a WebSocket upgrade. False when the path is not one of ours: then nothing was done. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Opens a port. Throws VoiceError `config` when it is taken. */
  listen(options?: RealtimeListenOptions): Promise<{ readonly url: string; readonly port: number }>;
  /** Calls that are live. */
  readonly calls: number;
  /** Hangs up everywhere and gives the ports back. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a realtime server. Throws VoiceError `config` for an engine that decides turns itself only, `model-missing`
 * without the weights of the detector.
 */
export async function createRealtimeServer(options: RealtimeServerOptions = {}): Promise<RealtimeServer> {
  if (options.engine?.can.manual === false)
    throw new VoiceError(
      "config",
      `the engine must answer when it is told to (can.manual), ${options.engine.name} does not`,
    );
  const platform = options.platform ?? nodePlatform();
  const makeDetector = options.detector ?? (await loadSilero());
  const embedded = options.engine === undefined ? embeddedEngine() : undefined;
  const engine = options.engine ?? embedded?.engine;
  if (engine === undefined) throw new TypeError("there must be an engine");
  const calls = new RealtimeCalls({
    engine,
    platform,
    makeDetector,
    authorize: options.authorize ?? (() => true),
    origins: options.origins ?? [],
    agent: options.agent ?? "assistant",
    model: options.model ?? "repartee",
    defaults: options.defaults ?? {},
    phrases:
      options.phrases ?? (({ tools }) => phrasesFor(tools.flatMap((tool) => (tool.type === "function" ? [tool] : [])))),
    lifetimeMs: options.lifetimeMs,
    callLimit: options.callLimit ?? 100,
    limits: options.limits,
    rtc: options.rtc ?? {},
  });
  return new ListeningServer(calls, async () => embedded?.close());
}

/** The longest event: 15 MiB of audio as base64, and what is around it. */
const MAX_PAYLOAD = 21 * 1024 * 1024;

class ListeningServer implements RealtimeServer {
  readonly #calls: RealtimeCalls;
  readonly #closeEngine: () => Promise<void>;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has("realtime") ? "realtime" : false),
  });
  #servers: readonly Server[] = [];
  #closing: Promise<void> | undefined;

  constructor(calls: RealtimeCalls, closeEngine: () => Promise<void>) {
    this.#calls = calls;
    this.#closeEngine = closeEngine;
  }

  get calls(): number {
    return this.#calls.size;
  }

  fetch(request: Request): Promise<Response> | undefined {
    return answerRequest(this.#calls, request);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (targetOf(request).path !== "/v1/realtime") return false;
    void acceptSocket(this.#calls, this.#sockets, request, socket, head);
    return true;
  }

  async listen({ port = 8080, host = "127.0.0.1", tls }: RealtimeListenOptions = {}): Promise<{
    readonly url: string;
    readonly port: number;
  }> {
    const listener = getRequestListener(
      async (request) => (await this.fetch(request)) ?? new Response("Not found", { status: 404 }),
      { overrideGlobalObjects: false },
    );
    const answer = (request: IncomingMessage, response: ServerResponse): void => void listener(request, response);
    const server =
      tls === undefined ? createHttpServer(answer) : createHttpsServer({ cert: tls.cert, key: tls.key }, answer);
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (!this.upgrade(request, socket, head)) refuse(socket, 404, "There is nothing here: the path is /v1/realtime.");
    });
    this.#servers = [...this.#servers, server];
    const address = await listenOn(server, port, host);
    const name = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
    return { url: `${tls === undefined ? "http" : "https"}://${name}:${address.port}/v1`, port: address.port };
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  async #shut(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    await this.#calls.close();
    for (const socket of this.#sockets.clients) socket.terminate();
    for (const server of this.#servers) server.closeAllConnections();
    await Promise.all(closed);
    await this.#closeEngine();
  }
}

function listenOn(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? `port ${port} on ${host} is taken` : `cannot listen on ${host}:${port}`;
      reject(new VoiceError("config", why, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === "string")
        reject(new VoiceError("config", `cannot listen on ${host}:${port}`));
      else resolve(address);
    });
  });
}
