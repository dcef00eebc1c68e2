import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../base/errors.ts";
import { readTwilio, twilioMedia, writeTwilioClear, writeTwilioMark } from "./telephone.ts";

const read = (message: unknown): unknown => readTwilio(JSON.stringify(message));
const start = {
  accountSid: "AC1",
  callSid: "CA1",
  tracks: ["inbound"],
  mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
};

describe("what a carrier says", () => {
  const good: [unknown, unknown][] = [
    [{ event: "connected", protocol: "Call", version: "1.0.0" }, { type: "connected" }],
    [
      {
        event: "start",
        sequenceNumber: "1",
        streamSid: "MZ1",
        start: { ...start, customParameters: { token: "t", n: 5 } },
      },
      { type: "start", stream: "MZ1", call: "CA1", parameters: { token: "t" } },
    ],
    [
      { event: "start", start: { ...start, streamSid: "MZ2" } },
      { type: "start", stream: "MZ2", call: "CA1", parameters: {} },
    ],
    [
      {
        event: "media",
        sequenceNumber: "4",
        media: { track: "inbound", chunk: "2", timestamp: "40", payload: "////" },
        streamSid: "MZ1",
      },
      { type: "media", payload: "////", timestamp: 40 },
    ],
    [
      { event: "media", media: { timestamp: 60, payload: "" } },
      { type: "media", payload: "", timestamp: 60 },
    ],
    [
      { event: "media", media: { timestamp: "soon", payload: "" } },
      { type: "media", payload: "", timestamp: undefined },
    ],
    [{ event: "media", media: { track: "outbound", payload: "////" } }, undefined],
    [
      { event: "mark", streamSid: "MZ1", mark: { name: "0.200" } },
      { type: "mark", name: "0.200" },
    ],
    [
      { event: "dtmf", dtmf: { track: "inbound_track", digit: "#" } },
      { type: "digit", digit: "#" },
    ],
    [{ event: "stop", stop: { callSid: "CA1" } }, { type: "stop" }],
    [{ event: "something new" }, undefined],
  ];
  it.each(good)("is read: %j", (message, wanted) => {
    expect(read(message)).toEqual(wanted);
  });

  const broken: unknown[] = [
    5,
    {},
    { event: 7 },
    { event: "media" },
    { event: "media", media: {} },
    { event: "mark" },
    { event: "dtmf", dtmf: { digit: "12" } },
    { event: "dtmf", dtmf: { digit: "é" } },
    { event: "start" },
    { event: "start", streamSid: 'MZ"}', start },
    { event: "start", streamSid: "MZ1", start: { ...start, callSid: "" } },
    {
      event: "start",
      streamSid: "MZ1",
      start: { ...start, mediaFormat: { encoding: "audio/l16", sampleRate: 16_000 } },
    },
  ];
  it.each(broken)("is a fault and no exception: %j", (message) => {
    expect(isFault(read(message))).toBe(true);
  });

  it("never makes the reader throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => void readTwilio(text)),
      { numRuns: 10_000 },
    );
  });
});

describe("what a carrier is told", () => {
  it("names the stream", () => {
    const payload = Uint8Array.of(255, 254, 253);
    const media = twilioMedia("MZ1");
    const bytes = media.write(payload, new Uint8Array(media.lengthFor(payload)));
    expect(JSON.parse(Buffer.from(bytes).toString())).toEqual({
      event: "media",
      streamSid: "MZ1",
      media: { payload: "//79" },
    });
    expect(JSON.parse(writeTwilioMark("MZ1", "0.200"))).toEqual({
      event: "mark",
      streamSid: "MZ1",
      mark: { name: "0.200" },
    });
    expect(JSON.parse(writeTwilioClear("MZ1"))).toEqual({ event: "clear", streamSid: "MZ1" });
  });
});
