import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Caller, tell } from "./support/browser.ts";
import { type Started, startDemo } from "./support/server.ts";

let server: Started;
beforeAll(async () => {
  server = await startDemo();
});
afterAll(async () => {
  await server.stop();
});

/** How often the log tells this of calls. */
function told(by: Started, what: "a call began" | "a call ended"): number {
  return by.output().split(what).length - 1;
}

async function sessions(): Promise<number> {
  const health = (await (await fetch(`${server.url}/health`)).json()) as { readonly sessions: number };
  return health.sessions;
}

/** Waits until nobody is on the line; answers how long that took, ms. */
async function untilEmpty(timeoutMs: number): Promise<number> {
  const from = performance.now();
  while ((await sessions()) > 0) {
    if (performance.now() - from > timeoutMs) throw new Error(`a session is left after ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return performance.now() - from;
}

describe("the end of a call", () => {
  it("by the End button leaves no session, and the page with what was said", async () => {
    const caller = await Caller.open(server.url);
    try {
      const before = told(server, "a call ended");
      await caller.start();
      await caller.shows(/this is Hannah/);
      expect(await sessions()).toBe(1);
      await caller.page.getByRole("button", { name: "End the call" }).click();
      await caller.page.getByText("You hung up").waitFor();
      await caller.shows(/this is Hannah/);
      await untilEmpty(2_000);
      expect(told(server, "a call ended")).toBe(before + 1);
      await caller.page.getByRole("button", { name: "Start again" }).click();
      await caller.inCall();
      expect(await sessions()).toBe(1);
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
      await untilEmpty(10_000);
    }
  });

  it("by closing the tab leaves no session", async () => {
    const caller = await Caller.open(server.url);
    try {
      const before = told(server, "a call ended");
      await caller.start();
      expect(await sessions()).toBe(1);
      await caller.page.close({ runBeforeUnload: false });
      const took = await untilEmpty(8_000);
      tell(`a closed tab is noticed after ${Math.round(took)} ms`);
      expect(told(server, "a call ended")).toBe(before + 1);
    } finally {
      await caller.close();
    }
  });

  it("by Ctrl-C tells the page, ends each session once, and leaves the process with 0", async () => {
    const own = await startDemo();
    const caller = await Caller.open(own.url);
    try {
      await caller.startAndGreet();
      const from = performance.now();
      const code = await own.stop();
      const took = performance.now() - from;
      await caller.page.getByText("The server was stopped").waitFor();
      tell(`Ctrl-C to the end of the process: ${Math.round(took)} ms`);
      expect(code).toBe(0);
      expect(took).toBeLessThan(2_500);
      expect(told(own, "a call began")).toBe(1);
      expect(told(own, "a call ended")).toBe(1);
      expect(own.output()).not.toMatch(/"level":[56]0/);
    } finally {
      await caller.close();
    }
  });
});
