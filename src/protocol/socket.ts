/*
 * Messages of `/websocket/offer`, both ways.
 *
 * Profile `fastrtc` is what a stock page speaks: JSON text, µ-law in base64, rates agreed beforehand. Profile `v1` begins
 * with a `start` that offers codecs, answered with `started`; audio then travels in binary frames:
 *
 *   0        1        2        3        4
 *   │ codec  │ epoch  │ sequence (u16)  │ payload …        little-endian
 *
 * `codec`: 1 PCM16, 2 µ-law, 3 Opus. `epoch` is raised by every clear, so that a player can tell old audio from new; it
 * wraps: compare for equality. Readers answer a Fault for what is broken and undefined for a type they do not know.
 */
import type { Fault } from "../base/errors.ts";
import type { Millis } from "../base/time.ts";
import { type CallerMessage, isRecord, readCallerMessage } from "./page.ts";
import { isSafe } from "./safe.ts";
import type { Profile } from "./signal.ts";

/** The largest message either way, bytes. */
export const SOCKET_MESSAGE_LIMIT: number = 64 * 1024;

export type CodecName = "pcm16" | "mulaw" | "opus";

/** A codec with the rate of its samples in Hz: `pcm16/24000` on the wire. */
export interface AudioFormat {
  readonly codec: CodecName;
  readonly rate: number;
}

/** The first message of a page. */
export interface SocketStart {
  readonly type: "start";
  readonly profile: Profile;
  /** The page's own name for this call: a label, never a permission. */
  readonly id: string;
  /** Offered codecs in order of preference, unknown ones left out. Empty in profile `fastrtc`. */
  readonly audio: {
    readonly in: readonly AudioFormat[];
    readonly out: readonly AudioFormat[];
    readonly binary: boolean;
  };
  readonly ticket?: string;
  readonly agent?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** The token of a session to come back to. */
  readonly resume?: string;
}

/** Page to server, as text. */
export type SocketMessage =
  | SocketStart
  | { readonly type: "media"; readonly payload: string }
  | { readonly type: "ping"; readonly t: number | undefined }
  | { readonly type: "mark"; readonly name: string }
  | { readonly type: "cleared"; readonly epoch: number; readonly playedMs: Millis; readonly droppedMs: Millis }
  | {
      readonly type: "position";
      readonly epoch: number | undefined;
      readonly playedMs: Millis;
      readonly bufferedMs: Millis;
    }
  | { readonly type: "stop" }
  | { readonly type: "caller"; readonly message: CallerMessage };

/** Server to page, as text. Media goes through `MediaText` or `writeBinaryFrame`, events of the session beside it. */
export type SocketReply =
  | {
      readonly event: "started";
      readonly v: 1;
      readonly id: string;
      readonly audio: { readonly in: string; readonly out: string; readonly binary: boolean };
      readonly heartbeatMs: number;
      readonly resume?: string;
      /** Seconds. */
      readonly expiresIn?: number;
    }
  | { readonly event: "pong"; readonly t?: number; readonly s?: number }
  | { readonly event: "clear"; readonly epoch?: number }
  | { readonly event: "mark"; readonly mark: { readonly name: string } }
  | { readonly status: "failed"; readonly meta: Readonly<Record<string, unknown>> };

/** One binary frame; `payload` is a view on the bytes it was read from. */
export interface BinaryFrame {
  readonly codec: CodecName;
  readonly epoch: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

const ID_LIMIT = 128;
const TOKEN_LIMIT = 4_096;
const FORMAT_LIMIT = 16;
const HEADER = 4;

const codecNumbers: Readonly<Record<CodecName, number>> = { pcm16: 1, mulaw: 2, opus: 3 };
const codecNames: readonly (CodecName | undefined)[] = [undefined, "pcm16", "mulaw", "opus"];

/** Reads one text message of a page. Never throws. */
export function readSocketMessage(text: string): SocketMessage | Fault | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return bad("a text message must be JSON");
  }
  if (!isRecord(json)) return bad("a message must be an object");
  const event = json["event"];
  if (event === "media") return readMedia(json["media"]);
  if (event === undefined) return readBeside(json);
  return typeof event === "string" && Object.hasOwn(readers, event)
    ? readers[event]?.(json)
    : bad("event is not one of ours");
}

/** The text form of everything but media. */
export function writeSocketReply(reply: SocketReply): string {
  return JSON.stringify(reply);
}

/** Reads a binary frame; undefined for a codec that this version does not know. Never throws. */
export function readBinaryFrame(bytes: Uint8Array): BinaryFrame | Fault | undefined {
  if (bytes.length <= HEADER) return bad(`a binary frame must have more than ${HEADER} bytes, got ${bytes.length}`);
  const codec = codecNames[bytes[0] ?? 0];
  if (codec === undefined) return undefined;
  const sequence = (bytes[2] ?? 0) | ((bytes[3] ?? 0) << 8);
  return { codec, epoch: bytes[1] ?? 0, sequence, payload: bytes.subarray(HEADER) };
}

/** How many bytes a binary frame around this payload has. */
export function binaryLength(payload: Uint8Array): number {
  return payload.length + HEADER;
}

/** Writes a binary frame into `into`, which must be as long as `binaryLength` says. Epoch and sequence wrap. */
export function writeBinaryFrame<T extends Uint8Array>(frame: BinaryFrame, into: T): T {
  into[0] = codecNumbers[frame.codec];
  into[1] = frame.epoch;
  into[2] = frame.sequence;
  into[3] = frame.sequence >> 8;
  into.set(frame.payload, HEADER);
  return into;
}

/** Reads `pcm16/24000`; undefined for anything else. */
export function readFormat(text: unknown): AudioFormat | undefined {
  const match = typeof text === "string" ? /^(pcm16|mulaw|opus)\/(\d{4,5})$/.exec(text) : null;
  const codec = codecNames.find((name) => name !== undefined && name === match?.[1]);
  return codec === undefined ? undefined : { codec, rate: Number(match?.[2]) };
}

export function writeFormat({ codec, rate }: AudioFormat): string {
  return `${codec}/${rate}`;
}

/** The first offered format that is supported. */
export function chooseFormat(
  offered: readonly AudioFormat[],
  supported: readonly AudioFormat[],
): AudioFormat | undefined {
  return offered.find((one) => supported.some((other) => other.codec === one.codec && other.rate === one.rate));
}

const readers: Readonly<Record<string, (json: Readonly<Record<string, unknown>>) => SocketMessage | Fault>> = {
  start: readStart,
  ping: ({ t }) => ({ type: "ping", t: typeof t === "number" ? t : undefined }),
  stop: () => ({ type: "stop" }),
  mark: ({ mark }) => {
    const name = isRecord(mark) ? mark["name"] : undefined;
    return typeof name === "string" && name.length <= ID_LIMIT ? { type: "mark", name } : bad("mark needs a name");
  },
  cleared: ({ epoch, playedMs, droppedMs }) =>
    isByte(epoch) && isLength(playedMs) && isLength(droppedMs)
      ? { type: "cleared", epoch, playedMs, droppedMs }
      : bad("cleared needs epoch, playedMs and droppedMs"),
  position: ({ epoch, playedMs, bufferedMs }) =>
    isLength(playedMs)
      ? {
          type: "position",
          epoch: isByte(epoch) ? epoch : undefined,
          playedMs,
          bufferedMs: isLength(bufferedMs) ? bufferedMs : 0,
        }
      : bad("position needs playedMs"),
};

function readMedia(media: unknown): SocketMessage | Fault {
  const payload = isRecord(media) ? media["payload"] : undefined;
  return typeof payload === "string" ? { type: "media", payload } : bad("media needs a payload");
}

/** What travels beside the media, the same as on a data channel. */
function readBeside(json: unknown): SocketMessage | Fault | undefined {
  if (!isSafe(json)) return bad("a message may be 32 levels deep and have no key that names a prototype");
  const message = readCallerMessage(json);
  if (message === undefined || "fault" in message) return message;
  return { type: "caller", message };
}

function readStart(json: Readonly<Record<string, unknown>>): SocketStart | Fault {
  const { websocket_id: id, ticket, agent, inputs, metadata, resume, audio } = json;
  if (typeof id !== "string" || id === "" || id.length > ID_LIMIT) {
    return bad(`start needs a websocket_id of 1 to ${ID_LIMIT} characters`);
  }
  if (!isSafe(json)) return bad("start may be 32 levels deep and have no key that names a prototype");
  if (json["v"] !== 1) return { type: "start", profile: "fastrtc", id, audio: { in: [], out: [], binary: false } };
  const offer = isRecord(audio) ? audio : {};
  return {
    type: "start",
    profile: "v1",
    id,
    audio: { in: readFormats(offer["in"]), out: readFormats(offer["out"]), binary: offer["binary"] === true },
    ...(isToken(ticket) ? { ticket } : {}),
    ...(typeof agent === "string" && agent.length <= ID_LIMIT ? { agent } : {}),
    ...(isRecord(inputs) ? { inputs } : {}),
    ...(isRecord(metadata) ? { metadata } : {}),
    ...(isToken(resume) ? { resume } : {}),
  };
}

function readFormats(list: unknown): AudioFormat[] {
  if (!Array.isArray(list)) return [];
  return list.slice(0, FORMAT_LIMIT).flatMap((one) => readFormat(one) ?? []);
}

const isToken = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= TOKEN_LIMIT;
const isByte = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255;
const isLength = (value: unknown): value is Millis => typeof value === "number" && value >= 0 && value < 1e12;

function bad(why: string): Fault {
  return { fault: "bad-message", why };
}
