/* The HTTP half of the `openai` package: secrets, WebRTC calls with a real connection, sideband, hanging up. */
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { createSelfSignedCertificate } from "werift";
import { afterEach, describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { bytesToInt16 } from "../../src/audio/pcm.ts";
import { type Caller, webrtcCaller } from "../../src/testing/caller.ts";
import { bench, type Bench, type BenchOptions, speech, until } from "./setup.ts";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

interface Placed {
  readonly caller: Caller;
  readonly bench: Bench;
  readonly client: OpenAI;
  readonly id: string;
  count(type: string): number;
  send(event: object): void;
}

/** Calls over WebRTC, the offer sent by the official client. */
async function place(options: BenchOptions, how: "raw" | "multipart" = "multipart"): Promise<Placed> {
  const made = await bench(options);
  open.push(made);
  const key = new OpenAI({ apiKey: "sk-test", baseURL: made.url });
  const secret =
    how === "raw"
      ? await key.realtime.clientSecrets.create({ session: { type: "realtime", instructions: "By secret." } })
      : undefined;
  const client = secret === undefined ? key : new OpenAI({ apiKey: secret.value, baseURL: made.url });
  let location = "";
  const caller = await webrtcCaller(made.url, {
    post: async ({ sdp }) => {
      const answer = await client.realtime.calls
        .create(
          secret === undefined
            ? { sdp: String(sdp), session: { type: "realtime", instructions: "By form." } }
            : { sdp: String(sdp) },
        )
        .asResponse();
      location = answer.headers.get("location") ?? "";
      expect(answer.status).toBe(201);
      expect(answer.headers.get("content-type")).toBe("application/sdp");
      return { type: "answer", sdp: await answer.text() };
    },
  });
  open.push({ close: () => caller.hangUp() });
  const id = location.split("/").at(-1) ?? "";
  return {
    caller,
    bench: made,
    client: key,
    id,
    count: (type) => caller.events.filter((event) => event.type === type).length,
    send: (event) => void caller.sendText(JSON.stringify(event)),
  };
}

const voice = (text: string, tailMs = 900) => monoFrame(bytesToInt16(speech(text, tailMs)), 24_000);

describe("the openai package over HTTP and WebRTC", () => {
  it.each(["raw", "multipart"] as const)(
    "places a call with a %s offer and gets the session on oai-events",
    async (how) => {
      const { caller, id, count } = await place({ replies: [] }, how);
      expect(id).toMatch(/^rtc_/);
      const created = await caller.waitFor("session.created");
      expect(created.message["session"]).toMatchObject({ instructions: how === "raw" ? "By secret." : "By form." });
      expect(String(caller.answer["sdp"])).toMatch(/a=msid:/);
      expect(count("session.created")).toBe(1);
    },
  );

  it("talks on the track, not in events, and tells when its voice begins and ends", async () => {
    const { caller, count, send } = await place({ replies: [[{ say: "Good morning to you." }]] });
    await caller.waitFor("session.created");
    send({
      type: "session.update",
      session: {
        type: "realtime",
        audio: { input: { turn_detection: { type: "server_vad", silence_duration_ms: 300 } } },
      },
    });
    await caller.waitFor("session.updated");
    caller.say(voice("Good morning."));
    await caller.waitFor("response.done", { timeoutMs: 8_000 });
    await caller.waitFor("output_audio_buffer.stopped");
    const names = caller.events.map(({ type }) => type);
    expect(names.indexOf("output_audio_buffer.started")).toBeGreaterThan(names.indexOf("response.content_part.added"));
    expect(names.indexOf("output_audio_buffer.stopped")).toBeGreaterThan(names.indexOf("response.done"));
    expect(count("response.output_audio.delta")).toBe(0);
    // Twenty characters of 60 ms; the codec smears the edges.
    const loud = caller.recording().filter((sample) => Math.abs(sample) > 500).length / 24;
    expect(loud).toBeGreaterThan(1_000);
    expect(loud).toBeLessThan(1_400);
    send({ type: "input_audio_buffer.append", audio: "AAAA" });
    await caller.until(() => count("error") === 1, { what: "a refusal of append" });
  });

  it("is interrupted: the server takes back its voice and truncates by itself", async () => {
    const {
      caller,
      bench: made,
      send,
    } = await place({
      replies: [
        [{ say: "A story that goes on and on and on and on, for as long as anybody would care to listen to it." }],
        [{ say: "Yes?" }],
      ],
    });
    await caller.waitFor("session.created");
    send({
      type: "session.update",
      session: {
        type: "realtime",
        audio: { input: { turn_detection: { type: "server_vad", silence_duration_ms: 300 } } },
      },
    });
    send({
      type: "conversation.item.create",
      item: { type: "message", role: "user", content: [{ type: "input_text", text: "Story" }] },
    });
    send({ type: "response.create" });
    await caller.waitFor("output_audio_buffer.started");
    await caller.until(() => caller.heard.length > 40, { what: "our voice" });
    caller.say(voice("Stop, please stop."));
    const truncated = await caller.waitFor("conversation.item.truncated");
    await caller.waitFor("output_audio_buffer.cleared");
    const heard = Number(truncated.message["audio_end_ms"]);
    expect(heard).toBeGreaterThan(300);
    expect(heard).toBeLessThan(3_000);
    await until("heard", () =>
      made.engine.log.some(
        (line) => line === `heard ${made.engine.log.find((one) => one.startsWith("heard"))?.split(" ")[1]} ${heard}`,
      ),
    );
    await caller.until(() => caller.events.filter(({ type }) => type === "response.done").length === 2, {
      what: "the next reply",
      timeoutMs: 8_000,
    });
  });

  it("takes its voice back when it is told to", async () => {
    const { caller, send } = await place({
      replies: [[{ say: "A story that goes on and on and on and on and on and on." }, { wait: 60_000 }]],
    });
    await caller.waitFor("session.created");
    send({
      type: "conversation.item.create",
      item: { type: "message", role: "user", content: [{ type: "input_text", text: "Story" }] },
    });
    send({ type: "response.create" });
    await caller.waitFor("output_audio_buffer.started");
    send({ type: "response.cancel" });
    send({ type: "output_audio_buffer.clear" });
    await caller.waitFor("output_audio_buffer.cleared");
    expect(caller.events.find(({ type }) => type === "response.done")?.message).toMatchObject({
      response: { status: "cancelled" },
    });
  });

  it("is joined from the side: both see all events, both may act, and either may leave", async () => {
    const { caller, bench: made, id, client, count } = await place({ replies: [[{ say: "Hello." }]] });
    await caller.waitFor("session.created");
    // DTLS and TLS make the same certificates: SHA-256 with ECDSA.
    const { certPem: cert, keyPem: tlsKey } = await createSelfSignedCertificate({ hash: 4, signature: 3 });
    const { port } = await made.server.listen({ port: 0, tls: { cert, key: tlsKey } });
    const side = new OpenAIRealtimeWS(
      { callID: id, options: { rejectUnauthorized: false } },
      new OpenAI({ apiKey: "sk-test", baseURL: `https://127.0.0.1:${port}/v1` }),
    );
    const seen: string[] = [];
    side.on("error", () => {});
    side.on("event", ({ type }) => seen.push(type));
    await until("the session", () => seen.includes("session.created"));
    side.send({ type: "session.update", session: { type: "realtime", instructions: "From the side." } });
    await caller.waitFor("session.updated");
    side.send({
      type: "conversation.item.create",
      item: { type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] },
    });
    side.send({ type: "response.create" });
    await caller.waitFor("response.done");
    await until("the same on the side", () => seen.includes("response.done"));
    expect(seen).not.toContain("response.output_audio.delta");
    side.close();
    await until("the side to be gone", () => side.socket.readyState === 3);
    caller.sendText(JSON.stringify({ type: "input_audio_buffer.clear" }));
    await caller.waitFor("input_audio_buffer.cleared");
    expect(count("session.created")).toBe(1);
    await client.realtime.calls.hangup(id);
    await caller.ended;
    await until("the call to be gone", () => made.server.calls === 0);
    await expect(client.realtime.calls.hangup(id)).rejects.toThrow(/404/);
  });

  it("ends the call when the caller leaves", async () => {
    const { caller, bench: made } = await place({ replies: [] });
    await caller.waitFor("session.created");
    expect(made.server.calls).toBe(1);
    await caller.hangUp();
    await until("the call to be gone", () => made.server.calls === 0);
    expect(made.engine.log.at(-1)).toBe("close");
  });

  it("answers accept, refer and reject", async () => {
    const { caller, bench: made, id, client } = await place({ replies: [] });
    await caller.waitFor("session.created");
    await client.realtime.calls.accept(id, { type: "realtime", instructions: "Accepted." });
    expect((await caller.waitFor("session.updated")).message["session"]).toMatchObject({ instructions: "Accepted." });
    await expect(client.realtime.calls.refer(id, { target_uri: "nowhere" })).rejects.toThrow(/400/);
    await client.realtime.calls.reject(id, { status_code: 486 });
    await until("the call to be gone", () => made.server.calls === 0);
  });

  it("refuses what is no offer, in its own words", async () => {
    const made = await bench({ replies: [] });
    open.push(made);
    const post = (body: string, type: string, path = "calls") =>
      fetch(`${made.url}/realtime/${path}`, {
        method: "POST",
        body,
        headers: { "content-type": type, authorization: "Bearer sk" },
      });
    expect((await post("hello", "application/sdp")).status).toBe(400);
    expect((await post("v=0\r\nnonsense", "application/sdp")).status).toBe(422);
    expect((await post("{}", "application/json")).status).toBe(415);
    expect((await post("x", "multipart/form-data")).status).toBe(400);
    expect((await post("x".repeat(2_000_000), "application/sdp")).status).toBe(413);
    expect((await post("{", "application/json", "client_secrets")).status).toBe(422);
    expect((await post('{"expires_after":{"seconds":5}}', "application/json", "client_secrets")).status).toBe(400);
    expect((await post("{}", "application/json", "calls/rtc_nobody/hangup")).status).toBe(404);
    expect((await fetch(`${made.url}/realtime/calls`)).status).toBe(405);
    expect((await fetch(`${made.url}/models`)).status).toBe(404);
    expect(made.server.calls).toBe(0);
  });
});
