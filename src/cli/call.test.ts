import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { monoFrame } from "../audio/frame.ts";
import { levelOf } from "../audio/level.ts";
import { readWav, writeWav } from "../audio/wav.ts";
import { isFault } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { nodePlatform } from "../node/platform.ts";
import type { Transport } from "../session/types.ts";
import { createOffers, type Offers } from "../transports/webrtc/offers.ts";
import { call } from "./call.ts";

let folder: string;
let server: Server;
let offers: Offers;
let url: string;
let said: string[];

/** A server that says a tone of 400 ms when it was spoken or typed to, and tells what it heard. */
function parrot(transport: Transport): void {
  let loud = 0;
  let answered = false;
  const answer = (text: string): void => {
    if (answered) return;
    answered = true;
    transport.tell({ type: "transcript", data: { id: "1", role: "user", text, final: true } });
    for (let index = 0; index < 20; index++) {
      const samples = Int16Array.from({ length: 480 }, (_, i) => 9000 * Math.sin((2 * Math.PI * 500 * i) / 24_000));
      transport.send(monoFrame(samples, 24_000));
    }
    // A line comes again while it is heard: it is printed once.
    for (const heardChars of [0, 2, 4]) {
      transport.tell({ type: "transcript", data: { id: "2", role: "agent", text: "beep", final: true, heardChars } });
    }
  };
  transport.open({
    audio: ({ samples }) => {
      if (levelOf(samples) > -40) loud += 1;
      else if (loud > 10) answer(`${loud > 20 ? "a tone" : "a click"}`);
    },
    video: () => {},
    message: (message) => message.type === "text" && answer(message.text),
    played: () => {},
    closed: () => {},
  });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "repartee-call-"));
  said = [];
  offers = createOffers({
    platform: nodePlatform({ log: silentLog }),
    calls: { reserve: async () => ({ renew: () => {}, release: async () => {} }), answer: parrot },
  });
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url !== "/agent/webrtc/offer") response.writeHead(404).end("<p>Not here</p>");
      else {
        void offers.receive(Buffer.concat(chunks).toString()).then(({ status, body }) => {
          response.writeHead(status).end(JSON.stringify(body));
        });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/agent`;
});

afterEach(async () => {
  await offers.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const run = (...args: string[]): Promise<number> =>
  call(args, { out: (line) => said.push(line), error: (line) => said.push(`! ${line}`) });

describe("repartee call", () => {
  it("says a wav file and keeps the answer", async () => {
    const question = join(folder, "q.wav");
    const answer = join(folder, "a.wav");
    // Stereo at another rate: what people have.
    const samples = Int16Array.from(
      { length: 44_100 * 2 },
      (_, i) => 8000 * Math.sin((Math.PI * 440 * (i >> 1)) / 22_050),
    );
    await writeFile(question, writeWav(samples, 44_100, 2));
    expect(await run("--in", question, "--out", answer, url)).toBe(0);
    expect(said.join("\n")).toMatch(/connected after \d+ ms\n(.*\n)*you: a tone\n(.*\n)*agent: beep\n/);
    expect(said.filter((line) => line === "agent: beep")).toHaveLength(1);
    const wav = readWav(await readFile(answer));
    if (isFault(wav)) throw new Error(wav.why);
    expect(wav).toMatchObject({ rate: 24_000, channels: 1 });
    const loud = Array.from({ length: Math.floor(wav.samples.length / 480) }, (_, i) =>
      wav.samples.subarray(i * 480, i * 480 + 480),
    );
    expect(loud.filter((frame) => levelOf(frame) > -30).length).toBeGreaterThanOrEqual(17);
  });

  it("types a line", async () => {
    expect(await run("--text", "what time is it", url)).toBe(0);
    expect(said).toContain("you: what time is it");
  });

  it("fails when nobody answers", async () => {
    expect(await run("--seconds", "2", url)).toBe(1);
    expect(said.at(-1)).toBe("! the agent did not answer");
  });

  it("fails with a clear message when there is no server", async () => {
    expect(await run("http://127.0.0.1:1/")).toBe(1);
    expect(said).toEqual([
      expect.stringMatching(/^! there is no server at http:\/\/127\.0\.0\.1:1\/\nCheck that the server runs/),
    ]);
  });

  it("fails with a clear message when the server is another one", async () => {
    expect(await run(url.replace("/agent", "/other"))).toBe(1);
    expect(said).toEqual([expect.stringMatching(/^! .* answered with status 404 and no JSON/)]);
  });

  it.each([
    ["without an address", []],
    ["with two addresses", ["a", "b"]],
    ["with an unknown option", ["--loud", "http://a"]],
    ["with a strange length", ["--seconds", "soon", "http://a"]],
    ["with an address of another kind", ["ftp://a"]],
  ])("explains itself %s", async (_, args) => {
    expect(await run(...args)).toBe(2);
    expect(said.join("")).toMatch(/repartee call|must be/);
  });

  it("fails with a clear message for a file that is missing or no wav", async () => {
    expect(await run("--in", join(folder, "none.wav"), url)).toBe(1);
    await writeFile(join(folder, "text.wav"), "hello");
    expect(await run("--in", join(folder, "text.wav"), url)).toBe(1);
    expect(said.join("\n")).toMatch(/cannot be read[\s\S]*is no wav file/);
  });
});
