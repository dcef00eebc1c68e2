import { describe, expect, it } from "vitest";
import { chatMessages } from "../../src/agents/chat.ts";
import { tool } from "../../src/agents/tool.ts";
import type { Llm } from "../../src/agents/types.ts";
import { pipeline } from "../../src/engines/pipeline/index.ts";
import type { VirtualClock } from "../../src/testing/clock.ts";
import { broken, hearing, plainAgent, talkTo, tone, voice } from "./agents-setup.ts";

/** A model that says the next text each time, and remembers what it was asked. */
function model(texts: readonly string[]): Llm & { readonly asked: string[][] } {
  const asked: string[][] = [];
  const llm: Llm = ({ brief, items }) => {
    asked.push(chatMessages(brief, items).map(({ role, content }) => `${role}: ${content ?? "(call)"}`));
    return texts[asked.length - 1] ?? "I have nothing to add.";
  };
  return Object.assign(llm, { asked });
}

const never = (): Promise<never> => new Promise(() => {});

async function spoken(call: Awaited<ReturnType<typeof talkTo>>["call"], ms = 900, quiet = 2_500): Promise<void> {
  await call.say(voice(ms));
  await call.listen(quiet);
}

describe("a pipeline", () => {
  it("hears, thinks and speaks: the model gets the caller's words, the caller the model's", async () => {
    const llm = model(["You have 12 days."]);
    const tts = tone();
    const engine = pipeline({ stt: hearing(["how many days do I have"]), llm, tts });
    const { call, agentLines, callerLines } = await talkTo(plainAgent("Ada", { voice: "slt" }), { engine });
    await spoken(call);
    expect(callerLines()).toEqual(["how many days do I have"]);
    expect(llm.asked).toEqual([["system: You are Ada.", "user: how many days do I have"]]);
    expect(tts.said).toEqual([{ voice: "slt", text: "You have 12 days." }]);
    expect(agentLines()).toEqual(["You have 12 days."]);
    const answered = call.eventsOf("turn").find(({ data }) => data.phase === "answered");
    const { parts, totalMs = 0 } = answered?.data ?? {};
    const sum = Object.values(parts ?? {}).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum - totalMs)).toBeLessThan(1);
  });

  it("gives the recogniser speech with 300 ms from before it, and no audio twice", async () => {
    const stt = hearing(["first", "second"]);
    const { call } = await talkTo(plainAgent("Ada"), { engine: pipeline({ stt, llm: model([]), tts: tone() }) });
    await call.listen(1_000);
    await spoken(call, 1_000);
    expect(stt.stretches).toHaveLength(1);
    expect(stt.stretches[0]).toBeGreaterThan(1_250);
    expect(stt.stretches[0]).toBeLessThan(1_550);
  });

  it("speaks the first sentence while the model writes the second", async () => {
    let clock: VirtualClock | undefined;
    async function* slow(): AsyncGenerator<string> {
      yield "Here is the first sentence. And";
      await new Promise<void>((resolve) => void clock?.at(clock.now() + 800, resolve));
      yield " here comes the second one.";
    }
    const setUp = await talkTo(plainAgent("Ada"), {
      engine: pipeline({ stt: hearing([]), llm: () => slow(), tts: tone() }),
    });
    clock = setUp.clock;
    const typedAt = clock.now();
    await setUp.type("Go.", 400);
    expect((setUp.call.heardAudio()[0]?.at ?? Number.POSITIVE_INFINITY) - typedAt).toBeLessThan(100);
    expect(setUp.agentLines()).toEqual(["Here is the first sentence."]);
    await setUp.call.listen(1_000);
    expect(setUp.agentLines()).toEqual(["Here is the first sentence. And here comes the second one."]);
  });

  it("asks again when it understood nothing, offers typing the second time, and forgets it after success", async () => {
    const stt = hearing(["?", "?", "book a day", "?"]);
    const llm = model(["Booked."]);
    const { call, agentLines } = await talkTo(plainAgent("Ada"), { engine: pipeline({ stt, llm, tts: tone() }) });
    for (let i = 0; i < 4; i++) await spoken(call, 900, 7_000);
    expect(agentLines()).toEqual([
      "Sorry, I did not catch that. Could you say it again?",
      "Sorry, I still did not catch that. You can also type it.",
      "Booked.",
      "Sorry, I did not catch that. Could you say it again?",
    ]);
    expect(llm.asked).toHaveLength(1);
    expect(call.eventsOf("transcript").filter(({ data }) => data.rejected === true)).toHaveLength(3);
  });

  it("says nothing to noise without words", async () => {
    const llm = model([]);
    const { call, agentLines } = await talkTo(plainAgent("Ada"), {
      engine: pipeline({ stt: hearing([""]), llm, tts: tone() }),
    });
    await spoken(call, 400, 4_000);
    expect(agentLines()).toEqual([]);
    expect(llm.asked).toEqual([]);
    expect(call.eventsOf("agent_state").at(-1)?.data.state).toBe("idle");
  });

  it("runs a tool and tells the model its result", async () => {
    const days = tool({ name: "days_left", description: "", execute: () => "12 days" });
    const asked: string[][] = [];
    const llm: Llm = ({ brief, items }) => {
      asked.push(chatMessages(brief, items).map(({ role }) => role));
      if (items.some((item) => item.kind === "result")) return "You have 12 days.";
      const call = { index: 0, id: "call_1", function: { name: "days_left", arguments: "{}" } };
      return (async function* () {
        yield { choices: [{ delta: { tool_calls: [call] }, finish_reason: "tool_calls" }] };
      })();
    };
    const { type, agentLines } = await talkTo(plainAgent("Ada", { tools: [days] }), {
      engine: pipeline({ stt: hearing([]), llm, tts: tone() }),
    });
    await type("How many days?", 200);
    expect(agentLines()).toEqual(["You have 12 days."]);
    expect(asked).toEqual([
      ["system", "user"],
      ["system", "user", "assistant", "tool"],
    ]);
  });

  it("aborts model and synthesiser at once when the caller takes the floor, and remembers what was heard", async () => {
    const aborts: number[] = [];
    let returned = 0;
    const llm: Llm = ({ signal, items, session }) => {
      if (items.filter((item) => item.kind === "message" && item.who === "caller").length > 1) return "Yes?";
      signal.addEventListener("abort", () => aborts.push(session.clock.now()), { once: true });
      const texts = (async function* () {
        try {
          yield "One two three four five six seven eight nine ten. ";
          await never();
        } finally {
          returned += 1;
        }
      })();
      // An iterator whose `return` waits for something that never comes must not hold anybody up.
      return { [Symbol.asyncIterator]: () => ({ next: () => texts.next(), return: () => ((returned += 1), never()) }) };
    };
    const tts = tone();
    const setUp = await talkTo(plainAgent("Ada"), {
      engine: pipeline({ stt: hearing(["wait a moment please"]), llm, tts }),
    });
    const { call, type, items, clock } = setUp;
    await type("Count.", 1_000);
    const onset = clock.now();
    await spoken(call, 1_000);
    expect(aborts).toHaveLength(1);
    expect(tts.aborted[0]).toBe(aborts[0]);
    expect((aborts[0] ?? 0) - onset).toBeLessThan(800);
    expect(returned).toBe(1);
    const cut = items.find((item) => item.kind === "message" && item.unheard !== undefined);
    expect(cut?.kind === "message" ? cut.text : "").toMatch(/^One two three four( five)?$/);
    expect(setUp.agentLines().at(-1)).toBe("Yes?");
  });

  it("tells the model only what the caller heard of an interrupted line", async () => {
    const llm = model(["One two three four five six seven eight nine ten eleven.", "Sure."]);
    const { call, type } = await talkTo(plainAgent("Ada"), {
      engine: pipeline({ stt: hearing(["say it again please"]), llm, tts: tone() }),
    });
    await type("Count.", 1_000);
    await spoken(call, 1_000);
    expect(llm.asked[1]).toHaveLength(4);
    expect(llm.asked[1]?.[2]).toMatch(/^assistant: One two three four( five)?$/);
    expect(llm.asked[1]?.[3]).toBe("user: say it again please");
  });

  it("continues one turn when the caller goes on before anything was heard", async () => {
    const llm = model(["First answer.", "Whole answer."]);
    const slow: Llm = async (prompt) => {
      const { clock } = prompt.session;
      await new Promise<void>((resolve) => void clock.at(clock.now() + 900, resolve));
      return llm(prompt) as string;
    };
    const stt = hearing(["I would like to book", "a day off on Friday"]);
    const { call, callerLines, agentLines } = await talkTo(plainAgent("Ada"), {
      engine: pipeline({ stt, llm: slow, tts: tone() }),
      turns: { adaptive: false, silenceMs: 400 },
    });
    await call.say(voice(800));
    await call.listen(700);
    await call.say(voice(800));
    await call.listen(4_000);
    expect(callerLines()).toEqual(["I would like to book a day off on Friday"]);
    expect(agentLines()).toHaveLength(1);
    expect(llm.asked.at(-1)?.at(-1)).toBe("user: I would like to book a day off on Friday");
  });

  it("starts anew on reset: first agent, no memory, greeting", async () => {
    const llm = model(["Answer one.", "Answer two."]);
    const { call, type, agentLines } = await talkTo(plainAgent("Ada", { greeting: "Hello." }), {
      engine: pipeline({ stt: hearing([]), llm, tts: tone() }),
    });
    await type("One.", 1_000);
    call.message({ type: "reset" });
    await call.listen(1_000);
    await type("Two.", 1_000);
    expect(agentLines().filter((line) => line === "Hello.")).toHaveLength(2);
    expect(llm.asked[1]).toEqual(["system: You are Ada.", "assistant: Hello.", "user: Two."]);
  });

  it.each([
    ["model", { llm: () => Promise.reject(broken("model is down")) }],
    [
      "model, in the middle of its answer",
      {
        llm: () =>
          (async function* () {
            yield { type: "error", error: new Error("quota") };
          })(),
      },
    ],
  ])("apologises when the %s fails, warns the page, and goes on", async (_what, { llm: failing }) => {
    let calls = 0;
    const llm: Llm = () => ((calls += 1) === 1 ? failing() : "Better now.");
    const { type, agentLines, warnings, session } = await talkTo(plainAgent("Ada"), {
      engine: pipeline({ stt: hearing([]), llm, tts: tone() }),
    });
    await type("Hello?", 5_000);
    expect(warnings()).toEqual(["provider-unavailable"]);
    expect(agentLines()).toEqual(["Sorry, something went wrong on my side. Please say that again."]);
    await type("Hello again?", 1_000);
    expect(agentLines().at(-1)).toBe("Better now.");
    expect(session.state).toBe("live");
  });

  it("goes on in text when the synthesiser fails, without apologising for ever", async () => {
    const tts = {
      ...tone(),
      speak: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(broken("no voice")) }) }),
    };
    const llm = model(["First.", "Second."]);
    const { type, warnings, session, agentLines } = await talkTo(plainAgent("Ada"), {
      engine: pipeline({ stt: hearing([]), llm, tts }),
    });
    await type("One?", 500);
    await type("Two?", 500);
    expect(warnings()).toHaveLength(4);
    expect(agentLines()).toContain("Second.");
    expect(session.state).toBe("live");
  });

  it("treats a recogniser that fails, or never finalises, as one that heard nothing", async () => {
    for (const listen of [
      () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(broken("no ears")) }) }),
      () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }),
    ]) {
      const llm = model(["Hi."]);
      const engine = pipeline({ stt: { ...hearing([]), listen }, llm, tts: tone() });
      const { call, type, session, agentLines, warnings } = await talkTo(plainAgent("Ada"), { engine });
      await spoken(call, 900, 5_000);
      expect(agentLines()).toEqual([]);
      expect(warnings()).toHaveLength(1);
      await type("Hello?", 500);
      expect(agentLines()).toEqual(["Hi."]);
      expect(session.state).toBe("live");
    }
  });

  it("lets go of everything when the caller hangs up in the middle of a reply", async () => {
    const llm: Llm = () =>
      (async function* () {
        yield "A long story begins here. ";
        await never();
      })();
    const { type, call, clock, session } = await talkTo(plainAgent("Ada"), {
      engine: pipeline({ stt: hearing([]), llm, tts: tone() }),
    });
    await type("Go.", 300);
    call.hangUp();
    await clock.advance(3_000);
    expect(session.state).toBe("closed");
    expect(clock.pending).toBe(0);
  });

  it("begins an answer while the turn is likely over, and sends nothing before it is", async () => {
    const starts: number[] = [];
    const llm: Llm = ({ session }) => {
      starts.push(session.clock.now());
      return "You have 12 days.";
    };
    const stt = hearing(["how many days do I have left"]);
    const { call } = await talkTo(plainAgent("Ada"), { engine: pipeline({ stt, llm, tts: tone() }) });
    await spoken(call);
    const ended = call.events.find(({ event }) => event.type === "turn" && event.data.phase === "ended")?.at ?? 0;
    expect(starts).toHaveLength(1);
    expect(starts[0]).toBeLessThan(ended - 50);
    expect(call.heardAudio()[0]?.at).toBeGreaterThanOrEqual(ended - 20);
    const answered = call.eventsOf("turn").find(({ data }) => data.phase === "answered");
    expect(answered?.data.parts).toMatchObject({ llm: 0, tts: 0 });
  });
});
