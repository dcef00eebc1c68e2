import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Log, silentLog } from "../base/log.ts";
import { nodePlatform } from "../node/platform.ts";
import { Stream, type StreamOptions } from "./stream.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function makeStream(log: Log = silentLog): Stream {
  const platform = { ...nodePlatform(), log };
  return new Stream(() => Promise.resolve(), {
    platform,
    detector: () => ({ rate: 16_000, window: 512, push: () => 0, reset() {} }),
  });
}

async function launch(stream: Stream, options: Parameters<Stream["launch"]>[0]): Promise<string> {
  const server = await stream.launch(options);
  open.push(server);
  return server.url;
}

describe("a launched stream", () => {
  it("says that a port is taken, and may be launched on another one", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const stream = makeStream();
    await expect(stream.launch({ port })).rejects.toThrow(
      `port ${port} on 127.0.0.1 is taken: set PORT to another one`,
    );
    expect((await fetch(`${await launch(stream, { port: 0 })}/health`)).status).toBe(200);
    other.close();
  });

  it.each([-1, 65_536, 1.5, Number.NaN])("refuses the port %d", async (port) => {
    await expect(makeStream().launch({ port })).rejects.toThrow(/port must be a whole number from 0 to 65535, got/);
  });

  it("takes an empty PORT or HOST for none", async () => {
    vi.stubEnv("PORT", "");
    vi.stubEnv("HOST", "");
    expect(await launch(makeStream(), { port: 0 })).toMatch(/^http:\/\/127\.0\.0\.1:/);
    vi.stubEnv("PORT", "seven");
    await expect(makeStream().launch()).rejects.toThrow(/port must be a whole number from 0 to 65535, got NaN/);
  });

  it("warns when it is open to other machines, and only then", async () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
    await launch(makeStream(log), { port: 0, host: "localhost" });
    expect(warnings).toEqual([]);
    expect(await launch(makeStream(log), { port: 0, host: "0.0.0.0" })).toMatch(/^http:\/\/localhost:/);
    expect(warnings).toEqual(["open to everybody who reaches this machine: calls need no sign-in"]);
  });

  it("answers a client that would rather speak HTTP/2 as if it had not said so", async () => {
    const url = await launch(makeStream(), { port: 0 });
    const status = await new Promise((resolve, reject) => {
      const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAAQAAP__" };
      request(`${url}/health`, { headers }, (response) => resolve(response.statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
  });
});

describe("the options of a stream", () => {
  it.each<[StreamOptions, RegExp]>([
    [{ concurrencyLimit: 0 }, /concurrencyLimit must be a whole number above 0, got 0/],
    [{ timeLimitMs: -1 }, /timeLimitMs must be above 0, got -1/],
    [{ awayMs: Number.NaN }, /awayMs must be 0 or more, got NaN/],
    [{ audio: { inputRate: 0 } }, /rate must be a whole number of Hz above 0, got 0/],
    [{ mode: "both" as never }, /mode must be/],
  ])("are refused where they are given: %o", (options, why) => {
    expect(() => new Stream(() => Promise.resolve(), options)).toThrow(why);
  });

  it("need a handler that is a function", () => {
    expect(() => new Stream({} as never)).toThrow(/a handler is a function of the session, got object/);
  });
});
