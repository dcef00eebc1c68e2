/*
 * A team written for `@openai/agents-realtime`, on embedded parts: no key, no model. Ask for the weather, or for a table.
 * Run it: npx repartee dev examples/agents-sdk.ts
 */
import { RealtimeAgent, tool } from "@openai/agents-realtime";
import { converse, Stream } from "repartee";
import { embedded } from "repartee/local";
import { fromOpenAIAgent } from "repartee/openai-agents";
import { phrasesOf, type RuleBook } from "repartee/rules";
import { z } from "zod";

// What you have already: nothing in it knows of repartee.
const weather = tool({
  name: "weather",
  description: "The weather of a city.",
  parameters: z.object({ city: z.enum(["Lyon", "Nice"]) }),
  execute: ({ city }) => `It is sunny in ${city}.`,
});
const book = tool({
  name: "book",
  description: "Books a table.",
  parameters: z.object({ day: z.string() }),
  execute: ({ day }) => `Your table on ${day} is booked.`,
});
const front = new RealtimeAgent({ name: "Front Desk", instructions: "You answer the telephone.", tools: [weather] });
const clerk = new RealtimeAgent({
  name: "Booking Clerk",
  instructions: "You book tables.",
  tools: [book],
  handoffs: [front],
});
front.handoffs.push(clerk);

// What stands in for a model here.
const rules: RuleBook = {
  "Front Desk": {
    about: "You can ask me about the weather, or book a table.",
    rules: [
      { phrases: ["how is the weather in <city:Lyon|Nice>"], call: { tool: "weather" } },
      { phrases: ["[I would like to] book a table"], say: "One moment.", handoff: "Booking Clerk" },
    ],
  },
  "Booking Clerk": {
    hello: "This is the booking desk.",
    about: "On which day?",
    rules: [{ phrases: ["[on] <day:Monday|Friday> [please]"], call: { tool: "book" } }],
  },
};
const phrases = (name: string): readonly string[] => phrasesOf(rules[name] ?? { about: "", rules: [] });

const team = fromOpenAIAgent(front, {
  extras: {
    "Front Desk": { voice: "slt", phrases: phrases("Front Desk"), greeting: "Hello, this is the front desk." },
    "Booking Clerk": { voice: "rms", phrases: phrases("Booking Clerk") },
  },
});
const { engine, detector, warmUp } = await embedded({ book: rules });
await warmUp(team);
export const stream = new Stream(converse(team, { engine }), { detector });
await stream.launch();
