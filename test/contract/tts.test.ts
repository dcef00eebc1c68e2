import { afterAll, describe, expect, it } from "vitest";
import { durationOf } from "../../src/audio/frame.ts";
import type { Ask, Spoken, Tts } from "../../src/agents/types.ts";
import { flite } from "../../src/providers/flite/index.ts";
import { openai } from "../../src/providers/openai/index.ts";
import { serveSpeech } from "../fixtures/openai-speech.ts";

/** The voices under test; whoever writes one adds a row. `session` is not read by any of them. */
const embedded = flite();
const server = await serveSpeech([]);
const voices: readonly Tts[] = [embedded, openai({ baseUrl: server.url, model: "any", tts: { model: "remote" } }).tts];
afterAll(() => Promise.all([embedded.close(), server.close()]));

const session = new Proxy({}, { get: () => expect.fail("a voice must not need the session") }) as Ask["session"];

async function* pieces(...texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}

async function all(frames: AsyncIterable<Spoken>): Promise<readonly Spoken[]> {
  const out: Spoken[] = [];
  for await (const frame of frames) out.push(frame);
  return out;
}

/** A text that stops in the middle, as a model does that never answers, and knows whether it was let go. */
function stalled(...texts: readonly string[]): { readonly text: AsyncIterable<string>; left: boolean } {
  const state = {
    left: false,
    text: {
      [Symbol.asyncIterator]: () => ({
        next: (): Promise<IteratorResult<string>> => {
          const value = texts[at++];
          return value === undefined ? new Promise(() => {}) : Promise.resolve({ value, done: false });
        },
        return: (): Promise<IteratorResult<string>> => {
          state.left = true;
          return Promise.resolve({ value: undefined, done: true });
        },
      }),
    },
  };
  let at = 0;
  return state;
}

describe.each(voices)("every voice: $name", (tts) => {
  const signal = new AbortController().signal;

  it("speaks every piece in order, mono, at its own rate", async () => {
    const frames = await all(tts.speak(pieces("Sure.", "Let me check that for you."), { session, signal }));
    expect(frames.length).toBeGreaterThan(0);
    for (const frame of frames) expect(frame).toMatchObject({ kind: "audio", rate: tts.rate, channels: 1 });
    expect(frames.flatMap((frame) => (frame.text === undefined ? [] : [frame.text])).join(" ")).toBe(
      "Sure. Let me check that for you.",
    );
    const length = frames.reduce((sum, frame) => sum + durationOf(frame), 0);
    expect(length).toBeGreaterThan(1000);
    expect(length).toBeLessThan(5000);
  });

  it.runIf(tts.can.words)("says when each word is spoken, inside its frame", async () => {
    for (const frame of await all(tts.speak(pieces("One, two.", "Three four five."), { session, signal }))) {
      const words = frame.words ?? [];
      expect(words.map(({ text }) => text).join(" ")).toBe(frame.text);
      let before = 0;
      for (const { from, to } of words) {
        expect(from).toBeGreaterThanOrEqual(before);
        expect(to).toBeGreaterThan(from);
        before = from;
      }
      expect(words.at(-1)?.to).toBeLessThanOrEqual(durationOf(frame));
    }
  });

  it("says nothing for text without words", async () => {
    expect(await all(tts.speak(pieces("", "...", "🎉"), { session, signal }))).toEqual([]);
    expect(await all(tts.speak(pieces(), { session, signal }))).toEqual([]);
  });

  it("ends at once when aborted while it waits for text, and lets the source go", async () => {
    const stop = new AbortController();
    const source = stalled("Sure.");
    const speaking = tts.speak(source.text, { session, signal: stop.signal })[Symbol.asyncIterator]();
    expect((await speaking.next()).done).toBe(false);
    const next = speaking.next();
    stop.abort(new Error("interrupted"));
    expect((await next).done).toBe(true);
    expect(source.left).toBe(true);
  });

  it("yields nothing more once aborted, whatever is under way", async () => {
    const stop = new AbortController();
    const speaking = tts.speak(pieces("This piece is thrown away.", "And this one too."), {
      session,
      signal: stop.signal,
    });
    const iterator = speaking[Symbol.asyncIterator]();
    const next = iterator.next();
    stop.abort(new Error("interrupted"));
    expect((await next).done).toBe(true);
    expect((await iterator.next()).done).toBe(true);
  });

  it("yields nothing when it was aborted before it began", async () => {
    expect(await all(tts.speak(pieces("Sure."), { session, signal: AbortSignal.abort() }))).toEqual([]);
  });

  it("passes on what its source throws", async () => {
    async function* broken(): AsyncGenerator<string> {
      yield "Sure.";
      throw new Error("the model died");
    }
    await expect(all(tts.speak(broken(), { session, signal }))).rejects.toThrow("the model died");
  });

  it("serves several callers at a time", async () => {
    const texts = ["One day.", "Two days.", "Three days.", "Four days."];
    const spoken = await Promise.all(texts.map((text) => all(tts.speak(pieces(text), { session, signal }))));
    expect(spoken.map((frames) => frames[0]?.text)).toEqual(texts);
  });

  it("accepts voices it has never heard of", async () => {
    expect(await all(tts.speak(pieces("Sure."), { session, signal, voice: "marin" }))).not.toEqual([]);
  });
});
