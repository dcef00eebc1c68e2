/*
 * Calls that we place: one request to the carrier, whose answer URL is the webhook of incoming calls. Off unless somebody
 * calls it: calls cost money, so numbers are checked against what may be called.
 */
import type { Code } from "../../base/codes.ts";
import { VoiceError } from "../../base/errors.ts";
import type { Millis } from "../../base/time.ts";
import { isRecord } from "../../protocol/page.ts";

export interface DialOptions {
  /** Whom to call, E.164: `+` and 7 to 15 digits. */
  readonly to: string;
  /** A number of the account. */
  readonly from: string;
  /** The public address of the mount, as for `createTelephone`. */
  readonly publicUrl: string;
  readonly accountSid: string;
  readonly authToken: string;
  /** Beginnings of numbers that may be called, such as `+49`. Default: all. */
  readonly allow?: readonly string[];
  /** Reach the handler as `session.call.parameters`. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** How long it may ring, s. Default: the carrier's own limit. */
  readonly ringSeconds?: number;
  /** How long the carrier may take to answer a request, ms. Default 10 000. */
  readonly timeoutMs?: Millis;
  /** Default: Twilio's API. */
  readonly baseUrl?: string;
  readonly signal?: AbortSignal;
}

export interface DialedCall {
  readonly callId: string;
  /** Ends the call, whatever state it is in. */
  hangup(): Promise<void>;
}

const NUMBER = /^\+[1-9]\d{6,14}$/;

/**
 * Places a call. Resolves when the carrier has accepted it, before it rings. Throws RangeError for numbers that are none,
 * VoiceError `forbidden` for those that may not be called, and `provider-…` for what the carrier says.
 */
export async function dial(options: DialOptions): Promise<DialedCall> {
  const { to, from, publicUrl, allow, parameters = {}, ringSeconds } = options;
  for (const [name, number] of Object.entries({ to, from })) {
    if (!NUMBER.test(number))
      throw new RangeError(`${name} must be a number like +4930123456, got ${JSON.stringify(number)}`);
  }
  if (allow !== undefined && !allow.some((beginning) => to.startsWith(beginning))) {
    throw new VoiceError("forbidden", "this number may not be called", { expose: true });
  }
  const query = new URLSearchParams(parameters).toString();
  const answer = await post(options, "Calls.json", {
    To: to,
    From: from,
    Url: `${publicUrl.replace(/\/+$/, "")}/telephone/incoming${query === "" ? "" : `?${query}`}`,
    Method: "POST",
    ...(ringSeconds === undefined ? {} : { Timeout: String(ringSeconds) }),
  });
  const callId = isRecord(answer) ? answer["sid"] : undefined;
  if (typeof callId !== "string" || !/^[\w-]{1,128}$/.test(callId)) {
    throw new VoiceError("provider-unavailable", "the carrier's answer names no call");
  }
  return {
    callId,
    async hangup() {
      await post(options, `Calls/${callId}.json`, { Status: "completed" });
    },
  };
}

async function post(options: DialOptions, path: string, form: Readonly<Record<string, string>>): Promise<unknown> {
  const { accountSid, authToken, baseUrl = "https://api.twilio.com", timeoutMs = 10_000, signal } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${baseUrl}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/${path}`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
        accept: "application/json",
      },
      body: new URLSearchParams(form).toString(),
      // The credentials go to the address that was configured and to no other.
      redirect: "error",
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    text = await response.text();
  } catch (cause) {
    signal?.throwIfAborted();
    if (timeout.aborted)
      throw new VoiceError("provider-timeout", `the carrier did not answer within ${timeoutMs} ms`, { cause });
    throw new VoiceError("provider-unavailable", "the carrier cannot be reached", { cause });
  }
  const answer = parse(text);
  if (response.ok) return answer;
  const details = isRecord(answer) ? { providerCode: answer["code"], providerMessage: answer["message"] } : {};
  throw new VoiceError(codeOf(response.status), `the carrier refused the request with status ${response.status}`, {
    meta: { status: response.status, ...details },
  });
}

function codeOf(status: number): Code {
  if (status === 401 || status === 403) return "provider-auth";
  if (status === 429) return "provider-limit";
  return status >= 500 ? "provider-unavailable" : "provider-config";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
