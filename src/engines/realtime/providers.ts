/*
 * Who speaks the GA protocol, and how: address, credential, and where each differs from OpenAI. A provider is
 * configuration, never a class of its own.
 */
import { VoiceError } from "../../base/errors.ts";
import { maskKeys, type Scrub } from "../../realtime/faults.ts";
import type { GaQuirks } from "../../realtime/ga.ts";
import type { AudioFormat, RealtimeCapabilities, RealtimeModel } from "../../realtime/model.ts";
import { connectGa } from "./connection.ts";
import { type Dial, dialWebSocket } from "./link.ts";

/** A key, or where to get one each time: tokens that expire. */
export type Credential = string | (() => string | Promise<string>);

/** Where a model is, and what it is called there. */
export interface RealtimeEndpoint {
  /** Default: "azure" or "xai" when the address is one of theirs, else "openai". */
  readonly provider?: "openai" | "azure" | "xai" | "compatible" | undefined;
  /** The model; with Azure the deployment. */
  readonly model: string;
  /** Default: the environment's OPENAI_API_KEY, AZURE_OPENAI_API_KEY or XAI_API_KEY. A local server may need none. */
  readonly apiKey?: Credential | undefined;
  /** Such as `https://api.openai.com/v1`, `wss://host/v1` or, with Azure, `https://<resource>.openai.azure.com`. */
  readonly baseUrl?: string | undefined;
  /** The voice of agents that name none. Default: the provider's. */
  readonly voice?: string | undefined;
  /** Sent with the opening request, such as `OpenAI-Organization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Native session fields laid over ours, such as `{ reasoning: { effort: "low" } }`. */
  readonly session?: Readonly<Record<string, unknown>> | undefined;
  /** How a compatible server differs. */
  readonly quirks?: GaQuirks | undefined;
}

interface Provider {
  readonly baseUrl: string | undefined;
  readonly key: string;
  readonly header: (key: string) => Readonly<Record<string, string>>;
  /** Path after the base address, when that does not end in it. */
  readonly path: string;
  readonly quirks: GaQuirks;
}

const bearer = (key: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${key}` });

const providers: Readonly<Record<NonNullable<RealtimeEndpoint["provider"]>, Provider>> = {
  openai: {
    baseUrl: "https://api.openai.com/v1",
    key: "OPENAI_API_KEY",
    header: bearer,
    path: "/realtime",
    quirks: {},
  },
  azure: {
    baseUrl: undefined,
    key: "AZURE_OPENAI_API_KEY",
    header: (key) => ({ "api-key": key }),
    path: "/openai/v1/realtime",
    quirks: {},
  },
  xai: {
    baseUrl: "https://api.x.ai/v1",
    key: "XAI_API_KEY",
    header: bearer,
    path: "/realtime",
    quirks: { cumulativeTranscripts: true },
  },
  compatible: { baseUrl: undefined, key: "REALTIME_API_KEY", header: bearer, path: "/realtime", quirks: {} },
};

export interface ModelOptions {
  readonly endpoint: RealtimeEndpoint;
  readonly format: AudioFormat;
  /** Default: a socket of the package ws. */
  readonly dial?: Dial | undefined;
}

/** A model at an endpoint. Throws VoiceError `config` when the address is missing or wrong. */
export function realtimeModel({ endpoint, format, dial = dialWebSocket }: ModelOptions): RealtimeModel {
  const kind = endpoint.provider ?? guess(endpoint.baseUrl);
  const provider = providers[kind];
  const url = addressOf(endpoint, provider);
  const quirks = { ...provider.quirks, ...endpoint.quirks };
  const can: RealtimeCapabilities = {
    turnEvents: true,
    truncate: "client",
    voiceChange: quirks.voiceChange === true,
    images: true,
    manualTurns: true,
    input: format,
    output: format,
  };
  const model: RealtimeModel = {
    id: `${kind}:${endpoint.model}`,
    can,
    connect: async (config, context) => {
      const key = await keyOf(endpoint, provider);
      const headers = { ...endpoint.headers, ...(key !== undefined && provider.header(key)) };
      const { voice = endpoint.voice } = config;
      const native = { ...endpoint.session, ...config.provider };
      return await connectGa(
        { model, name: endpoint.model, can, quirks, dial, url, headers, scrub: scrubber(key, endpoint.headers) },
        { ...config, voice, provider: native },
        context,
      );
    },
  };
  return model;
}

function addressOf({ baseUrl, model }: RealtimeEndpoint, provider: Provider): string {
  const base = baseUrl ?? provider.baseUrl;
  if (base === undefined) throw new VoiceError("config", "baseUrl is missing: this provider has no address of its own");
  let url: URL;
  try {
    url = new URL(base);
  } catch {
    // What was given may hold a credential, and is not repeated.
    throw new VoiceError("config", "baseUrl must be an address such as https://api.openai.com/v1");
  }
  const scheme = { "https:": "wss:", "wss:": "wss:", "http:": "ws:", "ws:": "ws:" }[url.protocol];
  if (scheme === undefined)
    throw new VoiceError("config", `baseUrl must begin with https, wss, http or ws, got ${url.protocol}`);
  url.protocol = scheme;
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = path.endsWith("/realtime") ? path : path.replace(/\/openai(\/v1)?$/, "") + provider.path;
  if (!url.searchParams.has("model")) url.searchParams.set("model", model);
  return url.href;
}

async function keyOf({ apiKey, baseUrl }: RealtimeEndpoint, provider: Provider): Promise<string | undefined> {
  const given = typeof apiKey === "function" ? await apiKey() : apiKey;
  if (given !== undefined && given !== "") return given;
  // The environment's key belongs to the provider itself, not to whatever address somebody has set.
  if (provider.baseUrl !== undefined && baseUrl !== undefined) return undefined;
  const found = process.env[provider.key];
  if ((found === undefined || found === "") && provider === providers.compatible) return undefined;
  if (found === undefined || found === "")
    throw new VoiceError("provider-auth", `there is no key for the provider: give apiKey, or set ${provider.key}`);
  return found;
}

function guess(baseUrl: string | undefined): NonNullable<RealtimeEndpoint["provider"]> {
  if (baseUrl === undefined) return "openai";
  const host = URL.canParse(baseUrl) ? new URL(baseUrl).hostname : "";
  if (host.endsWith(".azure.com")) return "azure";
  return host === "api.x.ai" ? "xai" : "openai";
}

/** Hides our own secrets wherever a provider repeats them. */
function scrubber(key: string | undefined, headers: RealtimeEndpoint["headers"]): Scrub {
  const secrets = [key, ...Object.values(headers ?? {})].filter((one) => one !== undefined && one.length >= 6);
  return (text) => maskKeys(secrets.reduce<string>((clean, secret) => clean.replaceAll(secret ?? "", "***"), text));
}
