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
export { EnergyDetector } from "./vad/energy.ts";
export type { DetectorMaker, VoiceDetector } from "./vad/detector.ts";
export type { TurnEvent, TurnInput, TurnMachine, TurnState } from "./turn/events.ts";
export { defaultPolicy, type TurnOptions, type TurnPolicy } from "./turn/policy.ts";
export { receiveEmit, type ReceiveEmit } from "./session/receive-emit.ts";
export { replyOnStopWords, type StopWordOptions } from "./session/reply-on-stopwords.ts";
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
export { agent, type AgentOptions } from "./agents/agent.ts";
export type { BudgetOptions } from "./agents/budget.ts";
export { type Caption, captions, type CaptionsOptions } from "./agents/captions.ts";
export { converse, type ConverseOptions } from "./agents/converse.ts";
export { handoff } from "./agents/handoff.ts";
export { type ModelPrice, overridePrices, type PriceTable, prices } from "./agents/prices.ts";
export { quiet, type Quiet } from "./agents/quiet.ts";
export { speak, type SpeakOptions } from "./agents/speak.ts";
export { tool, type ToolOptions } from "./agents/tool.ts";
export { transcribe, type TranscribeOptions } from "./agents/transcribe.ts";
export type {
  Agent,
  Answer,
  Approval,
  Ask,
  Brief,
  Engine,
  EngineCan,
  EngineEvent,
  EngineSession,
  Handoff,
  Item,
  Llm,
  Spoken,
  Stt,
  SttCan,
  Tool,
  ToolContext,
  Tts,
  TtsCan,
  Unit,
  Usage,
  Words,
} from "./agents/types.ts";
export type { Spent, UsageReport } from "./agents/usage.ts";
export type { PageAgent, PageConfig } from "./protocol/config.ts";
export { Stream, type LaunchOptions, type RtcOptions, type StreamOptions } from "./server/stream.ts";
export type { VoiceServer } from "./server/server.ts";
