import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recognise } from "../src/testing/speech.ts";
import { Caller } from "./support/browser.ts";
import { utterances } from "./support/listening.ts";
import { type Started, startDemo } from "./support/server.ts";

let server: Started;
beforeAll(async () => {
  server = await startDemo();
});
afterAll(async () => {
  await server.stop();
});

describe("typing instead of talking", () => {
  it("works on a machine without a microphone: the answer is written and heard", async () => {
    const caller = await Caller.open(server.url, { permission: "no-device" });
    try {
      await caller.startTyping();
      await caller.voice();
      await caller.quiet();
      const from = await caller.place();
      await caller.type("How many vacation days do I have?");
      await caller.shows("You have 12 vacation days left this year.");
      await caller.voice();
      await caller.quiet();
      const [answer] = utterances(await caller.heard(from));
      expect(answer).toBeDefined();
      if (answer === undefined) return;
      expect(
        await recognise(answer.audio, [
          "you have (ten|twelve|twenty five) vacation days left this year",
          "I did not understand that",
        ]),
      ).toBe("you have twelve vacation days left this year");
      expect(await caller.linesOf("You")).toEqual(["How many vacation days do I have?"]);
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
    }
  });

  it("takes over at once when an answer is still being heard", async () => {
    const caller = await Caller.open(server.url, { permission: "no-device" });
    try {
      await caller.startTyping();
      await caller.voice();
      await caller.type("Does the plan cover braces?");
      await caller.shows(/For braces, the plan pays 50 percent/);
      expect((await caller.lines())[0]).toMatchObject({ who: "Hannah", interrupted: true });
      await caller.page.locator(".agent[aria-current=true]", { hasText: "Ben" }).waitFor();
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
    }
  });
});
