/*
 * Bodies of `POST /webrtc/offer`: an SDP offer or ICE candidates in, an answer or a refusal out.
 *
 * Two profiles on one address. `fastrtc`: what a stock page sends, answered with FastRTC's bodies, whose own refusals come
 * with status 200 because its pages look only at the body. `v1`: a client that said `"v": 1`; the same bodies with true
 * statuses and more members.
 */
import { type Code, codes } from "../base/codes.ts";
import type { Fault, VoiceError } from "../base/errors.ts";
import { isRecord } from "./page.ts";
import { SDP_LIMIT } from "./sdp.ts";

export type Profile = "fastrtc" | "v1";

export interface Offer {
  readonly type: "offer";
  readonly profile: Profile;
  /** The client's own name for this call: a label, never a permission. */
  readonly id: string;
  readonly sdp: string;
  /** v1: an ICE restart of a living call. */
  readonly restart: boolean;
  /** v1: the token of a session to come back to. */
  readonly resume?: string;
  readonly agent?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

export interface Candidate {
  /** The candidate line; empty for the end of candidates. */
  readonly candidate: string;
  readonly sdpMid?: string;
  readonly sdpMLineIndex?: number;
  readonly usernameFragment?: string;
}

export interface Trickle {
  readonly type: "trickle";
  readonly profile: Profile;
  readonly id: string;
  readonly candidates: readonly Candidate[];
}

/** Names of refusals on the wire; those of FastRTC first. */
export type Refusal =
  | "concurrency_limit_reached"
  | "connection_already_exists"
  | "unknown_connection"
  | "connection_closed"
  | "invalid_candidate_format"
  | "invalid_request"
  | "invalid_sdp"
  | "unsupported_track"
  | "too_large"
  | "unauthorized"
  | "forbidden"
  | "rate_limited"
  | "overloaded"
  | "draining"
  | "webrtc_unavailable"
  | "restart_impossible"
  | "resume_expired"
  | "internal_error";

/** A body that cannot be taken. Knows enough to be answered. */
export interface SignalFault extends Fault {
  readonly refusal: Refusal;
  readonly profile: Profile;
}

/** What goes back over HTTP. `body` is to be written as JSON. */
export interface SignalReply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** For a `Retry-After` header, in ms. */
  readonly retryAfterMs?: number;
}

/** Most characters of an id. Stock pages send 5 or 6, UUIDs have 36. */
const ID_LIMIT = 128;
/** Most candidates in one body and waiting for one call. */
export const CANDIDATE_LIMIT = 64;
const CANDIDATE_LENGTH = 512;

/** Status per refusal: for stock pages, for v1 clients. */
const statuses: Readonly<Record<Refusal, readonly [number, number]>> = {
  concurrency_limit_reached: [200, 429],
  connection_already_exists: [200, 409],
  unknown_connection: [200, 404],
  connection_closed: [200, 410],
  invalid_candidate_format: [200, 422],
  invalid_request: [422, 422],
  invalid_sdp: [422, 422],
  unsupported_track: [422, 422],
  too_large: [413, 413],
  unauthorized: [401, 401],
  forbidden: [403, 403],
  rate_limited: [429, 429],
  overloaded: [503, 503],
  draining: [503, 503],
  webrtc_unavailable: [503, 503],
  restart_impossible: [409, 409],
  resume_expired: [410, 410],
  internal_error: [500, 500],
};

const refusals: Partial<Readonly<Record<Code, Refusal>>> = {
  "concurrency-limit": "concurrency_limit_reached",
  "session-exists": "connection_already_exists",
  "unknown-session": "unknown_connection",
  closed: "connection_closed",
  "bad-message": "invalid_request",
  "bad-offer": "invalid_sdp",
  unsupported: "unsupported_track",
  "too-large": "too_large",
  unauthorized: "unauthorized",
  forbidden: "forbidden",
  "rate-limited": "rate_limited",
  "provider-limit": "overloaded",
  overloaded: "overloaded",
  draining: "draining",
  "missing-peer": "webrtc_unavailable",
  "resume-expired": "resume_expired",
};

/** What a refusal means to the one who was refused; undefined for a name this version does not know. */
export function codeOfRefusal(name: string): Code | undefined {
  const known = Object.entries(refusals).find(([, refusal]) => refusal === name)?.[0];
  return isCode(known) ? known : undefined;
}

/** Reads a body of `POST /webrtc/offer`, already parsed from JSON. Unknown members are ignored. Never throws. */
export function readSignal(json: unknown): Offer | Trickle | SignalFault {
  if (!isRecord(json)) return refuse("fastrtc", "invalid_request", "bad-message", "the body must be an object");
  const profile: Profile = json["v"] === 1 ? "v1" : "fastrtc";
  const { type, webrtc_id: id } = json;
  if (typeof id !== "string" || id === "" || typeof type !== "string") {
    return refuse(profile, "invalid_request", "bad-message", "the body must have type and webrtc_id");
  }
  if (id.length > ID_LIMIT) {
    return refuse(profile, "too_large", "too-large", `webrtc_id may have ${ID_LIMIT} characters, got ${id.length}`);
  }
  if (type === "offer") return readOfferBody(json, profile, id);
  if (type === "ice-candidate" || "candidate" in json || "candidates" in json) return readTrickle(json, profile, id);
  return refuse(profile, "invalid_request", "bad-message", "type must be offer or ice-candidate");
}

function readOfferBody(json: Record<string, unknown>, profile: Profile, id: string): Offer | SignalFault {
  const { sdp, resume, agent, inputs } = json;
  if (typeof sdp !== "string") return refuse(profile, "invalid_sdp", "bad-offer", "sdp must be a string");
  if (sdp.length > SDP_LIMIT) {
    return refuse(profile, "too_large", "too-large", `sdp may have ${SDP_LIMIT} characters, got ${sdp.length}`);
  }
  const offer: Offer = { type: "offer", profile, id, sdp, restart: profile === "v1" && json["restart"] === true };
  if (profile === "fastrtc") return offer;
  return {
    ...offer,
    ...(typeof resume === "string" && resume.length <= 256 ? { resume } : {}),
    ...(typeof agent === "string" && agent.length <= ID_LIMIT ? { agent } : {}),
    ...(isRecord(inputs) ? { inputs } : {}),
  };
}

function readTrickle(json: Record<string, unknown>, profile: Profile, id: string): Trickle | SignalFault {
  const wrong = (why: string): SignalFault => refuse(profile, "invalid_candidate_format", "bad-message", why);
  const list = Array.isArray(json["candidates"]) ? json["candidates"] : [json["candidate"]];
  if (list.length > CANDIDATE_LIMIT) return wrong(`a body may have ${CANDIDATE_LIMIT} candidates, got ${list.length}`);
  const candidates: Candidate[] = [];
  for (const one of list) {
    // `null` is how some pages say that there are no more.
    const read = one === null ? { candidate: "" } : readCandidate(one);
    if (read === undefined) return wrong("a candidate must be {candidate, sdpMid?, sdpMLineIndex?, usernameFragment?}");
    candidates.push(read);
  }
  return { type: "trickle", profile, id, candidates };
}

function readCandidate(json: unknown): Candidate | undefined {
  if (!isRecord(json) || typeof json["candidate"] !== "string" || json["candidate"].length > CANDIDATE_LENGTH)
    return undefined;
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = json;
  if (candidate !== "" && !/^(a=)?candidate:[\x20-\x7e]+$/.test(candidate)) return undefined;
  return {
    candidate,
    ...(typeof sdpMid === "string" && sdpMid.length <= 16 ? { sdpMid } : {}),
    ...(Number.isInteger(sdpMLineIndex) ? { sdpMLineIndex: Number(sdpMLineIndex) } : {}),
    ...(typeof usernameFragment === "string" && usernameFragment.length <= 256 ? { usernameFragment } : {}),
  };
}

/** The answer to an offer. `more` goes to v1 clients only: `id`, `resume`, `expiresIn`. */
export function writeAnswer(sdp: string, profile: Profile, more: Readonly<Record<string, unknown>> = {}): SignalReply {
  const body = { sdp, type: "answer" };
  return { status: 200, body: profile === "v1" ? { ...body, v: 1, trickle: true, batch: true, ...more } : body };
}

/** The answer to candidates. */
export function writeSuccess(): SignalReply {
  return { status: 200, body: { status: "success" } };
}

/** A refusal in FastRTC's body with the status of the profile. Members of `meta` stand beside its `error`. */
export function writeRefusal(
  refusal: Refusal,
  profile: Profile,
  meta: Readonly<Record<string, unknown>> = {},
): SignalReply {
  const [stock, v1] = statuses[refusal];
  const { retryAfterMs } = meta;
  return {
    status: profile === "v1" ? v1 : stock,
    body: { status: "failed", meta: { ...meta, error: refusal } },
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
  };
}

/** The refusal for an error of ours. Its message is told only when it may be shown. */
export function refusalOf(error: VoiceError, profile: Profile): SignalReply {
  const { limit, retryAfterMs } = error.meta;
  return writeRefusal(refusals[error.code] ?? "internal_error", profile, {
    ...(error.expose ? { message: error.message } : {}),
    ...(typeof limit === "number" ? { limit } : {}),
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
  });
}

/** The refusal for a body or description that could not be read. The reason goes to v1 clients only. */
export function refusalOfFault({ fault, why }: Fault, profile: Profile): SignalReply {
  return writeRefusal(refusals[fault] ?? "invalid_request", profile, profile === "v1" ? { why } : {});
}

function isCode(name: string | undefined): name is Code {
  return name !== undefined && Object.hasOwn(codes, name);
}

function refuse(profile: Profile, refusal: Refusal, fault: Code, why: string): SignalFault {
  return { fault, why, refusal, profile };
}
