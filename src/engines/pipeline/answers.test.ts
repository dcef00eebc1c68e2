import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Answer } from "../../agents/types.ts";
import { type AnswerPart, readAnswer } from "./answers.ts";

async function partsOf(answer: Answer, signal: AbortSignal = new AbortController().signal): Promise<AnswerPart[]> {
  const parts: AnswerPart[] = [];
  for await (const part of readAnswer(answer, signal)) parts.push(part);
  return parts;
}

async function* stream<T>(...values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

const sse = (...events: readonly unknown[]): string =>
  [...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), "data: [DONE]\n\n"].join("");
const textOf = (parts: readonly AnswerPart[]): string =>
  parts.map((part) => (part.type === "text" ? part.text : "")).join("");

describe("an answer", () => {
  it("may be a string, or strings", async () => {
    expect(await partsOf("Hello.")).toEqual([{ type: "text", text: "Hello." }]);
    expect(textOf(await partsOf(stream("Hel", "lo.")))).toBe("Hello.");
    expect(textOf(await partsOf({ textStream: stream("Hel", "lo.") }))).toBe("Hello.");
  });

  it("may be a result of the AI SDK: its full stream is read, and nothing else is touched", async () => {
    const answer = {
      fullStream: stream<unknown>(
        { type: "start" },
        { type: "reasoning-delta", text: "Hm." },
        { type: "text-delta", id: "1", text: "Hi " },
        { type: "text-delta", textDelta: "there." },
        { type: "tool-call", toolCallId: "c1", toolName: "days", input: { year: 2026 } },
        { type: "tool-result", toolCallId: "c1", toolName: "days", output: { days: 12 } },
        { type: "tool-error", toolCallId: "c2", error: new Error("no") },
        {
          type: "finish",
          finishReason: "stop",
          totalUsage: { inputTokens: 10, cachedInputTokens: 4, outputTokens: 3 },
        },
      ),
      get textStream(): AsyncIterable<string> {
        throw new TypeError("a second reader");
      },
    };
    expect(await partsOf(answer)).toEqual([
      { type: "reasoning", text: "Hm." },
      { type: "text", text: "Hi " },
      { type: "text", text: "there." },
      { type: "call", id: "c1", name: "days", args: '{"year":2026}' },
      { type: "result", call: "c1", output: '{"days":12}', failed: false },
      { type: "result", call: "c2", output: "no", failed: true },
      { type: "usage", units: { "text-in": 6, "text-cached": 4, "text-out": 3 } },
      { type: "finish", reason: "stop" },
    ]);
  });

  it("may be chunks of Chat Completions: the pieces of calls are joined by their index", async () => {
    const delta = (value: unknown, rest: object = {}): unknown => ({ choices: [{ delta: value, ...rest }] });
    const answer = stream(
      delta({ role: "assistant", content: "One " }),
      delta({ content: "moment." }),
      delta({ tool_calls: [{ index: 0, id: "a", function: { name: "fast", arguments: "" } }] }),
      delta({ tool_calls: [{ index: 1, id: "b", function: { name: "slow", arguments: '{"n"' } }] }),
      delta({
        tool_calls: [
          { index: 0, function: { arguments: "{}" } },
          { index: 1, function: { arguments: ":1}" } },
        ],
      }),
      delta({}, { finish_reason: "tool_calls" }),
      { choices: [], usage: { prompt_tokens: 20, prompt_tokens_details: { cached_tokens: 5 }, completion_tokens: 7 } },
    );
    expect(await partsOf(answer)).toEqual([
      { type: "text", text: "One " },
      { type: "text", text: "moment." },
      { type: "call", id: "a", name: "fast", args: "{}" },
      { type: "call", id: "b", name: "slow", args: '{"n":1}' },
      { type: "finish", reason: "tool_calls" },
      { type: "usage", units: { "text-in": 15, "text-cached": 5, "text-out": 7 } },
    ]);
  });

  it("may be events of the Responses API", async () => {
    const answer = stream(
      { type: "response.created" },
      { type: "response.output_text.delta", delta: "Let me see." },
      {
        type: "response.output_item.added",
        item: { id: "i1", type: "function_call", call_id: "c1", name: "days", arguments: "" },
      },
      { type: "response.function_call_arguments.delta", item_id: "i1", delta: '{"year"' },
      { type: "response.function_call_arguments.done", item_id: "i1", arguments: '{"year":2026}' },
      { type: "response.completed", response: { usage: { input_tokens: 9, output_tokens: 2 } } },
    );
    expect(await partsOf(answer)).toEqual([
      { type: "text", text: "Let me see." },
      { type: "call", id: "c1", name: "days", args: '{"year":2026}' },
      { type: "usage", units: { "text-in": 9, "text-cached": 0, "text-out": 2 } },
      { type: "finish", reason: "stop" },
    ]);
  });

  it("may be a Response with server-sent events, however its bytes are cut", async () => {
    const text = sse(
      { choices: [{ delta: { content: "Grüße, " } }] },
      { choices: [{ delta: { content: "Sam 😀." } }] },
    );
    const bytes = new TextEncoder().encode(`: ping\r\n\r\n${text}`);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 20 })), async (cuts) => {
        const chunks: Uint8Array[] = [];
        let from = 0;
        for (const cut of [...cuts, bytes.length]) {
          chunks.push(bytes.subarray(from, from + cut));
          from += cut;
        }
        expect(textOf(await partsOf({ body: stream(...chunks) }))).toBe("Grüße, Sam 😀.");
      }),
    );
    expect(textOf(await partsOf(new Response(text) as Answer))).toBe("Grüße, Sam 😀.");
  });

  it.each([
    [401, "provider-auth"],
    [404, "provider-config"],
    [429, "provider-limit"],
    [503, "provider-unavailable"],
  ])("is refused with status %d as %s", async (status, code) => {
    await expect(partsOf(new Response("no", { status }) as Answer)).rejects.toMatchObject({ code });
  });

  it.each([
    ["AI SDK", { type: "error", error: new Error("quota") }],
    ["Responses", { type: "response.failed", response: { error: { message: "quota" } } }],
    ["Chat Completions", { error: { message: "quota" } }],
  ])("that reports an error as %s does, throws it with the provider's text in its meta", async (_name, event) => {
    await expect(partsOf(stream(event))).rejects.toMatchObject({
      code: "provider-unavailable",
      meta: { provider: "quota" },
    });
  });

  it("leaves out what it does not understand, and never throws at it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), async (values) => {
        const parts = await partsOf(stream<unknown>(...values, "end"));
        expect(textOf(parts).endsWith("end")).toBe(true);
      }),
    );
  });

  it("ends at once when it is aborted, lets go of its source, and does not wait for it", async () => {
    const abort = new AbortController();
    let returned = 0;
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => {
          returned += 1;
          return new Promise<never>(() => {});
        },
      }),
    };
    const reading = partsOf(source, abort.signal);
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    // From within the abort, not when somebody next asks.
    expect(returned).toBe(1);
    expect(await reading).toEqual([]);
    expect(returned).toBe(1);
    expect(await partsOf("never asked", abort.signal)).toEqual([]);
    expect(await partsOf(new Promise<never>(() => {}) as never, abort.signal)).toEqual([]);
  });

  it("says what it may be when it is something else", async () => {
    await expect(partsOf({} as Answer)).rejects.toThrow(/must be a string, an async iterable/);
  });
});
