/*
 * The XML with which a webhook tells the carrier what to do with a call. Everything goes through one builder that escapes,
 * so no caller's name or text can add an instruction.
 */

export interface ConnectOptions {
  /** Spoken before the line is open; none when empty. */
  readonly greeting?: string | undefined;
  /** Where the media socket is, `wss://…`. The carrier strips a query. */
  readonly streamUrl: string;
  /** Asked what to do next when the stream has ended. */
  readonly actionUrl: string;
  /** Handed to the socket in its `start`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Opens a two-way stream. */
export function connectTwiml({ greeting, streamUrl, actionUrl, parameters }: ConnectOptions): string {
  const handed = Object.entries(parameters).map(([name, value]) => element("Parameter", { name, value }));
  const stream = element("Stream", { url: streamUrl }, handed.join(""));
  return response(say(greeting), element("Connect", { action: actionUrl, method: "POST" }, stream));
}

/** Does not take the call: the caller hears the busy tone, or a text and then the end. */
export function busyTwiml(text?: string): string {
  return text === undefined || text === ""
    ? response(element("Reject", { reason: "busy" }))
    : response(say(text), element("Hangup"));
}

/** Ends the call, after a last word. */
export function hangupTwiml(farewell?: string): string {
  return response(say(farewell), element("Hangup"));
}

/** Text for XML: what may not be written as such is escaped, what may not stand there at all is left out. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
    .replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

function response(...parts: readonly string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element("Response", {}, parts.join(""))}`;
}

function say(text: string | undefined): string {
  return text === undefined || text === "" ? "" : element("Say", {}, escapeXml(text));
}

/** `inner` is XML already. */
function element(name: string, attributes: Readonly<Record<string, string>> = {}, inner = ""): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(value)}"`);
  return inner === "" ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${inner}</${name}>`;
}
