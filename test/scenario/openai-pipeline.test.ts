/* The three parts of one server behind one agent: a whole call, and what becomes of their requests when the caller goes. */
import { afterEach, describe, expect, it } from "vitest";
import { agent } from "../../src/agents/agent.ts";
import { converse } from "../../src/agents/converse.ts";
import { monoFrame } from "../../src/audio/frame.ts";
import type { Clock } from "../../src/base/time.ts";
import { silentLog } from "../../src/base/log.ts";
import { pipeline } from "../../src/engines/pipeline/index.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { openai } from "../../src/providers/openai/index.ts";
import { Calls } from "../../src/session/calls.ts";
import { LoopbackCall } from "../../src/testing/call.ts";
import { VirtualClock } from "../../src/testing/clock.ts";
import { EnergyDetector } from "../../src/vad/energy.ts";
import {
  type Answer,
  type Asked,
  chunk,
  DONE,
  type OpenAiServer,
  refuse,
  serveOpenAi,
  streaming,
} from "../fixtures/openai-server.ts";

let server: OpenAiServer | undefined;
afterEach(async () => {
  await server?.close();
});

interface Answers {
  readonly chat: Answer;
  readonly speech: Answer;
  readonly transcription: Answer;
}

const usual: Answers = {
  chat: (response) =>
    void streaming(response).end(
      chunk({ content: "It is noon. " }) + chunk({ content: "Enjoy your meal." }) + chunk({}, "stop") + DONE,
    ),
  speech: (response) => void response.writeHead(200).end(Buffer.alloc(48 * 300, 9)),
  transcription: (response) =>
    void response.writeHead(200, { "content-type": "application/json" }).end('{"text":"What time is it?"}'),
};
/** Answers with a little and then with nothing more. */
const hanging: Pick<Answers, "chat" | "speech"> = {
  chat: (response) => void streaming(response).write(chunk({ content: "It is noon. Enjoy" })),
  speech: (response) => void response.writeHead(200).write(Buffer.alloc(48 * 300, 9)),
};

async function dial(answers: Partial<Answers>, clock: Clock = nodePlatform().clock) {
  const { chat, speech, transcription } = { ...usual, ...answers };
  server = await serveOpenAi((response, asked) => {
    if (asked.path.endsWith("/chat/completions")) return chat(response, asked);
    return asked.path.endsWith("/audio/speech") ? speech(response, asked) : transcription(response, asked);
  });
  const { llm, stt, tts } = openai({ baseUrl: server.url, model: "small" });
  const ada = agent({ name: "Ada", instructions: "Tell the time." });
  const platform = { ...nodePlatform(), clock, log: silentLog };
  const calls = new Calls(converse(ada, { engine: pipeline({ stt, llm, tts, eager: false }) }), {
    platform,
    detector: (rate) => new EnergyDetector(rate),
  });
  const call = new LoopbackCall({ clock: platform.clock });
  await calls.answer(call);
  await expect.poll(() => call.eventsOf("agent_state").length).toBe(1);
  const askedFor = (path: string): readonly Asked[] => server?.asked.filter((one) => one.path.endsWith(path)) ?? [];
  return { call, calls, askedFor };
}

/** A second of something loud, with a quiet second around it. */
const speech = monoFrame(
  Int16Array.from({ length: 24_000 * 3 }, (_, i) =>
    i < 24_000 || i > 48_000 ? 0 : 9_000 * Math.sin(i / 9) * Math.sin(i / 900),
  ),
  24_000,
);

/** A busy machine may be late by itself: the claim is that we can let go in time. */
const timed = { retry: 3 };

describe("a pipeline on one server", () => {
  it("hears, thinks and speaks, and remembers what was heard", async () => {
    // The caller's time stands still while the server, which is real, works.
    const { call, calls, askedFor } = await dial({}, new VirtualClock());
    const said = (): readonly string[] =>
      call.eventsOf("transcript").flatMap(({ data }) => (data.final ? [data.text] : []));
    await call.say(speech);
    await expect.poll(said).toEqual(["What time is it?"]);
    await call.listen(500);
    await expect.poll(() => said().at(-1)).toBe("It is noon. Enjoy your meal.");
    await call.listen(2_000);
    const heard = (): number | undefined => call.eventsOf("transcript").at(-1)?.data.heardChars;
    expect(heard()).toBe("It is noon. Enjoy your meal.".length);
    call.message({ type: "text", text: "And tomorrow?" });
    await expect.poll(() => askedFor("/chat/completions").length).toBe(2);
    expect(JSON.parse(String(askedFor("/chat/completions")[1]?.body)).messages).toEqual([
      { role: "system", content: "Tell the time." },
      { role: "user", content: "What time is it?" },
      { role: "assistant", content: "It is noon. Enjoy your meal." },
      { role: "user", content: "And tomorrow?" },
    ]);
    await calls.close();
  });

  it("lets go of model and voice within one frame when the caller interrupts", timed, async () => {
    const { call, calls, askedFor } = await dial(hanging);
    call.message({ type: "text", text: "What time is it?" });
    await expect.poll(() => call.heardAudio().length, { timeout: 5_000 }).toBeGreaterThan(2);
    const [chat, voice] = [askedFor("/chat/completions")[0], askedFor("/audio/speech")[0]];
    const began = performance.now();
    call.message({ type: "interrupt" });
    await Promise.all([chat?.gone, voice?.gone]);
    expect(performance.now() - began).toBeLessThan(20);
    const heard = call.heardAudio().length;
    await call.listen(100);
    expect(call.heardAudio()).toHaveLength(heard);
    await calls.close();
  });

  it("lets go of recogniser, model and voice when the caller hangs up", timed, async () => {
    const { call, calls, askedFor } = await dial({ ...hanging, transcription: () => {} });
    call.message({ type: "text", text: "What time is it?" });
    await expect.poll(() => askedFor("/audio/speech").length, { timeout: 5_000 }).toBe(1);
    // Spoken while the reply hangs: the recogniser's request hangs too.
    void call.say(speech);
    await expect.poll(() => askedFor("/audio/transcriptions").length, { timeout: 5_000 }).toBe(1);
    const began = performance.now();
    call.hangUp();
    await Promise.all(server?.asked.map(({ gone }) => gone) ?? []);
    expect(performance.now() - began).toBeLessThan(20);
    await calls.close();
  });

  it("apologises when the model refuses, and answers the next question", async () => {
    let asked = 0;
    const { call, calls, askedFor } = await dial({
      chat: (response, one) => ((asked += 1) === 1 ? refuse(401)(response) : usual.chat(response, one)),
    });
    call.message({ type: "text", text: "What time is it?" });
    await expect
      .poll(() => call.eventsOf("warning").map(({ data }) => data.code), { timeout: 5_000 })
      .toEqual(["provider-auth"]);
    const spoken = (): readonly unknown[] =>
      askedFor("/audio/speech").map(({ body }) => JSON.parse(String(body)).input);
    await expect.poll(spoken, { timeout: 5_000 }).toContain("Sorry, something went wrong on my side.");
    call.message({ type: "text", text: "And now?" });
    await expect.poll(spoken, { timeout: 5_000 }).toContain("It is noon.");
    await calls.close();
  });
});
