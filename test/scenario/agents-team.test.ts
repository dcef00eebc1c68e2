import { describe, expect, it } from "vitest";
import { hrRules, hrTeam } from "../../apps/demo/server/team.ts";
import { teamOf } from "../../src/agents/handoff.ts";
import { parsePhrase } from "../../src/agents/phrase.ts";
import { pipeline } from "../../src/engines/pipeline/index.ts";
import { phrasesOf, rules } from "../../src/providers/rules/index.ts";
import { hearing, talkTo, tone } from "./agents-setup.ts";

/** Tuesday the 14th of November 2023, where virtual time begins. */
const TODAY = 1_700_000_000_000;

async function callTeam() {
  const book = hrRules();
  const engine = pipeline({ stt: hearing([]), llm: rules(book), tts: tone() });
  const talk = await talkTo(hrTeam(() => TODAY).first, { engine });
  await talk.call.listen(200);
  return {
    ...talk,
    /** Asks in text and answers what was said then, and by whom last. */
    ask: async (text: string, ms = 25_000) => {
      const before = talk.agentLines().length;
      await talk.type(text, ms);
      const by = talk.call.eventsOf("transcript").findLast(({ data }) => data.role === "agent")?.data.agentId;
      return { by, said: talk.agentLines().slice(before).join(" ") };
    },
  };
}

describe("the HR team", () => {
  it("knows each other, has voices of its own, and more than eight things to be asked for", () => {
    const { first, agents } = hrTeam(() => TODAY);
    expect(teamOf(first).map(({ name }) => name)).toEqual(["Hannah", "Ben", "Angus"]);
    expect(new Set(agents.map(({ voice }) => voice)).size).toBe(3);
    for (const agent of agents) {
      expect(agent.tools.length).toBeGreaterThanOrEqual(2);
      expect(agent.greeting).toBeTruthy();
      expect(hrRules()[agent.name]?.rules.length).toBeGreaterThanOrEqual(8);
    }
  });

  it("has phrases that can be read, and tools for every rule that calls one", () => {
    for (const [name, page] of Object.entries(hrRules())) {
      const agent = hrTeam(() => TODAY).agents.find((one) => one.name === name);
      for (const phrase of phrasesOf(page)) expect(() => parsePhrase(phrase)).not.toThrow();
      for (const { call } of page.rules)
        if (call !== undefined) expect(agent?.tools.map((tool) => tool.name)).toContain(call.tool);
    }
  });

  it("keeps the books: days left, a day booked, booked twice, on a weekend, and given back", async () => {
    const { ask } = await callTeam();
    expect(await ask("How many vacation days do I have left?")).toEqual({
      by: "Hannah",
      said: "You have 12 vacation days left this year.",
    });
    expect((await ask("Book Friday off")).said).toBe(
      "Done. Friday the 17th of November is booked. That leaves you 11 days.",
    );
    expect((await ask("I'd like to take Friday off, please")).said).toBe(
      "I cannot book that: Friday the 17th of November is booked already.",
    );
    expect((await ask("Can I take Sunday off?")).said).toBe("I cannot book that: Sunday is not a working day.");
    expect((await ask("Cancel my day off")).said).toBe("Your day off is cancelled. You have 12 days again.");
  });

  it.each([
    ["What happens on Monday?", "Hannah", /^On Monday the 20th of November, at nine you meet your team/],
    ["When do I start?", "Hannah", /^You start on Monday the 20th of November/],
    [
      "Does the plan cover braces?",
      "Ben",
      /Let me put you through to Ben.* Hi, this is Ben.* For braces, the plan pays 50 percent .* 1500 dollars/,
    ],
    ["What if I pay five percent?", "Ben", /5 percent is 260 dollars a month\. The company adds 208, so 468 dollars/],
    [
      "what if I pay 2 percent",
      "Ben",
      /2 percent is 104 dollars a month\. The company adds 104.*With 4 percent you would get the whole match/,
    ],
    ["Is there a sports budget?", "Ben", /480 dollars a year.*that is 80 dollars/],
    ["I forgot my email password", "Angus", /Your email password is reset\..*ticket number is 1 0 4 1/],
    [
      "Order a large laptop",
      "Angus",
      /All right, I am ordering it.*The large laptop is ordered\. It comes on Friday the 17th of November/,
    ],
    ["Can I talk to IT support?", "Angus", /Hello, Angus from I T support\. You can ask me to order a laptop/],
    ["Who are you?", "Hannah", /^I am Hannah, the HR manager\.$/],
    [
      "What is the meaning of life?",
      "Hannah",
      /^Sorry, I cannot help with that\. You can ask me about your vacation days/,
    ],
  ])("answers %j by %s", async (text, by, said) => {
    const { ask } = await callTeam();
    const answer = await ask(text);
    expect(answer.by).toBe(by);
    expect(answer.said).toMatch(said);
  });

  it("passes a caller round all three and remembers what was booked", async () => {
    const { ask, call } = await callTeam();
    await ask("Book Thursday off");
    await ask("I need a new laptop");
    expect((await ask("a small one")).said).toMatch(/The small laptop is ordered/);
    await ask("Talk to benefits");
    expect((await ask("How many vacation days do I have?")).said).toMatch(
      /11 vacation days left this year\. Thursday the 16th of November is booked/,
    );
    expect(call.eventsOf("handoff").map(({ data }) => data.to)).toEqual(["Angus", "Ben", "Hannah"]);
  });

  it("shows the steps of the slow shop", async () => {
    const { ask, call } = await callTeam();
    await ask("I want a small laptop");
    const steps = call.eventsOf("tool").flatMap(({ data }) => (data.progress === undefined ? [] : [data.progress]));
    expect(steps).toEqual(["asking the store", "checking the budget", "placing the order"]);
    expect(call.eventsOf("tool").at(-1)?.data.ms).toBe(2_550);
  });
});
