/*
 * Everything a stream answers over HTTP and WebSocket, independent of whose server carries it: `fetch` for requests,
 * `upgrade` for sockets. Paths are below the prefix it was made with.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { type WebSocket, WebSocketServer } from "ws";
import { VoiceError } from "../base/errors.ts";
import { ResumeTokens } from "../protocol/resume.ts";
import type { Calls } from "../session/calls.ts";
import { createTelephone, type Telephone, twilio } from "../transports/telephone/index.ts";
import { createOffers, type Offers } from "../transports/webrtc/offers.ts";
import { answerSocket, type SocketOptions, socketServerOptions } from "../transports/websocket/index.ts";
import { mayCome } from "./origins.ts";
import { loadPage } from "./page.ts";
import { routes } from "./routes.ts";
import type { Stream } from "./stream.ts";
import { refuseUpgrade } from "./upgrade.ts";

interface Parts {
  readonly calls: Calls;
  readonly offers: Offers;
  readonly telephone: Telephone | undefined;
  readonly socket: SocketOptions;
  readonly origins: readonly string[];
  readonly prefix: string;
  fetch(request: Request): Response | Promise<Response>;
}

/** A stream's answers to the outside world. */
export class Front {
  readonly #parts: Parts;
  readonly #listener: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly #sockets = new WebSocketServer({ noServer: true, ...socketServerOptions });

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#listener = getRequestListener((request) => this.fetch(request), { overrideGlobalObjects: false });
  }

  /** Opens a stream's doors below `prefix`, such as "/voice"; default none. */
  static async open<In>(stream: Stream<In>, prefix = ""): Promise<Front> {
    const [calls, page] = await Promise.all([stream.calls(), loadPage()]);
    const { allowExtraTracks, audio, serverRtc, websocket, origins = [] } = stream.options;
    const { platform } = stream;
    const { inputRate: rate = 24_000, channels } = audio ?? {};
    const offers = createOffers({ calls, platform, rate, channels, rehearse: true, allowExtraTracks, ...serverRtc });
    const telephone = openTelephone(stream, calls);
    const resume = new ResumeTokens({
      random: (bytes) => platform.random(bytes),
      digest: (token) => createHash("sha256").update(token).digest("hex"),
    });
    const app = routes({ stream, calls, offers, telephone, page, resume, prefix: normalise(prefix) });
    return new Front({
      // What the transports do with calls does not depend on what the page's inputs are.
      calls: calls as unknown as Calls,
      offers,
      telephone,
      socket: { resume, ...websocket },
      origins,
      prefix: normalise(prefix),
      fetch: (request) => app.fetch(request),
    });
  }

  get prefix(): string {
    return this.#parts.prefix;
  }

  /** Whether a path is below the prefix. */
  owns(path: string): boolean {
    return path === this.prefix || path.startsWith(`${this.prefix}/`);
  }

  /** Answers a request whose path still has the prefix. */
  fetch(request: Request): Response | Promise<Response> {
    if (this.prefix === "") return this.#parts.fetch(request);
    const url = new URL(request.url);
    url.pathname = url.pathname.slice(this.prefix.length) || "/";
    return this.#parts.fetch(new Request(url, request));
  }

  /** Answers a request of node:http whose path still has the prefix. */
  listen(request: IncomingMessage, response: ServerResponse): void {
    void this.#listener(request, response);
  }

  /** Takes a WebSocket upgrade. False when the path is not one of ours: then nothing was done. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const path = (request.url ?? "").split("?")[0]?.slice(this.prefix.length);
    if (path === "/websocket/offer") {
      if (!mayCome(request.headers.origin, request.headers.host, this.#parts.origins))
        return refuse(socket, "403 Forbidden");
      this.#parts.socket.resume?.expire(this.#parts.calls.platform.clock.now());
      return this.#accept(request, socket, head, (accepted) => {
        answerSocket(accepted, { calls: this.#parts.calls, options: this.#parts.socket });
      });
    }
    const { telephone } = this.#parts;
    if (path === "/telephone/handler" && telephone !== undefined) {
      const { method = "GET", url = "/", headers } = request;
      if (!telephone.mayConnect({ method, url, headers })) return refuse(socket, "403 Forbidden");
      return this.#accept(request, socket, head, (accepted) => telephone.answerMediaStream(accepted));
    }
    return false;
  }

  /** Ends all calls and frees what was opened. */
  async close(): Promise<void> {
    await this.#parts.calls.close();
    this.#parts.telephone?.close();
    await this.#parts.offers.close();
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Buffer, answer: (accepted: WebSocket) => void): true {
    this.#sockets.handleUpgrade(request, socket, head, answer);
    return true;
  }
}

/** The telephone is there when it can tell the carrier from a stranger, or was told not to. */
function openTelephone<In>(stream: Stream<In>, calls: Calls<In>): Telephone | undefined {
  const { authToken = process.env["TWILIO_AUTH_TOKEN"] ?? "", verify = true, ...rest } = stream.options.telephone ?? {};
  if (stream.options.telephone === undefined && authToken === "") return undefined;
  if (verify && authToken === "") {
    throw new VoiceError(
      "config",
      "telephone calls need the carrier's authToken (or TWILIO_AUTH_TOKEN) to tell them from strangers",
    );
  }
  return createTelephone({ ...rest, calls, carrier: twilio({ authToken, verify }) });
}

function refuse(socket: Duplex, status: string): true {
  refuseUpgrade(socket, status);
  return true;
}

function normalise(prefix: string): string {
  const trimmed = prefix.replace(/\/+$/, "");
  return trimmed === "" || trimmed.startsWith("/") ? trimmed : `/${trimmed}`;
}
