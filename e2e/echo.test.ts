import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recognise, spoken } from "../src/testing/speech.ts";
import { Caller, PAGE_RATE } from "./support/browser.ts";
import { type Started, startServer } from "./support/server.ts";

let server: Started;
beforeAll(async () => {
  server = await startServer(["dist/cli/main.js", "dev", "examples/echo.ts"]);
});
afterAll(async () => {
  await server.stop();
});

describe("the five-line echo program in a browser", () => {
  it("says back what was said, through the microphone, WebRTC and the page's speaker", async () => {
    const caller = await Caller.open(server.url, {
      microphone: spoken("where is the cafeteria", { rate: PAGE_RATE, leadMs: 1_500 }),
    });
    try {
      await caller.page.getByRole("button", { name: "Start talking" }).click();
      await caller.voice(20_000);
      await caller.quiet(1_000);
      const words = await recognise(await caller.heard(), [
        "where is the cafeteria",
        "open the window",
        "what time is it",
        "good morning",
      ]);
      expect(words).toBe("where is the cafeteria");
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
    }
  });
});
