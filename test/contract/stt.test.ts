import { afterAll, describe, expect, it } from "vitest";
import { concat, silence, type AudioFrame } from "../../src/audio/frame.ts";
import type { Ask, Stt, Words } from "../../src/agents/types.ts";
import { pocketsphinx } from "../../src/providers/pocketsphinx/index.ts";
import { openai } from "../../src/providers/openai/index.ts";
import { framesOf, spoken } from "../../src/testing/speech.ts";
import { serveSpeech } from "../fixtures/openai-speech.ts";

const phrases = ["how many vacation days do I have [left]", "book <day:weekday> off", "talk to a person", "yes", "no"];

/** The recognisers under test; whoever writes one adds a row. `session` is not read by any of them. */
const embedded = pocketsphinx();
const servers = [await serveSpeech(phrases), await serveSpeech(phrases)] as const;
const [whole, streamed] = servers;
const recognizers: readonly Stt[] = [
  embedded,
  openai({ baseUrl: whole.url, model: "any", stt: { model: "remote", stream: false } }).stt,
  openai({ baseUrl: streamed.url, model: "any", stt: { model: "remote, streaming" } }).stt,
];
afterAll(() => Promise.all([embedded, ...servers].map((one) => one.close())));

const session = new Proxy({}, { get: () => expect.fail("a recogniser must not need the session") }) as Ask["session"];

async function* stream(...frames: readonly AudioFrame[]): AsyncGenerator<AudioFrame> {
  yield* frames;
}

/** Frames that stop coming, as those of a caller who keeps silent, and whether the source was let go. */
function stalled(frames: readonly AudioFrame[]): { readonly audio: AsyncIterable<AudioFrame>; left: boolean } {
  let at = 0;
  const state = {
    left: false,
    audio: {
      [Symbol.asyncIterator]: () => ({
        next: (): Promise<IteratorResult<AudioFrame>> => {
          const value = frames[at++];
          return value === undefined ? new Promise(() => {}) : Promise.resolve({ value, done: false });
        },
        return: (): Promise<IteratorResult<AudioFrame>> => {
          state.left = true;
          return Promise.resolve({ value: undefined, done: true });
        },
      }),
    },
  };
  return state;
}

describe.each(recognizers)("every recogniser: $name", (stt) => {
  const signal = new AbortController().signal;
  const ask = { session, signal, phrases };

  async function heard(audio: AsyncIterable<AudioFrame>): Promise<readonly Words[]> {
    const all: Words[] = [];
    for await (const words of stt.listen(audio, ask)) all.push(words);
    return all;
  }

  it.each([8000, 16_000, 24_000, 48_000])("understands speech at %d Hz and closes with one final", async (rate) => {
    const all = await heard(stream(...framesOf(spoken("How many vacation days do I have left?", { rate }))));
    expect(all.filter(({ final }) => final)).toEqual([all.at(-1)]);
    expect(all.at(-1)?.text.toLowerCase()).toBe("how many vacation days do i have left");
  });

  it.runIf(stt.can.partials)("tells partial words before the end, each one new", async () => {
    const all = await heard(stream(...framesOf(spoken("Book Friday off."))));
    const partials = all.slice(0, -1).map(({ text }) => text);
    expect(partials.length).toBeGreaterThan(1);
    for (const [i, text] of partials.entries()) expect(text).not.toBe(partials[i - 1]);
  });

  it("gives numbers from 0 to 1 only", async () => {
    for (const { likelyEnd = 0, confidence = 0 } of await heard(stream(...framesOf(spoken("Talk to a person."))))) {
      for (const p of [likelyEnd, confidence]) expect(p >= 0 && p <= 1).toBe(true);
    }
  });

  it("gives an empty final for silence and for no audio at all", async () => {
    for (const audio of [stream(), stream(...framesOf(silence(1500, 16_000)))]) {
      expect(await heard(audio)).toMatchObject([{ text: "", final: true }]);
    }
  });

  it("takes one frame of any length", async () => {
    const frame = spoken("Yes.");
    expect((await heard(stream(concat([frame, silence(300, frame.rate)], frame.rate)))).at(-1)).toMatchObject({
      text: "yes",
      final: true,
    });
  });

  it("listens to several callers at a time without mixing them up", async () => {
    const texts = [
      "how many vacation days do i have",
      "book monday off",
      "talk to a person",
      "yes",
      "no",
      "book sunday off",
    ];
    const all = await Promise.all(texts.map((text) => heard(stream(...framesOf(spoken(text))))));
    expect(all.map((words) => words.at(-1)?.text)).toEqual(texts);
  });

  it("ends at once when aborted while it waits for audio, without a final, and lets the source go", async () => {
    const stop = new AbortController();
    const source = stalled(framesOf(spoken("Talk to a person.")));
    const listening = stt.listen(source.audio, { ...ask, signal: stop.signal })[Symbol.asyncIterator]();
    const all: Words[] = [];
    const reading = (async () => {
      for (let next = await listening.next(); next.done !== true; next = await listening.next()) all.push(next.value);
    })();
    setTimeout(() => stop.abort(new Error("hung up")), 50);
    await reading;
    expect(all.filter(({ final }) => final)).toEqual([]);
    expect(source.left).toBe(true);
  });

  it.runIf(stt.can.partials)("ends at once when aborted with its first words, and lets the source go", async () => {
    const stop = new AbortController();
    const source = stalled(framesOf(spoken("Talk to a person.")));
    const all: Words[] = [];
    for await (const words of stt.listen(source.audio, { ...ask, signal: stop.signal })) {
      all.push(words);
      stop.abort(new Error("hung up"));
    }
    expect(all.length).toBe(1);
    expect(all[0]?.final).toBe(false);
    expect(source.left).toBe(true);
  });

  it("says nothing when it was aborted before it began", async () => {
    const all: Words[] = [];
    for await (const words of stt.listen(stream(...framesOf(spoken("Yes."))), { ...ask, signal: AbortSignal.abort() }))
      all.push(words);
    expect(all).toEqual([]);
  });

  it("passes on what its source throws, and works on", async () => {
    const broken = (async function* () {
      yield* framesOf(spoken("Yes."));
      throw new Error("the line broke");
    })();
    await expect(heard(broken)).rejects.toThrow("the line broke");
    expect((await heard(stream(...framesOf(spoken("No."))))).at(-1)?.text).toBe("no");
  });
});
