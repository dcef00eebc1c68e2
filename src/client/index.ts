/*
 * `repartee/client`: a voice conversation in a page, without a framework and without run-time dependencies.
 */
export { createVoiceClient } from "./client.ts";
export type {
  AgentView,
  Connection,
  LatencyPart,
  LatencyView,
  Line,
  MicView,
  NetStats,
  Step,
  StepName,
  TurnLatency,
  VoiceClient,
  VoiceClientOptions,
  VoiceEvents,
  VoiceSnapshot,
} from "./types.ts";
export { codes } from "../base/codes.ts";
export type { Code } from "../base/codes.ts";
export { VoiceError } from "../base/errors.ts";
export type { PageAgent, PageConfig } from "../protocol/config.ts";
export type { PageEvent } from "../protocol/page.ts";
