import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createHmac } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { cloudflareTurn, coturnTurn, staticTurn, twilioTurn } from "./ice.ts";

interface Seen {
  readonly url: string;
  readonly authorization: string;
  readonly body: string;
}

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

async function service(answer: (request: IncomingMessage) => { readonly status: number; readonly body: string }) {
  const seen: Seen[] = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      seen.push({ url: request.url ?? "", authorization: request.headers.authorization ?? "", body });
      const { status, body: text } = answer(request);
      response.writeHead(status, { "content-type": "application/json" }).end(text);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const iceServers = [{ urls: ["turn:turn.example.com:3478"], username: "u", credential: "c" }];

describe("TURN credentials", () => {
  it("are what a coturn server with a shared secret expects", async () => {
    const config = await coturnTurn({
      urls: "turn:turn.example.com",
      secret: "s3cret",
      user: "ada",
      ttl: 60,
      now: () => 1_000_000,
    })();
    const credential = createHmac("sha1", "s3cret").update("1060:ada").digest("base64");
    expect(config).toEqual({
      iceServers: [{ urls: "turn:turn.example.com", username: "1060:ada", credential }],
      ttl: 60,
    });
  });

  it("may be fixed, and may forbid direct connections", async () => {
    const config = await staticTurn({ urls: "turn:t", username: "u", credential: "c", policy: "relay" })();
    expect(config).toEqual({
      iceServers: [{ urls: "turn:t", username: "u", credential: "c" }],
      iceTransportPolicy: "relay",
    });
  });

  it("come from Cloudflare with bearer and ttl", async () => {
    const { baseUrl, seen } = await service(() => ({ status: 201, body: JSON.stringify({ iceServers }) }));
    const config = await cloudflareTurn({ keyId: "key", apiToken: "token", ttl: 120, baseUrl })();
    expect(config).toEqual({ iceServers, ttl: 120 });
    expect(seen).toEqual([
      { url: "/v1/turn/keys/key/credentials/generate-ice-servers", authorization: "Bearer token", body: '{"ttl":120}' },
    ]);
  });

  it("come from Cloudflare's older answer, too, which is no list", async () => {
    const { baseUrl } = await service(() => ({ status: 200, body: JSON.stringify({ iceServers: iceServers[0] }) }));
    expect((await cloudflareTurn({ keyId: "key", apiToken: "token", baseUrl })()).iceServers).toEqual(iceServers);
  });

  it("come from Twilio with account and token", async () => {
    const { baseUrl, seen } = await service(() => ({ status: 201, body: JSON.stringify({ ice_servers: iceServers }) }));
    const config = await twilioTurn({ accountSid: "AC1", authToken: "t", ttl: 300, policy: "relay", baseUrl })();
    expect(config).toEqual({ iceServers, ttl: 300, iceTransportPolicy: "relay" });
    expect(seen[0]).toEqual({
      url: "/2010-04-01/Accounts/AC1/Tokens.json",
      authorization: `Basic ${Buffer.from("AC1:t").toString("base64")}`,
      body: "Ttl=300",
    });
  });

  it("are fetched once for callers who ask together, and anew when most of their life is over", async () => {
    const { baseUrl, seen } = await service(() => ({ status: 200, body: JSON.stringify({ iceServers }) }));
    let now = 0;
    const source = cloudflareTurn({ keyId: "key", apiToken: "token", ttl: 100, baseUrl, now: () => now });
    await Promise.all([source(), source(), source()]);
    now = 79_000;
    await source();
    expect(seen).toHaveLength(1);
    now = 81_000;
    await source();
    expect(seen).toHaveLength(2);
  });

  it.each([
    [401, "provider-auth"],
    [429, "provider-limit"],
    [500, "provider-unavailable"],
  ])("fail with a clear code when the service answers %d, and are asked for again", async (status, code) => {
    let calls = 0;
    const { baseUrl } = await service(() => {
      calls += 1;
      return calls === 1 ? { status, body: "{}" } : { status: 200, body: JSON.stringify({ iceServers }) };
    });
    const source = cloudflareTurn({ keyId: "key", apiToken: "token", baseUrl });
    await expect(source()).rejects.toMatchObject({ code });
    expect((await source()).iceServers).toEqual(iceServers);
  });

  it.each(["not json", "{}", '{"iceServers":[{"nothing":1}]}', "null"])("refuse an answer like %s", async (body) => {
    const { baseUrl } = await service(() => ({ status: 200, body }));
    await expect(cloudflareTurn({ keyId: "key", apiToken: "token", baseUrl })()).rejects.toMatchObject({
      code: "provider-unavailable",
    });
  });

  it("say which setting is missing", () => {
    expect(() => cloudflareTurn({ keyId: "", apiToken: "x" })).toThrow("CLOUDFLARE_TURN_KEY_ID");
  });
});
