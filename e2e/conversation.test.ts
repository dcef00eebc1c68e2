import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AudioFrame, monoFrame } from "../src/audio/frame.ts";
import { recognise, spoken } from "../src/testing/speech.ts";
import { Caller, PAGE_RATE, tell } from "./support/browser.ts";
import { utterances } from "./support/listening.ts";
import { type Started, startDemo } from "./support/server.ts";

/** When each question is asked, ms after the microphone opened, and by which voice. */
const questions = [
  { at: 7_000, text: "How many vacation days do I have?", voice: "slt" },
  { at: 13_000, text: "Does the plan cover braces?", voice: "rms" },
  { at: 29_500, text: "When does my insurance start?", voice: "slt" },
] as const;
const LENGTH = 37_500;

/** What may be heard: right answers and wrong ones. Short pauses do not tell reliably where one line ends. */
const farewell = "let me put you through to (Hannah the H R manager|Ben the benefits adviser|Angus the I T supporter)";
const hello = "(hi Hannah here|hi this is Ben from benefits|hello Angus from I T support)";
const facts = [
  "you have (ten|eleven|twelve|thirteen|twenty five) vacation days left this year",
  "done <day:weekday> the <date:ordinal> of <month> is booked that leaves you <number> days",
  "(for braces|for a crown|for a filling|for a cleaning) the plan pays (all|fifty percent|eighty percent) of the price up to (three hundred|nine hundred|twelve hundred|fifteen hundred) dollars a year",
  "you get four hundred and eighty dollars a year for sports and health",
  "your insurance starts (on your first day|next month) the card comes by (mail|courier) within (two|six) weeks",
];
const answers = [
  "hi this is Hannah from H R welcome to the company how can I help you",
  "sorry I did not (catch|understand) that",
  `${farewell} [${hello}]`,
  hello,
  ...facts.map((fact) => `[${farewell}] [${hello}] ${fact}`),
];

let server: Started;
beforeAll(async () => {
  server = await startDemo();
});
afterAll(async () => {
  await server.stop();
});

describe("a spoken conversation with the HR team", () => {
  it("greets at once, and three questions get the right answers from the right agents, by ear and on the page", async () => {
    const caller = await Caller.open(server.url, { microphone: script() });
    try {
      const greeted = await caller.startAndGreet();
      tell(`click to greeting: ${Math.round(greeted)} ms`);
      expect(greeted).toBeLessThan(2_500);
      await caller.shows(/Your insurance starts/, LENGTH);
      await caller.answer();

      const heard: string[] = [];
      for (const { audio } of utterances(await caller.heard(), 450)) heard.push(await recognise(audio, answers));
      const all = heard.join(" / ");
      expect(heard[0]).toBe("hi this is hannah from h r welcome to the company how can i help you");
      expect(all).toContain("you have twelve vacation days left this year");
      expect(all).toContain("let me put you through to ben the benefits adviser");
      expect(all).toContain("for braces the plan pays fifty percent of the price up to fifteen hundred dollars a year");
      expect(all).toContain("your insurance starts on your first day the card comes by mail within two weeks");

      expect(await caller.linesOf("You")).toEqual([
        "how many vacation days do i have",
        "does the plan cover braces",
        "when does my insurance start",
      ]);
      expect((await caller.linesOf("Hannah")).at(-1)).toBe("Let me put you through to Ben, the benefits adviser.");
      const ben = (await caller.linesOf("Ben")).join(" ");
      expect(ben).toContain("For braces, the plan pays 50 percent of the price, up to 1500 dollars a year.");
      expect(ben).toContain("Your insurance starts on your first day.");
      expect(await caller.linesOf("tool")).toHaveLength(2);
      expect(await caller.active()).toBe("Ben");
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
    }
  });
});

/** The whole of what the microphone gives. */
function script(): AudioFrame {
  const all = new Int16Array((LENGTH * PAGE_RATE) / 1_000);
  for (const { at, text, voice } of questions)
    all.set(spoken(text, { voice, rate: PAGE_RATE }).samples, (at * PAGE_RATE) / 1_000);
  return monoFrame(all, PAGE_RATE);
}
