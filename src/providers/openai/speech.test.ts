import { afterEach, describe, expect, it } from "vitest";
import {
  type Answer,
  event,
  type OpenAiServer,
  refuse,
  serveOpenAi,
  streaming,
} from "../../../test/fixtures/openai-server.ts";
import { readForm } from "../../../test/fixtures/openai-speech.ts";
import type { Ask, Spoken, Words } from "../../agents/types.ts";
import { type AudioFrame, durationOf, monoFrame, silence } from "../../audio/frame.ts";
import { readWav } from "../../audio/wav.ts";
import { VoiceError } from "../../base/errors.ts";
import { openai, type OpenAiOptions } from "./index.ts";

let server: OpenAiServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const session = new Proxy({}, { get: () => expect.fail("a part must not need the session") }) as Ask["session"];
const noise = (ms: number, rate = 16_000): AudioFrame =>
  monoFrame(
    Int16Array.from({ length: (ms * rate) / 1000 }, (_, i) => 3_000 * Math.sin(i / 7)),
    rate,
  );

async function parts(answers: readonly Answer[], options: Partial<OpenAiOptions> = {}) {
  server = await serveOpenAi(...answers);
  return openai({
    baseUrl: server.url,
    model: "any",
    timeouts: { connectMs: 500, firstMs: 300, idleMs: 200 },
    ...options,
  });
}

async function* from<T>(...values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

describe("a recogniser behind HTTP", () => {
  type Asking = {
    readonly audio?: AsyncIterable<AudioFrame>;
    readonly stt?: OpenAiOptions["stt"];
    readonly signal?: AbortSignal;
  };

  async function listen(
    answers: readonly Answer[],
    { audio = from(noise(500)), stt, signal = new AbortController().signal }: Asking = {},
  ) {
    const words: Words[] = [];
    const { stt: part } = await parts(answers, { stt });
    for await (const one of part.listen(audio, { session, signal, phrases: [] })) words.push(one);
    return words;
  }

  const answering =
    (body: object): Answer =>
    (response) =>
      void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));

  it("sends one wav of the whole stretch with what it was told", async () => {
    const stt = { model: "whisper", language: "de", prompt: "Repartee, flite", stream: false };
    const audio = from(noise(300, 24_000), noise(200, 24_000), { ...noise(100), channels: 2 as const });
    expect(await listen([answering({ text: " Guten Tag. " })], { audio, stt })).toEqual([
      { text: "Guten Tag.", final: true },
    ]);
    const [asked = expect.fail("nothing was asked")] = server?.asked ?? [];
    expect(asked.path).toBe("/v1/audio/transcriptions");
    const form = await readForm(asked);
    expect(Object.fromEntries([...form].filter(([name]) => name !== "file"))).toEqual({
      model: "whisper",
      language: "de",
      prompt: "Repartee, flite",
      response_format: "json",
    });
    const file = form.get("file") as File;
    expect([file.name, file.type]).toEqual(["speech.wav", "audio/wav"]);
    const wav = readWav(new Uint8Array(await file.arrayBuffer()));
    expect(wav).toMatchObject({ rate: 16_000, channels: 1 });
    // 500 ms at 24 kHz, less what the resampler keeps back, and 50 ms of stereo.
    expect("samples" in wav ? wav.samples.length / 16 : 0).toBeCloseTo(550, -1);
  });

  it("asks nobody about silence, or about less than a tenth of a second", async () => {
    for (const audio of [silence(2_000, 16_000), noise(80)]) {
      expect(await listen([refuse(500)], { audio: from(audio) })).toEqual([{ text: "", final: true }]);
      expect(server?.asked).toEqual([]);
      await server?.close();
    }
  });

  it("tells words while they are written", async () => {
    const delta = (text: string): string => event({ type: "transcript.text.delta", delta: text });
    const words = await listen([
      (response) =>
        void streaming(response).end(
          delta("Good") +
            delta(" morning") +
            event({ type: "other" }) +
            event({ type: "transcript.text.done", text: "Good morning." }),
        ),
    ]);
    expect(words).toEqual([
      { text: "Good", final: false },
      { text: "Good morning", final: false },
      { text: "Good morning.", final: true },
    ]);
    expect((await readForm(server?.asked[0] ?? expect.fail())).get("stream")).toBe("true");
  });

  it("closes a transcript whose end is missing with what came", async () => {
    const words = await listen([
      (response) => void streaming(response).end(event({ type: "transcript.text.delta", delta: "Good" })),
    ]);
    expect(words.at(-1)).toEqual({ text: "Good", final: true });
  });

  it.each([
    [
      "an error in the stream",
      (response: Parameters<Answer>[0]) => void streaming(response).end(event({ error: { code: "invalid_api_key" } })),
      "provider-auth",
    ],
    [
      "no JSON",
      (response) => void response.writeHead(200, { "content-type": "application/json" }).end('{"text": "Go'),
      "provider-unavailable",
    ],
    ["a refusal", refuse(413), "provider-config"],
    ["silence", () => {}, "provider-timeout"],
  ] satisfies [string, Answer, string][])("reports %s", async (_, answer, code) => {
    await expect(listen([answer])).rejects.toMatchObject({ code });
  });

  it("asks a second time after a fault of the server", async () => {
    expect(await listen([refuse(500), answering({ text: "yes" })])).toEqual([{ text: "yes", final: true }]);
  });

  it("lets the request go at once when it is aborted", async () => {
    const stop = new AbortController();
    const listening = listen([() => {}], { signal: stop.signal });
    await expect.poll(() => server?.asked.length).toBe(1);
    stop.abort(new VoiceError("interrupted", "the caller spoke"));
    await server?.asked[0]?.gone;
    expect(await listening).toEqual([]);
  });
});

describe("a voice behind HTTP", () => {
  const pcm = (ms: number): Buffer => Buffer.alloc(ms * 48, 7);
  const speaking =
    (ms: number): Answer =>
    (response) =>
      void response.writeHead(200, { "content-type": "audio/pcm" }).end(pcm(ms));
  const lengthOf = (frames: readonly Spoken[]): number => frames.reduce((sum, frame) => sum + durationOf(frame), 0);

  async function speak(
    answers: readonly Answer[],
    text: AsyncIterable<string>,
    options: Partial<OpenAiOptions> = {},
    voice?: string,
  ) {
    const { tts } = await parts(answers, options);
    const frames: Spoken[] = [];
    const signal = new AbortController().signal;
    for await (const frame of tts.speak(text, { session, signal, ...(voice !== undefined && { voice }) }))
      frames.push(frame);
    return frames;
  }

  it("asks for raw samples of each sentence, in the agent's voice or its own", async () => {
    const options = { tts: { model: "small", voice: "coral", instructions: "Cheerful.", speed: 1.1 } };
    const frames = await speak([speaking(100)], from("Good morning.", " … ", "Bye."), options);
    expect(server?.asked.map(({ body }) => JSON.parse(body.toString()))).toEqual(
      ["Good morning.", "Bye."].map((input) => ({
        model: "small",
        input,
        voice: "coral",
        response_format: "pcm",
        instructions: "Cheerful.",
        speed: 1.1,
      })),
    );
    expect(frames.filter(({ text }) => text !== undefined).map(({ text }) => text)).toEqual(["Good morning.", "Bye."]);
    expect(lengthOf(frames)).toBe(200);
    expect(frames[0]).toMatchObject({ rate: 24_000, channels: 1 });
    await server?.close();
    await speak([speaking(20)], from("Hi."), options, "marin");
    expect(JSON.parse(String(server?.asked[0]?.body))).toMatchObject({ voice: "marin" });
  });

  it("passes samples on while the rest is being made, whole ones, whatever the packets hold", async () => {
    let finish = (): void => {};
    const { tts } = await parts([
      (response) => {
        response.writeHead(200, { "content-type": "audio/pcm" }).write(Buffer.of(1, 0, 2));
        finish = (): void => void response.end(Buffer.of(0, 3, 0));
      },
    ]);
    const frames = tts.speak(from("Hi."), { session, signal: new AbortController().signal })[Symbol.asyncIterator]();
    const first = await frames.next();
    finish();
    const second = await frames.next();
    expect([first, second].map(({ value }) => Array.from((value as Spoken).samples))).toEqual([[1], [2, 3]]);
    expect((await frames.next()).done).toBe(true);
  });

  it("asks for the next sentence while the first is spoken, and for no more than that", async () => {
    const { tts } = await parts([speaking(2_000)]);
    const frames = tts
      .speak(from("One.", "Two.", "Three.", "Four."), { session, signal: new AbortController().signal })
      [Symbol.asyncIterator]();
    await frames.next();
    await expect.poll(() => server?.asked.length).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server?.asked).toHaveLength(2);
    await frames.return?.();
    await server?.asked[1]?.gone;
  });

  it("does not take a listener who is slow for a server that is", async () => {
    const { tts } = await parts([speaking(5_000)]);
    let heard = 0;
    for await (const frame of tts.speak(from("One.", "Two."), { session, signal: new AbortController().signal })) {
      if (heard === 0) await new Promise((resolve) => setTimeout(resolve, 600));
      heard += durationOf(frame);
    }
    expect(Math.round(heard)).toBe(10_000);
  });

  it.each([
    ["is refused", refuse(400, { code: "invalid_value" }), "provider-config"],
    [
      "stops in the middle",
      (response: Parameters<Answer>[0]) => void response.writeHead(200).write(pcm(20)),
      "provider-timeout",
    ],
    [
      "breaks off",
      async (response) => {
        response.writeHead(200, { "content-length": "9999" }).write(pcm(20));
        await new Promise((resolve) => setTimeout(resolve, 20));
        response.destroy();
      },
      "provider-unavailable",
    ],
  ] satisfies [string, Answer, string][])(
    "speaks the first sentence when the second %s, and reports that",
    async (_, answer, code) => {
      const { tts } = await parts([speaking(100), answer]);
      const frames: Spoken[] = [];
      const speaks = (async () => {
        for await (const frame of tts.speak(from("One.", "Two."), { session, signal: new AbortController().signal }))
          frames.push(frame);
      })();
      await expect(speaks).rejects.toMatchObject({ code });
      expect(lengthOf(frames)).toBeGreaterThanOrEqual(100);
      expect(frames[0]?.text).toBe("One.");
    },
  );

  it("lets both requests go at once when it is aborted", async () => {
    const { tts } = await parts([(response) => void response.writeHead(200).write(pcm(20)), () => {}], {
      timeouts: {},
    });
    const stop = new AbortController();
    const frames = tts.speak(from("One.", "Two."), { session, signal: stop.signal })[Symbol.asyncIterator]();
    await frames.next();
    await expect.poll(() => server?.asked.length).toBe(2);
    const next = frames.next();
    stop.abort(new VoiceError("interrupted", "the caller spoke"));
    expect((await next).done).toBe(true);
    await Promise.all(server?.asked.map(({ gone }) => gone) ?? []);
  });
});
