import { createHmac } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Gate } from "./gate.ts";

const PASSWORD = "p".repeat(22);

/** A STUN binding request as a browser sends it. */
function request({ user = "ours:theirs", password = PASSWORD, type = 1, tail = Buffer.alloc(0) } = {}): Buffer {
  const name = Buffer.alloc(4 + ((user.length + 3) & ~3));
  name.writeUInt16BE(0x0006, 0);
  name.writeUInt16BE(user.length, 2);
  name.write(user, 4, "latin1");
  const head = Buffer.alloc(20);
  head.writeUInt16BE(type, 0);
  head.writeUInt32BE(0x2112a442, 4);
  head.writeUInt16BE(name.length + 24, 2);
  const hash = createHmac("sha1", password)
    .update(Buffer.concat([head, name]))
    .digest();
  const message = Buffer.concat([head, name, Buffer.from([0, 8, 0, 20]), hash, tail]);
  message.writeUInt16BE(message.length - 20, 2);
  return message;
}

const record = (type: number, epoch: number, length = 4): Buffer => {
  const data = Buffer.alloc(13 + length);
  data[0] = type;
  data.writeUInt16BE(0xfefd, 1);
  data.writeUInt16BE(epoch, 3);
  data.writeUInt16BE(length, 11);
  return data;
};
const rtp = Buffer.from([0x80, 111, ...new Uint8Array(20)]);

let gate: Gate;
beforeEach(() => {
  gate = new Gate();
  gate.admit("ours", PASSWORD);
});

describe("the gate in front of the engine", () => {
  it("lets nothing in from a source that has not shown the password", () => {
    expect(gate.judge(rtp, "1.2.3.4", 5)).toBe("dropped");
    expect(gate.judge(record(22, 0), "1.2.3.4", 5)).toBe("dropped");
    expect(gate.judge(request(), "1.2.3.4", 5)).toBe("stun");
    expect(gate.judge(rtp, "1.2.3.4", 5)).toBe("media");
    expect(gate.judge(rtp, "1.2.3.4", 6)).toBe("dropped");
    expect(gate.judge(rtp, "1.2.3.5", 5)).toBe("dropped");
    expect(gate.dropped).toBe(4);
  });

  it.each([
    ["another password", request({ password: "x".repeat(22) })],
    ["another user", request({ user: "other:theirs" })],
    ["no integrity", request().subarray(0, 20)],
    ["an indication", request({ type: 0x0011 })],
    ["a length that lies", Buffer.concat([request(), Buffer.alloc(4)])],
    ["a changed byte", Buffer.from(request().map((byte, index) => (index === 12 ? byte ^ 1 : byte)))],
  ])("drops a STUN request with %s", (_, data) => {
    expect(gate.judge(data, "1.2.3.4", 5)).toBe("dropped");
    expect(gate.judge(rtp, "1.2.3.4", 5)).toBe("dropped");
  });

  it("takes a request with a fingerprint behind the integrity", () => {
    expect(gate.judge(request({ tail: Buffer.from([0x80, 0x28, 0, 4, 1, 2, 3, 4]) }), "1.2.3.4", 5)).toBe("stun");
  });

  it("keeps DTLS that comes before the engine is ready and hands it out once", () => {
    gate.judge(request(), "1.2.3.4", 5);
    const hello = record(22, 0);
    expect(gate.judge(hello, "1.2.3.4", 5)).toBe("early");
    hello.fill(0);
    gate.ready = true;
    expect(gate.takeEarly()).toEqual([{ data: record(22, 0), address: "1.2.3.4", port: 5 }]);
    expect(gate.takeEarly()).toEqual([]);
    expect(gate.judge(record(22, 0), "1.2.3.4", 5)).toBe("dtls");
  });

  it("keeps a bounded number of early records", () => {
    gate.judge(request(), "1.2.3.4", 5);
    for (let i = 0; i < 100; i++) gate.judge(record(22, 0), "1.2.3.4", 5);
    expect(gate.takeEarly()).toHaveLength(8);
  });

  it("drops unencrypted records once the handshake is over, alone or behind another", () => {
    gate.judge(request(), "1.2.3.4", 5);
    gate.ready = true;
    gate.sealed = true;
    expect(gate.judge(record(21, 0, 2), "1.2.3.4", 5)).toBe("dropped");
    expect(gate.judge(Buffer.concat([record(23, 1), record(21, 0, 2)]), "1.2.3.4", 5)).toBe("dropped");
    expect(gate.judge(record(23, 1), "1.2.3.4", 5)).toBe("dtls");
  });

  it("drops records of unknown type, version or length", () => {
    gate.judge(request(), "1.2.3.4", 5);
    gate.ready = true;
    const other = record(22, 0);
    other[1] = 3;
    for (const data of [record(63, 0), other, record(22, 0).subarray(0, 15), record(22, 0).subarray(0, 5)]) {
      expect(gate.judge(data, "1.2.3.4", 5)).toBe("dropped");
    }
  });

  it("takes old and new credentials during an ICE restart, then only the last two", () => {
    gate.admit("two", PASSWORD);
    expect(gate.judge(request(), "1.2.3.4", 5)).toBe("stun");
    gate.admit("three", PASSWORD);
    expect(gate.judge(request(), "1.2.3.4", 6)).toBe("dropped");
    expect(gate.judge(request({ user: "three:x" }), "1.2.3.4", 6)).toBe("stun");
  });

  it("forgets the oldest of many sources", () => {
    for (let port = 1; port <= 9; port++) gate.judge(request(), "1.2.3.4", port);
    expect(gate.judge(rtp, "1.2.3.4", 1)).toBe("dropped");
    expect(gate.judge(rtp, "1.2.3.4", 9)).toBe("media");
  });

  it("never throws, whatever arrives", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, known) => {
        if (known) gate.judge(request(), "1.2.3.4", 5);
        gate.judge(Buffer.from(bytes), "1.2.3.4", 5);
        const stun = request();
        bytes.forEach((byte, index) => (stun[(index * 7) % stun.length] = byte));
        gate.judge(stun, "1.2.3.4", 5);
      }),
    );
  });
});
