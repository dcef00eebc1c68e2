/*
 * Everything a stream answers over HTTP and WebSocket, independent of whose server carries it: `fetch` for requests,
 * `upgrade` for sockets. Paths are below the prefix it was made with.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Calls } from "../session/calls.ts";
import { createOffers, type Offers } from "../transports/webrtc/offers.ts";
import { loadPage } from "./page.ts";
import { routes } from "./routes.ts";
import type { Stream } from "./stream.ts";

/** A stream's answers to the outside world. */
export class Front {
  readonly #calls: Calls;
  readonly #offers: Offers;
  readonly #fetch: (request: Request) => Response | Promise<Response>;
  readonly #listener: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly #prefix: string;

  private constructor(calls: Calls, offers: Offers, fetch: (request: Request) => Response | Promise<Response>, prefix: string) {
    this.#calls = calls;
    this.#offers = offers;
    this.#fetch = fetch;
    this.#prefix = prefix;
    this.#listener = getRequestListener((request) => this.fetch(request), { overrideGlobalObjects: false });
  }

  /** Opens a stream's doors below `prefix`, such as "/voice"; default none. */
  static async open<In>(stream: Stream<In>, prefix = ""): Promise<Front> {
    const [calls, page] = await Promise.all([stream.calls(), loadPage()]);
    const offers = createOffers({
      calls,
      platform: stream.platform,
      rate: stream.options.audio?.inputRate ?? 24_000,
      ...stream.options.rtc,
    });
    const app = routes({ stream, calls, offers, page });
    return new Front(calls as Calls, offers, (request) => app.fetch(request), normalise(prefix));
  }

  get prefix(): string {
    return this.#prefix;
  }

  /** Whether a path is below the prefix. */
  owns(path: string): boolean {
    return path === this.#prefix || path.startsWith(`${this.#prefix}/`);
  }

  /** Answers a request whose path still has the prefix. */
  fetch(request: Request): Response | Promise<Response> {
    if (this.#prefix === "") return this.#fetch(request);
    const url = new URL(request.url);
    url.pathname = url.pathname.slice(this.#prefix.length) || "/";
    return this.#fetch(new Request(url, request));
  }

  /** Answers a request of node:http whose path still has the prefix. */
  listen(request: IncomingMessage, response: ServerResponse): void {
    void this.#listener(request, response);
  }

  /** Takes a WebSocket upgrade. False when the path is not one of ours: then nothing was done. */
  upgrade(_request: IncomingMessage, _socket: Duplex, _head: Buffer): boolean {
    return false;
  }

  /** Ends all calls and frees what was opened. */
  async close(): Promise<void> {
    await this.#calls.close();
    await this.#offers.close();
  }
}

function normalise(prefix: string): string {
  const trimmed = prefix.replace(/\/+$/, "");
  return trimmed === "" || trimmed.startsWith("/") ? trimmed : `/${trimmed}`;
}
