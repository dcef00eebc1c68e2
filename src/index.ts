/*
 * repartee: everything a voice agent needs that is not one particular transport, engine or provider.
 */
export type { AudioFrame } from "./audio/frame.ts";
export { concat, durationOf, silence } from "./audio/frame.ts";
export type { VideoFrame } from "./video/frame.ts";
export type { Code, Side } from "./base/codes.ts";
export { VoiceError, type VoiceErrorOptions } from "./base/errors.ts";
export type { Platform } from "./base/platform.ts";
export type { Clock, Epoch, Millis } from "./base/time.ts";
export type { CallerMessage, PageEvent } from "./protocol/page.ts";
export type { DetectorMaker, VoiceDetector } from "./vad/detector.ts";
export type { TurnEvent, TurnInput, TurnMachine, TurnState } from "./turn/events.ts";
export { defaultPolicy, type TurnOptions, type TurnPolicy } from "./turn/policy.ts";
export { replyOnPause, type ReplyOnPauseOptions } from "./session/reply-on-pause.ts";
export type {
  Handler,
  Heard,
  Message,
  Output,
  Reply,
  Session,
  SessionEvents,
  Transport,
  TransportCan,
  TransportSink,
  Turn,
} from "./session/types.ts";
export { Stream, type LaunchOptions, type RtcOptions, type StreamOptions } from "./server/stream.ts";
export type { VoiceServer } from "./server/server.ts";
