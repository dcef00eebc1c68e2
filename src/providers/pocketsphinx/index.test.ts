import { afterAll, describe, expect, it } from "vitest";
import type { Ask, Words } from "../../agents/types.ts";
import { monoFrame, type AudioFrame } from "../../audio/frame.ts";
import { framesOf, spoken } from "../../testing/speech.ts";
import { pocketsphinx, type Pocketsphinx } from "./index.ts";

const stt = pocketsphinx({ phrases: ["goodbye"] });
afterAll(() => stt.close());

const ask: Ask = { session: {} as Ask["session"], signal: new AbortController().signal };

async function* frames(frame: AudioFrame): AsyncGenerator<AudioFrame> {
  yield* framesOf(frame);
}

async function hear(frame: AudioFrame, phrases: readonly string[], by: Pocketsphinx = stt): Promise<readonly Words[]> {
  const all: Words[] = [];
  for await (const words of by.listen(frames(frame), { ...ask, phrases })) all.push(words);
  return all;
}

async function final(
  frame: AudioFrame,
  phrases: readonly string[],
  by: Pocketsphinx = stt,
): Promise<Words | undefined> {
  return (await hear(frame, phrases, by)).at(-1);
}

describe("pocketsphinx", () => {
  it("changes its phrases from one stretch to the next", async () => {
    expect((await final(spoken("Cancel my request."), ["cancel my request"]))?.text).toBe("cancel my request");
    expect(await final(spoken("Cancel my request."), ["speak to payroll", "is there a dental plan"])).toMatchObject({
      text: "",
      rejected: true,
    });
    expect((await final(spoken("Cancel my request."), ["cancel my request"]))?.text).toBe("cancel my request");
  });

  it("listens for its own phrases whatever the agent expects", async () => {
    expect((await final(spoken("Goodbye."), []))?.text).toBe("goodbye");
    expect((await final(spoken("Goodbye."), ["yes"]))?.text).toBe("goodbye");
  });

  it("trusts what it knows, and rejects the rest with its confidence", async () => {
    const known = await final(spoken("Is there a dental plan?"), ["is there a dental plan", "yes"]);
    expect(known).toMatchObject({ text: "is there a dental plan", final: true });
    expect(known?.rejected).toBeUndefined();
    expect(known?.confidence).toBeGreaterThan(0.8);
    const other = await final(spoken("She bought a red bicycle for her son."), ["is there a dental plan", "yes"]);
    expect(other).toMatchObject({ text: "", rejected: true });
    expect(other?.confidence).toBeLessThan(0.5);
  });

  it("takes a click for nothing at all, not for something it rejects", async () => {
    const click = new Int16Array(16_000);
    for (let i = 0; i < 1000; i++) click[6000 + i] = Math.round(12_000 * Math.sin(i * i) * (1 - i / 1000));
    expect(await final(monoFrame(click, 16_000), ["yes", "no"])).toEqual({ text: "", final: true });
  });

  it("says how likely the caller has finished", async () => {
    const phrases = ["book <day:weekday> [off [please]]", "yes"];
    const all = await hear(spoken("Book Friday off please."), phrases);
    const likely = (text: string) => all.find((words) => words.text === text)?.likelyEnd;
    expect([likely("book"), likely("book friday"), likely("book friday off please")]).toEqual([0.1, 0.7, 0.95]);
  });

  it("understands names that are in no dictionary", async () => {
    expect((await final(spoken("Talk to Zybrowski."), ["talk to Zybrowski", "talk to Smith"]))?.text).toBe(
      "talk to zybrowski",
    );
  });

  it("refuses phrases that nobody can say, and goes on with others", async () => {
    await expect(final(spoken("Yes."), ["(yes"])).rejects.toMatchObject({ code: "config" });
    await expect(final(spoken("Yes."), ["東京 yes"])).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("東京"),
    });
    const none = pocketsphinx();
    await expect(final(spoken("Yes."), [], none)).rejects.toMatchObject({ code: "config" });
    expect(() => pocketsphinx({ phrases: ["[no]"] })).toThrow(expect.objectContaining({ code: "config" }));
    expect(() => pocketsphinx({ threshold: Number.NaN })).toThrow(RangeError);
    expect((await final(spoken("Yes."), ["yes"]))?.text).toBe("yes");
  });

  it("serves more callers at a time than there are recognisers, and more sets of phrases than one can hold", async () => {
    const frame = spoken("Yes.");
    const texts = await Promise.all(
      Array.from(
        { length: 40 },
        async (_, i) => (await final(frame, ["yes", "no", `speak to person number ${i}`]))?.text,
      ),
    );
    expect(new Set(texts)).toEqual(new Set(["yes"]));
    expect((await final(frame, ["yes", "no"]))?.text).toBe("yes");
  }, 60_000);

  it("gives its recogniser back when a caller leaves in the middle", async () => {
    for (let i = 0; i < 60; i++) {
      for await (const words of stt.listen(frames(spoken("Talk to a person.")), {
        ...ask,
        phrases: ["talk to a person"],
      })) {
        expect(words.final).toBe(false);
        break;
      }
    }
    expect((await final(spoken("Talk to a person."), ["talk to a person"]))?.text).toBe("talk to a person");
  }, 60_000);

  it("works no more once it is closed", async () => {
    const one = pocketsphinx();
    await one.prepare(["yes"]);
    await one.close();
    await expect(final(spoken("Yes."), ["yes"], one)).rejects.toMatchObject({ code: "closed" });
  });
});
