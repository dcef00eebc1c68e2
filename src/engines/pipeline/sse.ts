/** An event longer than this is not an answer, characters. */
const EVENT_LIMIT = 1 << 20;

/**
 * The JSON payloads of a stream of server-sent events, until `data: [DONE]`. Comments, other fields and payloads that are
 * not JSON are left out. Throws RangeError for an event that never ends.
 */
export async function* readServerSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  let data: string[] = [];
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    if (rest.length > EVENT_LIMIT) throw new RangeError(`an event may have ${EVENT_LIMIT} characters, got more`);
    for (const line of lines) {
      if (line !== "") {
        if (line.startsWith("data:")) data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
        continue;
      }
      const payload = data.join("\n");
      data = [];
      if (payload === "[DONE]") return;
      const value = parse(payload);
      if (value !== undefined) yield value;
    }
  }
  // Some servers leave out the last blank line.
  if (rest.startsWith("data:")) data.push(rest.slice(5).trim());
  const value = parse(data.join("\n"));
  if (value !== undefined) yield value;
}

function parse(payload: string): unknown {
  if (payload === "") return undefined;
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}
