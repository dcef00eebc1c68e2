import { describe, expect, it } from "vitest";
import { Heartbeat } from "./heartbeat.ts";

describe("the heartbeat", () => {
  it("gives up after two pings without an answer", () => {
    const heart = new Heartbeat();
    heart.beat();
    heart.pong(0, 12);
    expect([heart.beat(), heart.beat(), heart.beat()]).toEqual([true, true, false]);
  });

  it("goes on as long as anything is heard", () => {
    const heart = new Heartbeat();
    heart.pong(0, 12);
    for (let i = 0; i < 10; i++) {
      expect(heart.beat()).toBe(true);
      heart.alive();
    }
  });

  it("does not hold a server to pings that has never answered one", () => {
    const heart = new Heartbeat();
    for (let i = 0; i < 10; i++) expect(heart.beat()).toBe(true);
  });

  it("tells the round trip of the last answer, and ignores one from the future", () => {
    const heart = new Heartbeat();
    expect(heart.rttMs).toBeUndefined();
    heart.pong(1_000, 1_038);
    heart.pong(9_000, 2_000);
    expect(heart.rttMs).toBe(38);
  });
});
