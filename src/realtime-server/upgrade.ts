/* From a WebSocket upgrade to a client on a call, or a refusal with a reason. */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import { codes } from "../base/codes.ts";
import { asksForBeta, BETA_HEADER } from "../protocol/openai/beta.ts";
import { writeServerEvent } from "../protocol/openai/server-events.ts";
import type { Pass, RealtimeCalls } from "./calls.ts";
import type { LiveCall } from "./live-call.ts";
import { SocketWire } from "./wire.ts";

/** How browsers pass a key: they cannot set headers. */
const KEY_PROTOCOL = "openai-insecure-api-key.";

/** Never rejects: whatever is wrong is answered. */
export async function acceptSocket(
  calls: RealtimeCalls,
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const onError = (): void => {
    socket.destroy();
  };
  socket.on("error", onError);
  const { origin } = request.headers;
  if (!calls.isWelcome(origin)) return refuse(socket, 403, `Pages of ${origin} may not call.`);
  const pass = await calls.check(keyOf(request)).catch((error: unknown) => {
    calls.options.platform.log.error("authorize threw", { error });
    return undefined;
  });
  if (socket.destroyed) return;
  if (pass === undefined) return refuse(socket, 401, "Incorrect API key provided.", "invalid_api_key");
  const { query } = targetOf(request);
  const id = query.get("call_id");
  const found = id === null ? undefined : calls.find(id);
  if (id !== null && found === undefined)
    return refuse(socket, 404, `No call with id '${id.slice(0, 80)}'.`, "call_not_found");
  const isBeta = asksForBeta(headerOf(request, BETA_HEADER));
  const full = found === undefined ? calls.full() : undefined;
  if (full !== undefined) return refuse(socket, codes[full.code].status, full.message, full.code);
  // A call begins with its socket, not before: a handshake may still fail.
  sockets.handleUpgrade(request, socket, head, (client) => {
    socket.off("error", onError);
    if (isBeta) return refuseBeta(client, calls.makeId("event"));
    try {
      serve(calls, found ?? begin(calls, query, pass), client, found !== undefined);
    } catch (error) {
      calls.options.platform.log.error("a call could not begin", { error });
      client.close(1013, "a call could not begin");
    }
  });
}

/** Where a request goes. The text is the client's: it need not be a URL. */
export function targetOf({ url = "/" }: IncomingMessage): { readonly path: string; readonly query: URLSearchParams } {
  const [path = "/", ...query] = url.split("?");
  return { path, query: new URLSearchParams(query.join("?")) };
}

/** Answers an upgrade with an HTTP error. */
export function refuse(socket: Duplex, status: number, message: string, code: string | null = null): void {
  const body = JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code } });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ].join("\r\n");
  socket.end(`${head}\r\n\r\n${body}`);
}

function begin(calls: RealtimeCalls, query: URLSearchParams, { session }: Pass): LiveCall {
  const kind = query.get("intent") === "transcription" ? "transcription" : "realtime";
  return calls.begin({ media: "events", kind, model: query.get("model") ?? undefined, session });
}

function serve(calls: RealtimeCalls, call: LiveCall, client: WebSocket, isSideband: boolean): void {
  const wire: SocketWire = new SocketWire(client, calls.options.platform, {
    receive: (text) => call.receive(text),
    gone: () => {
      call.leave(wire);
      if (!isSideband) void call.close();
    },
  });
  call.join(wire);
}

/** The beta protocol is told its end in its own words, as the service does. */
function refuseBeta(client: WebSocket, eventId: string): void {
  client.send(
    writeServerEvent({
      type: "error",
      event_id: eventId,
      error: {
        type: "invalid_request_error",
        code: "beta_api_shape_disabled",
        message:
          "The Realtime Beta API is no longer supported. Leave out the OpenAI-Beta header and use the GA events.",
        param: null,
        event_id: null,
      },
    }),
  );
  client.close(4000, "beta_api_shape_disabled");
}

function keyOf(request: IncomingMessage): string | undefined {
  const { authorization } = request.headers;
  if (authorization?.startsWith("Bearer ") === true) return authorization.slice("Bearer ".length).trim();
  const apiKey = headerOf(request, "api-key");
  if (apiKey !== undefined) return apiKey;
  const offered = headerOf(request, "sec-websocket-protocol")?.split(",") ?? [];
  return offered
    .map((one) => one.trim())
    .find((one) => one.startsWith(KEY_PROTOCOL))
    ?.slice(KEY_PROTOCOL.length);
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}
