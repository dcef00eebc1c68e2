/* Every example runs in a process of its own, as its first lines say, and does what they promise. Nobody needs a browser. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { type AudioFrame, monoFrame } from "../src/audio/frame.ts";
import { levelOf } from "../src/audio/level.ts";
import { type Caller, type CallerOptions, webrtcCaller } from "../src/testing/caller.ts";
import { Phone, type PlacedCall } from "../src/testing/phone.ts";
import { SocketCaller } from "../src/testing/socket-caller.ts";
import { recognise, spoken } from "../src/testing/speech.ts";
import { saying, serveOpenAi } from "../test/fixtures/openai-server.ts";
import { type Started, startServer } from "./support/server.ts";

const RATE = 24_000;

/** How many run at a time: each recognises, speaks and encodes in real time, on two cores if there are no more. */
const AT_ONCE = 4;
let free = AT_ONCE;
const waiting: (() => void)[] = [];

/** Runs an example while `use` uses it. */
async function running(
  name: string,
  use: (server: Started) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    const server = await startServer(["dist/cli/main.js", "dev", `examples/${name}.ts`], env);
    await use(server).finally(() => server.stop());
  } finally {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }
}

/** Runs an example and calls it over WebRTC. */
function calling(
  name: string,
  talk: (caller: Caller, server: Started) => Promise<void>,
  options: CallerOptions = {},
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  return running(
    name,
    async (server) => {
      await using caller = await webrtcCaller(server.url, options);
      try {
        await talk(caller, server);
      } catch (error) {
        const told = caller.events.slice(-25);
        const lines = told.map(({ at, type, data }) => `${Math.round(at)} ${type} ${JSON.stringify(data)}`);
        process.stderr.write(
          `${name} failed at ${Math.round(caller.now)} ms\n${lines.join("\n")}\n${server.output().slice(-2_000)}\n`,
        );
        throw error;
      }
    },
    env,
  );
}

/** Says something and hears the answer to its end. */
async function ask(caller: Caller, text: string): Promise<AudioFrame> {
  const from = caller.heard.length;
  await say(caller, text);
  return await answer(caller, from);
}

async function say(caller: Caller, text: string): Promise<void> {
  caller.say(spoken(text, { rate: RATE, leadMs: 200, tailMs: 100 }));
  await caller.until(() => caller.saying === 0, { timeoutMs: 15_000, what: "the end of what is said" });
}

/** What came from the frame with this index on, when it is followed by silence. */
async function answer(caller: Caller, from: number): Promise<AudioFrame> {
  const began = caller.now;
  await caller.until(() => caller.quietFor < caller.now - began, { timeoutMs: 15_000, what: "a sound" });
  await caller.until(() => caller.quietFor > 1_200, { timeoutMs: 30_000, what: "silence" });
  const start = (caller.heard[from]?.frame.at ?? 0) - (caller.heard[0]?.frame.at ?? 0);
  return monoFrame(caller.recording().slice(Math.round((start * RATE) / 1000)), RATE);
}

/** The values of all outputs of one name so far. */
function outputs(caller: Caller, name: string): readonly unknown[] {
  return caller.events.flatMap(({ type, data }) => {
    const output = data as { readonly name: string; readonly value: unknown };
    return type === "output" && output.name === name ? [output.value] : [];
  });
}

/** Answers the page's part: whenever inputs are asked for, these are sent. */
function answerInputs(caller: Caller, values: () => Readonly<Record<string, unknown>>): () => void {
  let answered = 0;
  const timer = setInterval(() => {
    const asked = caller.events.filter(({ type }) => type === "send_input").length;
    for (; answered < asked; answered++) caller.send("inputs", values());
  }, 20);
  return () => clearInterval(timer);
}

const others = ["open the window", "good night", "where is the station"];

const examples = readdirSync("examples").filter((name) => name.endsWith(".ts"));

describe("the examples", () => {
  it.each(examples)("%s fits on a screen, and says how it is run", (name) => {
    const text = readFileSync(`examples/${name}`, "utf8");
    expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(60);
    const [comment = ""] = /^\/\*[\s\S]*?\*\//.exec(text) ?? [];
    expect(comment).toContain(`npx repartee dev examples/${name}`);
  });
});

describe.concurrent("the example", () => {
  it("echo says back what was said", () =>
    calling("echo", async (caller) => {
      expect(await recognise(await ask(caller, "good morning everybody"), ["good morning everybody", ...others])).toBe(
        "good morning everybody",
      );
    }));

  it("compare-transports prints what each way costs", () =>
    running("compare-transports", async (server) => {
      for (const way of ["WebRTC", "WebSocket"]) {
        const [, ...figures] =
          new RegExp(`${way}\\s+│ (\\d+)\\s+│ (\\d+)\\s+│ (\\d+)\\s+│ (\\d+)`).exec(server.output()) ?? [];
        const [connect = Number.NaN, rtt = Number.NaN, answered = Number.NaN, bytes = Number.NaN] = figures.map(Number);
        expect(connect).toBeLessThan(5_000);
        expect(rtt).toBeLessThan(1_000);
        // The pause that ends a turn is 500 ms.
        expect(answered).toBeGreaterThan(400);
        expect(bytes).toBeGreaterThan(5);
      }
    }));

  it("voice-chat answers, and remembers what was asked", () =>
    calling("voice-chat", async (caller) => {
      await answer(caller, 0);
      const facts = [
        "the moon is far away it takes three days to get there",
        "its diameter is about a quarter of that of the earth",
      ];
      expect(await recognise(await ask(caller, "please tell me about the moon"), facts)).toBe(facts[0]);
      expect(await recognise(await ask(caller, "how big is it"), facts)).toBe(facts[1]);
      const counted = [
        "you have asked two questions",
        "you have asked one questions",
        "you have asked three questions",
      ];
      expect(await recognise(await ask(caller, "what did I ask you"), counted)).toBe(counted[0]);
    }));

  it("voice-chat asks the model that was named, interrupts it, and tells it what was heard", async () => {
    let asked = 0;
    const server = await serveOpenAi((response) => {
      asked += 1;
      return saying(
        asked === 1 ? "I will now count. One, two, three, four, five, six, seven, eight, nine, ten." : "Stopped.",
      )(response);
    });
    const env = { OPENAI_BASE_URL: server.url, OPENAI_MODEL: "llama3.2", OPENAI_API_KEY: "" };
    try {
      await calling(
        "voice-chat",
        async (caller, { output }) => {
          expect(output()).toContain("llama3.2");
          await answer(caller, 0);
          const from = caller.now;
          caller.send("text", { text: "Count, please." });
          await caller.until(() => caller.quietFor < caller.now - from, { timeoutMs: 10_000 });
          await caller.until(() => caller.now > from + 2_500, { timeoutMs: 5_000 });
          caller.send("text", { text: "What did you say?" });
          await expect.poll(() => server.asked.length, { timeout: 10_000 }).toBe(2);
          const { model, messages } = JSON.parse(String(server.asked[1]?.body)) as {
            model: string;
            messages: { role: string; content: string }[];
          };
          expect(model).toBe("llama3.2");
          expect(messages.map(({ role }) => role)).toEqual(["system", "assistant", "user", "assistant", "user"]);
          expect(messages[3]?.content).toMatch(/^I will now count\./);
          expect(messages[3]?.content).not.toMatch(/ten/);
        },
        {},
        env,
      );
    } finally {
      await server.close();
    }
  });

  it("realtime-inputs waits for the page's choice and speaks accordingly", () =>
    calling("realtime-inputs", async (caller) => {
      await caller.waitFor("send_input");
      const stop = answerInputs(caller, () => ({ voice: "rms", tone: "casual" }));
      const greeting = "hey there what can i do for you";
      expect(await recognise(await answer(caller, 0), [greeting, "good morning how may i help you"])).toBe(greeting);
      caller.send("inputs", { tone: "formal" });
      const noted = "i have made a note of it thank you";
      expect(await recognise(await ask(caller, "where is the station"), [noted, "cool got it"])).toBe(noted);
      caller.send("inputs", { voice: "nobody" });
      expect((await caller.waitFor("warning")).message["message"]).toMatch(/voice/);
      stop();
    }));

  it("two-agents talks in two voices, and lets the caller cut in", () =>
    calling("two-agents", async (caller) => {
      const lines = (): string[] => {
        const all = caller.events.flatMap(({ type, data }) => {
          const { role, agentId, text, final } = data as {
            role: string;
            agentId?: string;
            text: string;
            final: boolean;
          };
          return type === "transcript" && role === "agent" && final ? [`${agentId}: ${text}`] : [];
        });
        return [...new Set(all)];
      };
      await answer(caller, 0);
      await say(caller, "let us talk about trains");
      await caller.until(
        () => lines().some((line) => line === "Ben: I like fast ones, because one sees more places."),
        { timeoutMs: 15_000 },
      );
      expect(lines()).toContain("Ada: I like slow trains, because one sees more.");
      const from = caller.heard.length;
      await say(caller, "please talk about tea");
      await caller.until(() => lines().some((line) => line.endsWith("Tea is best early in the morning.")), {
        timeoutMs: 15_000,
      });
      expect(caller.events.some(({ type }) => type === "interrupted")).toBe(true);
      await answer(caller, from);
      const tea = lines().slice(lines().findIndex((line) => line.endsWith("early in the morning.")));
      expect(tea.map((line) => line.replace(/^.*: /, ""))).toEqual([
        "Tea is best early in the morning.",
        "I prefer it in the afternoon, with a biscuit.",
        "A biscuit? Never before dinner.",
        "Then we agree about the tea, and not about the biscuit.",
        "What shall we talk about now?",
      ]);
      const speakers = tea.map((line) => line.replace(/:.*$/, ""));
      for (const [i, speaker] of speakers.slice(1).entries()) expect(speaker).not.toBe(speakers[i]);
    }));

  it("intake asks for what is missing, keeps it for the call, and hangs up at the end", () =>
    calling("intake", async (caller) => {
      await answer(caller, 0);
      expect(await recognise(await ask(caller, "my head hurts"), ["since which day", "what hurts", "goodbye"])).toBe(
        "since which day",
      );
      await ask(caller, "since Monday");
      await say(caller, "about seven");
      await caller.ended;
      expect(outputs(caller, "form").at(-1)).toEqual({ what: "head", since: "Monday", level: "seven" });
      expect(caller.events.findLast(({ type }) => type === "end_stream")?.data).toMatchObject({ reason: "handler" });
      const last = caller.events.findLast(({ type }) => type === "transcript")?.data;
      expect(last).toMatchObject({
        role: "agent",
        text: expect.stringMatching(/Your head, since Monday, level seven\..* Goodbye\.$/),
      });
    }));

  it("stop-word answers only what follows the word", () =>
    calling("stop-word", async (caller) => {
      await say(caller, "turn on the light");
      await caller.until(() => caller.now > (caller.spokeAt ?? Infinity) + 2_500, { timeoutMs: 10_000 });
      expect(caller.quietFor).toBe(Number.POSITIVE_INFINITY);
      const heard = await ask(caller, "hello computer open the door");
      expect(caller.events.some(({ type }) => type === "stopword")).toBe(true);
      expect(outputs(caller, "command")).toEqual(["open the door"]);
      expect(
        await recognise(heard, ["very well open the door", "very well turn on the light", "I did not understand that"]),
      ).toBe("very well open the door");
    }));

  it("captions shows the words while they are spoken, and stays silent", () =>
    calling("captions", async (caller) => {
      type Shown = { readonly turn: number; readonly text: string; readonly final: boolean };
      const shown = (): readonly Shown[] => outputs(caller, "caption") as readonly Shown[];
      const words = "the next train leaves in five minutes";
      await say(caller, words);
      const partials = shown().filter(({ final }) => !final).length;
      await caller.until(() => shown().some(({ final }) => final), { timeoutMs: 10_000 });
      expect(partials).toBeGreaterThan(1);
      expect(shown().at(-1)).toEqual({ turn: 0, text: words, final: true });
      await say(caller, "thank you for listening");
      await caller.until(() => shown().some(({ turn, final }) => turn === 1 && final), { timeoutMs: 10_000 });
      expect(shown().at(-1)?.text).toBe("thank you for listening");
      expect(caller.heard.every(({ frame }) => levelOf(frame.samples) < -50)).toBe(true);
    }));

  it("type-or-talk knows in writing what it was told by voice", () =>
    calling("type-or-talk", async (caller) => {
      await ask(caller, "my favorite color is green");
      const from = caller.heard.length;
      caller.send("text", { text: "What is my favorite color?" });
      const phrases = ["your favorite color is green", "your favorite color is red", "you have not told me yet"];
      expect(await recognise(await answer(caller, from), phrases)).toBe("your favorite color is green");
      expect(outputs(caller, "chat").at(-1)).toEqual({ role: "assistant", content: "Your favorite color is green." });
    }));

  it("edit-by-voice changes what the page shows now", () =>
    calling("edit-by-voice", async (caller) => {
      let list: readonly string[] = ["bread"];
      const stop = answerInputs(caller, () => ({ list }));
      await ask(caller, "please add milk");
      expect(outputs(caller, "list").at(-1)).toEqual(["bread", "milk"]);
      // Somebody has typed on the page meanwhile.
      list = ["bread", "milk", "cheese"];
      await ask(caller, "please remove bread");
      expect(outputs(caller, "list").at(-1)).toEqual(["milk", "cheese"]);
      stop();
    }));

  it("ported-handler says everything back two seconds later, and cleans up", () =>
    calling("ported-handler", async (caller, server) => {
      const began = caller.now;
      caller.say(spoken("where is the station", { rate: RATE, leadMs: 0, tailMs: 0 }));
      const heard = await answer(caller, 0);
      const first = caller.heard.find(({ frame }) => levelOf(frame.samples) > -40);
      expect((first?.at ?? 0) - began).toBeGreaterThan(1_900);
      expect(await recognise(heard, others)).toBe("where is the station");
      await caller.hangUp();
      await expect.poll(() => server.output(), { timeout: 5_000 }).toContain("the caller is gone");
    }));

  it("own-parts waits for «over», and answers in Morse code", () =>
    calling("own-parts", async (caller) => {
      await say(caller, "what is your position");
      await caller.until(() => caller.now > (caller.spokeAt ?? Infinity) + 1_500, { timeoutMs: 10_000 });
      expect(caller.quietFor).toBe(Number.POSITIVE_INFINITY);
      expect(marksOf(await ask(caller, "over"))).toBe("...---...");
    }));

  it("turn-server gives each caller credentials that coturn accepts", async () => {
    const ice = async ({ url }: Started): Promise<Record<string, unknown>> =>
      (await fetch(`${url}/ice`)).json() as Promise<Record<string, unknown>>;
    const env = { TURN_URL: "turn:turn.example.org", TURN_SECRET: "shared" };
    await running(
      "turn-server",
      async (server) => {
        const [{ username, credential, urls } = {}] = (await ice(server))["iceServers"] as {
          username: string;
          credential: string;
          urls: string[];
        }[];
        expect(urls).toEqual(["turn:turn.example.org", "turn:turn.example.org?transport=tcp"]);
        expect(Number(username?.split(":")[0])).toBeGreaterThan(Date.now() / 1000 + 500);
        expect(credential).toBe(
          createHmac("sha1", "shared")
            .update(username ?? "")
            .digest("base64"),
        );
      },
      env,
    );
    await running(
      "turn-server",
      async (server) => expect(await ice(server)).toMatchObject({ iceTransportPolicy: "relay" }),
      { ...env, TURN_ONLY: "1" },
    );
  });

  it("stock-page serves a page, and takes a call that knows only FastRTC's messages", () =>
    calling(
      "stock-page",
      async (caller, { url }) => {
        const page = await (await fetch(url)).text();
        expect(page).toContain("const configuration = ");
        expect(page).not.toContain("__RTC_CONFIGURATION__");
        const turns = (await fetch(`${url}/outputs?webrtc_id=${caller.id}`)).body
          ?.pipeThrough(new TextDecoderStream())
          .getReader();
        await say(caller, "good night");
        await caller.waitFor("send_input", { timeoutMs: 10_000 });
        const headers = { "content-type": "application/json" };
        await fetch(`${url}/input_hook`, {
          method: "POST",
          headers,
          body: JSON.stringify({ webrtc_id: caller.id, times: 2 }),
        });
        const heard = await answer(caller, 0);
        expect(await recognise(heard, ["good night [good night]", ...others])).toBe("good night good night");
        let told = "";
        while (!told.includes("event: output")) told += (await turns?.read())?.value ?? "";
        expect(told).toContain('event: output\ndata: {"role":"assistant","content":"You hear yourself 2 times."}');
        await turns?.cancel();
      },
      { profile: "fastrtc" },
    ));

  it.each(["mount-node", "mount-express", "mount-hono", "mount-fastify"])(
    "%s serves the application and the voice",
    (name) =>
      running(name, async ({ url }) => {
        expect(await (await fetch(url)).text()).toBe("The voice is at /voice/");
        await using caller = await webrtcCaller(`${url}/voice/`);
        expect(levelOf((await ask(caller, "good night")).samples)).toBeGreaterThan(-40);
        const socket = await new SocketCaller(`${url.replace("http", "ws")}/voice/websocket/offer`).start();
        await socket.stop();
      }),
  );
});

describe.concurrent("the example phone", () => {
  const authToken = "simulated";
  const keys = (...digits: string[]): string => `you have pressed ${digits.join(" ")}`;
  const heardOn = (call: PlacedCall, from: number): AudioFrame =>
    monoFrame(Int16Array.from(call.received.slice(from).flatMap(({ samples }) => [...samples])), 8_000);
  const silent = async (call: PlacedCall): Promise<void> => {
    let count = -1;
    await expect.poll(() => count === (count = call.received.length), { timeout: 20_000, interval: 700 }).toBe(true);
  };

  it("takes a call: keys cut in, and are known when the caller speaks later", () =>
    running(
      "phone",
      async ({ url }) => {
        const call = await new Phone({ webhook: `${url}/telephone/incoming`, authToken }).call();
        await expect.poll(() => call.received.length, { timeout: 10_000 }).toBeGreaterThan(20);
        call.digit("4");
        await expect.poll(() => call.clears.length, { timeout: 5_000 }).toBe(1);
        await silent(call);
        const before = call.received.length;
        call.digit("2");
        await silent(call);
        expect(await recognise(heardOn(call, before), [keys("four", "two"), keys("two"), keys("four")])).toBe(
          keys("four", "two"),
        );
        const asked = call.received.length;
        await call.speak(spoken("where is the station", { rate: 8_000, leadMs: 100, tailMs: 100 }).samples);
        await expect.poll(() => call.received.length, { timeout: 10_000 }).toBeGreaterThan(asked + 10);
        await silent(call);
        const told = `${keys("four", "two")} that was sentence one`;
        expect(await recognise(heardOn(call, asked), [told, `${keys("four")} that was sentence two`])).toBe(told);
        expect(new Set(call.marks.map(({ why }) => why))).toEqual(new Set(["cleared", "played"]));
        await call.hangUp();
      },
      { TWILIO_AUTH_TOKEN: authToken },
    ));

  it("places a call through the carrier", async () => {
    // The carrier's REST interface, reduced to placing calls: it really calls the webhook it is given.
    const placed: { readonly form: URLSearchParams; readonly call: Promise<PlacedCall> }[] = [];
    const carrier = createServer((request, response) => {
      request
        .setEncoding("utf8")
        .toArray()
        .then(
          (chunks) => {
            const form = new URLSearchParams(chunks.join(""));
            const callId = "CA0123456789";
            // It rings after the request was answered.
            response.on("finish", () => {
              placed.push({ form, call: new Phone({ webhook: form.get("Url") ?? "", authToken }).call({ callId }) });
            });
            response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ sid: callId }));
          },
          (error: unknown) => response.destroy(error as Error),
        );
    }).listen(0, "127.0.0.1");
    await once(carrier, "listening");
    const { port } = carrier.address() as AddressInfo;
    const env = {
      TWILIO_AUTH_TOKEN: authToken,
      TWILIO_ACCOUNT_SID: "AC1",
      DIAL_TO: "+4930123456",
      DIAL_FROM: "+4930654321",
      TWILIO_API: `http://127.0.0.1:${port}`,
    };
    try {
      await running(
        "phone",
        async () => {
          await expect.poll(() => placed.length, { timeout: 5_000 }).toBe(1);
          expect(placed[0]?.form.get("To")).toBe("+4930123456");
          const call = await placed[0]?.call;
          if (call === undefined) throw new Error("no call was placed");
          await expect.poll(() => call.received.length, { timeout: 10_000 }).toBeGreaterThan(20);
          await silent(call);
          const greeting = "hello press some keys or say something";
          expect(await recognise(heardOn(call, 0), [greeting, ...others])).toBe(greeting);
          await call.hangUp();
        },
        env,
      );
    } finally {
      carrier.close();
    }
  });
});

/** Morse code in a recording: tones up to 160 ms are dots. */
function marksOf({ samples, rate }: AudioFrame): string {
  const step = rate / 100;
  let marks = "";
  let length = 0;
  for (let at = 0; at <= samples.length; at += step) {
    const isTone = levelOf(samples.subarray(at, at + step)) > -35;
    if (isTone) length += 10;
    else if (length > 20) marks += length > 160 ? "-" : ".";
    if (!isTone) length = 0;
  }
  return marks;
}
