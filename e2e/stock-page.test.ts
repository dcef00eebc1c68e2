import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recognise, spoken } from "../src/testing/speech.ts";
import { Caller, PAGE_RATE } from "./support/browser.ts";
import { type Started, startServer } from "./support/server.ts";

let server: Started;
beforeAll(async () => {
  server = await startServer(["dist/cli/main.js", "dev", "examples/stock-page.ts"]);
});
afterAll(() => server.stop());

describe("a page that speaks only FastRTC's messages", () => {
  it("calls, sends what was chosen on it, hears the answer and shows it", async () => {
    const microphone = spoken("good night", { rate: PAGE_RATE, leadMs: 1_500 });
    const caller = await Caller.open(server.url, { microphone });
    try {
      await caller.page.getByLabel("Times").fill("2");
      await caller.page.getByRole("button", { name: "Call" }).click();
      await caller.page.getByText("You hear yourself 2 times.").waitFor({ timeout: 20_000 });
      await caller.voice(20_000);
      await caller.quiet(1_500);
      expect(await recognise(await caller.heard(), ["good night [good night]", "open the window"])).toBe(
        "good night good night",
      );
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
    }
  });
});
