import { createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RtpHeader, SrtpSession } from "werift";
import { HmacSha1 } from "./hmac-sha1.ts";
import { Srtp } from "./srtp.ts";

const key = randomBytes(16);
const salt = randomBytes(14);
const pair = (): [Srtp, Srtp] => [new Srtp({ key, salt }), new Srtp({ key, salt })];
const words = (mac: Int32Array): string => [...mac].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");

/** A packet by an implementation we did not write. */
class Reference {
  readonly #session = new SrtpSession({
    keys: { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt },
    profile: 1,
  });
  protect(payload: Buffer, sequence: number): Buffer {
    const header = new RtpHeader({ version: 2, payloadType: 111, sequenceNumber: sequence, timestamp: 960, ssrc: 7 });
    return Buffer.from(this.#session.encrypt(payload, header));
  }
}

describe("HMAC-SHA1", () => {
  it("agrees with Node for every length of data and key", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 0, maxLength: 64 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (secret, data, tail) => {
          const end = Buffer.alloc(4);
          end.writeUInt32BE(tail);
          const wanted = createHmac("sha1", secret).update(data).update(end).digest("hex");
          expect(words(new HmacSha1(secret).digest(data, data.length, tail))).toBe(wanted);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("refuses keys that would have to be hashed first", () => {
    expect(() => new HmacSha1(new Uint8Array(65))).toThrow(RangeError);
  });
});

describe("SRTP", () => {
  it("is bit for bit what another implementation makes, across the wrap of the sequence number", () => {
    const reference = new Reference();
    const [ours] = pair();
    for (let i = 65_000; i < 66_500; i++) {
      const payload = randomBytes(i % 200);
      expect(ours.protect(payload, 111, false, i & 0xffff, 960, 7).equals(reference.protect(payload, i & 0xffff))).toBe(
        true,
      );
    }
  });

  it("opens what another implementation has protected, each packet once", () => {
    const reference = new Reference();
    const [, ours] = pair();
    for (let i = 65_000; i < 66_500; i++) {
      const payload = randomBytes(1 + (i % 200));
      const packet = reference.protect(payload, i & 0xffff);
      const copy = Buffer.from(packet);
      expect(ours.open(packet)).toEqual({ ssrc: 7, sequence: i & 0xffff, timestamp: 960, payloadType: 111, payload });
      expect(ours.open(copy)).toBeUndefined();
    }
  });

  it("refuses a packet with any changed bit, and still opens the right one", () => {
    const [alice, bob] = pair();
    const packet = alice.protect(randomBytes(50), 111, true, 9, 1, 7);
    for (let bit = 0; bit < packet.length * 8; bit++) {
      const changed = Buffer.from(packet);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(bob.open(changed)).toBeUndefined();
    }
    expect(bob.open(packet)?.payload).toHaveLength(50);
  });

  it("opens late packets within the window and no older ones", () => {
    const [alice, bob] = pair();
    const packets = Array.from({ length: 100 }, (_, i) => alice.protect(Buffer.from([i]), 111, false, i, i * 960, 7));
    expect(bob.open(packets[99] as Buffer)).toBeDefined();
    expect(bob.open(packets[36] as Buffer)?.payload).toEqual(Buffer.from([36]));
    expect(bob.open(packets[35] as Buffer)).toBeUndefined();
  });

  it("opens each packet once, whatever the order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(120), { maxLength: 200 }), fc.integer({ min: 0, max: 65_535 }), (order, base) => {
        const [alice, bob] = pair();
        const packets = Array.from({ length: 121 }, (_, i) =>
          alice.protect(Buffer.from([i]), 111, false, (base + i) & 0xffff, 0, 7),
        );
        const seen = new Set<number>();
        let top = -1;
        for (const i of order) {
          const opened = bob.open(Buffer.from(packets[i] as Buffer));
          // The first packet fixes the counter: what lies before its wrap cannot be known.
          if (top === -1) {
            if (opened !== undefined) top = i;
          } else if (opened !== undefined) {
            expect(seen.has(i)).toBe(false);
            expect(i).toBeGreaterThan(top - 64);
            top = Math.max(top, i);
          } else if (base + 121 < 65_536) expect(seen.has(i) || i <= top - 64).toBe(true);
          if (opened !== undefined) seen.add(i);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("reads behind sources, an extension and before padding", () => {
    const [, bob] = pair();
    const session = new SrtpSession({
      keys: { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt },
      profile: 1,
    });
    const header = new RtpHeader({
      version: 2,
      payloadType: 111,
      sequenceNumber: 1,
      timestamp: 2,
      ssrc: 3,
      csrc: [8, 9],
    });
    header.csrcLength = 2;
    header.extension = true;
    header.extensionProfile = 0xbede;
    header.extensions = [{ id: 1, payload: Buffer.from([5]) }];
    expect(bob.open(Buffer.from(session.encrypt(Buffer.from("opus"), header)))?.payload.toString()).toBe("opus");
  });

  it("never throws, whatever arrives", () => {
    const [alice, bob] = pair();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void bob.open(Buffer.from(bytes))));
    for (let length = 0; length < 40; length++)
      bob.open(alice.protect(randomBytes(30), 111, false, length, 0, 7).subarray(0, length));
    bob.open(Buffer.concat([Buffer.from([0x90, 111]), Buffer.alloc(2000)]));
  });

  it("refuses keys of another length", () => {
    expect(() => new Srtp({ key: salt, salt: key })).toThrow(RangeError);
  });
});
