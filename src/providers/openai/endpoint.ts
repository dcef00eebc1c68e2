import { VoiceError } from "../../base/errors.ts";
import type { Millis } from "../../base/time.ts";
import { maskKeys, type Scrub } from "../../realtime/faults.ts";

/** How long a server may keep us waiting. A caller is on the line: what takes longer is as good as lost. */
export interface Timeouts {
  /** Until the connection stands, TLS included, ms. Default 5000. */
  readonly connectMs?: Millis;
  /** From the request to the first token, word or sample, ms. Default 15 000. */
  readonly firstMs?: Millis;
  /** Between two pieces of an answer, ms. Default 20 000. */
  readonly idleMs?: Millis;
}

export interface EndpointOptions {
  /** Such as `http://localhost:11434/v1`. Default: `OPENAI_BASE_URL`, else OpenAI's own. */
  readonly baseUrl?: string | undefined;
  /**
   * Sent as a bearer token; a local server may need none. Default: `OPENAI_API_KEY`, but only where `baseUrl` is not
   * given: a key in the environment is not meant for any server a program may name.
   */
  readonly apiKey?: string | undefined;
  /** Sent with every request, such as `OpenAI-Organization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timeouts?: Timeouts | undefined;
}

/** Where requests go, and how. */
export interface Endpoint {
  /** The address of one resource, such as "/chat/completions"; a query in the base address stays. */
  at(path: string): URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: Required<Timeouts>;
  /** Takes the key out of what the server says. */
  readonly scrub: Scrub;
}

/** Completes what was given. Throws VoiceError `config` for an address that is none. */
export function endpointOf({ baseUrl, apiKey, headers = {}, timeouts = {} }: EndpointOptions): Endpoint {
  const { OPENAI_BASE_URL, OPENAI_API_KEY } = process.env;
  const address = baseUrl ?? (OPENAI_BASE_URL || "https://api.openai.com/v1");
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new VoiceError(
      "config",
      `baseUrl must be an http or https address, got ${JSON.stringify(maskKeys(address))}`,
    );
  }
  const key = apiKey ?? (baseUrl === undefined ? OPENAI_API_KEY : undefined);
  const hasKey = key !== undefined && key !== "";
  return {
    at: (path) => {
      const target = new URL(url);
      target.pathname = target.pathname.replace(/\/+$/, "") + path;
      return target;
    },
    headers: { ...(hasKey && { authorization: `Bearer ${key}` }), ...headers },
    timeouts: {
      connectMs: timeouts.connectMs ?? 5_000,
      firstMs: timeouts.firstMs ?? 15_000,
      idleMs: timeouts.idleMs ?? 20_000,
    },
    scrub: (text) => maskKeys(hasKey ? text.replaceAll(key, "***") : text),
  };
}
