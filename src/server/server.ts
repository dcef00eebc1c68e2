/*
 * An HTTP server of our own around one stream. Closing is polite: calls are told and ended first, then the port is given
 * back.
 */
import { createServer as createHttpServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { VoiceError } from "../base/errors.ts";
import { Front } from "./front.ts";
import { mountFront } from "./mount.ts";
import { isLoopback } from "./origins.ts";
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
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new VoiceError("config", `the port must be a whole number from 0 to 65535, got ${port}`);
  }
  const server = createHttpServer({
    headersTimeout: HEADERS_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    // HTTP clients that would rather speak HTTP/2 offer an upgrade too, and must be answered as if they had not.
    shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
  });
  const front = await Front.open(stream);
  mountFront(server, front);
  const address = await listenOn(server, port, host);
  if (!isLoopback(address.address)) {
    stream.platform.log.warn("open to everybody who reaches this machine: calls need no sign-in", {
      host,
      port: address.port,
    });
  }
  let closing: Promise<void> | undefined;
  return {
    url: `http://${urlHost(host)}:${address.port}`,
    port: address.port,
    close: () => {
      closing ??= shut(server, front);
      return closing;
    },
  };
}

async function shut(server: Server, front: Front): Promise<void> {
  // Until the last call has ended, newcomers are told that we are going.
  await front.close();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

function listenOn(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const taken = `port ${port} on ${host} is taken: set PORT to another one`;
      reject(
        new VoiceError("config", cause.code === "EADDRINUSE" ? taken : `cannot listen on ${host}:${port}`, { cause }),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === "string")
        reject(new VoiceError("config", `cannot listen on ${host}:${port}`));
      else resolve(address);
    });
  });
}

function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
