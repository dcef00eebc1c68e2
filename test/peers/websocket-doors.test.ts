/* What a bare WebSocket meets at the door: keys, secrets, origins, subprotocols, the beta. */
import { connect } from "node:net";
import { WebSocket } from "ws";
import { afterEach, describe, expect, it } from "vitest";
import { bench, type Bench, until } from "./setup.ts";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe("a bare WebSocket", () => {
  const raw = async (
    made: Bench,
    headers: Record<string, string>,
    protocols: string[] = [],
    query = "?model=m",
  ): Promise<{ socket: WebSocket; events: { type: string; error?: { code: string } }[]; close: Promise<number> }> => {
    const socket = new WebSocket(`ws://127.0.0.1:${made.port}/v1/realtime${query}`, protocols, { headers });
    const events: { type: string; error?: { code: string } }[] = [];
    socket.on("message", (data) => events.push(JSON.parse(Buffer.isBuffer(data) ? data.toString("utf8") : "")));
    const close = new Promise<number>((resolve) => socket.on("close", resolve));
    await new Promise<void>((resolve, reject) => {
      socket.on("open", () => resolve());
      socket.on("error", reject);
    });
    return { socket, events, close };
  };

  it("with the header of the beta is told so, and closed with 4000", async () => {
    const made = await bench({ replies: [] });
    open.push(made);
    const { events, close } = await raw(made, { "OpenAI-Beta": "realtime=v1" });
    expect(await close).toBe(4000);
    expect(events.map(({ type, error }) => [type, error?.code])).toEqual([["error", "beta_api_shape_disabled"]]);
    expect(made.server.calls).toBe(0);
  });

  it("gets the subprotocol realtime when it offers it, none when it does not, and never compression", async () => {
    const made = await bench({ replies: [] });
    open.push(made);
    const { socket } = await raw(made, {}, ["realtime", "openai-insecure-api-key.ek_x", "openai-agents-sdk.1"]).catch(
      () => ({ socket: undefined }),
    );
    expect(socket).toBeUndefined();
    const one = await raw(made, {}, ["realtime", "openai-insecure-api-key.sk-x"]);
    expect(one.socket.protocol).toBe("realtime");
    expect(one.socket.extensions).toBe("");
    const two = await raw(made, {});
    expect(two.socket.protocol).toBe("");
    one.socket.close();
    two.socket.close();
    await until("both calls to end", () => made.server.calls === 0);
  });

  it("is refused with 401 for a key that is not allowed, and from pages that are not", async () => {
    const made = await bench({
      replies: [],
      authorize: (key) => key === "sk-right",
      origins: ["https://good.example"],
    });
    open.push(made);
    await expect(raw(made, { Authorization: "Bearer sk-wrong" })).rejects.toThrow(/401/);
    await expect(raw(made, {})).rejects.toThrow(/401/);
    await expect(raw(made, { Authorization: "Bearer sk-right", Origin: "https://bad.example" })).rejects.toThrow(/403/);
    for (const Origin of ["https://good.example", "http://localhost:5173"]) {
      const { socket } = await raw(made, { Authorization: "Bearer sk-right", Origin });
      socket.close();
    }
  });

  it("opens sessions with a secret until that expires, with the session it was made for", async () => {
    const made = await bench({ replies: [] });
    open.push(made);
    const answer = await fetch(`${made.url}/realtime/client_secrets`, {
      method: "POST",
      body: JSON.stringify({
        expires_after: { anchor: "created_at", seconds: 10 },
        session: { type: "realtime", instructions: "Be brief." },
      }),
    });
    const { value, session } = (await answer.json()) as { value: string; session: { instructions: string } };
    expect(value).toMatch(/^ek_/);
    expect(session.instructions).toBe("Be brief.");
    for (let i = 0; i < 2; i++) {
      const { socket, events } = await raw(made, {}, ["realtime", `openai-insecure-api-key.${value}`]);
      await until("a session", () => events.length > 0);
      expect(events[0]).toMatchObject({ type: "session.created", session: { instructions: "Be brief." } });
      socket.close();
    }
    await expect(raw(made, { Authorization: "Bearer ek_made_up" })).rejects.toThrow(/401/);
  });

  it("is answered, and the server lives, whatever it asks for", async () => {
    const made = await bench({ replies: [] });
    open.push(made);
    const ask = (head: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(made.port, "127.0.0.1");
        socket.on("error", () => resolve(""));
        socket.once("data", (data) => {
          resolve(String(data).split("\r\n")[0] ?? "");
          socket.destroy();
        });
        socket.write(`${head}\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
      });
    expect(await ask("GET //[ HTTP/1.1")).toMatch(/404/);
    expect(await ask("GET /elsewhere HTTP/1.1")).toMatch(/404/);
    expect(await ask("GET /v1/realtime?call_id=%E0%A4%A HTTP/1.1")).toMatch(/404/);
    expect(await ask("GET /v1/realtime?model=m HTTP/1.1")).toMatch(/400/);
    const { socket } = await raw(made, {});
    socket.close();
    await until("the call to end", () => made.server.calls === 0);
  });

  it("is refused with 429 when all lines are taken, until one is free", async () => {
    const made = await bench({ replies: [], callLimit: 1 });
    open.push(made);
    const { socket } = await raw(made, {});
    await expect(raw(made, {})).rejects.toThrow(/429/);
    socket.close();
    await until("the call to end", () => made.server.calls === 0);
    const second = await raw(made, {});
    second.socket.close();
  });

  it("may leave the model to the first update, and then not change it", async () => {
    const made = await bench({ replies: [] });
    open.push(made);
    const { socket, events } = await raw(made, {}, [], "");
    for (const model of ["mine", "other"])
      socket.send(JSON.stringify({ type: "session.update", session: { type: "realtime", model } }));
    await until("both answers", () => events.length >= 3);
    expect(events.map(({ type }) => type)).toEqual(["session.created", "session.updated", "error"]);
    socket.close();
  });
});
