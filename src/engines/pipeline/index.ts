import type { Brief, Engine, Llm, Stt, Tts } from "../../agents/types.ts";
import type { Millis } from "../../base/time.ts";
import { PipelineSession } from "./session.ts";

/** What is asked of a re-prompt. */
export interface RepromptAsk {
  readonly brief: Brief;
  /** How many utterances in a row were not understood, from 1. */
  readonly inARow: number;
}

export interface PipelineOptions {
  readonly stt: Stt;
  readonly llm: Llm;
  readonly tts: Tts;
  /** What is said when the recogniser could make nothing of an utterance. From the second time on it should offer typing. */
  readonly reprompt?: ((ask: RepromptAsk) => string) | undefined;
  /**
   * Begin an answer when the turn is likely over, and keep it back until it is. Default true: costs tokens when the caller
   * goes on, saves the time of model and synthesiser when not; switches itself off for a caller with whom it does not pay.
   */
  readonly eager?: boolean | undefined;
  /**
   * How long words must stay the same before a turn is decided by them while the caller still speaks, ms. Default 0. More
   * for a recogniser whose first words are guesses: they are shown at once all the same.
   */
  readonly steadyMs?: Millis | undefined;
  /** Names the model in usage events. Default: the name of the `llm` function. */
  readonly model?: string | undefined;
}

/** An engine made of three parts: speech to text, a language model, text to speech. They overlap wherever they can. */
export function pipeline(options: PipelineOptions): Engine {
  const { stt, llm, tts, reprompt = askAgain, eager = true, steadyMs = 0 } = options;
  const model = options.model ?? (llm.name || "llm");
  return {
    name: "pipeline",
    can: {
      rate: { in: stt.rate, out: tts.rate },
      images: false,
      tools: "calls",
      turns: false,
      manual: true,
      truncate: true,
      revoice: true,
      rebrief: true,
      lifetime: Number.POSITIVE_INFINITY,
      words: stt.can.partials ? "partial" : "final",
      steadyMs,
      finalMs: stt.can.finalMs,
    },
    open: (brief, sink, context) =>
      Promise.resolve(new PipelineSession({ stt, llm, tts, reprompt, eager, model }, brief, sink, context)),
  };
}

function askAgain({ inARow }: RepromptAsk): string {
  return inARow === 1
    ? "Sorry, I did not catch that. Could you say it again?"
    : "Sorry, I still did not catch that. You can also type it.";
}
