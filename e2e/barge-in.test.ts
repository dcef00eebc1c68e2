import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recognise, spoken } from "../src/testing/speech.ts";
import { Caller, PAGE_RATE, tell } from "./support/browser.ts";
import { part, utterances } from "./support/listening.ts";
import { type Started, startDemo } from "./support/server.ts";

let server: Started;
beforeAll(async () => {
  server = await startDemo();
});
afterAll(async () => {
  await server.stop();
});

const say = (text: string) => spoken(text, { voice: "rms", rate: PAGE_RATE, leadMs: 0, tailMs: 0 });

describe("talking over an answer", () => {
  it("silences it within 400 ms, is answered itself, and the page strikes out what was not heard", async () => {
    const caller = await Caller.open(server.url);
    try {
      await caller.startAndGreet();
      await caller.say(say("What happens on Monday?"));
      await caller.voice();
      await caller.page.waitForTimeout(1_000);
      const from = await caller.place();
      await caller.say(say("How many vacation days do I have?"));
      await caller.shows(/interrupted at/);
      await caller.voice();
      await caller.quiet();

      const { said, heard } = await caller.recording(from - 1_000);
      const onset = utterances(said)[0]?.from ?? Number.NaN;
      const voices = utterances(heard, 250);
      const cut = voices.find(({ from: at, to }) => at < onset && to > onset);
      const stoppedAfter = (cut?.to ?? Number.NaN) - onset;
      tell(`silent ${Math.round(stoppedAfter)} ms after the caller's onset, at the page's ear`);
      expect(stoppedAfter).toBeLessThan(400);
      const answer = await recognise(part(heard, onset + 800, Number.POSITIVE_INFINITY), [
        "you have (ten|eleven|twelve|thirteen|twenty five) vacation days left this year",
        "at nine you meet your team at reception and at two there is the welcome tour",
        "and at two there is the welcome tour",
      ]);
      expect(answer).toBe("you have twelve vacation days left this year");

      const lines = await caller.lines();
      const place = lines.findIndex(({ interrupted }) => interrupted);
      const struck = lines[place];
      expect(lines.findLastIndex(({ who }) => who === "You")).toBeGreaterThan(place);
      expect(struck?.text).toContain("at nine you meet your team");
      expect(struck?.unheard).toMatch(/welcome tour\.?$/);
      expect(struck?.unheard.length).toBeLessThan(struck?.text.length ?? 0);
      expect(lines.at(-1)).toMatchObject({
        who: "Hannah",
        text: "You have 12 vacation days left this year.",
        interrupted: false,
      });
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
    }
  });

  it("goes on when the caller only says yeah, and nothing is struck out", async () => {
    const caller = await Caller.open(server.url);
    try {
      await caller.startAndGreet();
      const from = await caller.place();
      await caller.say(say("What happens on Monday?"));
      await caller.voice();
      await caller.page.waitForTimeout(600);
      await caller.say(say("Yeah."));
      await caller.quiet(1_800);
      const lines = await caller.lines();
      expect(lines.filter(({ interrupted }) => interrupted)).toEqual([]);
      const heard = await caller.heard(from);
      const last = utterances(heard, 250).at(-1);
      expect(
        await recognise(part(heard, (last?.to ?? 0) - 1_700, Number.POSITIVE_INFINITY), [
          "[two] there is the welcome tour",
          "[you meet] your team at reception",
        ]),
      ).toContain("the welcome tour");
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
    }
  });

  it("is silenced by the key Esc as well", async () => {
    const caller = await Caller.open(server.url);
    try {
      await caller.startAndGreet();
      await caller.type("What happens on Monday?");
      await caller.voice();
      await caller.page.waitForTimeout(700);
      await caller.page.getByRole("textbox").blur();
      await caller.page.keyboard.press("Escape");
      await caller.quiet(1_500, 4_000);
      expect((await caller.lines()).filter(({ interrupted }) => interrupted)).toHaveLength(1);
    } finally {
      await caller.close();
    }
  });
});
