import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault, VoiceError } from "../base/errors.ts";
import { readSignal, refusalOf, refusalOfFault, writeAnswer, writeRefusal, writeSuccess } from "./signal.ts";

const line = "candidate:1 1 udp 2122260223 192.168.86.60 63692 typ host generation 0";

describe("the body of an offer", () => {
  it("is read from a stock page", () => {
    expect(readSignal({ sdp: "v=0", type: "offer", webrtc_id: "k3x9q", v1: "ignored" })).toEqual({
      type: "offer",
      profile: "fastrtc",
      id: "k3x9q",
      sdp: "v=0",
      restart: false,
    });
  });

  it("is read from a v1 client with its members", () => {
    expect(
      readSignal({
        v: 1,
        type: "offer",
        sdp: "v=0",
        webrtc_id: "a",
        agent: "sales",
        inputs: { a: 1 },
        resume: "tok",
        restart: true,
      }),
    ).toMatchObject({ profile: "v1", agent: "sales", inputs: { a: 1 }, resume: "tok", restart: true });
  });

  it("has no v1 members for a stock page", () => {
    expect(readSignal({ type: "offer", sdp: "v=0", webrtc_id: "a", agent: "sales", restart: true })).toEqual({
      type: "offer",
      profile: "fastrtc",
      id: "a",
      sdp: "v=0",
      restart: false,
    });
  });

  it.each([
    ["nothing", undefined, "invalid_request"],
    ["a list", [], "invalid_request"],
    ["no id", { type: "offer", sdp: "v=0" }, "invalid_request"],
    ["an empty id", { type: "offer", sdp: "v=0", webrtc_id: "" }, "invalid_request"],
    ["no type", { sdp: "v=0", webrtc_id: "a" }, "invalid_request"],
    ["another type", { type: "answer", sdp: "v=0", webrtc_id: "a" }, "invalid_request"],
    ["no description", { type: "offer", webrtc_id: "a" }, "invalid_sdp"],
    ["a description of another kind", { type: "offer", sdp: { a: 1 }, webrtc_id: "a" }, "invalid_sdp"],
    ["a long id", { type: "offer", sdp: "v=0", webrtc_id: "x".repeat(129) }, "too_large"],
    ["a long description", { type: "offer", sdp: "x".repeat(64 * 1024 + 1), webrtc_id: "a" }, "too_large"],
  ])("is refused with %s", (_, json, refusal) => {
    expect(readSignal(json)).toMatchObject({ refusal });
  });
});

describe("the body of candidates", () => {
  it("has one candidate of a stock page", () => {
    const candidate = { candidate: line, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "x" };
    expect(readSignal({ candidate, webrtc_id: "a", type: "ice-candidate" })).toEqual({
      type: "trickle",
      profile: "fastrtc",
      id: "a",
      candidates: [candidate],
    });
  });

  it("has many at once of a v1 client, the end of candidates among them", () => {
    const read = readSignal({
      v: 1,
      candidates: [{ candidate: line }, { candidate: "" }, null],
      webrtc_id: "a",
      type: "ice-candidate",
    });
    expect(read).toMatchObject({ candidates: [{ candidate: line }, { candidate: "" }, { candidate: "" }] });
  });

  it("may name an mDNS address", () => {
    const candidate = "candidate:1 1 udp 2113937151 0b1c2d3e.local 54400 typ host";
    expect(isFault(readSignal({ candidate: { candidate }, webrtc_id: "a", type: "ice-candidate" }))).toBe(false);
  });

  it.each([
    ["a string", "candidate:1"],
    ["a number inside", { candidate: 7 }],
    ["another text", { candidate: "hello" }],
    ["a line break", { candidate: `${line}\r\na=ice-lite` }],
    ["a very long line", { candidate: `candidate:${"1".repeat(600)}` }],
    ["nothing", undefined],
  ])("is refused with %s", (_, candidate) => {
    expect(readSignal({ candidate, webrtc_id: "a", type: "ice-candidate" })).toMatchObject({
      refusal: "invalid_candidate_format",
    });
  });

  it("is refused with more than 64", () => {
    const candidates = Array.from({ length: 65 }, () => ({ candidate: line }));
    expect(readSignal({ candidates, webrtc_id: "a", type: "ice-candidate" })).toMatchObject({
      refusal: "invalid_candidate_format",
    });
  });
});

it("never throws, whatever the body", () => {
  fc.assert(fc.property(fc.anything(), (json) => void readSignal(json)));
  const member = fc.oneof(fc.anything(), fc.constantFrom("offer", "ice-candidate", line, "a", 1));
  const keys = ["type", "webrtc_id", "sdp", "candidate", "candidates", "v", "inputs"] as const;
  fc.assert(
    fc.property(fc.record(Object.fromEntries(keys.map((key) => [key, member])), { requiredKeys: [] }), (json) => {
      const read = readSignal(json);
      if (isFault(read)) expect(refusalOfFault(read, read.profile).status).toBeGreaterThan(0);
    }),
  );
});

describe("refusals", () => {
  it("come with status 200 for a stock page where FastRTC does so, else with the true one", () => {
    expect(writeRefusal("concurrency_limit_reached", "fastrtc", { limit: 10 })).toEqual({
      status: 200,
      body: { status: "failed", meta: { error: "concurrency_limit_reached", limit: 10 } },
    });
    expect(writeRefusal("invalid_sdp", "fastrtc").status).toBe(422);
    expect(writeRefusal("draining", "fastrtc").status).toBe(503);
  });

  it("come with true statuses for a v1 client", () => {
    expect(writeRefusal("concurrency_limit_reached", "v1", { retryAfterMs: 500 })).toMatchObject({
      status: 429,
      retryAfterMs: 500,
    });
    expect(writeRefusal("connection_already_exists", "v1").status).toBe(409);
    expect(writeRefusal("unknown_connection", "v1").status).toBe(404);
  });

  it("cannot have their name replaced by a member", () => {
    expect(writeRefusal("draining", "v1", { error: "other" }).body).toMatchObject({ meta: { error: "draining" } });
  });

  it("follow from an error of ours without telling its message", () => {
    const limit = new VoiceError("concurrency-limit", "secret", { meta: { limit: 3, internal: "x" } });
    expect(refusalOf(limit, "fastrtc")).toEqual({
      status: 200,
      body: { status: "failed", meta: { error: "concurrency_limit_reached", limit: 3 } },
    });
    expect(refusalOf(new VoiceError("bug", "secret"), "v1")).toEqual({
      status: 500,
      body: { status: "failed", meta: { error: "internal_error" } },
    });
    expect(refusalOf(new VoiceError("forbidden", "not for guests", { expose: true }), "v1").body).toMatchObject({
      meta: { message: "not for guests" },
    });
  });
});

describe("answers", () => {
  it("have two members for a stock page", () => {
    expect(writeAnswer("v=0", "fastrtc", { id: "ses_1" })).toEqual({
      status: 200,
      body: { sdp: "v=0", type: "answer" },
    });
  });
  it("tell a v1 client its session", () => {
    expect(writeAnswer("v=0", "v1", { id: "ses_1" }).body).toMatchObject({
      sdp: "v=0",
      type: "answer",
      v: 1,
      id: "ses_1",
      batch: true,
    });
  });
  it("to candidates are FastRTC's", () => {
    expect(writeSuccess()).toEqual({ status: 200, body: { status: "success" } });
  });
});
