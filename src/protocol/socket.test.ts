import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../base/errors.ts";
import { MediaText } from "./media-text.ts";
import {
  binaryLength,
  chooseFormat,
  readBinaryFrame,
  readFormat,
  readSocketMessage,
  writeBinaryFrame,
  writeFormat,
} from "./socket.ts";

const read = (message: unknown): unknown => readSocketMessage(JSON.stringify(message));

describe("the messages of a page", () => {
  const good: [unknown, unknown][] = [
    [
      { event: "media", media: { payload: "AAAA", extra: 1 } },
      { type: "media", payload: "AAAA" },
    ],
    [{ event: "ping" }, { type: "ping", t: undefined }],
    [
      { event: "ping", t: 5 },
      { type: "ping", t: 5 },
    ],
    [{ event: "stop", why: "bye" }, { type: "stop" }],
    [
      { event: "mark", mark: { name: "0.200" } },
      { type: "mark", name: "0.200" },
    ],
    [
      { event: "cleared", epoch: 255, playedMs: 1.5, droppedMs: 0 },
      { type: "cleared", epoch: 255, playedMs: 1.5, droppedMs: 0 },
    ],
    [
      { event: "position", item: "itm_1", playedMs: 40 },
      { type: "position", epoch: undefined, playedMs: 40, bufferedMs: 0 },
    ],
    [
      { event: "position", epoch: 3, playedMs: 40, bufferedMs: 90 },
      { type: "position", epoch: 3, playedMs: 40, bufferedMs: 90 },
    ],
    [
      { type: "text", data: { text: " hi " } },
      { type: "caller", message: { type: "text", text: "hi" } },
    ],
    [
      { event: "start", websocket_id: "k3x9q" },
      { type: "start", profile: "fastrtc", id: "k3x9q", audio: { in: [], out: [], binary: false } },
    ],
    [
      {
        event: "start",
        websocket_id: "u",
        v: 1,
        audio: { in: ["pcm16/24000", "mp3/1", 7], out: ["opus/48000"], binary: true },
        ticket: "t",
        agent: "A",
        inputs: { a: 1 },
        metadata: { b: [] },
        resume: "r",
      },
      {
        type: "start",
        profile: "v1",
        id: "u",
        audio: { in: [{ codec: "pcm16", rate: 24_000 }], out: [{ codec: "opus", rate: 48_000 }], binary: true },
        ticket: "t",
        agent: "A",
        inputs: { a: 1 },
        metadata: { b: [] },
        resume: "r",
      },
    ],
    [{ type: "newer than us" }, undefined],
  ];
  it.each(good)("are read: %j", (message, wanted) => {
    expect(read(message)).toEqual(wanted);
  });

  const broken: unknown[] = [
    null,
    7,
    [],
    {},
    { event: "jump" },
    { event: "constructor" },
    { event: "__proto__" },
    { event: 5 },
    { event: "media" },
    { event: "media", media: { payload: 5 } },
    { event: "start" },
    { event: "start", websocket_id: "" },
    { event: "start", websocket_id: "x".repeat(129) },
    { event: "mark", mark: "x" },
    { event: "mark", mark: { name: "x".repeat(129) } },
    { event: "cleared", epoch: 256, playedMs: 1, droppedMs: 1 },
    { event: "cleared", epoch: 1, playedMs: -1, droppedMs: 1 },
    { event: "position" },
    { event: "position", playedMs: "1" },
    { type: "text" },
  ];
  it.each(broken)("are a fault and no exception: %j", (message) => {
    expect(isFault(read(message))).toBe(true);
  });

  it("may not be too deep or name a prototype", () => {
    const deep = JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`);
    expect(isFault(read({ event: "start", websocket_id: "a", v: 1, metadata: { deep } }))).toBe(true);
    expect(
      isFault(readSocketMessage('{"event":"start","websocket_id":"a","v":1,"inputs":{"__proto__":{"x":1}}}')),
    ).toBe(true);
    expect(isFault(readSocketMessage('{"type":"custom","data":{"name":"a","value":[{"constructor":1}]}}'))).toBe(true);
    expect(isFault(readSocketMessage("[".repeat(60_000)))).toBe(true);
  });

  it("never throw, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((text) => text.slice(1)),
        ),
        (text) => {
          readSocketMessage(text);
        },
      ),
      { numRuns: 10_000 },
    );
  });
});

describe("binary frames", () => {
  it("are read as they were written, and epoch and sequence wrap", () => {
    const codec = fc.constantFrom("pcm16" as const, "mulaw" as const, "opus" as const);
    fc.assert(
      fc.property(
        codec,
        fc.nat(1_000),
        fc.nat(100_000),
        fc.uint8Array({ minLength: 1, maxLength: 50 }),
        (name, epoch, sequence, payload) => {
          const bytes = writeBinaryFrame(
            { codec: name, epoch, sequence, payload },
            new Uint8Array(binaryLength(payload)),
          );
          expect(readBinaryFrame(bytes)).toEqual({
            codec: name,
            epoch: epoch % 256,
            sequence: sequence % 65_536,
            payload,
          });
        },
      ),
    );
  });

  it("have four bytes in front, little-endian", () => {
    const frame = { codec: "mulaw", epoch: 7, sequence: 0x1234, payload: Uint8Array.of(0xaa) } as const;
    expect(writeBinaryFrame(frame, new Uint8Array(5))).toEqual(Uint8Array.of(2, 7, 0x34, 0x12, 0xaa));
  });

  it("without a payload are a fault, of an unknown codec nothing", () => {
    for (let length = 0; length <= 4; length++) expect(isFault(readBinaryFrame(new Uint8Array(length)))).toBe(true);
    expect(readBinaryFrame(Uint8Array.of(0, 0, 0, 0, 1))).toBeUndefined();
    expect(readBinaryFrame(Uint8Array.of(4, 0, 0, 0, 1))).toBeUndefined();
  });
});

describe("formats", () => {
  it("are read and written as codec/rate", () => {
    expect(writeFormat(readFormat("mulaw/8000") ?? { codec: "opus", rate: 0 })).toBe("mulaw/8000");
    for (const text of [
      "pcm16",
      "pcm16/",
      "pcm16/x",
      "pcm16/24000 ",
      "PCM16/24000",
      "flac/48000",
      "pcm16/1234567",
      5,
      null,
    ]) {
      expect(readFormat(text)).toBeUndefined();
    }
  });

  it("are chosen in the order of the page", () => {
    const [a, b, c] = [
      { codec: "pcm16", rate: 24_000 },
      { codec: "opus", rate: 48_000 },
      { codec: "pcm16", rate: 16_000 },
    ] as const;
    expect(chooseFormat([b, a], [a, b])).toBe(b);
    expect(chooseFormat([c], [a, b])).toBeUndefined();
    expect(chooseFormat([], [a])).toBeUndefined();
  });
});

describe("a media message", () => {
  it("is the JSON that a page parses", () => {
    const text = new MediaText('{"event":"media","media":{"payload":"', '"}}');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
        const bytes = text.write(payload, new Uint8Array(text.lengthFor(payload)));
        const json = { event: "media", media: { payload: Buffer.from(payload).toString("base64") } };
        expect(JSON.parse(Buffer.from(bytes).toString())).toEqual(json);
      }),
    );
  });

  it("has only ASCII around its payload", () => {
    expect(() => new MediaText("ä", "")).toThrow(RangeError);
    expect(() => new MediaText("", "\u{1f600}")).toThrow(RangeError);
  });
});
