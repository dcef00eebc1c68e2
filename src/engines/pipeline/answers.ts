/*
 * Reads a model's answer in whatever shape it comes and says the same thing about all of them. Shapes are told by their
 * members; no provider's package is known here. What is not understood is left out, never thrown at.
 */
import { VoiceError } from "../../base/errors.ts";
import type { Answer, Usage } from "../../agents/types.ts";
import { isRecord } from "../../protocol/page.ts";
import { readServerSentEvents } from "../../node/sse.ts";
import { untilAborted } from "./until.ts";

/** One part of an answer. A `result` in the same answer means that the source has run the call itself. */
export type AnswerPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "call"; readonly id: string; readonly name: string; readonly args: string }
  | { readonly type: "result"; readonly call: string; readonly output: string; readonly failed: boolean }
  | { readonly type: "usage"; readonly units: Usage["units"] }
  | { readonly type: "finish"; readonly reason: string };

/**
 * The parts of an answer, in order. Ends quietly when the signal aborts, and lets go of the source without waiting for
 * it. Throws what the source throws, and VoiceError `provider-unavailable` for an error it reports.
 */
export async function* readAnswer(
  answer: Answer | Promise<Answer>,
  signal: AbortSignal,
): AsyncGenerator<AnswerPart, void, undefined> {
  const settled = await orAborted(answer, signal);
  if (settled === undefined) return;
  if (typeof settled === "string") {
    yield { type: "text", text: settled };
    return;
  }
  const reader = new PartReader();
  for await (const value of untilAborted(sourceOf(settled), signal)) {
    for (const part of reader.read(value)) yield part;
  }
  if (!signal.aborted) yield* reader.end();
}

/** The one stream that is touched: an AI SDK result allows no second reader. */
function sourceOf(answer: Exclude<Answer, string>): AsyncIterable<unknown> {
  for (const name of ["fullStream", "stream", "textStream"]) {
    const stream = member(answer, name);
    if (isAsyncIterable(stream)) return stream;
  }
  const body = member(answer, "body");
  if (isAsyncIterable(body)) {
    const status = member(answer, "status");
    if (member(answer, "ok") === false) throw refused(typeof status === "number" ? status : 0);
    return readServerSentEvents(body);
  }
  if (isAsyncIterable(answer)) return answer;
  throw new TypeError(
    "an answer must be a string, an async iterable, a result with fullStream or textStream, or a Response",
  );
}

/** Joins what some shapes deliver in pieces: the arguments of a call. */
class PartReader {
  readonly #calls = new Map<string, { id: string; name: string; args: string }>();

  read(value: unknown): readonly AnswerPart[] {
    if (typeof value === "string") return [{ type: "text", text: value }];
    if (!isRecord(value)) return [];
    if (Array.isArray(value["choices"])) return this.#chunk(value);
    const type = value["type"];
    if (typeof type !== "string") return isRecord(value["error"]) ? fail(value["error"]) : [];
    return type.startsWith("response.") ? this.#response(type, value) : sdkPart(type, value);
  }

  /** Calls that no event has completed. */
  end(): readonly AnswerPart[] {
    const parts = [...this.#calls.values()]
      .filter(({ name }) => name !== "")
      .map((call) => ({ type: "call" as const, ...call }));
    this.#calls.clear();
    return parts;
  }

  /** A chunk of Chat Completions. */
  #chunk(value: Record<string, unknown>): readonly AnswerPart[] {
    const parts: AnswerPart[] = [];
    const choice: unknown = Array.isArray(value["choices"]) ? value["choices"][0] : undefined;
    const delta = isRecord(choice) && isRecord(choice["delta"]) ? choice["delta"] : {};
    const reasoning = text(delta["reasoning_content"]) || text(delta["reasoning"]);
    if (reasoning !== "") parts.push({ type: "reasoning", text: reasoning });
    if (text(delta["content"]) !== "") parts.push({ type: "text", text: text(delta["content"]) });
    for (const call of Array.isArray(delta["tool_calls"]) ? delta["tool_calls"] : []) this.#callDelta(call);
    const reason = isRecord(choice) ? text(choice["finish_reason"]) : "";
    if (reason !== "") parts.push(...this.end(), { type: "finish", reason });
    if (isRecord(value["usage"])) parts.push(usagePart(value["usage"]));
    return parts;
  }

  #callDelta(call: unknown): void {
    if (!isRecord(call)) return;
    const key = typeof call["index"] === "number" ? String(call["index"]) : text(call["id"]);
    const known = this.#calls.get(key) ?? { id: "", name: "", args: "" };
    const fn = isRecord(call["function"]) ? call["function"] : {};
    this.#calls.set(key, {
      id: known.id || text(call["id"]) || `call_${key}`,
      name: known.name + text(fn["name"]),
      args: known.args + text(fn["arguments"]),
    });
  }

  /** An event of the Responses API. */
  #response(type: string, value: Record<string, unknown>): readonly AnswerPart[] {
    const item = isRecord(value["item"]) ? value["item"] : {};
    const key = text(value["item_id"]) || text(item["id"]);
    switch (type) {
      case "response.output_text.delta":
        return [{ type: "text", text: text(value["delta"]) }];
      case "response.output_item.added":
        if (item["type"] === "function_call") {
          this.#calls.set(key, {
            id: text(item["call_id"]) || key,
            name: text(item["name"]),
            args: text(item["arguments"]),
          });
        }
        return [];
      case "response.function_call_arguments.done": {
        const call = this.#calls.get(key);
        this.#calls.delete(key);
        return call === undefined ? [] : [{ type: "call", ...call, args: text(value["arguments"]) || call.args }];
      }
      case "response.completed": {
        const response = isRecord(value["response"]) ? value["response"] : {};
        const usage = isRecord(response["usage"]) ? [usagePart(response["usage"])] : [];
        return [...this.end(), ...usage, { type: "finish", reason: "stop" }];
      }
      case "response.failed":
      case "response.error": {
        const response = isRecord(value["response"]) ? value["response"] : value;
        return fail(response["error"]);
      }
      default:
        return [];
    }
  }
}

/** A part of an AI SDK stream, versions 4 to 6. */
function sdkPart(type: string, value: Record<string, unknown>): readonly AnswerPart[] {
  switch (type) {
    case "text-delta":
      return [{ type: "text", text: text(value["text"]) || text(value["textDelta"]) || text(value["delta"]) }];
    case "reasoning-delta":
      return [{ type: "reasoning", text: text(value["text"]) || text(value["delta"]) }];
    case "tool-call":
      return [
        {
          type: "call",
          id: text(value["toolCallId"]),
          name: text(value["toolName"]),
          args: json(value["input"] ?? value["args"]),
        },
      ];
    case "tool-result":
      return [
        {
          type: "result",
          call: text(value["toolCallId"]),
          output: json(value["output"] ?? value["result"]),
          failed: false,
        },
      ];
    case "tool-error":
      return [{ type: "result", call: text(value["toolCallId"]), output: messageOf(value["error"]), failed: true }];
    case "finish": {
      const usage = value["totalUsage"] ?? value["usage"];
      const finish: AnswerPart = { type: "finish", reason: text(value["finishReason"]) || "stop" };
      return isRecord(usage) ? [usagePart(usage), finish] : [finish];
    }
    case "error":
      return fail(value["error"]);
    default:
      return [];
  }
}

function usagePart(usage: Record<string, unknown>): AnswerPart {
  const number = (...names: readonly string[]): number => {
    for (const name of names) {
      const value = usage[name];
      if (typeof value === "number") return value;
    }
    return 0;
  };
  const details = [usage["prompt_tokens_details"], usage["input_tokens_details"]].find(isRecord) ?? {};
  const cached = typeof details["cached_tokens"] === "number" ? details["cached_tokens"] : number("cachedInputTokens");
  return {
    type: "usage",
    units: {
      "text-in": Math.max(0, number("prompt_tokens", "input_tokens", "inputTokens", "promptTokens") - cached),
      "text-cached": cached,
      "text-out": number("completion_tokens", "output_tokens", "outputTokens", "completionTokens"),
    },
  };
}

function fail(error: unknown): never {
  throw new VoiceError("provider-unavailable", "the model reported an error in the middle of its answer", {
    meta: { provider: messageOf(error) },
    cause: error,
  });
}

function refused(status: number): VoiceError {
  const code =
    status === 401 || status === 403
      ? "provider-auth"
      : status === 429
        ? "provider-limit"
        : status >= 500 || status === 408
          ? "provider-unavailable"
          : "provider-config";
  return new VoiceError(code, `the model's server answered with status ${status}`, { meta: { status } });
}

/** The value, or undefined when the signal aborts first; what it settles to later is nobody's business. */
async function orAborted<T>(value: T | Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  let onAbort = (): void => {};
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = (): void => resolve(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([value, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function member(value: object, name: string): unknown {
  return name in value ? Reflect.get(value, name) : undefined;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<never> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function json(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value ?? {}) ?? "{}");
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  if (isRecord(error) && typeof error["message"] === "string") return error["message"];
  return json(error);
}
