import { readTwilio, twilioMedia, writeTwilioClear, writeTwilioMark } from "../../protocol/telephone.ts";
import type { Carrier } from "./carrier.ts";
import { verifyTwilio } from "./signature.ts";
import { busyTwiml, connectTwiml, hangupTwiml } from "./twiml.ts";

export interface TwilioOptions {
  /** Of the account, or of the sub-account that owns the number. Signs everything Twilio sends. */
  readonly authToken: string;
  /** Off only for trying things out on one machine: then anybody may place calls. Default true. */
  readonly verify?: boolean;
}

/** Twilio Programmable Voice with Media Streams. Throws TypeError without an auth token to verify with. */
export function twilio({ authToken, verify = true }: TwilioOptions): Carrier {
  if (verify && authToken === "")
    throw new TypeError("twilio needs the auth token of the account to verify its requests");
  return {
    name: "twilio",
    contentType: "text/xml; charset=utf-8",
    verify(headers, url, form) {
      const signature = headers["x-twilio-signature"];
      return !verify || verifyTwilio(authToken, typeof signature === "string" ? signature : undefined, url, form);
    },
    readCall(parameters) {
      const callId = parameters.get("CallSid") ?? "";
      if (!/^[\w-]{1,128}$/.test(callId)) return { fault: "bad-message", why: "CallSid is missing" };
      const [from, to] = [parameters.get("From"), parameters.get("To")];
      return { callId, ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) };
    },
    connect: connectTwiml,
    busy: busyTwiml,
    hangup: hangupTwiml,
    read: readTwilio,
    media: twilioMedia,
    mark: writeTwilioMark,
    clear: writeTwilioClear,
  };
}
