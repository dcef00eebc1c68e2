import { describe, expect, it } from "vitest";
import { monoFrame } from "../../audio/frame.ts";
import { silentLog } from "../../base/log.ts";
import { noMeters } from "../../base/meters.ts";
import { Queue } from "../../base/queue.ts";
import type { Brief, EngineEvent, Item, Llm, Stt, Tts, Words } from "../../agents/types.ts";
import type { Session } from "../../session/types.ts";
import { VirtualClock } from "../../testing/clock.ts";
import { pipeline } from "./index.ts";

const RATE = 16_000;
const brief: Brief = { agent: "Ada", instructions: "", history: [], turns: "local", tools: [], phrases: ["hello"] };

const tts: Tts = {
  name: "tone",
  rate: RATE,
  can: { input: "piece", words: false, abortable: true },
  async *speak(text) {
    for await (const piece of text) yield { ...monoFrame(new Int16Array(RATE / 10).fill(1_000), RATE), text: piece };
  },
};

interface Stretch {
  readonly ms: number;
  readonly phrases: readonly string[];
}

async function open(texts: readonly string[], llm: Llm, can: Partial<Stt["can"]> = {}, listen?: Stt["listen"]) {
  const clock = new VirtualClock();
  const stretches: Stretch[] = [];
  const stt: Stt = {
    name: "told",
    rate: RATE,
    can: { partials: false, continuous: false, turns: false, finalMs: 300, ...can },
    listen: listen ?? told,
  };
  async function* told(...[audio, { phrases }]: Parameters<Stt["listen"]>): AsyncGenerator<Words> {
    let samples = 0;
    for await (const frame of audio) samples += frame.samples.length;
    const text = texts[stretches.length] ?? "";
    stretches.push({ ms: (samples / RATE) * 1000, phrases });
    yield text === "?" ? { text: "", final: true, rejected: true } : { text, final: true };
  }
  const events: EngineEvent[] = [];
  const platform = {
    clock,
    log: silentLog,
    meters: noMeters,
    random: (n: number) => crypto.getRandomValues(new Uint8Array(n)),
  };
  const caller = { clock, pending: 0, signal: new AbortController().signal } as unknown as Session;
  const engine = pipeline({ stt, llm, tts });
  const session = await engine.open(brief, (event) => events.push(event), {
    session: caller,
    signal: caller.signal,
    platform,
  });
  let at = 0;
  const hear = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 20) {
      session.hear(monoFrame(new Int16Array(320), RATE, at));
      at += 20;
      await clock.advance(20);
    }
  };
  return {
    clock,
    session,
    events,
    stretches,
    hear,
    now: () => clock.now(),
    /** Speech since 100 ms ago, for this long, then a pause. */
    speak: async (ms: number, how: "started" | "resumed" = "started"): Promise<void> => {
      const now = clock.now();
      session.turn(how === "started" ? { type: how, from: now - 100, at: now } : { type: how, cutOff: false, at: now });
      await hear(ms);
      session.turn({ type: "paused", from: clock.now(), at: clock.now() });
      await hear(20);
    },
    end: async (why: "pause" | "noise" = "pause"): Promise<void> => {
      session.turn({ type: "ended", why, at: clock.now() });
      if (why === "pause") session.answer();
      await clock.advance(100);
    },
    said: () =>
      events.flatMap((event) => (event.type === "words" && event.who === "agent" && event.final ? [event.text] : [])),
    heard: () => events.flatMap((event) => (event.type === "words" && event.who === "caller" ? [event.text] : [])),
  };
}

const last = (items: readonly Item[]): string => {
  const item = items.at(-1);
  return item?.kind === "message" ? item.text : (item?.kind ?? "nothing");
};

describe("a pipeline session", () => {
  it("starts each stretch 300 ms before the onset and gives no sample twice", async () => {
    const { hear, speak, end, stretches, heard } = await open(["how many days", "do I have"], ({ items }) =>
      last(items),
    );
    await hear(1_000);
    await speak(500);
    // 100 ms to notice, 300 ms of pre-roll, 500 ms of speech.
    expect(stretches[0]?.ms).toBe(900);
    await hear(60);
    await speak(400, "resumed");
    // All that was not given before: 20 + 60 ms of pause, and 400 ms of speech.
    expect(stretches[1]?.ms).toBe(480);
    await end();
    expect(heard()).toEqual(["how many days", "how many days do I have"]);
    expect(stretches[0]?.phrases).toEqual(["hello"]);
  });

  it("hears what it could not make out again, together with what follows", async () => {
    const { hear, speak, stretches, heard } = await open(["?", "how many days do I have"], () => "12.");
    await hear(1_000);
    await speak(500);
    await hear(200);
    await speak(500, "resumed");
    expect(stretches[1]?.ms).toBeGreaterThan(900 + 500);
    expect(heard()).toEqual(["", "how many days do I have"]);
  });

  it("answers a guess at once when the words stand, and makes a new one when something was added meanwhile", async () => {
    const prompts: string[] = [];
    const llm: Llm = ({ items }) => {
      prompts.push(items.map((item) => item.kind).join(" "));
      return `Answer ${prompts.length}.`;
    };
    const { session, hear, speak, end, said, now } = await open(["hello there", "hello again"], llm);
    await hear(1_000);
    await speak(500);
    session.turn({ type: "likely", p: 0.9, at: now() });
    await hear(100);
    expect(said()).toEqual([]);
    await end();
    expect(said()).toEqual(["Answer 1."]);
    await speak(500);
    session.turn({ type: "likely", p: 0.9, at: now() });
    await hear(100);
    session.add({ id: "itm_late", at: 0, kind: "result", call: "call_1", output: "late", failed: false });
    await end();
    expect(said()).toEqual(["Answer 1.", "Answer 3."]);
    expect(prompts).toEqual(["message", "message message message", "message message message result"]);
  });

  it("drops a guess when the turn came to nothing", async () => {
    const { session, hear, speak, end, events, now } = await open(["mm"], () => "Answer.");
    await hear(1_000);
    await speak(200);
    session.turn({ type: "likely", p: 0.9, at: now() });
    await hear(100);
    await end("noise");
    expect(events.filter((event) => event.type === "reply" || event.type === "audio")).toEqual([]);
  });

  it("keeps a reply back while the caller goes on, and lets it out when they had nothing to add", async () => {
    const llm: Llm = async ({ session }) => {
      await new Promise<void>((resolve) => void session.clock.at(session.clock.now() + 300, resolve));
      return "Answer.";
    };
    const { session, hear, speak, end, said, now, events } = await open(["hello", ""], llm);
    await hear(1_000);
    await speak(500);
    await end();
    session.turn({ type: "resumed", cutOff: false, at: now() });
    await hear(600);
    expect(events.filter((event) => event.type === "audio")).toEqual([]);
    session.turn({ type: "paused", from: now(), at: now() });
    await end("noise");
    expect(said()).toEqual(["Answer."]);
    expect(events.filter((event) => event.type === "audio")).toHaveLength(1);
  });

  it("puts words of a continuous recogniser into the turn in which they come, and waits for the final", async () => {
    const words = new Queue<Words>();
    let listens = 0;
    const prompts: string[] = [];
    const listen: Stt["listen"] = () => {
      listens += 1;
      return words;
    };
    const llm: Llm = ({ items }) => (prompts.push(last(items)), "12.");
    const { session, hear, end, heard, now } = await open([], llm, { continuous: true, partials: true }, listen);
    await hear(200);
    for (const [first, second] of [
      ["how many", "how many days"],
      ["do I", "do I have"],
    ] as const) {
      session.turn({ type: "started", from: now(), at: now() });
      words.push({ text: first, final: false });
      await hear(200);
      session.turn({ type: "paused", from: now(), at: now() });
      await end();
      words.push({ text: second, final: true });
      await hear(200);
    }
    expect(heard()).toEqual(["how many", "how many days", "do I", "do I have"]);
    expect(prompts).toEqual(["how many days", "do I have"]);
    expect(listens).toBe(1);
  });
});
