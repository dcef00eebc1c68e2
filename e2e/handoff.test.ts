import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spoken } from "../src/testing/speech.ts";
import { Caller, PAGE_RATE, tell } from "./support/browser.ts";
import { part, pitchOf, utterances } from "./support/listening.ts";
import { type Started, startDemo } from "./support/server.ts";

let server: Started;
beforeAll(async () => {
  server = await startDemo();
});
afterAll(async () => {
  await server.stop();
});

/** The pitch of the last seconds that were heard since `from`: the voice that spoke last. */
async function lastVoice(caller: Caller, from: number): Promise<number> {
  const heard = await caller.heard(from);
  const end = utterances(heard).at(-1)?.to ?? 0;
  return pitchOf(part(heard, end - 1_500, end));
}

describe("a hand-off", () => {
  it("is heard as another voice and seen as another agent, and back again", async () => {
    const caller = await Caller.open(server.url);
    const ask = async (text: string): Promise<number> => {
      const from = await caller.place();
      await caller.say(spoken(text, { voice: "awb", rate: PAGE_RATE, leadMs: 0, tailMs: 0 }));
      return from;
    };
    try {
      await caller.startAndGreet();
      const hannah = await lastVoice(caller, 0);
      expect(await caller.active()).toBe("Hannah");

      const first = await ask("Can I talk to benefits?");
      await caller.shows("Hannah handed off to Ben");
      await caller.shows(/Ben from benefits/);
      await caller.quiet();
      const ben = await lastVoice(caller, first);
      expect(await caller.active()).toBe("Ben");
      expect(await caller.page.locator(".agent", { hasText: "Hannah" }).textContent()).toContain("handed off");

      const second = await ask("Connect me to the manager.");
      await caller.shows("Ben handed off to Hannah");
      await caller.shows(/Hannah here/);
      await caller.quiet();
      const again = await lastVoice(caller, second);
      expect(await caller.active()).toBe("Hannah");

      tell(`pitch: Hannah ${Math.round(hannah)} Hz, Ben ${Math.round(ben)} Hz, Hannah again ${Math.round(again)} Hz`);
      expect(hannah).toBeGreaterThan(150);
      expect(ben).toBeLessThan(135);
      expect(again).toBeGreaterThan(150);
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
    }
  });
});
