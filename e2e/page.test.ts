import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spoken } from "../src/testing/speech.ts";
import { Caller, PAGE_RATE, type OpenOptions } from "./support/browser.ts";
import { type Started, startDemo } from "./support/server.ts";

let server: Started;
beforeAll(async () => {
  server = await startDemo();
});
afterAll(async () => {
  await server.stop();
});

const PHONE = { width: 390, height: 844 };

interface Look {
  readonly name: string;
  readonly options: OpenOptions;
  /** Range of the mean brightness of the picture, 0 to 255. */
  readonly bright: readonly [number, number];
}

const looks: readonly Look[] = [
  { name: "light", options: { colours: "light" }, bright: [200, 254] },
  { name: "dark", options: { colours: "dark" }, bright: [8, 80] },
  { name: "on a phone", options: { colours: "light", size: PHONE }, bright: [180, 254] },
  { name: "dark on a phone", options: { colours: "dark", size: PHONE }, bright: [8, 80] },
];

/** Mean and spread of the brightness of what the page shows, 0 to 255; reckoned by a browser's own decoder. */
async function brightness({ page }: Caller): Promise<{ readonly mean: number; readonly spread: number }> {
  const png = (await page.screenshot()).toString("base64");
  return await page.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("this browser has no canvas");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < data.length; i += 4) {
      const light = ((data[i] ?? 0) + (data[i + 1] ?? 0) + (data[i + 2] ?? 0)) / 3;
      sum += light;
      squares += light * light;
    }
    const count = data.length / 4;
    return { mean: sum / count, spread: Math.sqrt(squares / count - (sum / count) ** 2) };
  }, png);
}

describe("the page", () => {
  it.each(looks)("shows the team, a call and its end: $name", async ({ options, bright: [least, most] }) => {
    const caller = await Caller.open(server.url, { ...options, recorded: false });
    const check = async (): Promise<void> => {
      const { mean, spread } = await brightness(caller);
      expect(mean).toBeGreaterThan(least);
      expect(mean).toBeLessThan(most);
      expect(spread).toBeGreaterThan(5);
      const { width = 1_280 } = options.size ?? {};
      expect(await caller.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    };
    try {
      await caller.page.getByText("Hannah").first().waitFor();
      await check();
      await caller.start();
      await caller.shows(/this is Hannah/);
      await caller.type("Book Friday off");
      await caller.shows(/is booked/);
      await check();
      await caller.page.getByRole("button", { name: "End the call" }).click();
      await caller.page.getByText("You hung up").waitFor();
      await check();
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
    }
  });

  it("is used by keys: M mutes, / goes to the text box, Esc leaves it", async () => {
    const caller = await Caller.open(server.url, { recorded: false });
    const { page } = caller;
    try {
      await caller.start();
      await page.keyboard.press("m");
      await page.getByRole("button", { name: "Microphone off" }).waitFor();
      await page.keyboard.press("M");
      await page.getByRole("button", { name: "Microphone on" }).waitFor();
      await page.keyboard.press("/");
      const box = page.getByRole("textbox");
      expect(await box.evaluate((element) => element === document.activeElement)).toBe(true);
      await page.keyboard.type("muted/moments");
      expect(await box.inputValue()).toBe("muted/moments");
      await page.keyboard.press("Escape");
      expect(await box.evaluate((element) => element === document.activeElement)).toBe(false);
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
    }
  });

  it("hears nothing while it is muted", async () => {
    const caller = await Caller.open(server.url);
    const question = spoken("How many vacation days do I have?", { rate: PAGE_RATE });
    try {
      await caller.startAndGreet();
      await caller.page.keyboard.press("m");
      await caller.say(question);
      await caller.page.waitForTimeout(1_500);
      expect(await caller.linesOf("You")).toEqual([]);
      await caller.page.keyboard.press("m");
      await caller.say(question);
      await caller.shows(/You have 12 vacation days/);
      expect(await caller.linesOf("You")).toHaveLength(1);
    } finally {
      await caller.close();
    }
  });
});
