import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  type Answer,
  chunk,
  DONE,
  event,
  type OpenAiServer,
  refuse,
  saying,
  serveOpenAi,
  streaming,
} from "../../../test/fixtures/openai-server.ts";
import type { Ask, Brief, Item } from "../../agents/types.ts";
import { VoiceError } from "../../base/errors.ts";
import { type AnswerPart, readAnswer } from "../../engines/pipeline/answers.ts";
import { openai, type OpenAiOptions } from "./index.ts";

let server: OpenAiServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const session = new Proxy({}, { get: () => expect.fail("a model must not need the session") }) as Ask["session"];
const brief: Brief = {
  agent: "Ada",
  instructions: "Be brief.",
  history: [],
  turns: "local",
  tools: [{ name: "clock", description: "Tells the time.", parameters: { type: "object" } }],
  phrases: [],
};
const said: Item = { id: "i1", at: 0, kind: "message", who: "caller", text: "What time is it?" };

type Answers = readonly Answer[];

interface Asking {
  readonly answers: Answers;
  readonly options?: Partial<OpenAiOptions>;
  readonly items?: readonly Item[];
  readonly signal?: AbortSignal;
}

async function* parts({
  answers,
  options = {},
  items = [said],
  signal = new AbortController().signal,
}: Asking): AsyncGenerator<AnswerPart> {
  server = await serveOpenAi(...answers);
  const { llm } = openai({
    baseUrl: server.url,
    model: "small",
    timeouts: { connectMs: 500, firstMs: 300, idleMs: 200 },
    ...options,
  });
  yield* readAnswer(llm({ brief, items, session, signal }), signal);
}

async function ask(
  asking: Asking,
): Promise<{ readonly text: string; readonly parts: AnswerPart[]; readonly error: VoiceError | undefined }> {
  const all: AnswerPart[] = [];
  let error: VoiceError | undefined;
  try {
    for await (const part of parts(asking)) all.push(part);
  } catch (thrown) {
    if (!(thrown instanceof VoiceError)) throw thrown;
    error = thrown;
  }
  return { text: all.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(""), parts: all, error };
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("a chat model", () => {
  it("is asked in the form of Chat Completions, with the key, tools and what the tools found", async () => {
    const items: Item[] = [
      said,
      { id: "c1", at: 0, kind: "call", name: "clock", args: "" },
      { id: "r1", at: 0, kind: "result", call: "c1", output: "noon", failed: false },
    ];
    const options = {
      apiKey: "sk-secret",
      headers: { "x-team": "voice" },
      request: { temperature: 0, stream_options: undefined },
    };
    expect((await ask({ answers: [saying("It is ", "noon.")], options, items })).text).toBe("It is noon.");
    const [{ path, headers, body } = expect.fail("nothing was asked")] = server?.asked ?? [];
    expect(path).toBe("/v1/chat/completions");
    expect(headers).toMatchObject({
      authorization: "Bearer sk-secret",
      "x-team": "voice",
      "content-type": "application/json",
    });
    expect(JSON.parse(body.toString())).toEqual({
      model: "small",
      temperature: 0,
      stream: true,
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "What time is it?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c1", type: "function", function: { name: "clock", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "c1", content: "noon" },
      ],
      tools: [
        {
          type: "function",
          function: { name: "clock", description: "Tells the time.", parameters: { type: "object" } },
        },
      ],
    });
  });

  it("calls tools in pieces, and tells what the answer cost", async () => {
    const { parts: all } = await ask({
      answers: [
        (response) => {
          streaming(response).write(
            chunk({
              role: "assistant",
              tool_calls: [{ index: 0, id: "t1", type: "function", function: { name: "clock", arguments: "" } }],
            }),
          );
          response.write(chunk({ tool_calls: [{ index: 0, function: { arguments: '{"zone":' } }] }));
          response.write(chunk({ tool_calls: [{ index: 0, function: { arguments: '"utc"}' } }] }));
          response.write(chunk({}, "tool_calls"));
          response.end(
            event({
              choices: [],
              usage: { prompt_tokens: 30, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 10 } },
            }) + DONE,
          );
        },
      ],
    });
    expect(all).toEqual([
      { type: "call", id: "t1", name: "clock", args: '{"zone":"utc"}' },
      { type: "finish", reason: "tool_calls" },
      { type: "usage", units: { "text-in": 20, "text-cached": 10, "text-out": 7 } },
    ]);
  });

  it("reads a server that answers in one message", async () => {
    const answer = {
      choices: [{ message: { role: "assistant", content: "Noon." }, finish_reason: "stop" }],
      usage: { prompt_tokens: 3, completion_tokens: 1 },
    };
    const { text, parts: all } = await ask({
      answers: [
        (response) => void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer)),
      ],
    });
    expect(text).toBe("Noon.");
    expect(all.map(({ type }) => type)).toEqual(["text", "finish", "usage"]);
  });

  it("names itself as its model, and shows the first word before the last was written", async () => {
    expect(openai({ baseUrl: "http://localhost:1/v1", model: "llama3.2" }).llm.name).toBe("llama3.2");
    let finish = (): void => {};
    const answer = parts({
      answers: [
        (response) => {
          streaming(response).write(chunk({ content: "One" }));
          finish = (): void => void response.end(chunk({}, "stop") + DONE);
        },
      ],
    });
    expect((await answer.next()).value).toEqual({ type: "text", text: "One" });
    finish();
    expect((await answer.next()).value).toEqual({ type: "finish", reason: "stop" });
  });

  it("puts characters together that were cut between two packets, and skips comments", async () => {
    const bytes = Buffer.from(`: keep alive\n\n${chunk({ content: "Grüße, 世界 🎉" })}${chunk({}, "stop")}${DONE}`);
    const { text } = await ask({
      answers: [
        async (response) => {
          streaming(response);
          for (const byte of bytes) {
            response.write(Buffer.of(byte));
            if (byte > 127) await later(1);
          }
          response.end();
        },
      ],
    });
    expect(text).toBe("Grüße, 世界 🎉");
  });

  it.each([
    ["without [DONE]", chunk({ content: "Noon." }) + chunk({}, "stop")],
    ["without a reason to finish", chunk({ content: "Noon." }) + DONE],
    ["without the last blank line", `${chunk({ content: "Noon." })}${chunk({}, "stop")}data: [DONE]`],
  ])("takes an answer %s for whole", async (_, body) => {
    const { text, error } = await ask({ answers: [(response) => void streaming(response).end(body)] });
    expect([text, error]).toEqual(["Noon.", undefined]);
  });

  const whole = Buffer.from(chunk({ content: "One. " }) + chunk({ content: "zwölf" }));
  it.each([
    ["between two chunks", chunk({ content: "One. " }).length],
    ["in the middle of JSON", chunk({ content: "One. " }).length + 30],
    ["in the middle of a character", whole.indexOf("ö") + 1],
  ])("reports an answer that ends %s, once what had come was passed on", async (_, at) => {
    const { text, error } = await ask({ answers: [(response) => void streaming(response).end(whole.subarray(0, at))] });
    expect(text).toBe("One. ");
    expect(error?.code).toBe("provider-unavailable");
    expect(server?.asked).toHaveLength(1);
  });

  it("reports a connection that breaks in the middle, and asks no second time", async () => {
    const { text, error } = await ask({
      answers: [
        async (response) => {
          streaming(response).write(chunk({ content: "One." }));
          await later(20);
          response.destroy();
        },
      ],
    });
    expect([text, error?.code]).toEqual(["One.", "provider-unavailable"]);
    expect(server?.asked).toHaveLength(1);
  });

  it("reports an error inside the stream by its code", async () => {
    const { text, error } = await ask({
      answers: [
        (response) =>
          void streaming(response).end(
            chunk({ content: "One." }) + event({ error: { message: "quota", code: "insufficient_quota" } }),
          ),
      ],
    });
    expect([text, error?.code]).toEqual(["One.", "provider-limit"]);
  });
});

describe("a chat model that refuses", () => {
  it.each([
    [401, "provider-auth"],
    [403, "provider-auth"],
    [400, "provider-config"],
    [404, "provider-config"],
  ])("with status %i is not asked again", async (status, code) => {
    const error = { message: "Incorrect API key provided: sk-secret-123. Also sk-p*****99", code: "some_code" };
    const asked = await ask({ answers: [refuse(status, error)], options: { apiKey: "sk-secret-123" } });
    expect(asked.error?.code).toBe(code);
    expect(asked.error?.meta).toEqual({ status, code: "some_code", said: "Incorrect API key provided: ***. Also ***" });
    expect(JSON.stringify(asked.error)).not.toContain("secret");
    expect(server?.asked).toHaveLength(1);
  });

  it.each([500, 502, 503, 429])("with status %i is asked a second time", async (status) => {
    expect(await ask({ answers: [refuse(status), saying("Noon.")] })).toMatchObject({
      text: "Noon.",
      error: undefined,
    });
    expect(server?.asked).toHaveLength(2);
  });

  it("twice is not asked a third time", async () => {
    expect((await ask({ answers: [refuse(500), refuse(503)] })).error?.code).toBe("provider-unavailable");
    expect(server?.asked).toHaveLength(2);
  });

  it.each([
    [{ "retry-after": "30" }, 30_000],
    [{ "retry-after-ms": "4500", "retry-after": "5" }, 4_500],
  ])("for a time %j is told, and not asked again", async (headers, retryAfterMs) => {
    const { error } = await ask({ answers: [refuse(429, {}, headers)] });
    expect(error).toMatchObject({ code: "provider-limit", meta: { retryAfterMs } });
    expect(server?.asked).toHaveLength(1);
  });

  it("for a date is told how long that is, and never a time in the past", async () => {
    const { error } = await ask({
      answers: [refuse(429, {}, { "retry-after": new Date(Date.now() + 20_000).toUTCString() })],
    });
    expect(error?.meta["retryAfterMs"]).toBeGreaterThan(15_000);
    await server?.close();
    const past = await ask({
      answers: [refuse(503, {}, { "retry-after": new Date(0).toUTCString() }), saying("Noon.")],
    });
    expect(past.text).toBe("Noon.");
  });

  it("for good, as its code says, is not asked again", async () => {
    expect((await ask({ answers: [refuse(429, { code: "insufficient_quota" }), saying("no")] })).error?.code).toBe(
      "provider-limit",
    );
    expect(server?.asked).toHaveLength(1);
  });

  it("with something that is no JSON, or far too much of it, is reported all the same", async () => {
    const html = "<html>".repeat(100_000);
    const { error } = await ask({ answers: [(response) => void response.writeHead(400).end(html)] });
    expect(error?.code).toBe("provider-config");
    expect(String(error?.meta["said"]).length).toBeLessThanOrEqual(300);
  });
});

describe("a chat model that keeps us waiting", () => {
  it("for the first word is given up, and not asked again", async () => {
    const began = performance.now();
    const { error } = await ask({
      answers: [(response) => void streaming(response).write(chunk({ role: "assistant" }))],
    });
    expect(error?.code).toBe("provider-timeout");
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(server?.asked).toHaveLength(1);
    await server?.asked[0]?.gone;
  });

  it("while it says that it is alive is given up just the same", async () => {
    const { error } = await ask({
      answers: [
        (response) => {
          streaming(response);
          const timer = setInterval(() => response.write(": processing\n\n"), 20);
          response.on("close", () => clearInterval(timer));
        },
      ],
    });
    expect(error).toMatchObject({ code: "provider-timeout", message: "the first word did not come within 300 ms" });
  });

  it("in the middle is given up, with what it said before", async () => {
    const { text, error } = await ask({
      answers: [(response) => void streaming(response).write(chunk({ content: "One." }))],
    });
    expect([text, error?.code, error?.message]).toEqual([
      "One.",
      "provider-timeout",
      "more of the answer did not come within 200 ms",
    ]);
  });

  it("but speaks slowly is heard to the end, and a slow reader is no slow server", async () => {
    const words = ["One ", "two ", "three ", "four."];
    const answer = parts({
      answers: [
        async (response) => {
          streaming(response);
          for (const word of words) {
            response.write(chunk({ content: word }));
            await later(120);
          }
          response.end(chunk({}, "stop") + DONE);
        },
      ],
    });
    let text = "";
    for await (const part of answer) {
      if (part.type === "text") text += part.text;
      if (text === "One ") await later(700);
    }
    expect(text).toBe(words.join(""));
  });

  it("with its connection is tried twice", async () => {
    // Takes the connection and never says a word: no handshake of TLS comes about.
    const sockets: Socket[] = [];
    const silent = createTcpServer((socket) => void sockets.push(socket.on("error", () => {})));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const baseUrl = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`;
    const { error } = await ask({ answers: [saying("no")], options: { baseUrl, timeouts: { connectMs: 100 } } });
    expect(error).toMatchObject({ code: "provider-timeout", message: "the connection did not come within 100 ms" });
    expect(sockets).toHaveLength(2);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it("because nobody is there is reported as that", async () => {
    const { error } = await ask({ answers: [saying("no")], options: { baseUrl: "http://127.0.0.1:1/v1" } });
    expect(error?.code).toBe("provider-unavailable");
  });
});

describe("a chat model whose caller has gone", () => {
  it.each(["before it is asked", "before it answers", "in the middle"])(
    "%s says no more and is let go at once",
    // A busy machine may be late by itself.
    { retry: 3 },
    async (when) => {
      const stop = new AbortController();
      if (when === "before it is asked") stop.abort(new VoiceError("interrupted", "the caller spoke"));
      const got: AnswerPart[] = [];
      const reading = (async () => {
        const answers: Answers = [
          (response) => {
            if (when === "in the middle") streaming(response).write(chunk({ content: "One." }));
          },
        ];
        for await (const part of parts({ answers, signal: stop.signal, options: { timeouts: {} } })) got.push(part);
      })();
      if (when !== "before it is asked") {
        await expect.poll(() => server?.asked.length).toBe(1);
        if (when === "in the middle") await expect.poll(() => got.length).toBe(1);
        const began = performance.now();
        stop.abort(new VoiceError("interrupted", "the caller spoke"));
        await server?.asked[0]?.gone;
        expect(performance.now() - began).toBeLessThan(20);
      }
      await reading;
      expect(got).toEqual(when === "in the middle" ? [{ type: "text", text: "One." }] : []);
      expect(server?.asked.length).toBe(when === "before it is asked" ? 0 : 1);
    },
  );
});

describe("the key", () => {
  it("of the environment goes to the server of the environment, not to one a program names", async () => {
    server = await serveOpenAi(saying("Noon."));
    const before = { ...process.env };
    try {
      Object.assign(process.env, { OPENAI_API_KEY: "sk-env", OPENAI_BASE_URL: server.url });
      const signal = new AbortController().signal;
      for (const options of [{}, { baseUrl: server.url }]) {
        const { llm } = openai({ ...options, model: "small" });
        for await (const part of readAnswer(llm({ brief, items: [said], session, signal }), signal))
          expect(part).toBeDefined();
      }
      expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(["Bearer sk-env", undefined]);
    } finally {
      process.env = before;
    }
  });

  it("is in no message about a wrong address, and a query in the address stays", async () => {
    expect(() => openai({ baseUrl: "ftp://sk-abcdef@host", model: "x" })).toThrow(
      /http or https address, got "ftp:\/\/\*\*\*/,
    );
    server = await serveOpenAi(saying("Noon."));
    const { llm } = openai({ baseUrl: `${server.url}/?api-version=1`, model: "x" });
    const signal = new AbortController().signal;
    for await (const part of readAnswer(llm({ brief, items: [said], session, signal }), signal))
      expect(part).toBeDefined();
    expect(server.asked[0]?.path).toBe("/v1/chat/completions?api-version=1");
  });
});
