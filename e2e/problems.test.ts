import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spoken } from "../src/testing/speech.ts";
import { Caller, PAGE_RATE } from "./support/browser.ts";
import { type Started, startDemo, startServer } from "./support/server.ts";

let server: Started;
beforeAll(async () => {
  server = await startDemo();
});
afterAll(async () => {
  await server.stop();
});

const notice = (caller: Caller) => caller.page.getByRole("alert");

describe("what the page says when something is wrong", () => {
  it("tells that the microphone is not allowed, and goes on with text only", async () => {
    const caller = await Caller.open(server.url, { permission: "denied" });
    try {
      await caller.page.getByRole("button", { name: "Start talking" }).click();
      await notice(caller).getByText("The microphone is not allowed").waitFor();
      expect(await notice(caller).locator("code").textContent()).toBe("mic-denied");
      await caller.page.getByRole("button", { name: "Continue with text only" }).click();
      await caller.inCall();
      await caller.shows(/this is Hannah/);
    } finally {
      await caller.close();
    }
  });

  it("tells that there is no microphone, and that typing works", async () => {
    const caller = await Caller.open(server.url, { permission: "no-device" });
    try {
      await caller.page.getByRole("button", { name: "Start talking" }).click();
      await notice(caller).getByText("No microphone was found").waitFor();
      expect(await notice(caller).textContent()).toContain("type instead");
    } finally {
      await caller.close();
    }
  });

  it("tells that the server is gone in the middle of a call, keeps what was said, and starts again when it is back", async () => {
    let own = await startDemo();
    const { port } = new URL(own.url);
    const caller = await Caller.open(own.url);
    try {
      await caller.startAndGreet();
      own.process.kill("SIGKILL");
      await notice(caller).getByText("The server is gone").waitFor({ timeout: 20_000 });
      await caller.shows(/this is Hannah/);
      await caller.page.getByRole("button", { name: "Start again" }).click();
      await notice(caller).getByText("The server does not answer").first().waitFor();

      own = await startDemo({ PORT: port });
      const start = caller.page.getByRole("button", { name: /Start (talking|again)/ });
      await start.click();
      await caller.inCall();
      await caller.shows(/this is Hannah/);
    } finally {
      await caller.close();
      await own.stop();
    }
  });

  it("answers what was said when the microphone stops sending right after it, and takes typed words", async () => {
    const caller = await Caller.open(server.url);
    try {
      await caller.startAndGreet();
      await caller.say(spoken("How many vacation days do I have?", { rate: PAGE_RATE, leadMs: 0, tailMs: 0 }));
      await caller.page.evaluate(() => window.reparteeTest.stopSending());
      await caller.shows(/You have 12 vacation days/);
      await caller.type("What happens on Friday?");
      await caller.shows(/team lunch/);
    } finally {
      await caller.close();
    }
  });

  it("tells that all lines are busy, and gets through once one is free", async () => {
    const own = await startServer(["e2e/programs/one-line.ts"]);
    const first = await Caller.open(own.url);
    const second = await Caller.open(own.url);
    try {
      await first.start();
      await second.page.getByRole("button", { name: "Start talking" }).click();
      await notice(second).getByText("All lines are busy").waitFor();
      expect(await notice(second).textContent()).toContain("takes 1 at a time");
      await first.page.getByRole("button", { name: "End the call" }).click();
      await first.page.getByText("You hung up").waitFor();
      await second.start();
    } finally {
      await first.close();
      await second.close();
      await own.stop();
    }
  });

  it("tells that the time is up", async () => {
    const own = await startServer(["e2e/programs/one-line.ts"], { TIME_LIMIT_MS: "2500" });
    const caller = await Caller.open(own.url);
    try {
      await caller.start();
      await caller.page.getByText("Time is up").waitFor();
      expect(caller.faults).toEqual([]);
    } finally {
      await caller.close();
      await own.stop();
    }
  });
});
