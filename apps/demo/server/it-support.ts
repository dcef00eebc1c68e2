import { z } from "zod";
import { tool } from "repartee";
import type { Tool } from "repartee";
import type { Millis } from "repartee";
import type { Session } from "repartee";
import type { Colleague } from "./colleague.ts";
import { type Records, spokenDate } from "./records.ts";

/** The shop is slow, as shops are: three steps of this length, ms. */
const STEP: Millis = 850;

const ORDERING = "All right, I am ordering it. This takes a moment.";

/** Looks after computers, passwords and tickets. */
export const itSupport: Colleague = {
  agent: {
    name: "Angus",
    role: "the IT supporter",
    voice: "awb",
    greeting: "Hello, Angus from I T support. What can I fix for you?",
    instructions:
      "You are Angus from IT support. You speak on the telephone to a new employee: be friendly and brief, one or two " +
      "sentences. You order laptops, reset passwords and look up tickets, with your tools. Say what you are doing before a " +
      "tool that takes time. Pass the caller on to Hannah for vacation and to Ben for benefits.",
  },
  tools,
  // Spelled as it is spoken, and as it is typed.
  calledFor: "(I T support|IT support|computer support|Angus)",
  hello: "Hello, Angus from I T support.",
  about: "You can ask me to order a laptop, reset a password, or look up a ticket.",
  followUps: [
    { phrases: ["[the] <system:email|payroll|network> [password|one]"], call: { tool: "reset_password" } },
    { phrases: ["[the|a] <size:small|large> [one]"], say: ORDERING, call: { tool: "order_laptop" } },
  ],
  topics: [
    {
      phrases: [
        "[I need to|can you] reset my <system:email|payroll|network> password",
        "I forgot my <system:email|payroll|network> password",
      ],
      call: { tool: "reset_password" },
    },
    {
      phrases: ["[I need to|can you] reset my password", "I forgot my password", "I need a new password"],
      say: "Which one: email, payroll or network?",
    },
    {
      phrases: [
        "[I need to|can you] order a <size:small|large> (laptop|computer)",
        "I (need|want) a <size:small|large> (laptop|computer)",
      ],
      say: ORDERING,
      call: { tool: "order_laptop" },
    },
    {
      phrases: [
        "[I need to|can you] order a (laptop|computer)",
        "I (need|want) a [new] (laptop|computer)",
        "where is my laptop",
      ],
      say: "I can order one for you. A small one or a large one?",
    },
    {
      phrases: ["what about my ticket", "(what is|check) the status of my ticket", "is my ticket done"],
      call: { tool: "ticket_status", args: () => ({}) },
    },
    {
      phrases: [
        "how do I get on the (network|internet)",
        "what is the wireless password",
        "the internet does not work",
      ],
      say: "Choose the network called Staff, and sign in with your email and password.",
    },
    {
      phrases: ["my (computer|laptop) is (slow|broken)", "my (computer|laptop) does not work"],
      say: "Please turn it off and on again. If that does not help, bring it to the second floor.",
    },
  ],
};

function tools(records: Records): readonly Tool[] {
  const resetPassword = tool({
    name: "reset_password",
    description: "Resets a password and opens a ticket for it.",
    parameters: z.object({ system: z.enum(["email", "payroll", "network"]) }),
    execute: ({ system }) => {
      const ticket = records.openTicket(`your ${system} password`, "done, the new password is on your phone");
      return `Your ${system} password is reset. The new one is on your phone. The ticket number is ${digits(ticket.number)}.`;
    },
  });
  const orderLaptop = tool({
    name: "order_laptop",
    description: "Orders a laptop. Takes a few seconds.",
    parameters: z.object({ size: z.enum(["small", "large"]) }),
    onInterrupt: "continue",
    execute: async ({ size }, { session, signal, progress }) => {
      for (const step of ["asking the store", "checking the budget", "placing the order"]) {
        progress(step);
        await pause(session, STEP, signal);
      }
      const date = spokenDate(records.workingDay(3));
      const ticket = records.openTicket(`your ${size} laptop`, `on its way, it comes on ${date}`);
      return `The ${size} laptop is ordered. It comes on ${date}. The ticket number is ${digits(ticket.number)}.`;
    },
  });
  const ticketStatus = tool({
    name: "ticket_status",
    description: "The state of a ticket; without a number that of the newest one.",
    parameters: z.object({ number: z.coerce.number().int().optional() }),
    execute: ({ number }) => {
      const ticket = number === undefined ? records.lastTicket : records.ticket(number);
      if (ticket === undefined) return `I do not find a ticket ${digits(number ?? 0)}.`;
      return `Ticket ${digits(ticket.number)}, about ${ticket.about}, is ${ticket.status}.`;
    },
  });
  return [resetPassword, orderLaptop, ticketStatus];
}

function digits(number: number): string {
  return String(number).split("").join(" ");
}

async function pause({ clock }: Session, ms: Millis, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const cancel = clock.at(clock.now() + ms, resolve);
    signal.addEventListener(
      "abort",
      () => {
        cancel();
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
