/* The HTTP side: secrets for browsers, offers of WebRTC calls, and what is done to calls from outside. */
import { asVoiceError, VoiceError } from "../base/errors.ts";
import { codes } from "../base/codes.ts";
import { writeClientEvent } from "../protocol/openai/client-events.ts";
import { type Complaint, invalid, isRecord } from "../protocol/openai/complaint.ts";
import { readSessionPatch } from "../protocol/openai/session-patch.ts";
import {
  mergeSession,
  newTranscriptionSession,
  newVoiceSession,
  type SessionPatch,
} from "../protocol/openai/session.ts";
import type { Pass, RealtimeCalls } from "./calls.ts";

/** Longest body, bytes: an offer of 64 KiB and a session with its tools. */
const BODY_LIMIT = 1024 * 1024;
const BASE = "/v1/realtime";
/** Life of a secret, seconds. */
const SECRET = { least: 10, most: 7_200, usual: 600 };

/** Answers a request below `/v1/realtime`; undefined for any other path. Never rejects. */
export function answerRequest(calls: RealtimeCalls, request: Request): Promise<Response> | undefined {
  const { pathname } = new URL(request.url);
  if (pathname !== BASE && !pathname.startsWith(`${BASE}/`)) return undefined;
  return answer(calls, request, pathname.slice(BASE.length))
    .catch((error: unknown) => {
      const { code, message, side } = asVoiceError(error, "bug");
      if (side === "library" && code === "bug") calls.options.platform.log.error("a request failed", { error });
      return refusal(codes[code].status, code === "bug" ? "The server failed." : message, code);
    })
    .then((response) => withOrigin(calls, request, response));
}

async function answer(calls: RealtimeCalls, request: Request, path: string): Promise<Response> {
  const origin = request.headers.get("origin") ?? undefined;
  if (!calls.isWelcome(origin)) return refusal(403, `Pages of ${origin} may not call.`);
  if (request.method === "OPTIONS") return new Response(null, { status: 204 });
  const [, id, action] = /^\/calls\/([\w-]+)\/(\w+)$/.exec(path) ?? [];
  const isKnown = path === "/client_secrets" || path === "/calls" || action !== undefined;
  if (!isKnown)
    return refusal(path === "" ? 426 : 404, path === "" ? "Connect with a WebSocket." : `There is no ${path}.`);
  if (request.method !== "POST") return refusal(405, "Use POST.");
  const key = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1] ?? request.headers.get("api-key");
  const pass = await calls.check(key ?? undefined);
  if (pass === undefined) return refusal(401, "Incorrect API key provided.", "invalid_api_key");
  if (path === "/calls") return offer(calls, request, pass);
  if (key?.startsWith("ek_") === true)
    return refusal(403, "A client secret opens sessions, nothing else.", "forbidden");
  if (path === "/client_secrets") return secret(calls, await jsonOf(request));
  return await act(calls, id ?? "", action ?? "", request);
}

async function secret(calls: RealtimeCalls, body: unknown): Promise<Response> {
  const given = isRecord(body) ? body : {};
  const after = given["expires_after"];
  const seconds = isRecord(after) ? (after["seconds"] ?? SECRET.usual) : SECRET.usual;
  if (typeof seconds !== "number" || !(seconds >= SECRET.least && seconds <= SECRET.most))
    return complaint(invalid("expires_after.seconds", `${SECRET.least} to ${SECRET.most}`, seconds));
  const patch = given["session"] === undefined ? undefined : readSessionPatch(given["session"]);
  if (patch !== undefined && "fault" in patch) return complaint(patch);
  const { value, expiresAt } = calls.secrets.make(patch, seconds);
  return Response.json({
    value,
    expires_at: Math.floor(expiresAt / 1000),
    session: sessionFrom(calls, patch, expiresAt),
  });
}

/** The session that a secret will open, as far as it is known now. */
function sessionFrom(calls: RealtimeCalls, patch: SessionPatch | undefined, expiresAt: number): unknown {
  const head = { id: calls.makeId("sess"), expiresAt };
  if (patch?.type === "transcription") return mergeSession(newTranscriptionSession(head), patch);
  const session = newVoiceSession({ ...head, ...calls.options.defaults, model: calls.options.model });
  return patch === undefined ? session : mergeSession(session, patch);
}

async function offer(calls: RealtimeCalls, request: Request, pass: Pass): Promise<Response> {
  const type = request.headers.get("content-type") ?? "";
  let sdp: string;
  let session = pass.session;
  if (type.startsWith("multipart/form-data")) {
    const form = await new Response(await bytesOf(request), { headers: { "content-type": type } })
      .formData()
      .catch(() => undefined);
    if (form === undefined) return refusal(400, "The form could not be read.");
    sdp = await partOf(form.get("sdp"));
    const text = await partOf(form.get("session"));
    const patch = text === "" ? undefined : readSessionPatch(parse(text));
    if (patch !== undefined && "fault" in patch) return complaint(patch);
    session = patch ?? session;
  } else if (type.startsWith("application/sdp")) {
    sdp = new TextDecoder().decode(await bytesOf(request));
  } else
    return refusal(415, "Send the offer as application/sdp, or as multipart/form-data with the parts sdp and session.");
  if (!sdp.startsWith("v=0")) return refusal(400, "The offer must be SDP that begins with v=0.", "invalid_offer");
  const { id, sdp: reply } = await calls.offer(sdp, session);
  return new Response(reply, {
    status: 201,
    headers: { "content-type": "application/sdp", location: `${BASE}/calls/${id}`, "cache-control": "no-store" },
  });
}

/**
 * What is done to a call from outside. Our calls do not come by SIP, so nothing rings: accept changes the session, reject
 * and refer check their form and end the call here.
 */
async function act(calls: RealtimeCalls, id: string, action: string, request: Request): Promise<Response> {
  const call = calls.find(id);
  if (call === undefined) return refusal(404, `No call with id '${id}'.`, "call_not_found");
  const body = await jsonOf(request);
  const given = isRecord(body) ? body : {};
  switch (action) {
    case "hangup":
      break;
    case "accept": {
      const patch = readSessionPatch(given, "session");
      if ("fault" in patch) return complaint(patch);
      call.receive(writeClientEvent({ type: "session.update", session: patch }));
      return new Response(null, { status: 200 });
    }
    case "reject": {
      const { status_code = 603 } = given;
      if (typeof status_code !== "number") return complaint(invalid("status_code", "a SIP status", status_code));
      break;
    }
    case "refer": {
      const { target_uri } = given;
      if (typeof target_uri !== "string" || !/^(tel|sips?):/.test(target_uri))
        return complaint(invalid("target_uri", "a tel: or sip: address", target_uri));
      break;
    }
    default:
      return refusal(404, `There is no ${action}.`);
  }
  void call.close(1000, action);
  return new Response(null, { status: 200 });
}

async function jsonOf(request: Request): Promise<unknown> {
  const text = new TextDecoder().decode(await bytesOf(request));
  return text.trim() === "" ? {} : parse(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new VoiceError("bad-message", "The body is not valid JSON.", { expose: true });
  }
}

async function bytesOf(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = new VoiceError("too-large", `The body may have ${BODY_LIMIT} bytes.`, { expose: true });
  if (Number(request.headers.get("content-length") ?? 0) > BODY_LIMIT) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > BODY_LIMIT) throw tooLarge;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** A part of a form, whether it came as a field or as a file. */
async function partOf(part: unknown): Promise<string> {
  if (typeof part === "string") return part;
  return part instanceof Blob ? await part.text() : "";
}

function complaint({ why, code, param }: Complaint): Response {
  return Response.json({ error: { message: why, type: "invalid_request_error", code, param } }, { status: 400 });
}

function refusal(status: number, message: string, code: string | null = null): Response {
  return Response.json({ error: { message, type: "invalid_request_error", code, param: null } }, { status });
}

function withOrigin(calls: RealtimeCalls, request: Request, response: Response): Response {
  const origin = request.headers.get("origin");
  if (origin === null || !calls.isWelcome(origin)) return response;
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("vary", "origin");
  response.headers.set("access-control-expose-headers", "location");
  if (request.method === "OPTIONS") {
    response.headers.set("access-control-allow-methods", "POST");
    response.headers.set("access-control-allow-headers", request.headers.get("access-control-request-headers") ?? "");
    response.headers.set("access-control-max-age", "600");
  }
  return response;
}
