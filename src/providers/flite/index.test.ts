import { afterEach, describe, expect, it } from "vitest";
import { durationOf } from "../../audio/frame.ts";
import type { Ask, Spoken } from "../../agents/types.ts";
import { flite, type Flite, type FliteOptions } from "./index.ts";

const opened: Flite[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

function voice(options?: FliteOptions): Flite {
  const made = flite(options);
  opened.push(made);
  return made;
}

const ask: Ask = { session: {} as Ask["session"], signal: new AbortController().signal };

async function say(tts: Flite, texts: readonly string[], name?: string): Promise<readonly Spoken[]> {
  const frames: Spoken[] = [];
  const source = (async function* () {
    yield* texts;
  })();
  for await (const frame of tts.speak(source, name === undefined ? ask : { ...ask, voice: name })) frames.push(frame);
  return frames;
}

/** Ms of exact silence at the beginning. */
const silentStart = (frame: Spoken) => (frame.samples.findIndex((value) => value !== 0) / frame.rate) * 1000;

describe("flite", () => {
  it("parts pieces by 140 ms, by 220 ms after a paragraph, and starts without a gap", async () => {
    const [first, second, third] = await say(voice(), ["Sure.", "One moment.\n", "Here it is."]);
    if (first === undefined || second === undefined || third === undefined)
      throw new Error("three frames are expected");
    expect(silentStart(first)).toBeLessThan(5);
    expect(Math.abs(silentStart(second) - 140)).toBeLessThan(5);
    expect(Math.abs(silentStart(third) - 220)).toBeLessThan(5);
    expect(second.words?.[0]?.from).toBeGreaterThanOrEqual(140);
  });

  it("says a phrase that was prepared without a worker", async () => {
    const tts = voice();
    await tts.prepare("Hello, how can I help you?");
    await tts.close();
    const [frame] = await say(tts, ["Hello, how can I help you?"]);
    expect(frame?.text).toBe("Hello, how can I help you?");
    await expect(say(tts, ["Something else."])).rejects.toMatchObject({ code: "closed" });
  });

  it("keeps nothing when its cache has no room", async () => {
    const tts = voice({ cacheBytes: 0 });
    await tts.prepare("Sure.");
    await tts.close();
    await expect(say(tts, ["Sure."])).rejects.toMatchObject({ code: "closed" });
  });

  it("speaks in the voice that is asked for", async () => {
    const tts = voice({ voice: "kal16", voices: { slow: { voice: "slt", stretch: 2 } } });
    const [[usual], [slow], [named]] = await Promise.all([
      say(tts, ["Sure."]),
      say(tts, ["Sure."], "slow"),
      say(tts, ["Sure."], "slt"),
    ]);
    if (usual === undefined || slow === undefined || named === undefined) throw new Error("three frames are expected");
    expect(durationOf(slow)).toBeGreaterThan(1.7 * durationOf(named));
    expect(usual.samples).not.toEqual(named.samples);
  });

  it("refuses voices that cannot be spoken before any caller is there", () => {
    expect(() => flite({ voice: "rms+10" })).toThrow(expect.objectContaining({ code: "config" }));
    expect(() => flite({ voices: { bad: { voice: "slt", stretch: 9 } } })).toThrow(
      expect.objectContaining({ code: "config" }),
    );
  });

  it("hands out frames one at a time, as its reader asks for them", async () => {
    const tts = voice();
    let read = 0;
    const source = (async function* () {
      for (const text of ["One.", "Two.", "Three."]) {
        read += 1;
        yield text;
      }
    })();
    for await (const frame of tts.speak(source, ask)) {
      expect(frame.text).toBe("One.");
      break;
    }
    expect(read).toBe(1);
  });
});
