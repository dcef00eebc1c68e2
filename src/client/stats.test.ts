import { describe, expect, it } from "vitest";
import { netStats, type Reading, readStats } from "./stats.ts";

const nothing: Reading = { lost: 0, received: 0, bufferDelay: 0, bufferEmitted: 0, concealed: 0, samples: 0 };

describe("reading the browser's statistics", () => {
  it("picks the nominated pair and the agent's audio", () => {
    expect(
      readStats([
        { type: "candidate-pair", nominated: false, state: "succeeded", currentRoundTripTime: 9 },
        { type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.038 },
        { type: "inbound-rtp", kind: "video", packetsLost: 99 },
        {
          type: "inbound-rtp",
          kind: "audio",
          jitter: 0.004,
          packetsLost: 1,
          packetsReceived: 50,
          jitterBufferDelay: 2,
          jitterBufferEmittedCount: 40,
          concealedSamples: 30,
          silentConcealedSamples: 10,
          totalSamplesReceived: 4_800,
        },
      ]),
    ).toEqual({
      rtt: 0.038,
      jitter: 0.004,
      lost: 1,
      received: 50,
      bufferDelay: 2,
      bufferEmitted: 40,
      concealed: 20,
      samples: 4_800,
    });
  });

  it("counts nothing where a browser has no such keys", () => {
    expect(readStats([{ type: "inbound-rtp", kind: "audio", packetsLost: "many" }])).toEqual(nothing);
  });
});

describe("the network between two readings", () => {
  it("comes in ms and percent", () => {
    const after = {
      rtt: 0.038,
      jitter: 0.004,
      lost: 1,
      received: 49,
      bufferDelay: 1_920,
      bufferEmitted: 48_000,
      concealed: 480,
      samples: 48_000,
    };
    expect(netStats(nothing, after)).toEqual({
      rttMs: 38,
      quality: "fair",
      jitterMs: 4,
      bufferMs: 40,
      lossPct: 2,
      concealedPct: 1,
    });
  });

  it("is silent about what did not move", () => {
    expect(netStats(nothing, nothing)).toEqual({});
  });

  it.each([
    [0.05, 0, "good"],
    [0.2, 0, "fair"],
    [0.05, 3, "fair"],
    [0.4, 0, "poor"],
    [0.05, 20, "poor"],
  ] as const)("with a round trip of %f s and %f %% lost is %s", (rtt, lost, quality) => {
    expect(netStats(nothing, { ...nothing, rtt, lost, received: 100 - lost }).quality).toBe(quality);
  });

  it("never loses less than nothing when late packets arrive after all", () => {
    expect(netStats({ ...nothing, lost: 5 }, { ...nothing, lost: 3, received: 50 }).lossPct).toBe(0);
  });
});
