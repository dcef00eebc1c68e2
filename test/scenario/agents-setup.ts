import { type AudioFrame, monoFrame } from "../../src/audio/frame.ts";
import { VoiceError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { MemoryMeters } from "../../src/base/meters.ts";
import { agent } from "../../src/agents/agent.ts";
import { converse, type ConverseOptions } from "../../src/agents/converse.ts";
import type { Agent, Item, Stt, Tts } from "../../src/agents/types.ts";
import { Calls } from "../../src/session/calls.ts";
import { LoopbackCall } from "../../src/testing/call.ts";
import { VirtualClock } from "../../src/testing/clock.ts";
import type { DetectorMaker } from "../../src/vad/detector.ts";

const RATE = 16_000;

/** Hears speech wherever a window is loud: these are claims about agents, not about the detector. */
const loudness: DetectorMaker = () => ({
  rate: RATE,
  window: 512,
  push(samples) {
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    return Math.sqrt(sum / samples.length) > 0.02 ? 0.95 : 0.02;
  },
  reset() {},
});

/** Noise that counts as speech. */
export function voice(ms: number): AudioFrame {
  let seed = 1;
  const samples = Int16Array.from({ length: (RATE * ms) / 1000 }, () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (seed >> 16) % 8_000;
  });
  return monoFrame(samples, RATE);
}

/** A caller on the line with an agent, in virtual time. */
export async function talkTo(who: Agent, options: ConverseOptions) {
  const clock = new VirtualClock();
  const items: Item[] = [];
  const platform = {
    clock,
    log: silentLog,
    meters: new MemoryMeters(),
    random: (bytes: number) => globalThis.crypto.getRandomValues(new Uint8Array(bytes)),
  };
  const handler = converse(who, { ...options, onItem: (item) => items.push(item) });
  const calls = new Calls(handler, { platform, detector: loudness });
  const call = new LoopbackCall({ clock, can: { rate: RATE } });
  const session = await calls.answer(call);
  await clock.advance(0);
  return {
    clock,
    call,
    session,
    items,
    /** The caller types, and a moment passes. */
    type: async (text: string, ms = 40) => {
      call.message({ type: "text", text });
      await call.listen(ms);
    },
    /** What the page shows of the agents: the last text of each line, in order. */
    agentLines: () => linesOf(call, "agent"),
    callerLines: () => linesOf(call, "user"),
    tools: () => call.eventsOf("tool").map(({ data }) => `${data.name} ${data.status}`),
    warnings: () => call.events.flatMap(({ event }) => (event.type === "warning" ? [event.data.code] : [])),
  };
}

function linesOf(call: LoopbackCall, role: "agent" | "user"): string[] {
  const lines = new Map<string, string>();
  for (const { data } of call.eventsOf("transcript")) if (data.role === role) lines.set(data.id, data.text);
  return [...lines.values()];
}

/** An agent with nothing but a name and what is given. */
export function plainAgent(name: string, rest: Partial<Parameters<typeof agent>[0]> = {}): Agent {
  return agent({ name, instructions: `You are ${name}.`, ...rest });
}

/** A recogniser that hears what it is told to hear, one result per stretch; "?" is speech it cannot make out. */
export function hearing(
  texts: readonly string[],
  { delayMs = 10, clock }: { delayMs?: number; clock?: VirtualClock } = {},
): Stt & { readonly stretches: number[] } {
  const stretches: number[] = [];
  return {
    name: "told",
    rate: RATE,
    can: { partials: false, continuous: false, turns: false, finalMs: 100 },
    stretches,
    async *listen(audio) {
      let samples = 0;
      for await (const frame of audio) samples += frame.samples.length;
      const text = texts[stretches.length] ?? "";
      stretches.push(Math.round((samples / RATE) * 1000));
      if (clock !== undefined) await new Promise<void>((resolve) => void clock.at(clock.now() + delayMs, resolve));
      yield text === "?" ? { text: "", final: true, rejected: true } : { text, final: true };
    },
  };
}

/** A synthesiser that needs 50 ms of tone per character and no time at all. */
export function tone(): Tts & {
  readonly said: { voice: string | undefined; text: string }[];
  readonly aborted: number[];
} {
  const said: { voice: string | undefined; text: string }[] = [];
  const aborted: number[] = [];
  return {
    name: "tone",
    rate: RATE,
    can: { input: "piece", words: false, abortable: true },
    said,
    aborted,
    async *speak(text, { signal, voice, session }) {
      signal.addEventListener("abort", () => aborted.push(session.clock.now()), { once: true });
      for await (const piece of text) {
        said.push({ voice, text: piece });
        yield { ...monoFrame(new Int16Array((RATE * 50 * piece.length) / 1000).fill(4_000), RATE), text: piece };
      }
    },
  };
}

export const broken = (message: string): VoiceError => new VoiceError("provider-unavailable", message);
