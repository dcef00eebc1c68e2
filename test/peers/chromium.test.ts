/* The agents SDK in a real browser: its WebRTC transport with a microphone that speaks, and its WebSocket with subprotocols. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterEach, describe, expect, it } from "vitest";
import { findChromium } from "../../scripts/chromium.mjs";
import { writeWav } from "../../src/audio/wav.ts";
import { spoken } from "../../src/testing/speech.ts";
import { bench, type Bench, type BenchOptions, until } from "./setup.ts";

const path = findChromium();
const bundle = new URL(
  "../../node_modules/@openai/agents-realtime/dist/bundle/openai-realtime-agents.umd.js",
  import.meta.url,
);
const html = `<!doctype html><meta charset="utf-8"><title>peer</title><script src="/sdk.js"></script><audio id="voice" autoplay></audio>`;

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A page of another origin than the realtime server, with the SDK loaded, and a secret to call with. */
async function visit(options: BenchOptions): Promise<{ page: Page; bench: Bench; key: string }> {
  const made = await bench(options);
  open.push(made);
  const sdk = await readFile(bundle);
  const site = createServer((request, response) => {
    const isSdk = request.url === "/sdk.js";
    response.writeHead(200, { "content-type": isSdk ? "text/javascript" : "text/html" });
    response.end(isSdk ? sdk : html);
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", () => resolve()));
  open.push({ close: () => new Promise((resolve) => site.close(resolve)) });
  const folder = await mkdtemp(join(tmpdir(), "repartee-peer-"));
  open.push({ close: () => rm(folder, { recursive: true, force: true }) });
  const microphone = join(folder, "microphone.wav");
  const words = spoken("Are you there?", { rate: 48_000, leadMs: 2_500, tailMs: 500 });
  await writeFile(microphone, writeWav(words.samples, words.rate));
  const browser: Browser = await chromium.launch({
    ...(path !== undefined && { executablePath: path }),
    args: [
      "--no-sandbox",
      "--autoplay-policy=no-user-gesture-required",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      `--use-file-for-fake-audio-capture=${microphone}%noloop`,
    ],
  });
  open.push(browser);
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  const secret = await fetch(`${made.url}/realtime/client_secrets`, { method: "POST", body: "{}" });
  const { value } = (await secret.json()) as { value: string };
  return { page, bench: made, key: value };
}

const script = (transport: string, config: object): string => `(async () => {
  const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebRTC } = window.OpenAIAgentsRealtime;
  window.seen = [];
  window.faults = [];
  window.loudest = 0;
  const transport = ${transport};
  const session = new RealtimeSession(new RealtimeAgent({ name: "A", instructions: "In a browser." }), { transport, config: ${JSON.stringify(config)} });
  session.transport.on("*", (event) => window.seen.push(event));
  session.on("error", (error) => window.faults.push(JSON.stringify(error)));
  window.session = session;
})()`;

const vad = { audio: { input: { turnDetection: { type: "server_vad", silenceDurationMs: 300 } } } };

describe.skipIf(path === undefined)("the agents SDK in Chromium", () => {
  it(
    "talks over WebRTC with its own offer, and hears our voice on the stream that it plays",
    { timeout: 60_000 },
    async () => {
      const {
        page,
        bench: made,
        key,
      } = await visit({ replies: [[{ say: "Yes, I am here, and I can hear you well." }]], hears: ["Are you there?"] });
      await page.evaluate(
        script(
          `new OpenAIRealtimeWebRTC({ baseUrl: "${made.url}/realtime/calls", audioElement: document.getElementById("voice") })`,
          vad,
        ),
      );
      await page.evaluate(`window.session.connect({ apiKey: "${key}" })`);
      await page.evaluate(`(() => {
      const context = new AudioContext();
      const meter = context.createAnalyser();
      context.createMediaStreamSource(document.getElementById("voice").srcObject).connect(meter);
      const samples = new Float32Array(meter.fftSize);
      setInterval(() => {
        meter.getFloatTimeDomainData(samples);
        window.loudest = Math.max(window.loudest, ...samples.map(Math.abs));
      }, 20);
    })()`);
      const seen = async (type: string): Promise<boolean> =>
        (await page.evaluate(`window.seen.some((event) => event.type === "${type}")`)) === true;
      for (const type of [
        "session.created",
        "session.updated",
        "input_audio_buffer.speech_started",
        "conversation.item.retrieved",
        "response.done",
        "output_audio_buffer.stopped",
      ]) {
        const end = performance.now() + 20_000;
        while (!(await seen(type))) {
          if (performance.now() > end)
            throw new Error(`${type} did not come; faults: ${String(await page.evaluate("window.faults"))}`);
          await page.waitForTimeout(50);
        }
      }
      // The tone of the scripted voice is at 12 % of full scale.
      expect(Number(await page.evaluate("window.loudest"))).toBeGreaterThan(0.05);
      expect(await page.evaluate("window.faults")).toEqual([]);
      expect(made.server.calls).toBe(1);
      await page.evaluate("window.session.close()");
      await until("the call to be gone", () => made.server.calls === 0);
    },
  );

  it("talks over WebSocket with its key among the subprotocols", { timeout: 60_000 }, async () => {
    const { page, bench: made, key } = await visit({ replies: [[{ say: "Hello." }]] });
    await page.evaluate(script(`"websocket"`, vad));
    await page.evaluate(`window.session.connect({ apiKey: "${key}", url: "ws://127.0.0.1:${made.port}/v1/realtime" })`);
    await page.evaluate(`window.session.sendMessage("Hi")`);
    await page.waitForFunction(`window.seen.some((event) => event.type === "response.done")`, undefined, {
      timeout: 20_000,
    });
    const said = await page.evaluate(
      `window.seen.find((event) => event.type === "response.output_audio_transcript.done").transcript`,
    );
    expect(said).toBe("Hello.");
    expect(await page.evaluate("window.faults")).toEqual([]);
  });
});
