import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Jitter, type RtpPacket } from "./jitter.ts";

/** Config 1, SILK 20 ms: the second byte holds the voice flag and the flag for the copy. */
const silk = (copy = false): Uint8Array => Uint8Array.of((1 << 3) | 0, copy ? 0xc0 : 0x80, 1, 2, 3);
/** Config 31, CELT 20 ms. */
const celt = Uint8Array.of(31 << 3, 9, 9, 9);
const mark = Uint8Array.of(31 << 3);

interface Line {
  readonly what: "decode" | "recover" | "conceal";
  readonly at: number;
  readonly ms?: number;
}

function setup(): {
  jitter: Jitter;
  out: Line[];
  push(sequence: number, options?: Partial<RtpPacket> & { now?: number }): void;
} {
  const out: Line[] = [];
  const jitter = new Jitter({
    decode: (_, at) => out.push({ what: "decode", at }),
    recover: (_, ms, at) => out.push({ what: "recover", at, ms }),
    conceal: (ms, at) => out.push({ what: "conceal", at, ms }),
  });
  return {
    jitter,
    out,
    push: (sequence, { now = sequence * 20, ...rest } = {}) =>
      jitter.push(
        { ssrc: 1, sequence: sequence & 0xffff, timestamp: (sequence * 960) >>> 0, payload: celt, ...rest },
        now,
      ),
  };
}

const decodes = (out: readonly Line[]): number[] => out.filter((one) => one.what === "decode").map((one) => one.at);

describe("packets in order", () => {
  it("are decoded at once, at their media time", () => {
    const { jitter, out, push } = setup();
    for (const sequence of [10, 11, 12]) {
      push(sequence);
      expect(jitter.deadline).toBeUndefined();
    }
    expect(decodes(out)).toEqual([0, 20, 40]);
  });

  it("are followed across the wraps of both counters", () => {
    const { out, push } = setup();
    for (let index = 0; index < 6; index++) push(65_533 + index, { timestamp: (2 ** 32 - 2880 + index * 960) >>> 0 });
    expect(decodes(out)).toEqual([0, 20, 40, 60, 80, 100]);
  });

  it("may be of any length of Opus", () => {
    const { out, push } = setup();
    push(0, { timestamp: 0, payload: Uint8Array.of(3 << 3, 0, 0) });
    push(1, { timestamp: 2880, payload: Uint8Array.of(30 << 3, 0, 0) });
    push(2, { timestamp: 3360, payload: celt });
    expect(decodes(out)).toEqual([0, 60, 70]);
  });

  it("move media time on without inventing audio when silence was not sent", () => {
    const { jitter, out, push } = setup();
    push(0);
    push(1, { payload: mark });
    push(2, { timestamp: 960 * 21, now: 420 });
    expect(out).toEqual([
      { what: "decode", at: 0 },
      { what: "decode", at: 20 },
      { what: "decode", at: 420 },
    ]);
    expect(jitter.counts).toMatchObject({ lost: 0, concealed: 0, holes: 0 });
  });
});

describe("a late packet", () => {
  it("takes its place when it comes in time", () => {
    const { jitter, out, push } = setup();
    push(0);
    push(2, { now: 40 });
    expect(jitter.deadline).toBe(100);
    push(1, { now: 50 });
    expect(decodes(out)).toEqual([0, 20, 40]);
    expect(jitter.counts.lost).toBe(0);
    expect(jitter.deadline).toBeUndefined();
  });

  it("is waited for until a third packet is held", () => {
    const { out, push } = setup();
    push(0);
    push(2);
    push(3);
    expect(decodes(out)).toEqual([0]);
    push(4);
    expect(decodes(out)).toEqual([0, 40, 60, 80]);
  });

  it("is waited for at most 60 ms", () => {
    const { jitter, out, push } = setup();
    push(0);
    push(2, { now: 40 });
    jitter.tick(99);
    expect(decodes(out)).toEqual([0]);
    jitter.tick(100);
    expect(decodes(out)).toEqual([0, 40]);
    push(1, { now: 101 });
    expect(decodes(out)).toEqual([0, 40]);
    expect(jitter.counts).toMatchObject({ lost: 1, late: 1, duplicates: 0 });
  });

  it("is told from a duplicate, held or played", () => {
    const { jitter, push } = setup();
    push(0);
    push(1);
    push(1);
    push(3);
    push(3);
    expect(jitter.counts).toMatchObject({ duplicates: 2, late: 0 });
  });
});

describe("a lost packet", () => {
  it("is concealed where it was", () => {
    const { jitter, out, push } = setup();
    for (const sequence of [0, 2, 3, 4]) push(sequence);
    expect(out.slice(0, 3)).toEqual([
      { what: "decode", at: 0 },
      { what: "conceal", at: 20, ms: 20 },
      { what: "decode", at: 40 },
    ]);
    expect(jitter.counts).toMatchObject({ lost: 1, concealed: 20, recovered: 0, holes: 0 });
  });

  it("is recovered from the copy in the next packet, those before it are concealed", () => {
    const { jitter, out, push } = setup();
    push(0, { payload: silk() });
    push(3, { payload: silk(true) });
    jitter.tick(1000);
    expect(out).toEqual([
      { what: "decode", at: 0 },
      { what: "conceal", at: 20, ms: 20 },
      { what: "recover", at: 40, ms: 20 },
      { what: "decode", at: 60 },
    ]);
    expect(jitter.counts).toMatchObject({ lost: 2, recovered: 1, concealed: 20 });
  });

  it("leaves a hole in media time beyond 100 ms", () => {
    const { jitter, out, push } = setup();
    push(0);
    push(11);
    jitter.tick(1000);
    expect(out.filter((one) => one.what === "conceal")).toHaveLength(5);
    expect(decodes(out)).toEqual([0, 220]);
    expect(jitter.counts).toMatchObject({ lost: 10, concealed: 100, holes: 100 });
  });

  it("in a silence that was not sent invents nothing", () => {
    const { jitter, out, push } = setup();
    push(0);
    push(1, { payload: mark });
    push(3, { timestamp: 960 * 41, now: 820 });
    jitter.tick(2000);
    expect(decodes(out)).toEqual([0, 20, 820]);
    expect(jitter.counts).toMatchObject({ lost: 1, concealed: 0 });
  });
});

describe("a source that begins anew", () => {
  it("goes on where its arrival puts it, and what still comes from the old one is late", () => {
    const { jitter, out, push } = setup();
    push(0);
    push(1);
    jitter.push({ ssrc: 2, sequence: 5000, timestamp: 77, payload: celt }, 320);
    jitter.push({ ssrc: 2, sequence: 5001, timestamp: 77 + 960, payload: celt }, 340);
    push(2, { now: 341 });
    expect(decodes(out)).toEqual([0, 20, 320, 340]);
    expect(jitter.counts).toMatchObject({ resets: 1, late: 1 });
  });

  it("with the same name but numbers far back is not taken for late", () => {
    const { jitter, out, push } = setup();
    push(5000, { now: 0 });
    push(10, { now: 20 });
    push(11, { now: 40 });
    expect(decodes(out)).toEqual([0, 20, 40]);
    expect(jitter.counts).toMatchObject({ resets: 1, late: 0 });
  });

  it("or whose media clock leaps is brought back to arrival time", () => {
    const { jitter, out, push } = setup();
    push(0);
    push(1, { timestamp: 2 ** 30, now: 20 });
    push(2, { timestamp: 2 ** 30 + 960, now: 40 });
    expect(decodes(out)).toEqual([0, 20, 40]);
    expect(jitter.counts.resets).toBe(1);
  });
});

it("counts what is no Opus packet and goes on", () => {
  const { jitter, out, push } = setup();
  push(0);
  push(1, { payload: new Uint8Array() });
  push(1, { payload: Uint8Array.of((31 << 3) | 3, 63) });
  push(1);
  expect(decodes(out)).toEqual([0, 20]);
  expect(jitter.counts.broken).toBe(2);
});

it("hands out media in order, each packet at most once, whatever the network does", () => {
  const packets = fc.array(
    fc.record({ sequence: fc.nat(60), delay: fc.nat(200), payload: fc.constantFrom(celt, silk(true), silk(), mark) }),
    {
      maxLength: 80,
    },
  );
  fc.assert(
    fc.property(packets, fc.nat(65_535), (list, base) => {
      const times: number[] = [];
      let ended = 0;
      const out: { at: number; ms: number }[] = [];
      const jitter = new Jitter({
        decode: (_, at) => {
          times.push(at);
          out.push({ at, ms: 20 });
        },
        recover: (_, ms, at) => out.push({ at, ms }),
        conceal: (ms, at) => out.push({ at, ms }),
      });
      const order = list.map((one) => ({ ...one, now: one.sequence * 20 + one.delay })).sort((a, b) => a.now - b.now);
      for (const { sequence, payload, now } of order) {
        jitter.tick(now);
        jitter.push(
          { ssrc: 1, sequence: (base + sequence) & 0xffff, timestamp: (base * 960 + sequence * 960) >>> 0, payload },
          now,
        );
      }
      jitter.tick(1e6);
      for (const { at, ms } of out) {
        expect(at).toBeGreaterThanOrEqual(ended - 1e-6);
        ended = at + ms;
      }
      const { received, duplicates, late, broken } = jitter.counts;
      expect(times.length).toBe(received - duplicates - late - broken);
      expect(jitter.deadline).toBeUndefined();
    }),
  );
});
