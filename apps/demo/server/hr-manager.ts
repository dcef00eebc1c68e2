import { z } from "zod";
import { tool } from "repartee";
import type { Tool } from "repartee";
import type { Colleague } from "./colleague.ts";
import { nextDay, type Records, spokenDate } from "./records.ts";

const weekday = z.enum(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]);

const firstWeek: Readonly<Record<string, string>> = {
  Monday: "at nine you meet your team at reception, and at two there is the welcome tour",
  Tuesday: "at ten there is the safety briefing, and at three you set up your computer with I T support",
  Wednesday: "at eleven you meet Ben about your benefits, and lunch is with your manager",
  Thursday: "you have the product training, from ten to four",
  Friday: "at one there is the team lunch, and at three you talk about your first week with me",
};

/** The manager: knows vacation, days off and the first week. */
export const hrManager: Colleague = {
  agent: {
    name: "Hannah",
    role: "the HR manager",
    voice: "slt",
    greeting: "Hi, this is Hannah from H R. Welcome to the company! How can I help you?",
    instructions:
      "You are Hannah, the HR manager of a company that a new employee has just joined. You speak on the telephone: be warm " +
      "and brief, one or two sentences. You look after vacation days and the schedule of the first week. Use your tools for " +
      "every fact. Pass the caller on to Ben for benefits and to Angus for computers and passwords.",
  },
  tools,
  calledFor: "(the manager|human resources|Hannah)",
  hello: "Hi, Hannah here.",
  about: "You can ask me about your vacation days, book a day off, or hear the plan for your first week.",
  topics: [
    {
      phrases: [
        "how (many|much) vacation [days] do I have [left]",
        "how many days off do I have [left]",
        "how much vacation is left",
        "what is my vacation balance",
      ],
      call: { tool: "vacation_balance" },
    },
    {
      phrases: [
        "book <day:weekday> off",
        "[can I|I want to|I would like to] (take|have) <day:weekday> off",
        "book a day off on <day:weekday>",
        "(I need|give me) <day:weekday> off",
      ],
      call: { tool: "book_day_off" },
    },
    {
      phrases: ["(cancel|remove) my (day|days) off", "cancel my vacation", "I do not need the day off"],
      call: { tool: "cancel_days_off" },
    },
    {
      phrases: [
        "what happens on <day:weekday>",
        "what is (the plan|planned) (on|for) <day:weekday>",
        "what do I have on <day:weekday>",
        "what is my schedule (on|for) <day:weekday>",
      ],
      call: { tool: "first_week_schedule" },
    },
    {
      phrases: ["when do I start", "what is my first day", "what time do I start"],
      say: (_slots, { session }) =>
        `You start on ${spokenDate(nextDay("Monday", session.clock.wall()))}, at nine, at reception.`,
    },
    {
      phrases: ["where is the office", "what is the address", "how do I get to the office"],
      say: "We are at 12 River Street, on the third floor. The main door opens at eight.",
    },
    {
      phrases: ["what should I wear", "is there a dress code", "what do people wear"],
      say: "Wear what you feel good in. Most people here wear jeans.",
    },
    {
      phrases: ["can I work from home", "how many days can I work from home"],
      say: "Yes, two days a week, after your first month.",
    },
  ],
};

function tools(records: Records): readonly Tool[] {
  const vacationBalance = tool({
    name: "vacation_balance",
    description: "How many vacation days the employee has left this year, and which are booked.",
    execute: () => {
      const booked =
        records.daysOff.length === 0
          ? ""
          : ` ${records.daysOff.join(" and ")} ${records.daysOff.length === 1 ? "is" : "are"} booked.`;
      return `You have ${records.vacationLeft} vacation days left this year.${booked}`;
    },
  });
  const bookDayOff = tool({
    name: "book_day_off",
    description: "Books the next such weekday as a day of vacation.",
    parameters: z.object({ day: weekday.describe("The weekday to take off.") }),
    execute: ({ day }) => {
      const outcome = records.bookDayOff(day);
      if ("refused" in outcome) return `I cannot book that: ${outcome.refused}.`;
      return `Done. ${outcome.date} is booked. That leaves you ${records.vacationLeft} days.`;
    },
  });
  const cancelDaysOff = tool({
    name: "cancel_days_off",
    description: "Cancels the days off that were booked in this call.",
    execute: () => {
      const count = records.cancelDaysOff();
      if (count === 0) return "There is no day off to cancel.";
      return `${count === 1 ? "Your day off is" : `Your ${count} days off are`} cancelled. You have ${records.vacationLeft} days again.`;
    },
  });
  const schedule = tool({
    name: "first_week_schedule",
    description: "What happens on one day of the employee's first week.",
    parameters: z.object({ day: weekday.describe("A day of the first week.") }),
    execute: ({ day }) => {
      const plan = firstWeek[day];
      if (plan === undefined) return `${day} is free. Enjoy your weekend!`;
      return `On ${spokenDate(records.next(day))}, ${plan}.`;
    },
  });
  return [vacationBalance, bookDayOff, cancelDaysOff, schedule];
}
