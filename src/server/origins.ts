/*
 * Which pages may use this server. A browser sends the origin of the page with every request that changes something and
 * with every WebSocket; programs send none. By default only pages of this very server come in, so that a page somewhere
 * on the web cannot talk to a server on the visitor's own machine.
 */

/** Whether a request with this Origin header may come in. `allowed`: origins such as "https://app.example.org", or "*". */
export function mayCome(origin: string | undefined, host: string | undefined, allowed: readonly string[]): boolean {
  if (origin === undefined || allowed.includes("*") || allowed.includes(origin)) return true;
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  return url.host === host && (url.protocol === "https:" || isCertain(url.hostname));
}

/**
 * Whether a name means the same machine tomorrow. Whoever owns any other name can let it point to the visitor's own
 * machine, once their page is loaded; over HTTPS that fails at the certificate, and without it pages get no microphone.
 */
function isCertain(hostname: string): boolean {
  return (
    isLoopback(hostname) ||
    hostname.endsWith(".localhost") ||
    /^(?:\d+\.){3}\d+$/.test(hostname) ||
    hostname.startsWith("[")
  );
}

/** Whether a host is this machine only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d+){3}$/.test(host);
}

/** The headers that let a page of another origin read an answer; none for a page of our own or one that may not. */
export function corsHeaders(origin: string | undefined, allowed: readonly string[]): Readonly<Record<string, string>> {
  if (origin === undefined || !(allowed.includes("*") || allowed.includes(origin))) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "content-type, authorization, last-event-id",
    "access-control-max-age": "600",
    vary: "origin",
  };
}
