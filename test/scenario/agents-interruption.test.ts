import { describe, expect, it } from "vitest";
import { scripted } from "../../src/engines/scripted/index.ts";
import { plainAgent, talkTo, voice } from "./agents-setup.ts";

const STORY = "One two three four five six seven eight nine ten eleven twelve.";

describe("a caller who talks over an agent", () => {
  it("leaves the agent's line at what was heard, tells the engine, and is answered", async () => {
    const engine = scripted({ replies: [[{ say: STORY }], [{ say: "Of course." }]], hears: ["can you stop that"] });
    const { call, type, items, agentLines } = await talkTo(plainAgent("Ada"), { engine });
    await type("Count.", 1_500);
    await call.say(voice(900));
    await call.listen(2_000);
    const [cut] = items.filter((item) => item.kind === "message" && item.who === "agent" && item.unheard !== undefined);
    if (cut?.kind !== "message") throw new TypeError("an agent's line must have been cut");
    expect(`${cut.text} ${cut.unheard ?? ""}`).toBe(STORY);
    // 60 ms a character: about 1.5 s of voice before the caller's onset, and what it took to notice it.
    expect(cut.text.length).toBeGreaterThan(20);
    expect(cut.text.length).toBeLessThan(32);
    const at = engine.log.indexOf("cancel");
    expect(engine.log[at + 1]).toMatch(/^heard itm_\S+ 1[5-9]\d\d$/);
    expect(call.eventsOf("interrupted").map(({ data }) => data.heardText)).toEqual([cut.text]);
    expect(agentLines()).toEqual([STORY, "Of course."]);
    expect(engine.log.at(-1)).toBe("answer");
  });

  it("is heard within 300 ms: nothing of the old reply leaves any more", async () => {
    const engine = scripted({ replies: [[{ say: STORY }]] });
    const { call, type, clock } = await talkTo(plainAgent("Ada"), { engine });
    await type("Count.", 1_000);
    const onset = clock.now();
    await call.say(voice(1_200));
    expect((call.lastSoundAt() ?? Number.POSITIVE_INFINITY) - onset).toBeLessThan(300);
  });

  it("does not lose the line when nothing of it was left to hear", async () => {
    const engine = scripted({ replies: [[{ say: "Yes." }], [{ say: "Good." }]], hears: ["thank you"] });
    const { call, type, items } = await talkTo(plainAgent("Ada"), { engine });
    await type("Ready?", 1_500);
    await call.say(voice(900));
    await call.listen(2_000);
    expect(items.some((item) => item.kind === "message" && item.unheard !== undefined)).toBe(false);
    expect(call.eventsOf("interrupted")).toEqual([]);
  });

  it("takes back everything that waits behind the line being heard", async () => {
    const engine = scripted({ replies: [[{ say: STORY }, { call: "none" }], [{ say: "And a second line." }]] });
    const { call, type, items } = await talkTo(plainAgent("Ada"), { engine });
    await type("Count.", 1_000);
    call.message({ type: "interrupt" });
    await call.listen(500);
    const cut = items.flatMap((item) =>
      item.kind === "message" && item.unheard !== undefined ? [[item.text, item.unheard]] : [],
    );
    expect(cut).toHaveLength(2);
    expect(cut[1]).toEqual(["", "And a second line."]);
    expect(call.lastSoundAt()).toBeLessThan(1_100);
  });

  it("has a typed line answered at once", async () => {
    const engine = scripted({ replies: [[{ say: STORY }], [{ say: "Stopped." }]] });
    const { type, call, agentLines } = await talkTo(plainAgent("Ada"), { engine });
    await type("Count.", 1_000);
    await type("Stop.", 1_000);
    expect(call.eventsOf("interrupted")).toHaveLength(1);
    expect(agentLines()).toEqual([STORY, "Stopped."]);
    expect(call.eventsOf("turn").map(({ data }) => data.phase)).toEqual([
      "started",
      "ended",
      "answered",
      "started",
      "ended",
      "answered",
    ]);
  });

  it("shows the page how far each line was heard, only ever further", async () => {
    const { type, call } = await talkTo(plainAgent("Ada"), { engine: scripted({ replies: [[{ say: STORY }]] }) });
    await type("Count.", 5_000);
    const positions = call
      .eventsOf("transcript")
      .flatMap(({ data }) => (data.role === "agent" ? [data.heardChars ?? 0] : []));
    expect(positions.toSorted((a, b) => a - b)).toEqual(positions);
    expect(positions.at(-1)).toBe(STORY.length);
    expect(new Set(positions).size).toBeGreaterThan(8);
  });
});
