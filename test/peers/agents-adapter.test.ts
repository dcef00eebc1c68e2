/*
 * Teams written for `@openai/agents-realtime`, with its real objects, on our sessions: the same agents under the scripted
 * engine, the pipeline with a model, and the pipeline with rules.
 */
import { removeAllTools } from "@openai/agents-core/extensions";
import { backgroundResult, RealtimeAgent, tool } from "@openai/agents-realtime";
import { handoff, type RealtimeContextData } from "@openai/agents-realtime";
import { describe, expect, it } from "vitest";
