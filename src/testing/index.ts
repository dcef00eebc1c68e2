/* repartee/testing: a clock that stands still, callers without a browser, spoken fixtures. */
export { LoopbackCall, type LoopbackOptions, type Sent } from "./call.ts";
export { Caller, type CallerEvent, type CallerOptions, type CallerTimes, type HeardFrame, webrtcCaller } from "./caller.ts";
export { settle, VirtualClock } from "./clock.ts";
export { framesOf, recognise, spoken, type SpokenOptions } from "./speech.ts";
