/** One instruction of a TwiML document. */
export interface TwimlVerb {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly TwimlVerb[];
  /** Text inside, entities resolved. */
  readonly text: string;
}

interface Open {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: TwimlVerb[];
  text: string;
}

const TOKEN = /<\?[^>]*\?>|<(\/?)([A-Za-z]+)((?:\s+[A-Za-z:]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;

/** Reads the instructions of a TwiML document. Throws SyntaxError for XML that is not well formed. */
export function readTwiml(xml: string): readonly TwimlVerb[] {
  const stack: Open[] = [{ name: "", attributes: {}, children: [], text: "" }];
  const pattern = new RegExp(TOKEN);
  let at = 0;
  for (;;) {
    const token = pattern.exec(xml);
    if (token === null) break;
    at = pattern.lastIndex;
    const [, closing, name, attributes, empty, text] = token;
    const top = stack.at(-1);
    if (top === undefined) break;
    if (text !== undefined) top.text += unescapeXml(text);
    else if (closing === "/") {
      if (stack.length < 2 || top.name !== name) throw new SyntaxError(`</${name}> closes <${top.name}>`);
      stack.pop();
      stack.at(-1)?.children.push(top);
    } else if (name !== undefined) {
      const open: Open = { name, attributes: readAttributes(attributes ?? ""), children: [], text: "" };
      if (empty === "/") top.children.push(open);
      else stack.push(open);
    }
  }
  const [root] = stack;
  if (at < xml.length || stack.length !== 1 || root === undefined)
    throw new SyntaxError(`TwiML is not well formed near ${at}: ${xml}`);
  const [response, ...more] = root.children;
  if (response?.name !== "Response" || more.length > 0) throw new SyntaxError("TwiML must have one Response");
  return response.children;
}

function readAttributes(text: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(/([A-Za-z:]+)="([^"]*)"/g))
    attributes[name ?? ""] = unescapeXml(value ?? "");
  return attributes;
}

function unescapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));?/gi, (all, decimal, hex, name) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(String(hex), 16));
    const letter = names[String(name)];
    if (letter === undefined || !String(all).endsWith(";")) throw new SyntaxError(`${String(all)} is not an entity`);
    return letter;
  });
}
