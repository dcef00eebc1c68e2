/*
 * A look at a session description before any engine sees it (RFC 8866, RFC 8829, limits of our own). Every check is
 * linear in the text; nothing here throws.
 *
 * Only what it takes to refuse nonsense early and cheaply is read: kinds of media, ICE credentials, fingerprints, setup.
 */
import type { Fault } from "../base/errors.ts";

export interface OfferShape {
  readonly audio: "sendrecv" | "sendonly" | "recvonly" | "inactive" | undefined;
  readonly video: boolean;
  /** Whether the page made a data channel. */
  readonly channel: boolean;
  /** Changes with every ICE restart. */
  readonly fragment: string;
}

/** Longest description in characters. A page with audio, camera and channel sends about 6,000. */
export const SDP_LIMIT: number = 64 * 1024;
const LINES = 1000;
const LINE = 2048;
const SECTIONS = 4;

const protocols: Readonly<Record<string, RegExp>> = {
  audio: /^(UDP\/TLS\/RTP\/SAVPF?|RTP\/SAVPF)$/,
  video: /^(UDP\/TLS\/RTP\/SAVPF?|RTP\/SAVPF)$/,
  application: /^((UDP|TCP)\/DTLS\/SCTP|DTLS\/SCTP)$/,
};

const octets: Readonly<Record<string, number>> = { "sha-256": 32, "sha-384": 48, "sha-512": 64 };

interface Section {
  readonly kind: string;
  readonly rejected: boolean;
  readonly codecs: readonly string[];
  attributes: Map<string, string[]>;
}

/** Reads what matters of an SDP offer; a Fault says what is wrong with it. */
export function readOffer(sdp: string): OfferShape | Fault {
  if (sdp.length > SDP_LIMIT)
    return { fault: "too-large", why: `sdp may have ${SDP_LIMIT} characters, got ${sdp.length}` };
  if (sdp.includes("\0")) return bad("sdp holds a NUL character");
  const lines = sdp.split(/\r?\n/);
  if (lines.length > LINES) return bad(`sdp may have ${LINES} lines, got ${lines.length}`);
  if (lines[0] !== "v=0") return bad("sdp must begin with v=0");
  const session = new Map<string, string[]>();
  const sections: Section[] = [];
  for (const line of lines) {
    if (line === "") continue;
    if (line.length > LINE) return bad(`a line of sdp may have ${LINE} characters, got ${line.length}`);
    if (!/^[a-z]=/.test(line)) return bad("a line of sdp must be a letter, an equals sign and a value");
    if (line.startsWith("m=")) {
      const section = readSection(line);
      if ("fault" in section) return section;
      sections.push(section);
      if (sections.length > SECTIONS) return bad(`sdp may have ${SECTIONS} media sections`);
    } else if (line.startsWith("a=")) {
      const colon = line.indexOf(":");
      const name = colon === -1 ? line.slice(2) : line.slice(2, colon);
      const values = sections.at(-1)?.attributes ?? session;
      const list = values.get(name);
      if (list === undefined) values.set(name, [colon === -1 ? "" : line.slice(colon + 1)]);
      else list.push(colon === -1 ? "" : line.slice(colon + 1));
    }
  }
  return check(session, sections);
}

function readSection(line: string): Section | Fault {
  const [kind = "", port = "", protocol = "", ...codecs] = line.slice(2).split(" ");
  const known = Object.hasOwn(protocols, kind) ? protocols[kind] : undefined;
  if (known === undefined) return bad(`media must be audio, video or application, got ${kind.slice(0, 40)}`);
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return bad("the port of a media section must be 0 to 65535");
  if (!known.test(protocol)) return bad(`the protocol of ${kind} is not supported: ${protocol.slice(0, 40)}`);
  if (kind !== "application") {
    if (codecs.some((one) => !/^\d{1,3}$/.test(one) || Number(one) > 127)) return bad("payload types must be 0 to 127");
    if (codecs.length === 0 || new Set(codecs).size !== codecs.length)
      return bad("payload types must be given, each once");
  }
  return { kind, rejected: port === "0", codecs, attributes: new Map() };
}

function check(session: Map<string, string[]>, sections: readonly Section[]): OfferShape | Fault {
  if (sections.length === 0) return bad("sdp has no media section");
  const mids = new Set<string>();
  let fragment = "";
  for (const section of sections) {
    const get = (name: string): readonly string[] => section.attributes.get(name) ?? session.get(name) ?? [];
    const [mid = "", ...more] = section.attributes.get("mid") ?? [];
    if (more.length > 0 || mid.length > 16 || mids.has(mid))
      return bad("mid must be unique and of at most 16 characters");
    mids.add(mid);
    // A bundled or rejected section may leave its transport to the first one.
    if (section.rejected || (fragment !== "" && section.attributes.get("ice-ufrag") === undefined)) continue;
    const fault = checkTransport(get);
    if (fault !== undefined) return fault;
    if (fragment === "") fragment = get("ice-ufrag")[0] ?? "";
  }
  if (fragment === "") return bad("sdp rejects all of its media sections");
  const audio = sections.find((one) => one.kind === "audio" && !one.rejected);
  const fault = audio === undefined ? undefined : checkAudio(audio);
  if (fault !== undefined) return fault;
  return {
    audio: audio === undefined ? undefined : directionOf(audio, session),
    video: sections.some((one) => one.kind === "video" && !one.rejected),
    channel: sections.some((one) => one.kind === "application" && !one.rejected),
    fragment,
  };
}

function checkTransport(get: (name: string) => readonly string[]): Fault | undefined {
  const [fragment = "", ...fragments] = get("ice-ufrag");
  const [password = "", ...passwords] = get("ice-pwd");
  const [setup = "", ...setups] = get("setup");
  if (fragments.length + passwords.length + setups.length > 0)
    return bad("ice-ufrag, ice-pwd and setup may stand once");
  if (!/^[\w+/-]{4,256}$/.test(fragment)) return bad("ice-ufrag must have 4 to 256 ICE characters");
  if (!/^[\w+/-]{22,256}$/.test(password)) return bad("ice-pwd must have 22 to 256 ICE characters");
  if (!/^(actpass|active|passive)$/.test(setup)) return bad("setup must be actpass, active or passive");
  const prints = get("fingerprint");
  if (prints.length === 0 || prints.length > 4) return bad(`sdp must have 1 to 4 fingerprints, got ${prints.length}`);
  for (const print of prints) {
    const [name = "", hex = ""] = print.split(" ");
    const wanted = octets[name.toLowerCase()];
    if (wanted === undefined || !/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2})*$/.test(hex) || hex.length !== wanted * 3 - 1) {
      return bad("a fingerprint must be a hash of SHA-256, SHA-384 or SHA-512 in colon-separated hex");
    }
  }
  return undefined;
}

function checkAudio(audio: Section): Fault | undefined {
  const opus = audio.attributes.get("rtpmap")?.some((map) => {
    const [type = "", name = ""] = map.split(" ");
    return audio.codecs.includes(type) && name.toLowerCase().startsWith("opus/48000");
  });
  return opus === true ? undefined : { fault: "unsupported", why: "the audio section must offer opus/48000" };
}

function directionOf(section: Section, session: Map<string, string[]>): NonNullable<OfferShape["audio"]> {
  for (const from of [section.attributes, session]) {
    for (const name of ["sendrecv", "sendonly", "recvonly", "inactive"] as const) if (from.has(name)) return name;
  }
  return "sendrecv";
}

/** The same description without its candidates: what is not there cannot point anywhere. */
export function withoutCandidates(sdp: string): string {
  return sdp.replaceAll(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, "");
}

/** The same description with every host candidate also under these addresses, on the same port. */
export function withAddresses(sdp: string, addresses: readonly string[]): string {
  return sdp.replaceAll(
    /^a=candidate:(\S+) (\d+) udp (\d+) (\S+) (\d+) typ host.*(\r?\n)/gm,
    (line, ...parts: string[]) => {
      const [foundation, component, priority, host, port, end] = parts;
      const added = addresses.filter((address) => address !== host && !sdp.includes(` udp ${priority} ${address} `));
      return added.reduce((text, address, index) => {
        const lower = Number(priority) - index - 1;
        return `${text}a=candidate:${foundation}${index} ${component} udp ${lower} ${address} ${port} typ host${end}`;
      }, line);
    },
  );
}

function bad(why: string): Fault {
  return { fault: "bad-offer", why };
}
