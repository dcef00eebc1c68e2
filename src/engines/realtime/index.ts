/* repartee/realtime: conversations with speech-to-speech models. */
import type { Engine } from "../../agents/types.ts";
import { VoiceError } from "../../base/errors.ts";
import type { Millis } from "../../base/time.ts";
import type { AudioFormat, RealtimeTranscription, RealtimeTurns } from "../../realtime/model.ts";
import { Breaker } from "./breaker.ts";
import type { Dial } from "./link.ts";
import { realtimeModel, type RealtimeEndpoint } from "./providers.ts";
import { RealtimeSession } from "./session.ts";

export type { GaQuirks } from "../../realtime/ga.ts";
export type { RealtimeTranscription } from "../../realtime/model.ts";
export type { ClientSocket, Dial, SocketEvents } from "./link.ts";
export type { Credential, RealtimeEndpoint } from "./providers.ts";

/** How the provider tells turns apart, where it decides. */
export type RealtimeDetection =
  | {
      readonly detector?: "server_vad";
      /** 0 to 1. Default 0.5; more against noise and echo. */
      readonly threshold?: number;
      /** Default 300. */
      readonly prefixMs?: Millis;
      /** Default 500; less answers sooner and cuts off more. */
      readonly silenceMs?: Millis;
      /** The agent speaks up after this much silence. Default: never. */
      readonly idleMs?: Millis;
      /** The caller may talk over the agent. Default true. */
      readonly interrupt?: boolean;
    }
  | {
      readonly detector: "semantic_vad";
      /** Default "auto", which is medium. */
      readonly eagerness?: "low" | "medium" | "high" | "auto";
      readonly interrupt?: boolean;
    };

export interface RealtimeOptions extends RealtimeEndpoint {
  /** Providers to go on with when this one cannot be reached, in order. Same session, same history. */
  readonly failover?: readonly RealtimeEndpoint[] | undefined;
  readonly turns?: RealtimeDetection | undefined;
  /** Who writes down what the caller says. Default `gpt-live-transcribe`; null: nobody. */
  readonly transcription?: RealtimeTranscription | null | undefined;
  /** Audio on the wire: "pcm16" is 24 kHz; "pcmu" and "pcma" are what telephones speak. Default "pcm16". */
  readonly audio?: AudioFormat["encoding"] | undefined;
  /** The most of the conversation that a new connection is told, tokens. Default 8000. */
  readonly historyTokens?: number | undefined;
  /** How sockets are made. Default: the package ws. */
  readonly dial?: Dial | undefined;
}

/** An engine over realtime models. */
export interface RealtimeEngine extends Engine {
  /** The models it may use, for price tables. */
  readonly models: readonly string[];
}

const TRANSCRIBER = "gpt-live-transcribe";

/**
 * Makes an engine of a speech-to-speech model that speaks OpenAI's realtime protocol: OpenAI, Azure OpenAI, xAI, a
 * gateway, or repartee's own server. Its sessions outlive connections: a line that breaks is opened anew, one that is
 * about to end is replaced between two turns. Throws VoiceError `config` for an address that cannot be one.
 */
export function openaiRealtime(options: RealtimeOptions): RealtimeEngine {
  const { failover = [], audio = "pcm16", dial } = options;
  const format: AudioFormat = audio === "pcm16" ? { encoding: audio, rate: 24_000 } : { encoding: audio, rate: 8000 };
  const endpoints: readonly RealtimeEndpoint[] = [options, ...failover];
  const models = endpoints.map((endpoint) => realtimeModel({ endpoint, format, dial }));
  if (options.model === "") throw new VoiceError("config", "model is empty");
  // What one call learns about a provider holds for all of them.
  const breakers = new Map(models.map(({ id }) => [id, new Breaker()] as const));
  const transcription = options.transcription === null ? undefined : (options.transcription ?? { model: TRANSCRIBER });
  const revoice = models.every(({ can }) => can.voiceChange);
  return {
    name: "realtime",
    models: [...endpoints.map(({ model }) => model), ...(transcription === undefined ? [] : [transcription.model])],
    can: {
      rate: { in: format.rate, out: format.rate },
      images: true,
      tools: "calls",
      turns: true,
      manual: true,
      truncate: true,
      revoice,
      rebrief: true,
      // Connections end, sessions do not.
      lifetime: Number.POSITIVE_INFINITY,
      // The provider writes the caller's words down beside the answer, too late to decide turns by them.
      words: "none",
    },
    open: async (brief, sink, context) => {
      const parts = {
        models,
        breakers,
        format,
        turns: toTurns(options.turns ?? {}),
        transcription,
        revoice,
        historyTokens: options.historyTokens,
      };
      const session = new RealtimeSession(parts, brief, sink, context);
      await session.open();
      return session;
    },
  };
}

function toTurns(detection: RealtimeDetection): Extract<RealtimeTurns, { by: "provider" }> {
  const { interrupt = true } = detection;
  if (detection.detector === "semantic_vad")
    return {
      by: "provider",
      detector: "semantic_vad",
      eagerness: detection.eagerness ?? "auto",
      interrupt,
      answer: true,
    };
  const { threshold = 0.5, prefixMs = 300, silenceMs = 500, idleMs } = detection;
  return { by: "provider", detector: "server_vad", threshold, prefixMs, silenceMs, idleMs, interrupt, answer: true };
}
