import { VoiceError } from "../base/errors.ts";

/**
 * The body of a request as text, at most `limit` bytes of it whatever its headers say. Throws VoiceError `too-large`, or
 * `bad-message` when the sender broke off.
 */
export async function readText(request: Request, limit: number): Promise<string> {
  const tooLarge = (): VoiceError => new VoiceError("too-large", `a body may have ${limit} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const piece of request.body ?? []) {
      bytes += piece.length;
      if (bytes > limit) break;
      text += decoder.decode(piece, { stream: true });
    }
  } catch (cause) {
    throw new VoiceError("bad-message", "the body broke off", { cause });
  }
  if (bytes > limit) throw tooLarge();
  return text + decoder.decode();
}
