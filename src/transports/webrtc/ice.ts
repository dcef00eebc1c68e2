/*
 * Where callers behind strict networks get their relay: credentials of the usual TURN services, fetched per session and
 * kept until most of their life is over. Nothing here is needed on one machine or in one network.
 */
import { createHmac } from "node:crypto";
import { asVoiceError, VoiceError } from "../../base/errors.ts";

export interface IceServer {
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** What a browser needs for its peer connection. */
export interface RtcConfig {
  readonly iceServers: readonly IceServer[];
  readonly iceTransportPolicy?: "all" | "relay";
  /** How long the credentials live, s. */
  readonly ttl?: number;
}

/** Answers the configuration for the next caller. */
export type RtcSource = () => Promise<RtcConfig>;

/** Time a credentials service may take, ms. */
const TIMEOUT = 5_000;
/** Share of their life after which credentials are fetched anew. */
const REFRESH = 0.8;
/** Life of credentials, s: a call that lasts longer refreshes them. */
const TTL = 600;

interface Common {
  /** Life of the credentials, s. Default 600. */
  readonly ttl?: number;
  /** "relay" forbids direct connections. Default "all". */
  readonly policy?: "all" | "relay";
  /** Milliseconds since 1970; default the machine's clock. */
  readonly now?: () => number;
}

/** A TURN server with a fixed user and password. */
export function staticTurn({ policy, ...server }: IceServer & Pick<Common, "policy">): RtcSource {
  const config = withPolicy({ iceServers: [server] }, policy);
  return () => Promise.resolve(config);
}

/**
 * A coturn server with `use-auth-secret`: user names carry their expiry and passwords are an HMAC over them, so the server
 * needs no list of users (draft-uberti-behave-turn-rest-00).
 */
export function coturnTurn({
  urls,
  secret,
  user = "repartee",
  ttl = TTL,
  policy,
  now = Date.now,
}: Common & { readonly urls: string | readonly string[]; readonly secret: string; readonly user?: string }): RtcSource {
  return () => {
    const username = `${Math.floor(now() / 1000) + ttl}:${user}`;
    const credential = createHmac("sha1", secret).update(username).digest("base64");
    return Promise.resolve(withPolicy({ iceServers: [{ urls, username, credential }], ttl }, policy));
  };
}

/** Cloudflare Calls TURN. Key and token default to `CLOUDFLARE_TURN_KEY_ID` and `CLOUDFLARE_TURN_KEY_API_TOKEN`. */
export function cloudflareTurn({
  keyId = process.env["CLOUDFLARE_TURN_KEY_ID"],
  apiToken = process.env["CLOUDFLARE_TURN_KEY_API_TOKEN"],
  ttl = TTL,
  policy,
  now = Date.now,
  baseUrl = "https://rtc.live.cloudflare.com",
}: Common & { readonly keyId?: string; readonly apiToken?: string; readonly baseUrl?: string } = {}): RtcSource {
  const url = `${baseUrl}/v1/turn/keys/${encodeURIComponent(need(keyId, "keyId", "CLOUDFLARE_TURN_KEY_ID"))}/credentials/generate-ice-servers`;
  const token = need(apiToken, "apiToken", "CLOUDFLARE_TURN_KEY_API_TOKEN");
  return cached(now, async () => {
    const answer = await post("Cloudflare", url, {
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ ttl }),
    });
    return withPolicy({ iceServers: readServers("Cloudflare", answer["iceServers"]), ttl }, policy);
  });
}

/** Twilio's network traversal service. Account and token default to `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN`. */
export function twilioTurn({
  accountSid = process.env["TWILIO_ACCOUNT_SID"],
  authToken = process.env["TWILIO_AUTH_TOKEN"],
  ttl = TTL,
  policy,
  now = Date.now,
  baseUrl = "https://api.twilio.com",
}: Common & { readonly accountSid?: string; readonly authToken?: string; readonly baseUrl?: string } = {}): RtcSource {
  const account = need(accountSid, "accountSid", "TWILIO_ACCOUNT_SID");
  const url = `${baseUrl}/2010-04-01/Accounts/${encodeURIComponent(account)}/Tokens.json`;
  const basic = Buffer.from(`${account}:${need(authToken, "authToken", "TWILIO_AUTH_TOKEN")}`).toString("base64");
  return cached(now, async () => {
    const answer = await post("Twilio", url, {
      headers: { authorization: `Basic ${basic}`, "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ Ttl: String(ttl) }).toString(),
    });
    return withPolicy({ iceServers: readServers("Twilio", answer["ice_servers"]), ttl }, policy);
  });
}

/** Keeps an answer for most of its life; callers who ask at the same time share one request. A failure is not kept. */
function cached(now: () => number, fetchConfig: () => Promise<RtcConfig>): RtcSource {
  let kept: { readonly config: Promise<RtcConfig>; until: number } | undefined;
  return async () => {
    if (kept !== undefined && now() < kept.until) return await kept.config;
    const mine = { config: fetchConfig(), until: Number.POSITIVE_INFINITY };
    kept = mine;
    try {
      const config = await mine.config;
      mine.until = now() + (config.ttl ?? TTL) * 1000 * REFRESH;
      return config;
    } catch (error) {
      if (kept === mine) kept = undefined;
      throw error;
    }
  };
}

async function post(
  service: string,
  url: string,
  init: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
): Promise<Readonly<Record<string, unknown>>> {
  let response: Response;
  try {
    response = await fetch(url, { method: "POST", ...init, signal: AbortSignal.timeout(TIMEOUT) });
  } catch (cause) {
    const timedOut = cause instanceof DOMException && cause.name === "TimeoutError";
    throw new VoiceError(
      timedOut ? "provider-timeout" : "provider-unavailable",
      `${service} gave no TURN credentials`,
      { cause },
    );
  }
  if (!response.ok) {
    const refused = response.status === 401 || response.status === 403;
    throw new VoiceError(
      refused ? "provider-auth" : response.status === 429 ? "provider-limit" : "provider-unavailable",
      `${service} answered ${response.status} to a request for TURN credentials`,
      { meta: { status: response.status } },
    );
  }
  try {
    const answer: unknown = await response.json();
    if (typeof answer === "object" && answer !== null) return answer as Readonly<Record<string, unknown>>;
    throw new TypeError(`expected an object, got ${typeof answer}`);
  } catch (error) {
    throw asVoiceError(error, "provider-unavailable");
  }
}

/** Older answers hold one server object in place of a list. */
function readServers(service: string, value: unknown): readonly IceServer[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const servers = list.filter(isServer);
  if (servers.length === 0) throw new VoiceError("provider-unavailable", `${service} answered without ICE servers`);
  return servers.map(({ urls, username, credential }) => ({
    urls,
    ...(username === undefined ? {} : { username }),
    ...(credential === undefined ? {} : { credential }),
  }));
}

function isServer(value: unknown): value is IceServer {
  if (typeof value !== "object" || value === null || !("urls" in value)) return false;
  return typeof value.urls === "string" || Array.isArray(value.urls);
}

function withPolicy(config: RtcConfig, policy: Common["policy"]): RtcConfig {
  return policy === undefined ? config : { ...config, iceTransportPolicy: policy };
}

function need(value: string | undefined, option: string, variable: string): string {
  if (value === undefined || value === "")
    throw new VoiceError("config", `set ${option} or the environment variable ${variable}`);
  return value;
}
