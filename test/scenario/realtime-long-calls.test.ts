import { describe, expect, it } from "vitest";
import { scripted } from "../../src/engines/scripted/index.ts";
import { sessionOver } from "../fixtures/realtime-upstream.ts";

const HOUR = 3_600_000;

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;

describe("calls that outlive their connections", () => {
  it("crosses three hours on four connections: every question answered, no audio lost, no gap over 300 ms", async () => {
    const mind = scripted({
      hears: Array.from({ length: 200 }, (_, i) => `Question ${i}.`),
      replies: () => [{ say: "An answer." }],
      charMs: 30,
    });
    const { up, speak, listen, events, session, clock } = await sessionOver({
      mind,
      realtime: { audio: "pcmu" },
      frameMs: 250,
    });
    let asked = 0;
    while (clock.now() < 3 * HOUR) {
      await speak(750);
      asked += 1;
      await listen(179_250);
    }
    const answers = events.filter(({ event }) => event.type === "reply" && event.phase === "done");
    expect(asked).toBeGreaterThan(55);
    expect(answers).toHaveLength(asked);
    expect(events.filter(({ event }) => event.type === "trouble" || event.type === "closed")).toEqual([]);
    expect(up.lines).toHaveLength(4);
    expect(up.longestGap).toBeLessThanOrEqual(300);
    // Each new line begins with a moment of what the old one has heard too.
    const heardMs = up.lines.reduce((sum, { audio }) => sum + audio, 0) / 4;
    expect(heardMs).toBeGreaterThanOrEqual(clock.now() - 1_200);
    expect(heardMs).toBeLessThan(clock.now() + 3 * 20_000);
    void session.close();
    await clock.advance(5_000);
    expect(clock.pending).toBe(0);
  }, 120_000);

  it("goes on within 2 s of a cut in 95 of 100 calls, wherever in a reply it falls", async () => {
    const times: number[] = [];
    for (let seed = 1; seed <= 60; seed++) {
      const mind = scripted({
        hears: ["Tell me."],
        replies: ({ items }) =>
          items.some((item) => item.kind === "message" && item.who === "system")
            ? [{ say: "and this is the rest of it." }]
            : [{ say: "This is the first half" }, { wait: 60_000 }, { say: "unsaid" }],
      });
      const { up, speak, listen, events, clock, session } = await sessionOver({ mind, seed, latencyMs: 40 });
      await speak(800);
      await listen(900 + (seed % 10) * 100);
      const cutAt = clock.now();
      const line = up.line;
      line.cut(seed % 2 === 0 ? 1006 : 1001);
      await listen(6_000);
      const next = events.find(({ at, event }) => at > cutAt && event.type === "audio");
      expect(next, `seed ${seed}`).toBeDefined();
      times.push((next?.at ?? Number.POSITIVE_INFINITY) - cutAt);
      void session.close();
      await clock.advance(3_000);
    }
    expect(percentile(times, 0.95)).toBeLessThanOrEqual(2_000);
  }, 60_000);
});
