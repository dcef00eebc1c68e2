/*
 * Chromium with a voice: either a wav file as its microphone, or a microphone that speaks when the test says so. What the
 * page hears is recorded where a person would hear it, at the remote track, and beside it what the microphone gave: two
 * channels of one recording, so that both are on one time line.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page, type Route } from "playwright-core";
import { type AudioFrame, monoFrame } from "../../src/audio/frame.ts";
import { int16ToBytes } from "../../src/audio/pcm.ts";
import { writeWav } from "../../src/audio/wav.ts";
import { findChromium } from "../../scripts/chromium.mjs";
import { PAGE_RATE, recordBothSides, recorderWorklet, speakOnDemand } from "./in-page.ts";

export { PAGE_RATE };

export interface OpenOptions {
  /** The microphone, from when it is asked for; it is silent afterwards. Without it the test speaks with `say`. */
  readonly microphone?: AudioFrame;
  readonly permission?: "granted" | "denied" | "no-device";
  readonly colours?: "light" | "dark";
  readonly size?: { readonly width: number; readonly height: number };
  /** Record both sides. Default true; it needs one exception from the page's security policy, for the recorder itself. */
  readonly recorded?: boolean;
}

/** One line of the conversation as the page shows it. */
export interface ShownLine {
  /** "You", an agent's name, "tool" or "system". */
  readonly who: string;
  readonly text: string;
  /** The part that is struck out, because it was not heard. */
  readonly unheard: string;
  /** It is marked as interrupted. */
  readonly interrupted: boolean;
}

/** What was said into the microphone and what was heard, on one time line. Mono, `PAGE_RATE`. */
export interface Recording {
  readonly said: AudioFrame;
  readonly heard: AudioFrame;
}

/** A page in a browser of its own. */
export class Caller {
  readonly page: Page;
  /** Faults of the page: errors and failed checks. */
  readonly faults: string[];
  readonly #browser: Browser;
  readonly #folder: string;

  private constructor(page: Page, browser: Browser, folder: string, faults: string[]) {
    this.page = page;
    this.#browser = browser;
    this.#folder = folder;
    this.faults = faults;
  }

  static async open(url: string, options: OpenOptions = {}): Promise<Caller> {
    const {
      microphone,
      permission = "granted",
      colours = "light",
      size = { width: 1_280, height: 800 },
      recorded = true,
    } = options;
    const folder = await mkdtemp(join(tmpdir(), "repartee-e2e-"));
    const args = [
      "--autoplay-policy=document-user-activation-required",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-quic",
      "--no-first-run",
    ];
    if (permission !== "no-device") args.push("--use-fake-device-for-media-stream");
    if (permission === "granted") args.push("--use-fake-ui-for-media-stream");
    if (microphone !== undefined) {
      const wav = join(folder, "microphone.wav");
      await writeFile(wav, writeWav(microphone.samples, microphone.rate));
      args.push(`--use-file-for-fake-audio-capture=${wav}%noloop`);
    }
    const browser = await chromium.launch({ executablePath: pathOfChromium(), args });
    const context = await browser.newContext({ colorScheme: colours, viewport: size, reducedMotion: "reduce" });
    if (permission === "no-device") await context.grantPermissions(["microphone"]);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
    if (microphone === undefined && permission === "granted") await page.addInitScript(speakOnDemand, PAGE_RATE);
    if (recorded) {
      await page.route(url, allowRecorder);
      await page.addInitScript(recordBothSides, { rate: PAGE_RATE, worklet: recorderWorklet });
    }
    await page.goto(url);
    return new Caller(page, browser, folder, faults);
  }

  /** Begins a call by voice, and waits until it is up. */
  async start(): Promise<void> {
    await this.page.getByRole("button", { name: "Start talking" }).click();
    await this.inCall();
  }

  /** Begins a call without a microphone, and waits until it is up. */
  async startTyping(): Promise<void> {
    await this.page.getByRole("button", { name: "Type instead" }).click();
    await this.inCall();
  }

  async inCall(): Promise<void> {
    await this.page.getByRole("button", { name: "End the call" }).waitFor({ timeout: 15_000 });
  }

  /** Begins a call by voice, and hears the greeting to its end. Answers the ms from the click to its first sound. */
  async startAndGreet(): Promise<number> {
    await this.page.evaluate(() => window.reparteeTest.noteClick());
    await this.start();
    await this.voice();
    await this.quiet();
    return await this.page.evaluate(() => window.reparteeTest.clickToVoice());
  }

  async type(text: string): Promise<void> {
    const box = this.page.getByRole("textbox", { name: "Type instead of talking" });
    await box.fill(text);
    await box.press("Enter");
  }

  /** The conversation as it stands on the page. */
  async lines(): Promise<ShownLine[]> {
    return await this.page.getByRole("log").evaluate((log) => {
      const textOf = (of: Element | null | undefined): string => (of?.textContent ?? "").replace(/\s+/g, " ").trim();
      return [...log.children].map((line) => {
        if (!line.classList.contains("said")) {
          const who = line.classList.contains("tool") ? "tool" : "system";
          return { who, text: textOf(line.querySelector("summary") ?? line), unheard: "", interrupted: false };
        }
        const bubble = line.querySelector(".bubble")?.cloneNode(true) as Element | undefined;
        const tag = bubble?.querySelector(".tag");
        const hidden = bubble?.querySelector(".hidden");
        const interrupted = textOf(tag).startsWith("interrupted");
        tag?.remove();
        hidden?.remove();
        const who = textOf(line.querySelector(".byline")).split(" · ")[0] ?? "";
        return { who, text: textOf(bubble), unheard: textOf(bubble?.querySelector("del")), interrupted };
      });
    });
  }

  /** The lines one side has said so far. */
  async linesOf(who: string): Promise<string[]> {
    return (await this.lines()).filter((line) => line.who === who).map((line) => line.text);
  }

  /** Waits until the page shows this, anywhere in the conversation. */
  async shows(text: string | RegExp, timeoutMs = 15_000): Promise<void> {
    await this.page.getByRole("log").getByText(text).filter({ visible: true }).first().waitFor({ timeout: timeoutMs });
  }

  /** Who is lit as being on the line. */
  async active(): Promise<string> {
    const name = this.page.locator(".agent[aria-current=true] .agent-name");
    return (await name.textContent({ timeout: 5_000 })) ?? "";
  }

  /** Speaks into the page's microphone; settles when the last sample was played into it. */
  async say(frame: AudioFrame): Promise<void> {
    if (frame.rate !== PAGE_RATE)
      throw new RangeError(`speech for a page must have ${PAGE_RATE} Hz, got ${frame.rate}`);
    const bytes = Buffer.from(int16ToBytes(frame.samples)).toString("base64");
    await this.page.evaluate((text) => window.reparteeTest.say(text), bytes);
  }

  /** Everything since `from` ms after the recording began. */
  async recording(fromMs = 0): Promise<Recording> {
    const [said, heard] = await this.page.evaluate((from) => window.reparteeTest.recording(from), fromMs);
    return { said: frameOf(said), heard: frameOf(heard) };
  }

  /** What the page has heard since `from` ms after the recording began. */
  async heard(fromMs = 0): Promise<AudioFrame> {
    return (await this.recording(fromMs)).heard;
  }

  /** How much was recorded so far, ms: a place to give to `heard`. */
  async place(): Promise<number> {
    return await this.page.evaluate(() => window.reparteeTest.place());
  }

  /** Settles when the remote voice has been silent for `ms`, or was never heard; rejects after `timeoutMs`. */
  async quiet(ms = 1_000, timeoutMs = 30_000): Promise<void> {
    await this.page.waitForFunction((quiet) => window.reparteeTest.quietFor() >= quiet, ms, {
      timeout: timeoutMs,
      polling: 50,
    });
  }

  /** Settles when the remote voice is heard; rejects after `timeoutMs`. */
  async voice(timeoutMs = 15_000): Promise<void> {
    await this.page.waitForFunction(() => window.reparteeTest.quietFor() < 150, undefined, {
      timeout: timeoutMs,
      polling: 20,
    });
  }

  /** Waits for the answer to begin, and to end. */
  async answer(): Promise<void> {
    await this.voice();
    await this.quiet();
  }

  /** Closes the tab as a person does, then the browser. */
  async close(): Promise<void> {
    await this.page.close();
    await this.#browser.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function pathOfChromium(): string {
  const path = findChromium();
  if (path === undefined) throw new Error("no Chromium: `node scripts/chromium.mjs` installs one");
  return path;
}

/** Audio worklets are loaded past Playwright's routes, so the recorder is a blob, which the page forbids. */
async function allowRecorder(route: Route): Promise<void> {
  const response = await route.fetch();
  const headers = response.headers();
  const policy = (headers["content-security-policy"] ?? "").replace("script-src 'self'", "script-src 'self' blob:");
  await route.fulfill({ response, headers: { ...headers, "content-security-policy": policy } });
}

/** A measured figure, for people to read in the output of the tests. */
export function tell(figure: string): void {
  process.stdout.write(`    ${figure}\n`);
}

function frameOf(base64: string): AudioFrame {
  const bytes = Buffer.from(base64, "base64");
  return monoFrame(
    new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)),
    PAGE_RATE,
  );
}
