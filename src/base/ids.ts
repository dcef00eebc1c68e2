const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** What an id names. Only the server makes ids, and an id is never a permission. */
export type IdKind = "ses" | "trn" | "itm" | "cnv" | "call" | "tkt";

/** Makes an id such as `ses_…`: 128 random bits in base64url behind a prefix that says what it names. */
export function makeId(kind: IdKind, random: (bytes: number) => Uint8Array): string {
  return `${kind}_${toBase64Url(random(16))}`;
}

/** Bytes in the URL-safe base64 alphabet, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += ALPHABET[(held >> bits) & 63];
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) text += ALPHABET[(held << (6 - bits)) & 63];
  return text;
}
