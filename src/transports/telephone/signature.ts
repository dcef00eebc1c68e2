/*
 * X-Twilio-Signature: base64 of HMAC-SHA1, keyed with the account's auth token, over the URL that was requested followed by
 * every POST parameter, name and value, in the order of names. A GET and the upgrade of a WebSocket have none but the URL.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** The signature of a request. `parameters`: those of the body, not of the query. */
export function signTwilio(
  authToken: string,
  url: string,
  parameters: Iterable<readonly [string, string]> = [],
): string {
  const pairs = [...parameters].sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0));
  // One parameter given twice counts once per distinct value.
  const distinct = pairs.filter(
    ([name, value], i) => i === 0 || pairs[i - 1]?.[0] !== name || pairs[i - 1]?.[1] !== value,
  );
  const signed = url + distinct.map(([name, value]) => name + value).join("");
  return createHmac("sha1", authToken).update(signed, "utf8").digest("base64");
}

/** Whether a signature is right, in the same time for every wrong one. Twilio signs with or without the standard port. */
export function verifyTwilio(
  authToken: string,
  signature: string | undefined,
  url: string,
  parameters: Iterable<readonly [string, string]> = [],
): boolean {
  if (signature === undefined) return false;
  const pairs = [...parameters];
  const given = Buffer.from(signature);
  let right = false;
  for (const form of [url, withPort(url)]) {
    const wanted = Buffer.from(signTwilio(authToken, form, pairs));
    if (wanted.length === given.length && timingSafeEqual(wanted, given)) right = true;
  }
  return right;
}

/** The same URL with the port that its scheme implies written out. */
function withPort(url: string): string {
  const match = /^(https?|wss?):\/\/([^/:?#]+)([/?#].*)?$/.exec(url);
  if (match === null) return url;
  const secure = match[1] === "https" || match[1] === "wss";
  return `${match[1]}://${match[2]}:${secure ? 443 : 80}${match[3] ?? ""}`;
}
