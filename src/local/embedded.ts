/*
 * Everything a voice agent needs, on this machine, without a key and without a download: a voice detector, a recogniser
 * for the phrases the agents declare, rules in place of a model, and a voice for each agent.
 */
import { teamOf } from "../agents/handoff.ts";
import type { Agent, Engine, Stt, Tts } from "../agents/types.ts";
import type { Millis } from "../base/time.ts";
import { pipeline } from "../engines/pipeline/index.ts";
import { flite, type FliteOptions } from "../providers/flite/index.ts";
import { pocketsphinx, type PocketsphinxOptions } from "../providers/pocketsphinx/index.ts";
import { repromptOf, type RuleBook, rules } from "../providers/rules/index.ts";
import { loadSilero } from "../providers/silero/index.ts";
import type { DetectorMaker } from "../vad/detector.ts";

/** Understood whoever is on the line: what people say over an agent's voice, and to a question of yes or no. */
const ALWAYS: readonly string[] = ["stop", "wait", "hold on", "yes", "no", "okay", "yeah", "right", "I see"];

/** The first words of a grammar recogniser are guesses: "okay" begins as "can". Two and a half of its blocks, ms. */
export const STEADY: Millis = 250;

export interface EmbeddedOptions {
  /** What the agents answer. */
  readonly book: RuleBook;
  readonly recognizer?: PocketsphinxOptions;
  readonly voice?: FliteOptions;
}

export interface Embedded {
  readonly engine: Engine;
  readonly detector: DetectorMaker;
  /** Recogniser and voice of the engine, to be used elsewhere too. */
  readonly stt: Stt;
  readonly tts: Tts;
  /** The parts in use, for people. */
  readonly describe: string;
  /**
   * Starts the workers and prepares what an agent and its colleagues expect to hear and say first, so that the first
   * caller does not wait for it. Fails with VoiceError `missing-peer` when a package of the embedded parts is missing.
   */
  warmUp(first: Agent): Promise<void>;
  /** Ends the workers. */
  close(): Promise<void>;
}

/**
 * Wires the embedded parts. Fails with VoiceError `model-missing` without the weights of the detector, `config` for a
 * malformed phrase in the book. Workers start with `warmUp`, or with the first caller.
 */
export async function embedded({ book, recognizer = {}, voice = {} }: EmbeddedOptions): Promise<Embedded> {
  const llm = rules(book);
  const detector = await loadSilero();
  const stt = pocketsphinx({ ...recognizer, phrases: [...ALWAYS, ...(recognizer.phrases ?? [])] });
  const tts = flite(voice);
  return {
    engine: pipeline({ stt, llm, tts, reprompt: repromptOf(book), steadyMs: STEADY, model: "rules" }),
    detector,
    stt,
    tts,
    describe: "Silero v6 · grammar recogniser · rules · Flite",
    warmUp: async (first) => {
      const team = teamOf(first);
      await Promise.all([
        ...team.map((agent) => stt.prepare(agent.phrases)),
        ...team.flatMap((agent) => {
          const lines = [agent.greeting, book[agent.name]?.hello].filter((line) => line !== undefined && line !== "");
          return lines.map((line) => tts.prepare(line ?? "", agent.voice));
        }),
      ]);
    },
    close: async () => {
      await Promise.all([stt.close(), tts.close()]);
    },
  };
}
