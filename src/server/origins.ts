/*
 * Which pages may use this server. A browser sends the origin of the page with every request that changes something and
 * with every WebSocket; programs send none. By default only pages of this very server come in, so that a page somewhere
 * on the web cannot talk to a server on the visitor's own machine.
 */

/** Whether a request with this Origin header may come in. `allowed`: origins such as "https://app.example.org", or "*". */
export function mayCome(origin: string | undefined, host: string | undefined, allowed: readonly string[]): boolean {
  if (origin === undefined || allowed.includes("*") || allowed.includes(origin)) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
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
