/* The whole of it without a key: a stock client, real speech, the embedded recogniser, rules and voice. */
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { createSelfSignedCertificate } from "werift";
import { afterEach, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { bytesToInt16 } from "../../src/audio/pcm.ts";
import { silentLog } from "../../src/base/log.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { createRealtimeServer } from "../../src/realtime-server/index.ts";
import { recognise } from "../../src/testing/speech.ts";
import { pieces, speech, until } from "./setup.ts";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

it(
  "hears a question, calls the client's tool, and speaks its answer so that it can be understood",
  { timeout: 30_000 },
  async () => {
    const server = await createRealtimeServer({ platform: nodePlatform({ log: silentLog }) });
    open.push(server);
    // DTLS and TLS make the same certificates: SHA-256 with ECDSA.
    const { certPem: cert, keyPem: key } = await createSelfSignedCertificate({ hash: 4, signature: 3 });
    const { url } = await server.listen({ port: 0, tls: { cert, key } });
    const socket = new OpenAIRealtimeWS(
      { model: "repartee", options: { rejectUnauthorized: false } },
      new OpenAI({ apiKey: "sk", baseURL: url }),
    );
    const errors: unknown[] = [];
    const audio: Buffer[] = [];
    let transcript = "";
    let done = 0;
    socket.on("error", (error) => errors.push(error));
    socket.on("conversation.item.input_audio_transcription.completed", (event) => {
      transcript = event.transcript;
    });
    socket.on("response.output_audio.delta", ({ delta }) => audio.push(Buffer.from(delta, "base64")));
    socket.on("response.function_call_arguments.done", ({ call_id, name, arguments: args }) => {
      expect([name, args]).toEqual(["get_weather", '{"city":"Paris"}']);
      socket.send({
        type: "conversation.item.create",
        item: { type: "function_call_output", call_id, output: "It is sunny today" },
      });
    });
    socket.on("response.done", () => {
      done += 1;
      if (done === 1) socket.send({ type: "response.create" });
    });
    await new Promise((resolve) => socket.on("session.created", resolve));
    socket.send({
      type: "session.update",
      session: {
        type: "realtime",
        audio: {
          input: {
            transcription: { model: "grammar" },
            turn_detection: { type: "server_vad", silence_duration_ms: 400 },
          },
        },
        tools: [
          {
            type: "function",
            name: "get_weather",
            description: "The weather",
            parameters: { type: "object", properties: { city: { type: "string", enum: ["Paris", "Rome"] } } },
          },
        ],
      },
    });
    await new Promise((resolve) => socket.on("session.updated", resolve));
    for (const piece of pieces(speech("What is the weather in Paris?", 1_200)))
      socket.send({ type: "input_audio_buffer.append", audio: piece.toString("base64") });
    await until("both responses", () => done === 2, 20_000);
    expect(transcript).toBe("what is the weather in paris");
    const heard = Buffer.concat(audio);
    const frame = monoFrame(bytesToInt16(new Uint8Array(heard)), 24_000);
    expect(await recognise(frame, ["it is sunny today", "it is raining today", "what is the weather"])).toBe(
      "it is sunny today",
    );
    expect(errors).toEqual([]);
    socket.close();
  },
);
