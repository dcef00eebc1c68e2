/*
 * An HTTP server around one stream. Closing is polite: calls are told and ended first, then the port is given back.
 */
import { createServer as createHttpServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { VoiceError } from "../base/errors.ts";
import type { PageConfig } from "../protocol/config.ts";
import { createOffers } from "../transports/webrtc/offers.ts";
import { loadPage } from "./page.ts";
import { routes } from "./routes.ts";
import type { Stream } from "./stream.ts";

export interface ServerOptions {
  readonly port: number;
  readonly host: string;
}

/** A running server. */
export interface VoiceServer {
  /** Where a browser on this machine opens it. */
  readonly url: string;
  readonly port: number;
  /** Ends all calls, then gives the port back. Idempotent. */
  close(): Promise<void>;
}

/** Longest time for the head of a request, ms: a browser needs a few. */
const HEADERS_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 30_000;

/** Starts a server for a stream. Throws VoiceError `config` when the address is taken or not allowed. */
export async function createServer<In>(stream: Stream<In>, { port, host }: ServerOptions): Promise<VoiceServer> {
  const [calls, page] = await Promise.all([stream.calls(), loadPage()]);
  const platform = stream.platform;
  const offers = createOffers({ calls, platform, rate: stream.options.audio?.inputRate ?? 24_000, ...stream.options.rtc });
  const app = routes({
    platform,
    offers,
    config: pageConfig(stream),
    page,
    health: () => ({ status: calls.draining ? "draining" : "ok", sessions: calls.sessions.size }),
  });
  const server = createHttpServer(
    { headersTimeout: HEADERS_TIMEOUT, requestTimeout: REQUEST_TIMEOUT },
    getRequestListener(app.fetch, { overrideGlobalObjects: false }),
  );
  const address = await listenOn(server, port, host);
  let closing: Promise<void> | undefined;
  return {
    url: `http://${urlHost(host)}:${address.port}`,
    port: address.port,
    close: () => {
      closing ??= shut();
      return closing;
    },
  };

  async function shut(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await calls.close();
    await offers.close();
    server.closeAllConnections();
    await closed;
  }
}

function pageConfig<In>(stream: Stream<In>): PageConfig {
  const { page = {}, concurrencyLimit, timeLimitMs } = stream.options;
  return {
    v: 1,
    title: "repartee",
    agents: [{ name: "agent", tools: [] }],
    parts: "silero",
    suggestions: [],
    features: { text: true, interrupt: true, tuning: false },
    limits: {
      ...(concurrencyLimit === undefined ? {} : { concurrency: concurrencyLimit }),
      ...(timeLimitMs === undefined ? {} : { timeLimitMs }),
    },
    ...page,
  };
}

function listenOn(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? `port ${port} on ${host} is taken: set PORT to another one` : `cannot listen on ${host}:${port}`;
      reject(new VoiceError("config", why, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new VoiceError("config", `cannot listen on ${host}:${port}`));
      else resolve(address);
    });
  });
}

function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
