/* repartee/testing: a clock that stands still, callers without a browser, spoken fixtures. */
export { LoopbackCall, type LoopbackOptions, type Sent } from "./call.ts";
export {
  Caller,
  type CallerEvent,
  type CallerOptions,
  type CallerTimes,
  type HeardFrame,
  webrtcCaller,
} from "./caller.ts";
export { settle, VirtualClock } from "./clock.ts";
export { framesOf, recognise, spoken, type SpokenOptions } from "./speech.ts";
export { Phone, type PhoneAudio, type PhoneOptions, type PlaceCall, type PlacedCall } from "./phone.ts";
export {
  type HeardAudio,
  type HeardEvent,
  type RawSocket,
  SocketCaller,
  type SocketCallerOptions,
} from "./socket-caller.ts";
export { Speaker } from "./speaker.ts";
export { readTwiml, type TwimlVerb } from "./twiml.ts";
