/*
 * What a telephone carrier says on the media socket of a call, in the form Twilio Media Streams uses and others have taken
 * over. Audio is µ-law at 8 kHz both ways, 20 ms a message. Checked against Twilio's description of the messages, 2026-11.
 */
import type { Fault } from "../base/errors.ts";
import type { Millis } from "../base/time.ts";
import { MediaText } from "./media-text.ts";
import { isRecord } from "./page.ts";
import { isSafe } from "./safe.ts";

/** Rate of a telephone call, Hz. */
export const PHONE_RATE = 8_000;

/** Carrier to server. */
export type CarrierMessage =
  | { readonly type: "connected" }
  | {
      readonly type: "start";
      /** The carrier's id of this stream: every message back has to name it. */
      readonly stream: string;
      readonly call: string;
      /** What the answer to the webhook gave along, token included. */
      readonly parameters: Readonly<Record<string, string>>;
    }
  /** `timestamp`: ms from the beginning of the stream to the first sample. */
  | { readonly type: "media"; readonly payload: string; readonly timestamp: Millis | undefined }
  | { readonly type: "mark"; readonly name: string }
  | { readonly type: "digit"; readonly digit: string }
  | { readonly type: "stop" };

const ID = /^[\w-]{1,128}$/;
const PARAMETERS = 64;

/** Reads one message of Twilio. Undefined for an event or track that is none of our business. Never throws. */
export function readTwilio(text: string): CarrierMessage | Fault | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return bad("a message must be JSON");
  }
  if (!isRecord(json) || typeof json["event"] !== "string") return bad("a message must be an object with an event");
  switch (json["event"]) {
    case "media":
      return readMedia(json["media"]);
    case "mark":
      return readMark(json["mark"]);
    case "dtmf":
      return readDigit(json["dtmf"]);
    case "start":
      return readStart(json);
    case "connected":
      return { type: "connected" };
    case "stop":
      return { type: "stop" };
    default:
      return undefined;
  }
}

/** Writes media messages for one stream. */
export function twilioMedia(stream: string): MediaText {
  return new MediaText(`{"event":"media","streamSid":${JSON.stringify(stream)},"media":{"payload":"`, '"}}');
}

/** Asks the carrier to say when everything before was played. */
export function writeTwilioMark(stream: string, name: string): string {
  return JSON.stringify({ event: "mark", streamSid: stream, mark: { name } });
}

/** Tells the carrier to forget what it has not played; it answers with all marks that wait. */
export function writeTwilioClear(stream: string): string {
  return JSON.stringify({ event: "clear", streamSid: stream });
}

function readMedia(media: unknown): CarrierMessage | Fault | undefined {
  if (!isRecord(media) || typeof media["payload"] !== "string") return bad("media needs a payload");
  // Our own voice, when somebody asked for both tracks.
  if (media["track"] !== undefined && media["track"] !== "inbound") return undefined;
  // Twilio sends numbers as text.
  const at = media["timestamp"];
  const timestamp = typeof at === "string" && /^\d{1,12}$/.test(at) ? Number(at) : at;
  const valid = typeof timestamp === "number" && timestamp >= 0 && timestamp < 1e12;
  return { type: "media", payload: media["payload"], timestamp: valid ? timestamp : undefined };
}

function readMark(mark: unknown): CarrierMessage | Fault {
  const name = isRecord(mark) ? mark["name"] : undefined;
  return typeof name === "string" && name.length <= 128 ? { type: "mark", name } : bad("mark needs a name");
}

function readDigit(dtmf: unknown): CarrierMessage | Fault {
  const digit = isRecord(dtmf) ? dtmf["digit"] : undefined;
  return typeof digit === "string" && /^[0-9*#A-D]$/.test(digit)
    ? { type: "digit", digit }
    : bad("digit must be one of 0-9 * # A-D");
}

function readStart(json: Readonly<Record<string, unknown>>): CarrierMessage | Fault {
  const start = isRecord(json["start"]) ? json["start"] : {};
  const stream = json["streamSid"] ?? start["streamSid"];
  const call = start["callSid"];
  if (typeof stream !== "string" || !ID.test(stream)) return bad("start needs a streamSid");
  if (typeof call !== "string" || !ID.test(call)) return bad("start needs a callSid");
  if (!isSafe(start)) return bad("start may be 32 levels deep and have no key that names a prototype");
  const format = isRecord(start["mediaFormat"]) ? start["mediaFormat"] : {};
  const { encoding = "audio/x-mulaw", sampleRate = PHONE_RATE } = format;
  if (encoding !== "audio/x-mulaw" || Number(sampleRate) !== PHONE_RATE) {
    return bad(`audio must be audio/x-mulaw at ${PHONE_RATE} Hz, got ${String(encoding)} at ${String(sampleRate)}`);
  }
  const parameters: Record<string, string> = {};
  const given = Object.entries(isRecord(start["customParameters"]) ? start["customParameters"] : {});
  for (const [name, value] of given.slice(0, PARAMETERS)) if (typeof value === "string") parameters[name] = value;
  return { type: "start", stream, call, parameters };
}

function bad(why: string): Fault {
  return { fault: "bad-message", why };
}
