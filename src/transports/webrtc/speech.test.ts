import { describe, expect, it } from "vitest";
import { type Place, Speech } from "./speech.ts";

/** Sends `frames` of voice from `at` on, 20 ms apart; returns the places. */
function talk(speech: Speech, at: number, frames: number): Place[] {
  return Array.from({ length: frames }, (_, index) => speech.voice(at + index * 20));
}

/** All that is sent in silence between two times, as an endless loop with a 5 ms step would send it. */
function wait(speech: Speech, from: number, to: number): { kind: string; at: number; timestamp: number }[] {
  const out: { kind: string; at: number; timestamp: number }[] = [];
  for (let now = from; now < to; now += 5) {
    for (let quiet = speech.quiet(now); quiet !== undefined; quiet = speech.quiet(now)) {
      out.push({ kind: quiet.kind, at: now, timestamp: quiet.place.timestamp });
    }
  }
  return out;
}

describe("our voice on the wire", () => {
  it("has contiguous numbers and timestamps within a spurt, across both wraps", () => {
    const speech = new Speech(65_535, 2 ** 32 - 960);
    expect(talk(speech, 0, 3)).toEqual([
      { sequence: 65_535, timestamp: 2 ** 32 - 960, marker: true },
      { sequence: 0, timestamp: 0, marker: false },
      { sequence: 1, timestamp: 960, marker: false },
    ]);
  });

  it("stays contiguous when frames are sent unevenly", () => {
    const speech = new Speech(0, 0);
    const places = [0, 20, 95, 95, 95, 100].map((now) => speech.voice(now));
    expect(places.map((place) => place.timestamp)).toEqual([0, 960, 1920, 2880, 3840, 4800]);
    expect(places.filter((place) => place.marker)).toHaveLength(1);
  });

  it("continues by the wall clock after a silence and marks the new spurt", () => {
    const speech = new Speech(0, 0);
    talk(speech, 0, 5);
    wait(speech, 100, 2000);
    const [first] = talk(speech, 2000, 1);
    expect(first).toMatchObject({ timestamp: 2000 * 48, marker: true });
  });

  it("opens with five frames of silence and a mark, then one mark each 400 ms", () => {
    const sent = wait(new Speech(0, 0), 0, 1300);
    expect(sent.map(({ kind, at }) => [kind, at])).toEqual([
      ...[0, 20, 40, 60, 80].map((at) => ["silence", at]),
      ["mark", 100],
      ["mark", 500],
      ["mark", 900],
    ]);
    for (const { at, timestamp } of sent) expect(timestamp).toBe(at * 48);
  });

  it("puts no silence between frames that are up to 40 ms late", () => {
    const speech = new Speech(0, 0);
    talk(speech, 0, 2);
    expect(wait(speech, 40, 80)).toEqual([]);
    expect(speech.voice(79)).toMatchObject({ timestamp: 1920, marker: false });
  });

  it("ends a spurt with five frames of silence and a mark, in step with the wall clock", () => {
    const speech = new Speech(0, 0);
    talk(speech, 0, 10);
    const sent = wait(speech, 200, 600);
    expect(sent.map(({ kind, at }) => [kind, at])).toEqual([
      ...[240, 260, 280, 300, 320].map((at) => ["silence", at]),
      ["mark", 340],
    ]);
    for (const { at, timestamp } of sent) expect(timestamp).toBe(at * 48);
  });
});

describe("a position reported by the page", () => {
  it("is found in the spurt it belongs to, and silence counts as nothing", () => {
    const speech = new Speech(0, 1000);
    talk(speech, 0, 10);
    wait(speech, 200, 5000);
    const [second] = talk(speech, 5000, 10);
    expect(speech.positionOf(1000 + 100 * 48)).toBe(100);
    expect(speech.positionOf(1000 + 900 * 48)).toBe(200);
    expect(speech.positionOf((second?.timestamp ?? 0) + 60 * 48)).toBe(260);
    expect(speech.sent).toBe(400);
  });

  it("never goes back and never beyond what was sent", () => {
    const speech = new Speech(0, 0);
    talk(speech, 0, 10);
    expect(speech.positionOf(48 * 100_000)).toBe(200);
    expect(speech.positionOf(48 * 50)).toBe(200);
  });

  it("counts correctly when voice comes back within the silence after a spurt", () => {
    const speech = new Speech(0, 0);
    talk(speech, 0, 10);
    wait(speech, 200, 265);
    const again = talk(speech, 265, 5);
    expect(speech.positionOf(again[0]?.timestamp ?? 0)).toBe(200);
    expect(speech.positionOf(again[2]?.timestamp ?? 0)).toBe(240);
  });

  it("belongs to nothing before the first voice and after a clear", () => {
    const speech = new Speech(0, 1000);
    expect(speech.positionOf(1000)).toBeUndefined();
    talk(speech, 0, 10);
    speech.clear();
    expect(speech.positionOf(1000 + 48 * 40)).toBeUndefined();
    const [next] = talk(speech, 220, 1);
    expect(speech.positionOf((next?.timestamp ?? 0) + 48 * 5)).toBe(205);
  });
});
