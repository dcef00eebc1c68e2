/*
 * Talking to the server before there is a call: its configuration, the offer, candidates. Every failure becomes a
 * VoiceError with the code that says what to do.
 */
import { type Code, codes } from "../base/codes.ts";
import { isFault, VoiceError } from "../base/errors.ts";
import { type PageConfig, readPageConfig } from "../protocol/config.ts";
import { isRecord } from "../protocol/page.ts";

/** Answers of the server come at once or not at all: it does no slow work before them. */
const TIMEOUT_MS = 10_000;

export interface Signalling {
  /** Reads `GET /config`. */
  config(): Promise<PageConfig>;
  offer(body: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Answer>;
  candidates(id: string, candidates: readonly RTCIceCandidateInit[], batch: boolean): Promise<void>;
}

export interface Answer {
  readonly sdp: string;
  /** The session's id, made by the server; the page's own where the server gives none. */
  readonly id: string;
  /** Candidates may come several in one message. */
  readonly batch: boolean;
}

export interface SignallingOptions {
  readonly baseUrl: string;
  readonly auth?: string | (() => string | Promise<string>);
}

export function createSignalling({ baseUrl, auth }: SignallingOptions): Signalling {
  const request = async (path: string, init: RequestInit, signal?: AbortSignal): Promise<unknown> => {
    const token = typeof auth === "function" ? await auth() : auth;
    const headers: Record<string, string> = { accept: "application/json" };
    if (init.body !== undefined) headers["content-type"] = "application/json";
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const both = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(new URL(path, baseUrl), { ...init, headers, signal: both });
      body = await response.json().catch(() => undefined);
    } catch (error) {
      signal?.throwIfAborted();
      throw new VoiceError("server-unreachable", "the server did not answer", { cause: error });
    }
    const failure = toServerError(response.status, body, response.headers.get("retry-after"));
    if (failure !== undefined) throw failure;
    return body;
  };
  const post = (body: unknown, signal?: AbortSignal): Promise<unknown> =>
    request("webrtc/offer", { method: "POST", body: JSON.stringify(body) }, signal);

  return {
    async config() {
      const config = readPageConfig(await request("config", {}));
      if (isFault(config))
        throw new VoiceError(config.fault, `the server's configuration cannot be read: ${config.why}`);
      return config;
    },
    async offer(body, signal) {
      const answer = await post({ v: 1, type: "offer", ...body }, signal);
      if (!isRecord(answer) || typeof answer["sdp"] !== "string" || answer["type"] !== "answer") {
        throw new VoiceError("protocol", "the server's answer holds no SDP");
      }
      const id = typeof answer["id"] === "string" ? answer["id"] : String(body["webrtc_id"]);
      return { sdp: answer["sdp"], id, batch: answer["batch"] === true };
    },
    async candidates(id, candidates, batch) {
      const rest = { webrtc_id: id, type: "ice-candidate" };
      if (batch) await post({ candidates, ...rest });
      else for (const candidate of candidates) await post({ candidate, ...rest });
    },
  };
}

/** What the server calls its refusals on the wire. FastRTC sends them with status 200, so they are looked at first. */
const refusals: Readonly<Record<string, Code>> = {
  concurrency_limit_reached: "concurrency-limit",
  rate_limited: "rate-limited",
  connection_already_exists: "session-exists",
  unknown_connection: "unknown-session",
  connection_closed: "unknown-session",
  budget_exceeded: "budget",
  unauthorized: "unauthorized",
  forbidden: "forbidden",
  draining: "draining",
  overloaded: "overloaded",
  webrtc_unavailable: "unsupported",
  unsupported_track: "unsupported",
  no_common_codec: "unsupported",
  invalid_sdp: "bad-offer",
};

const statuses: Readonly<Record<number, Code>> = {
  401: "unauthorized",
  402: "budget",
  403: "forbidden",
  404: "unsupported",
  409: "session-exists",
  413: "too-large",
  422: "bad-offer",
  429: "concurrency-limit",
  501: "unsupported",
};

/** The error an answer stands for; undefined when it is none. */
export function toServerError(status: number, body: unknown, retryAfter: string | null): VoiceError | undefined {
  const refused = isRecord(body) && body["status"] === "failed";
  if (status >= 200 && status < 300 && !refused) return undefined;
  const meta = isRecord(body) && isRecord(body["meta"]) ? body["meta"] : {};
  const name = typeof meta["error"] === "string" ? meta["error"] : "";
  const code = codeOf(name) ?? statuses[status] ?? (refused ? "agent-error" : "server-unreachable");
  const retryAfterMs = Number(retryAfter ?? "") * 1000;
  return new VoiceError(code, messageOf(code, name, status), {
    meta: { status, ...(retryAfterMs > 0 && { retryAfterMs }), ...meta },
  });
}

/** By FastRTC's name for it, or by our own. */
function codeOf(name: string): Code | undefined {
  if (Object.hasOwn(refusals, name)) return refusals[name];
  return Object.keys(codes).find((code): code is Code => code === name);
}

function messageOf(code: Code, name: string, status: number): string {
  if (code === "concurrency-limit") return "all lines are busy";
  if (code === "server-unreachable") return `the server answered with status ${status}`;
  return name === ""
    ? `the server refused with status ${status}`
    : `the server refused: ${name.replaceAll(/[_-]/g, " ")}`;
}
