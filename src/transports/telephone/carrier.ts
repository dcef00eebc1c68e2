import type { Fault } from "../../base/errors.ts";
import type { MediaText } from "../../protocol/media-text.ts";
import type { CarrierMessage } from "../../protocol/telephone.ts";
import type { ConnectOptions } from "./twiml.ts";

/** An HTTP request, whatever framework received it. */
export interface CarrierRequest {
  readonly method: string;
  /** Path and query; an absolute URL is taken too. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The form, as it came; at most 64 kB are looked at. */
  readonly body?: string;
}

/** What to answer. */
export interface CarrierReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A call as the carrier announces it. */
export interface AnnouncedCall {
  readonly callId: string;
  readonly from?: string;
  readonly to?: string;
}

/** The dialect of one carrier: everything about it that is not the same for all. */
export interface Carrier {
  readonly name: string;
  /** Type of the documents with which webhooks are answered. */
  readonly contentType: string;
  /** Whether a request comes from the carrier. `url` is the one it was asked to call; `form` the parameters of the body. */
  verify(headers: CarrierRequest["headers"], url: string, form: URLSearchParams): boolean;
  readCall(parameters: URLSearchParams): AnnouncedCall | Fault;
  connect(options: ConnectOptions): string;
  busy(text?: string): string;
  hangup(farewell?: string): string;
  /** Reads a text message of the media socket. Never throws. */
  read(text: string): CarrierMessage | Fault | undefined;
  media(stream: string): MediaText;
  mark(stream: string, name: string): string;
  clear(stream: string): string;
}
