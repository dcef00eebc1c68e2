/*
 * What the browser counts of a peer connection, as a person wants to know it: differences of two readings, a few seconds
 * apart. Pure; the keys are those of `RTCStatsReport` and any of them may be missing.
 */
import type { NetStats } from "./types.ts";

/** One reading: the counters of `getStats` this file makes use of. */
export interface Reading {
  readonly rtt?: number;
  readonly jitter?: number;
  readonly lost: number;
  readonly received: number;
  readonly bufferDelay: number;
  readonly bufferEmitted: number;
  readonly concealed: number;
  readonly samples: number;
}

/** Picks the audio counters out of a report. */
export function readStats(report: Iterable<Readonly<Record<string, unknown>>>): Reading {
  let rtt: number | undefined;
  let inbound: Readonly<Record<string, unknown>> = {};
  for (const entry of report) {
    if (entry["type"] === "candidate-pair" && entry["nominated"] === true && entry["state"] === "succeeded") {
      rtt = numberOf(entry["currentRoundTripTime"]) ?? rtt;
    }
    if (entry["type"] === "inbound-rtp" && entry["kind"] === "audio") inbound = entry;
  }
  const count = (key: string): number => numberOf(inbound[key]) ?? 0;
  const jitter = numberOf(inbound["jitter"]);
  return {
    ...(rtt !== undefined && { rtt }),
    ...(jitter !== undefined && { jitter }),
    lost: count("packetsLost"),
    received: count("packetsReceived"),
    bufferDelay: count("jitterBufferDelay"),
    bufferEmitted: count("jitterBufferEmittedCount"),
    // Silence that is made up because the sender pauses (DTX) is no loss.
    concealed: count("concealedSamples") - count("silentConcealedSamples"),
    samples: count("totalSamplesReceived"),
  };
}

/** What happened between two readings. Seconds become ms, counters become shares. */
export function netStats(before: Reading, after: Reading): NetStats {
  const packets = after.lost - before.lost + (after.received - before.received);
  const samples = after.samples - before.samples;
  const emitted = after.bufferEmitted - before.bufferEmitted;
  const rttMs = after.rtt === undefined ? undefined : after.rtt * 1000;
  const lossPct = packets > 0 ? share(after.lost - before.lost, packets) : undefined;
  const concealedPct = samples > 0 ? share(after.concealed - before.concealed, samples) : undefined;
  return {
    ...(rttMs !== undefined && { rttMs: round(rttMs), quality: qualityOf(rttMs, lossPct ?? 0, concealedPct ?? 0) }),
    ...(after.jitter !== undefined && { jitterMs: round(after.jitter * 1000) }),
    ...(emitted > 0 && { bufferMs: round(((after.bufferDelay - before.bufferDelay) / emitted) * 1000) }),
    ...(lossPct !== undefined && { lossPct }),
    ...(concealedPct !== undefined && { concealedPct }),
  };
}

/** Limits: taste, the same as most call programs use. */
function qualityOf(rttMs: number, lossPct: number, concealedPct: number): "good" | "fair" | "poor" {
  if (rttMs < 150 && lossPct < 2 && concealedPct < 2) return "good";
  return rttMs < 300 && lossPct < 5 && concealedPct < 5 ? "fair" : "poor";
}

const share = (part: number, whole: number): number => round(Math.min(100, Math.max(0, (part / whole) * 100)));
const round = (value: number): number => Math.round(value * 10) / 10;
const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;
