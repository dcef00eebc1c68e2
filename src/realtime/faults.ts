/*
 * What a provider complains about, as our errors. Decisions are made on its codes, never on its sentences; these are kept
 * in `meta` for the log.
 */
import type { Code } from "../base/codes.ts";
import { VoiceError } from "../base/errors.ts";
import { isRecord } from "../protocol/openai/complaint.ts";

/** The provider's codes that mean more than "it did not work". */
const codes: Readonly<Record<string, Code>> = {
  beta_api_shape_disabled: "beta-protocol",
  invalid_api_key: "provider-auth",
  account_deactivated: "provider-auth",
  session_expired: "provider-expired",
  rate_limit_exceeded: "provider-limit",
  insufficient_quota: "provider-limit",
  billing_hard_limit_reached: "provider-limit",
  model_not_found: "provider-config",
  cannot_update_voice: "provider-config",
  missing_required_parameter: "provider-config",
  unknown_parameter: "provider-config",
  invalid_value: "provider-config",
  server_error: "provider-unavailable",
};

/** No attempt will succeed before a person has done something. */
const hopeless: ReadonlySet<unknown> = new Set(["insufficient_quota", "billing_hard_limit_reached"]);

/** Takes secrets out of a text that somebody else wrote. */
export type Scrub = (text: string) => string;

/** What looks like a key: providers quote them, more or less masked, when they refuse them. */
export const maskKeys: Scrub = (text) => text.replaceAll(/\b(?:sk|ek|xai|key)[-_][\w*.-]{4,}/g, "***");

/** An error as the provider wrote it: `{type, code?, message}`. */
export function providerError(error: unknown, message: string, scrub: Scrub = maskKeys): VoiceError {
  const { type, code, message: said, param } = isRecord(error) ? error : {};
  const known = typeof code === "string" ? codes[code] : undefined;
  const fallback: Code = type === "invalid_request_error" ? "provider-config" : "provider-unavailable";
  return new VoiceError(known ?? fallback, message, {
    meta: { ...meta("code", code), ...meta("type", type), ...meta("param", param), ...meta("said", said, scrub) },
  });
}

/** An answer to the opening handshake that was not an open socket. `retryAfterMs` is the provider's wish. */
export function refusalError(status: number, retryAfterMs: number | undefined): VoiceError {
  return new VoiceError(codeOfStatus(status), `the provider refused the connection with status ${status}`, {
    meta: { status, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  });
}

/** A closed socket. */
export function closeError(code: number, reason: string, scrub: Scrub = maskKeys): VoiceError {
  const known: Code = code === 1001 ? "provider-expired" : code === 3000 ? "provider-auth" : "provider-unavailable";
  return new VoiceError(known, `the provider closed the connection with code ${code}`, {
    meta: { close: code, ...meta("said", reason, scrub) },
  });
}

/** Whether the same attempt cannot succeed later. */
export function isFinal(error: VoiceError): boolean {
  return !error.retryable || hopeless.has(error.meta["code"]);
}

function codeOfStatus(status: number): Code {
  if (status === 401 || status === 403) return "provider-auth";
  if (status === 408) return "provider-timeout";
  if (status === 429) return "provider-limit";
  return status >= 400 && status < 500 ? "provider-config" : "provider-unavailable";
}

function meta(name: string, value: unknown, scrub: Scrub = maskKeys): Readonly<Record<string, string>> {
  return typeof value === "string" && value !== "" ? { [name]: scrub(value.slice(0, 300)) } : {};
}
