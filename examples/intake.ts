/*
 * A form filled in by voice: a tool notes what it is told and says what to ask next; the last answer hangs up.
 * Run it: npx repartee dev examples/intake.ts
 */
import { agent, type Agent, converse, type Session, Stream, tool } from "repartee";
import { embedded } from "repartee/local";
import { phrasesOf, type RulePage } from "repartee/rules";
import { z } from "zod";

const page: RulePage = {
  about: "Tell me what hurts, since which day, and how much, from one to ten.",
  rules: [
    { phrases: ["[it is|I have] [my|a] <what:head|back|knee|tooth> [hurts|ache|pain]"], call: { tool: "note" } },
    { phrases: ["[it began|it hurts] [since|on] <since:weekday>"], call: { tool: "note" } },
    { phrases: ["[it is|about] [a] <level:one|two|three|four|five|six|seven|eight|nine|ten>"], call: { tool: "note" } },
  ],
};
const questions = { what: "What hurts?", since: "Since which day?", level: "How much does it hurt, from one to ten?" };
const Form = z.object({ what: z.string(), since: z.string(), level: z.string() }).partial();

const nora = {
  name: "Nora",
  instructions: "Take down what hurts, since which day and how much. Use the tool for every answer.",
  greeting: `Hello, this is the practice. ${questions.what}`,
  phrases: phrasesOf(page),
};

/** One for each caller: what was noted lives as long as the call. */
function nurse(session: Session): Agent {
  let [form, complete]: [z.infer<typeof Form>, boolean] = [{}, false];
  session.on("playing", ({ on }) => {
    if (complete && !on) void session.close();
  });
  return agent({
    ...nora,
    tools: {
      note: tool({
        description: "Notes what the caller said. Says what to ask next.",
        parameters: Form,
        execute: (facts) => {
          form = { ...form, ...facts };
          session.send({ kind: "message", name: "form", data: form });
          if (form.what === undefined) return questions.what;
          if (form.since === undefined) return questions.since;
          if (form.level === undefined) return questions.level;
          complete = true;
          return `Thank you. Your ${form.what}, since ${form.since}, level ${form.level}. The doctor will call you. Goodbye.`;
        },
      }),
    },
  });
}

const parts = await embedded({ book: { Nora: page } });
await parts.warmUp(agent(nora));
export const stream = new Stream(converse(nurse, { engine: parts.engine }), {
  detector: parts.detector,
  page: { title: "Intake", parts: parts.describe },
});
await stream.launch();
