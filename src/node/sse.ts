/** An event longer than this is not an answer, characters. */
const EVENT_LIMIT = 1 << 20;

/**
 * The JSON payloads of a stream of server-sent events, until `data: [DONE]`; returns whether that came. Comments, other
 * fields and payloads that are not JSON are left out, so a stream that breaks off in the middle of an event loses only
 * that one. Throws RangeError for an event that never ends, and what the body throws.
 */
export async function* readServerSentEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<unknown, boolean, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  let data: string[] = [];
  let length = 0;
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line !== "") {
        if (line.startsWith("data:")) data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
        length += line.length;
        continue;
      }
      const payload = data.join("\n");
      data = [];
      length = 0;
      if (payload === "[DONE]") return true;
      const value = parse(payload);
      if (value !== undefined) yield value;
    }
    if (length + rest.length > EVENT_LIMIT)
      throw new RangeError(`an event may have ${EVENT_LIMIT} characters, got more`);
  }
  // Some servers leave out the last blank line.
  if (rest.startsWith("data:")) data.push(rest.slice(5).trim());
  const payload = data.join("\n");
  if (payload === "[DONE]") return true;
  const value = parse(payload);
  if (value !== undefined) yield value;
  return false;
}

function parse(payload: string): unknown {
  if (payload === "") return undefined;
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}
