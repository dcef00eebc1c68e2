/* Lines P of docs/acceptance.md that no other test proves. Against a simulator of the carrier, over real sockets. */
import { afterEach, describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { replyOnPause } from "../../src/session/reply-on-pause.ts";
import { Phone } from "../../src/testing/phone.ts";
import { AUTH, tone } from "../fixtures/lines.ts";
import { serveStream, type StreamServer } from "../fixtures/stream-server.ts";
import { levelDetector } from "./talk.ts";

let server: StreamServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

describe("a telephone call", () => {
  it("P5 remembers in its second spoken turn what it learnt in its first", async () => {
    const known: string[][] = [];
    server = await serveStream(
      async (session) => {
        const facts: string[] = [];
        const handler = replyOnPause(
          async function* (turn) {
            facts.push(`turn ${turn.index}`);
            known.push([...facts]);
            yield { kind: "message", name: "facts", data: facts };
            yield monoFrame(tone(200, 8_000), 8_000);
          },
          { threshold: 0.2, releaseThreshold: 0.1 },
        );
        await handler(session);
      },
      { detector: levelDetector },
    );
    const call = await new Phone({ webhook: `${server.base}/telephone/incoming`, authToken: AUTH }).call();
    const silent = (ms: number): Int16Array => new Int16Array(8 * ms);
    for (const turns of [1, 2]) {
      await call.speak(silent(200));
      await call.speak(tone(600, 8_000));
      await call.speak(silent(900));
      await expect.poll(() => known.length, { timeout: 5_000 }).toBe(turns);
    }
    expect(known).toEqual([["turn 0"], ["turn 0", "turn 1"]]);
    expect(call.samples().filter((sample) => Math.abs(sample) > 4_000).length).toBeGreaterThan(1_000);
    await call.hangUp();
  });
});
