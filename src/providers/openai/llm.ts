/*
 * A chat model behind `POST /chat/completions`. The chunks are passed on as they are: the pipeline reads them in every
 * shape. Asked again once, and only when nothing of the answer has come.
 */
import { chatMessages, chatTools } from "../../agents/chat.ts";
import type { Brief, Item, Llm } from "../../agents/types.ts";
import { VoiceError } from "../../base/errors.ts";
import { readServerSentEvents } from "../../node/sse.ts";
import { isRecord } from "../../protocol/page.ts";
import { providerError } from "../../realtime/faults.ts";
import type { Endpoint } from "./endpoint.ts";
import { attempt, beforeRetry, type Body, readJson } from "./request.ts";

export interface LlmOptions {
  readonly model: string;
  /** More members of the request, such as `{ temperature: 0.3 }`; `undefined` takes one of ours away. */
  readonly request?: Readonly<Record<string, unknown>> | undefined;
}

/** The model; usage is reported under its name. */
export function chatModel(endpoint: Endpoint, options: LlmOptions): Llm {
  const llm: Llm = ({ brief, items, signal }) => answer(endpoint, requestOf(options, brief, items), signal);
  return Object.defineProperty(llm, "name", { value: options.model });
}

function requestOf({ model, request = {} }: LlmOptions, brief: Brief, items: readonly Item[]): Body {
  const content = {
    model,
    messages: chatMessages(brief, items),
    // Some servers refuse an empty list.
    ...(brief.tools.length > 0 && { tools: chatTools(brief) }),
    stream: true,
    stream_options: { include_usage: true },
    ...request,
  };
  return { type: "application/json", content: JSON.stringify(content) };
}

async function* answer(endpoint: Endpoint, body: Body, signal: AbortSignal): AsyncGenerator<unknown, void, undefined> {
  const state = { begun: false };
  try {
    try {
      yield* chunks(endpoint, body, signal, state);
    } catch (error) {
      if (state.begun) throw error;
      await beforeRetry(error, signal);
      yield* chunks(endpoint, body, signal, state);
    }
  } catch (error) {
    // Whoever aborted knows.
    if (!signal.aborted) throw error;
  }
}

/** One attempt. */
async function* chunks(
  endpoint: Endpoint,
  body: Body,
  signal: AbortSignal,
  state: { begun: boolean },
): AsyncGenerator<unknown, void, undefined> {
  const reply = await attempt(endpoint, "/chat/completions", body, signal);
  try {
    if (reply.type === "application/json") {
      yield wholeAnswer(await readJson(reply.body), endpoint);
      return;
    }
    let isFinished = false;
    const events = readServerSentEvents(reply.body);
    for (;;) {
      const { value, done } = await events.next();
      if (done === true) {
        if (value === true || isFinished) return;
        throw new VoiceError("provider-unavailable", "the answer broke off in the middle");
      }
      checkError(value, endpoint);
      const { token, finish } = readChunk(value);
      isFinished ||= finish;
      if (token && !state.begun) {
        state.begun = true;
        reply.begun();
      }
      yield value;
    }
  } finally {
    reply.close();
  }
}

/** Whether a chunk holds something of the answer, and whether it is the last one that does. */
function readChunk(value: unknown): { readonly token: boolean; readonly finish: boolean } {
  const choices = isRecord(value) && Array.isArray(value["choices"]) ? value["choices"] : [];
  const choice: unknown = choices[0];
  const delta = isRecord(choice) && isRecord(choice["delta"]) ? choice["delta"] : {};
  const finish = isRecord(choice) && typeof choice["finish_reason"] === "string";
  const token = Object.entries(delta).some(([name, part]) => name !== "role" && part !== null && part !== "");
  return { token: token || finish, finish };
}

/** Servers that cannot stream answer with one message: it is read as one delta. */
function wholeAnswer(json: unknown, endpoint: Endpoint): unknown {
  checkError(json, endpoint);
  const choices = isRecord(json) && Array.isArray(json["choices"]) ? json["choices"] : [];
  const choice: unknown = choices[0];
  if (!isRecord(json) || !isRecord(choice) || !isRecord(choice["message"])) {
    throw new VoiceError("provider-unavailable", "the server's answer has no message");
  }
  return { ...json, choices: [{ delta: choice["message"], finish_reason: choice["finish_reason"] ?? "stop" }] };
}

/** An error in the middle of a stream that began with status 200. */
function checkError(value: unknown, { scrub }: Endpoint): void {
  if (!isRecord(value) || !("error" in value) || value["error"] === null) return;
  const { error } = value;
  const told = typeof error === "string" ? { message: error } : error;
  throw providerError(told, "the server reported an error in its answer", scrub);
}
