/*
 * Hangs a stream into somebody else's server: Hono, Express, Fastify or bare node:http, told apart by what they can do.
 * WebSocket routes need the http.Server: given as an option, or known to the framework.
 */
import { Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Front } from "./front.ts";
import { guardUpgrade, refuseUpgrade } from "./upgrade.ts";

/** The least that is needed of each framework. Real applications have more. */
interface HonoLike {
  mount(path: string, handler: (request: Request) => Response | Promise<Response>, options?: object): unknown;
  fetch(request: Request): unknown;
}
interface ExpressLike {
  use(handler: (request: IncomingMessage, response: ServerResponse, next: () => void) => void): unknown;
  handle: unknown;
}
interface FastifyLike {
  addHook(
    name: "onRequest",
    hook: (
      request: { raw: IncomingMessage },
      reply: { raw: ServerResponse; hijack(): unknown },
      done: () => void,
    ) => void,
  ): unknown;
  server: HttpServer;
}

/** Mounts; the result takes upgrades from one more server, for frameworks that do not know theirs. */
export function mountFront(app: unknown, front: Front, server?: HttpServer): void {
  if (app instanceof HttpServer) mountHttp(app, front);
  else if (isFastify(app)) mountFastify(app, front);
  else if (isHono(app))
    app.mount(front.prefix === "" ? "/" : front.prefix, (request) => front.fetch(request), { replaceRequest: false });
  else if (isExpress(app)) mountExpress(app, front);
  else throw new TypeError("mount needs a Hono, Express or Fastify application or an http.Server");
  const known = server ?? (isFastify(app) ? app.server : undefined);
  if (known !== undefined && !(app instanceof HttpServer)) takeUpgrades(known, front);
}

function mountHttp(server: HttpServer, front: Front): void {
  const others = server.listeners("request") as ((request: IncomingMessage, response: ServerResponse) => void)[];
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (front.owns(pathOf(request))) front.listen(request, response);
    else if (others.length > 0) for (const other of others) other.call(server, request, response);
    else response.writeHead(404).end();
  });
  takeUpgrades(server, front);
}

function mountExpress(app: ExpressLike, front: Front): void {
  app.use((request, response, next) => {
    if (!front.owns(pathOf(request))) return next();
    restoreBody(request);
    front.listen(request, response);
  });
}

/** A body parser in front of us has eaten the body: what it made of it is written out again. */
function restoreBody(request: IncomingMessage): void {
  if (!request.readableEnded || !("body" in request)) return;
  const { body } = request;
  let text: string | Uint8Array;
  if (typeof body === "string" || body instanceof Uint8Array) text = body;
  else if (request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true) {
    text = new URLSearchParams(body as Record<string, string>).toString();
  } else text = JSON.stringify(body ?? {});
  // The name under which @hono/node-server looks for a body that was read already.
  Object.assign(request, { rawBody: Buffer.from(text) });
}

/** Before Fastify reads the body, which is ours to read. */
function mountFastify(app: FastifyLike, front: Front): void {
  app.addHook("onRequest", (request, reply, done) => {
    if (!front.owns(pathOf(request.raw))) {
      done();
      return;
    }
    reply.hijack();
    front.listen(request.raw, reply.raw);
  });
}

/** Sockets for other paths are left to whoever else listens; nobody else, and the socket is refused. */
function takeUpgrades(server: HttpServer, front: Front): void {
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    guardUpgrade(socket);
    const taken = front.owns(pathOf(request)) && front.upgrade(request, socket, head);
    if (!taken && server.listenerCount("upgrade") === 1) refuseUpgrade(socket, "404 Not Found");
  });
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "/";
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

function isHono(app: unknown): app is HonoLike {
  return hasFunctions(app, "fetch", "mount", "route");
}
function isExpress(app: unknown): app is ExpressLike {
  return hasFunctions(app, "use", "handle");
}
function isFastify(app: unknown): app is FastifyLike {
  return hasFunctions(app, "addHook", "register", "inject");
}

function hasFunctions(value: unknown, ...names: readonly string[]): boolean {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === "function");
}
