/*
 * A session's messages as server-sent events. Stock FastRTC pages listen for the event `output` and expect the bare data
 * of each message; our own pages ask for `v=1` and get an envelope. A page that was cut off goes on behind the last id.
 */
import type { Queue } from "../base/queue.ts";
import type { Numbered } from "../session/outputs.ts";

/** A comment this often keeps proxies from closing a quiet connection, ms. */
const KEEP_ALIVE = 15_000;

export interface SseOptions {
  /** The envelope `{ name, data }` in place of the bare data. */
  readonly envelope: boolean;
}

/** The response that carries a subscription until the session ends or the page leaves. */
export function sseResponse(queue: Queue<Numbered>, { envelope }: SseOptions): Response {
  const encoder = new TextEncoder();
  const iterator = queue[Symbol.asyncIterator]();
  let waiting: Promise<IteratorResult<Numbered>> | undefined;
  let stopWaiting = (): void => {};
  let left = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      // Headers reach the page with the first byte: it then knows that it is connected.
      controller.enqueue(encoder.encode(": connected\n\n"));
    },
    // Everything happens here, where somebody reads: a response that nobody reads has no timer and collects nothing.
    async pull(controller) {
      waiting ??= iterator.next();
      const quiet = new Promise<undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), KEEP_ALIVE);
        stopWaiting = () => clearTimeout(timer);
      });
      const next = await Promise.race([waiting, quiet]);
      stopWaiting();
      if (left) return;
      if (next === undefined) {
        controller.enqueue(encoder.encode(": still here\n\n"));
        return;
      }
      waiting = undefined;
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(writeEvent(next.value, envelope)));
    },
    async cancel() {
      left = true;
      stopWaiting();
      await iterator.return?.();
    },
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    },
  });
}

/** One event in the form of the HTML standard: a line break in a text becomes a second `data:` line. */
export function writeEvent({ seq, message }: Numbered, envelope: boolean): string {
  const value = envelope ? { name: message.name, data: message.data } : message.data;
  const text = typeof value === "string" ? value : toJson(value);
  const data = text
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join("");
  return `id: ${seq}\nevent: output\n${data}\n`;
}

/** A value that JSON cannot say (a cycle, a BigInt) is no reason to end the stream of the others. */
function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return "null";
  }
}
