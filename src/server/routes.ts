/*
 * The HTTP routes of a stream: offers, inputs and outputs beside the media, configuration, health, figures and the page.
 * Bodies are bounded before they are parsed, and every refusal is a JSON body with a code.
 */
import { type Context, Hono } from "hono";
import { type Code, codes } from "../base/codes.ts";
import { asVoiceError, VoiceError } from "../base/errors.ts";
import { MemoryMeters } from "../base/meters.ts";
import type { PageConfig } from "../protocol/config.ts";
import { isRecord } from "../protocol/page.ts";
import type { ResumeTokens } from "../protocol/resume.ts";
import { isSafe } from "../protocol/safe.ts";
import type { Calls } from "../session/calls.ts";
import type { Offers } from "../transports/webrtc/offers.ts";
import type { Telephone } from "../transports/telephone/index.ts";
import { readText } from "./body.ts";
import { processFigures, prometheus } from "./metrics.ts";
import { corsHeaders, mayCome } from "./origins.ts";
import type { PageFile } from "./page.ts";
import { sseResponse } from "./sse.ts";
import { withRtcConfiguration } from "./stock-page.ts";
import type { Stream } from "./stream.ts";

/** The largest body of any request, bytes: an SDP offer of a browser has 2 to 8 kB. */
const BODY_LIMIT = 256 * 1024;
const NO_PAGE = "there is nothing at this address: the page was not built (npm run build)";
/** How long a page that subscribes before its call is up is kept waiting, ms. */
const OUTPUTS_WAIT = 10_000;

export interface RoutesOptions<In> {
  readonly stream: Stream<In>;
  readonly calls: Calls<In>;
  readonly offers: Offers;
  readonly telephone: Telephone | undefined;
  readonly page: ReadonlyMap<string, PageFile>;
  readonly resume: ResumeTokens;
  /** Under which the routes are reached from outside: the telephone's carrier signs whole addresses. */
  readonly prefix: string;
}

/** Builds the routes below an empty prefix. */
export function routes<In>({ stream, calls, offers, telephone, page, resume, prefix }: RoutesOptions<In>): Hono {
  const { platform } = stream;
  const app = new Hono();
  const { origins = [] } = stream.options;
  app.use(async (c, next) => {
    const origin = c.req.header("origin");
    const cors = corsHeaders(origin, origins);
    if (c.req.method === "OPTIONS") return c.body(null, 204, cors);
    if (c.req.method !== "GET" && !mayCome(origin, c.req.header("host"), origins)) {
      return refuse(
        c,
        "forbidden",
        `pages of ${origin ?? "elsewhere"} may not use this server: see the option origins`,
      );
    }
    await next();
    for (const [name, value] of Object.entries(cors)) c.res.headers.set(name, value);
    // Answers are about this moment, and `/ice` may carry a password: only the page's files may be kept.
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
    return undefined;
  });

  app.get("/health", (c) => {
    const status = calls.draining ? "draining" : "ok";
    const body = { status, sessions: calls.sessions.size, uptimeMs: Math.round(platform.clock.now()) };
    return c.json(body, status === "ok" ? 200 : 503);
  });
  app.get("/config", (c) => c.json(pageConfig(stream)));
  app.get("/ice", async (c) => c.json(await stream.rtc()));
  app.get("/metrics", (c) => {
    const { meters } = platform;
    return c.text(processFigures() + (meters instanceof MemoryMeters ? prometheus(meters) : ""), 200, {
      "content-type": "text/plain; version=0.0.4",
    });
  });
  app.post("/webrtc/offer", async (c) => {
    const { status, body, retryAfterMs } = await offers.receive(await readJson(c));
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (retryAfterMs !== undefined) headers["retry-after"] = String(Math.ceil(retryAfterMs / 1000));
    return new Response(JSON.stringify(body), { status, headers });
  });
  app.post("/input_hook", async (c) => {
    const json = await readJson(c);
    if (!isRecord(json) || typeof json["webrtc_id"] !== "string")
      throw new VoiceError("bad-message", "webrtc_id must be a string");
    const { webrtc_id: id, ...values } = json;
    calls.post(String(id), unwrap(values));
    return c.json({ status: "ok" });
  });
  // What a page sends with its last breath, as a beacon: no headers, so the right to end the call is in the body.
  app.post("/end", async (c) => {
    const json = await readJson(c);
    const token = isRecord(json) ? json["resume"] : undefined;
    const session = typeof token === "string" ? resume.take(token, platform.clock.now()) : undefined;
    if (typeof session !== "string") return refuse(c, "resume-expired", "the token is not valid any more");
    void calls.get(session)?.close(new VoiceError("hung-up", "the page was closed"));
    return c.json({ status: "ok" });
  });
  app.get("/outputs", async (c) => {
    // Hono answers HEAD with the head of GET: a subscription that nobody reads must not begin.
    if (c.req.method === "HEAD") return c.body(null, 200, { "content-type": "text/event-stream" });
    const id = c.req.query("webrtc_id") ?? "";
    const after = c.req.header("last-event-id");
    const place = after === undefined ? {} : { after: Number(after) || 0 };
    const found = await calls.outputs(id, { ...place, timeoutMs: OUTPUTS_WAIT });
    if (found === undefined) return refuse(c, "unknown-session", "there is no such session");
    if (found === "ended") return c.body(null, 204);
    return sseResponse(found, { envelope: c.req.query("v") === "1" });
  });
  if (telephone !== undefined) phoneRoutes(app, telephone, prefix);
  const { html, rtc } = stream.options;
  if (html !== undefined)
    app.get("/", async (c) => c.html(withRtcConfiguration(html, rtc === undefined ? undefined : await stream.rtc())));
  app.get("*", (c) => {
    const file = page.get(new URL(c.req.url).pathname);
    if (file === undefined)
      return refuse(c, "unknown-session", page.size === 0 ? NO_PAGE : "there is nothing at this address");
    return new Response(file.body, { headers: file.headers });
  });

  app.notFound((c) => refuse(c, "bad-message", "there is nothing at this address for this method", 404));
  app.onError((error, c) => {
    const wrapped = asVoiceError(error, "bug");
    if (wrapped.code === "bug") platform.log.error("a request failed", { path: c.req.path, error });
    return refuse(c, wrapped.code, wrapped.code === "bug" ? codes.bug.cure : wrapped.message);
  });
  return app;
}

/** The carrier's webhooks: by form or by query, as it was set up. */
function phoneRoutes(app: Hono, telephone: Telephone, prefix: string): void {
  const answer = (ask: Telephone["incomingCall"]) => async (c: Context) => {
    const headers = Object.fromEntries(c.req.raw.headers);
    const body = c.req.method === "POST" ? { body: await readText(c.req.raw, BODY_LIMIT) } : {};
    const { pathname, search } = new URL(c.req.url);
    const reply = await ask({ method: c.req.method, url: prefix + pathname + search, headers, ...body });
    return new Response(reply.body, { status: reply.status, headers: reply.headers });
  };
  app.on(
    ["GET", "POST"],
    "/telephone/incoming",
    answer((request) => telephone.incomingCall(request)),
  );
  app.on(
    ["GET", "POST"],
    "/telephone/continue",
    answer((request) => telephone.continueCall(request)),
  );
}

/** What the page has to know; a handler without agents of its own has one. */
export function pageConfig<In>({ options, parts }: Stream<In>): PageConfig {
  const { page = {}, concurrencyLimit, timeLimitMs } = options;
  return {
    v: 1,
    title: "repartee",
    agents: [{ name: "agent", tools: [] }],
    parts,
    suggestions: [],
    features: { text: true, interrupt: true, tuning: false },
    limits: {
      ...(concurrencyLimit === undefined ? {} : { concurrency: concurrencyLimit }),
      ...(timeLimitMs === undefined ? {} : { timeLimitMs }),
    },
    ...page,
  };
}

async function readJson(c: Context): Promise<unknown> {
  const text = await readText(c.req.raw, BODY_LIMIT);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new VoiceError("bad-message", "the body must be JSON", { cause });
  }
  if (isSafe(json)) return json;
  throw new VoiceError("bad-message", "the body may be 32 levels deep and have no key that names a prototype");
}

/** Pages send their inputs beside the id, or all of them in one member `inputs`. */
function unwrap(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { inputs } = values;
  return Object.keys(values).length === 1 && isRecord(inputs) ? inputs : values;
}

function refuse(_: Context, code: Code, message: string, status: number = codes[code].status): Response {
  return new Response(JSON.stringify({ status: "failed", meta: { error: code, message } }), {
    status,
    headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
  });
}
