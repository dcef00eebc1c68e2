import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outputs } from "../session/outputs.ts";
import { sseResponse } from "./sse.ts";

const message = (data: unknown) => ({ kind: "message", name: "note", data }) as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a page's event stream", () => {
  it("goes on behind a message that JSON cannot say", async () => {
    const outputs = new Outputs();
    const { body } = sseResponse(outputs.subscribe(), { envelope: false });
    for (const data of [1, 10n, 3]) outputs.push(message(data));
    outputs.end();
    const text = await new Response(body).text();
    expect(text.match(/^data: .*$/gm)).toEqual(["data: 1", "data: null", "data: 3"]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("has no timer while nobody reads it", async () => {
    sseResponse(new Outputs().subscribe(), { envelope: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("says every 15 s that it is still there, and stops when the page leaves", async () => {
    const outputs = new Outputs();
    const reader = sseResponse(outputs.subscribe(), { envelope: false }).body?.getReader();
    const decoder = new TextDecoder();
    const seen: string[] = [];
    const reading = (async () => {
      for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read())
        seen.push(decoder.decode(next.value));
    })();
    await vi.advanceTimersByTimeAsync(31_000);
    expect(seen).toEqual([": connected\n\n", ": still here\n\n", ": still here\n\n"]);
    await reader?.cancel();
    await reading;
    expect(vi.getTimerCount()).toBe(0);
  });
});
