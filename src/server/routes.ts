/*
 * The HTTP side of a stream: offers, configuration, health and the page. Bodies are bounded before they are parsed, and
 * every refusal is a JSON body with a code.
 */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { asVoiceError } from "../base/errors.ts";
import { codes } from "../base/codes.ts";
import type { Platform } from "../base/platform.ts";
import type { PageConfig } from "../protocol/config.ts";
import type { Offers } from "../transports/webrtc/offers.ts";
import type { PageFile } from "./page.ts";

/** The largest body of any request, bytes: an SDP offer of a browser has 2 to 8 kB. */
export const BODY_LIMIT: number = 256 * 1024;

export interface RoutesOptions {
  readonly platform: Platform;
  readonly offers: Offers;
  readonly config: PageConfig;
  readonly page: ReadonlyMap<string, PageFile>;
  /** What `/health` tells: `ok` while calls are taken. */
  health(): { readonly status: "ok" | "draining"; readonly sessions: number };
}

/** Builds the routes below an empty prefix. */
export function routes({ platform, offers, config, page, health }: RoutesOptions): Hono {
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: BODY_LIMIT,
      onError: (c) => refuse(c, "too-large", `a body may have ${BODY_LIMIT} bytes`),
    }),
  );
  app.get("/health", (c) => {
    const state = health();
    return c.json({ ...state, uptimeMs: Math.round(platform.clock.now()) }, state.status === "ok" ? 200 : 503);
  });
  app.get("/config", (c) => c.json(config));
  app.post("/webrtc/offer", async (c) => {
    const text = await c.req.text();
    const { status, body } = await offers.receive(text);
    return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  });
  app.get("*", (c) => {
    const file = page.get(new URL(c.req.url).pathname);
    if (file === undefined) return refuse(c, "unknown-session", "there is nothing at this address", 404);
    return new Response(file.body, { headers: file.headers });
  });
  app.notFound((c) => refuse(c, "bad-message", "there is nothing at this address for this method", 404));
  app.onError((error, c) => {
    const wrapped = asVoiceError(error, "bug");
    platform.log.error("a request failed", { path: c.req.path, error });
    return refuse(c, wrapped.code, wrapped.expose ? wrapped.message : codes[wrapped.code].cure);
  });
  return app;
}

function refuse(c: Context, code: keyof typeof codes, message: string, status: number = codes[code].status): Response {
  return new Response(JSON.stringify({ status: "failed", meta: { error: code, message } }), {
    status,
    headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
  });
}
