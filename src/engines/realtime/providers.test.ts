import { afterEach, describe, expect, it, vi } from "vitest";
import { silentLog } from "../../base/log.ts";
import { noMeters } from "../../base/meters.ts";
import { VirtualClock } from "../../testing/clock.ts";
import type { SocketEvents } from "./link.ts";
import { realtimeModel, type RealtimeEndpoint } from "./providers.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What is dialled for an endpoint. */
async function dialled(
  endpoint: Omit<RealtimeEndpoint, "model">,
): Promise<{ id: string; url: string; headers: Readonly<Record<string, string>> }> {
  const found: { url: string; headers: Readonly<Record<string, string>> }[] = [];
  const model = realtimeModel({
    endpoint: { model: "m", ...endpoint },
    format: { encoding: "pcm16", rate: 24_000 },
    dial: (url, headers, events: SocketEvents) => {
      found.push({ url, headers });
      queueMicrotask(() => events.closed(1006, ""));
      return { bufferedAmount: 0, send() {}, ping() {}, close() {}, terminate() {} };
    },
  });
  const platform = {
    clock: new VirtualClock(),
    log: silentLog,
    meters: noMeters,
    random: (n: number) => new Uint8Array(n),
  };
  const config = { instructions: "", tools: [], turns: { by: "local" } as const, history: [] };
  await model.connect(config, { platform, signal: new AbortController().signal, on() {} }).catch((error: unknown) => {
    if (found.length === 0) throw error;
  });
  const [first] = found;
  if (first === undefined) throw new Error("nothing was dialled");
  return { id: model.id, ...first };
}

describe("providers of realtime models", () => {
  it.each([
    ["OpenAI", {}, "openai:m", "wss://api.openai.com/v1/realtime?model=m", "authorization"],
    [
      "Azure OpenAI",
      { baseUrl: "https://res.openai.azure.com" },
      "azure:m",
      "wss://res.openai.azure.com/openai/v1/realtime?model=m",
      "api-key",
    ],
    [
      "Azure OpenAI by its v1 address",
      { baseUrl: "https://res.openai.azure.com/openai/v1/" },
      "azure:m",
      "wss://res.openai.azure.com/openai/v1/realtime?model=m",
      "api-key",
    ],
    ["xAI", { provider: "xai" }, "xai:m", "wss://api.x.ai/v1/realtime?model=m", "authorization"],
    [
      "a gateway",
      { baseUrl: "https://gateway.example/v1" },
      "openai:m",
      "wss://gateway.example/v1/realtime?model=m",
      "authorization",
    ],
    [
      "a server of one's own",
      { baseUrl: "ws://127.0.0.1:8080/v1/realtime" },
      "openai:m",
      "ws://127.0.0.1:8080/v1/realtime?model=m",
      "authorization",
    ],
    [
      "an address with its own query",
      { baseUrl: "wss://h/v1/realtime?model=x&tier=2" },
      "openai:m",
      "wss://h/v1/realtime?model=x&tier=2",
      "authorization",
    ],
  ] as const)("are dialled where they are: %s", async (_name, endpoint, id, url, header) => {
    const found = await dialled({ apiKey: "the-key", ...endpoint });
    expect(found).toMatchObject({ id, url });
    expect(Object.keys(found.headers)).toEqual([header]);
    expect(found.headers[header]).toContain("the-key");
  });

  it("are given a fresh token each time where a key is a function", async () => {
    let count = 0;
    const apiKey = () => Promise.resolve(`token-${++count}`);
    expect((await dialled({ apiKey })).headers["authorization"]).toBe("Bearer token-1");
    expect((await dialled({ apiKey })).headers["authorization"]).toBe("Bearer token-2");
  });

  it("take the key of the environment, and never send it to an address that somebody else chose", async () => {
    vi.stubEnv("OPENAI_API_KEY", "sk-environment");
    expect((await dialled({})).headers["authorization"]).toBe("Bearer sk-environment");
    expect((await dialled({ baseUrl: "https://elsewhere.example/v1" })).headers).toEqual({});
  });

  it("say which variable is missing", async () => {
    vi.stubEnv("XAI_API_KEY", "");
    await expect(dialled({ provider: "xai" })).rejects.toMatchObject({
      code: "provider-auth",
      message: expect.stringContaining("XAI_API_KEY"),
    });
  });

  it.each([
    ["no address", { provider: "azure" as const }, /baseUrl is missing/],
    ["half an address", { baseUrl: "secret-key@nowhere" }, /^baseUrl must be an address such as/],
    ["another kind of address", { baseUrl: "ftp://host/v1" }, /must begin with https/],
  ])("refuse %s without repeating it", async (_name, endpoint, message) => {
    const error: unknown = await dialled({ apiKey: "k", ...endpoint }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "config", message: expect.stringMatching(message) });
    expect(String(error)).not.toContain("secret-key");
  });
});
