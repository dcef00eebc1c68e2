import { z } from "zod";
import { tool } from "repartee";
import type { Tool } from "repartee";
import type { Colleague } from "./colleague.ts";
import type { Records } from "./records.ts";

/** Share of the price that the plan pays, and the most it pays in a year, dollars. */
const dental: Readonly<Record<string, { readonly share: number; readonly most: number }>> = {
  cleaning: { share: 1, most: 300 },
  filling: { share: 0.8, most: 900 },
  crown: { share: 0.5, most: 1_200 },
  braces: { share: 0.5, most: 1_500 },
};

/** The company adds as much as the employee pays, up to this share of the salary. */
const MATCH_UP_TO = 4;

/** Looks after insurance, retirement and the small good things. */
export const benefits: Colleague = {
  agent: {
    name: "Ben",
    role: "the benefits adviser",
    voice: "rms",
    greeting: "Hello, this is Ben from benefits. What would you like to know?",
    instructions:
      "You are Ben, the benefits adviser. You speak on the telephone to a new employee: be plain and brief, one or two " +
      "sentences, numbers in words that are easy to hear. You know dental cover, the retirement plan and the wellness budget. " +
      "Use your tools for every figure. Pass the caller on to Hannah for vacation and to Angus for computers.",
  },
  tools,
  calledFor: "(benefits|insurance|Ben)",
  hello: "Hi, this is Ben from benefits.",
  about: "You can ask me about dental cover, your retirement plan, or the budget for sports.",
  followUps: [
    { phrases: ["[a|the] <treatment:cleaning|filling|crown|braces>"], call: { tool: "dental_cover" } },
    { phrases: ["[maybe|what about] <percent:number> [percent]"], call: { tool: "retirement_contribution" } },
  ],
  topics: [
    {
      phrases: [
        "what does [the] dental [plan] (cover|pay)",
        "do I have dental [cover|insurance]",
        "tell me about [the] dental [plan|cover|insurance]",
      ],
      say: "The dental plan pays for cleaning, fillings, crowns and braces. Which one do you want to know about?",
    },
    {
      phrases: [
        "[what] about [a] <treatment:cleaning|filling|crown|braces>",
        "does [the] (plan|insurance) (pay for|cover) [a] <treatment:cleaning|filling|crown|braces>",
        "how much do you pay for [a] <treatment:cleaning|filling|crown|braces>",
      ],
      call: { tool: "dental_cover" },
    },
    {
      phrases: [
        "what if I pay <percent:number> percent",
        "how much is <percent:number> percent [of my salary]",
        "I want to (save|pay) <percent:number> percent",
        "put <percent:number> percent (in|into) my (retirement|pension) [plan]",
      ],
      call: { tool: "retirement_contribution" },
    },
    {
      phrases: [
        "tell me about [the|my] retirement [plan]",
        "how does [the|my] retirement plan work",
        "do I have a (retirement plan|pension)",
      ],
      say: "You choose how much of your salary goes into the plan, and the company adds as much, up to 4 percent. How many percent are you thinking of?",
    },
    {
      phrases: [
        "do you pay for the gym",
        "is there a (gym|sports) budget",
        "how much is the (gym|sports) budget",
        "what about sports",
      ],
      call: { tool: "wellness_budget" },
    },
    {
      phrases: ["when does my insurance start", "when am I (covered|insured)"],
      say: "Your insurance starts on your first day. The card comes by mail within two weeks.",
    },
    {
      phrases: ["can I add my (family|wife|husband|children)", "is my family (covered|insured)"],
      say: "Yes. You can add your family within the first 30 days, and the company pays half of it.",
    },
    {
      phrases: ["what happens (if|when) I am sick", "how many sick days do I have", "do I get sick pay"],
      say: "You have ten paid sick days a year. Just write to Hannah before nine in the morning.",
    },
  ],
};

function tools(records: Records): readonly Tool[] {
  const dentalCover = tool({
    name: "dental_cover",
    description: "What the dental plan pays for a treatment.",
    parameters: z.object({ treatment: z.enum(["cleaning", "filling", "crown", "braces"]) }),
    execute: ({ treatment }) => {
      const { share = 0, most = 0 } = dental[treatment] ?? {};
      const part = share === 1 ? "all" : `${share * 100} percent`;
      return `For ${treatment === "braces" ? "braces" : `a ${treatment}`}, the plan pays ${part} of the price, up to ${most} dollars a year.`;
    },
  });
  const retirement = tool({
    name: "retirement_contribution",
    description:
      "What a share of the salary paid into the retirement plan comes to per month, with the company's match.",
    parameters: z.object({ percent: z.coerce.number().min(0).max(50).describe("Share of the salary, 0 to 50.") }),
    execute: ({ percent }) => {
      const monthly = (share: number): number => Math.round((records.salary / 12) * (share / 100));
      const own = monthly(percent);
      const match = monthly(Math.min(percent, MATCH_UP_TO));
      const rest = percent < MATCH_UP_TO ? ` With ${MATCH_UP_TO} percent you would get the whole match.` : "";
      return `${percent} percent is ${own} dollars a month. The company adds ${match}, so ${own + match} dollars go into your plan.${rest}`;
    },
  });
  const wellness = tool({
    name: "wellness_budget",
    description: "The yearly budget for sports and health, and what of it is left for the rest of this year.",
    execute: (_args, { session }) => {
      const month = new Date(session.clock.wall()).getUTCMonth();
      const left = Math.round((480 / 12) * (12 - month));
      return `You get 480 dollars a year for sports and health. For the rest of this year that is ${left} dollars.`;
    },
  });
  return [dentalCover, retirement, wellness];
}
