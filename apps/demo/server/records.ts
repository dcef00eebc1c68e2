/*
 * The personnel file of the demo: one employee, in memory, fresh for every caller. The tools of the agents read and write
 * it; dates are reckoned from the day of the call.
 */
import type { Epoch } from "repartee";

const DAY: Epoch = 24 * 60 * 60 * 1000;

export const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const MONTHS = "January February March April May June July August September October November December".split(" ");

export interface Ticket {
  readonly number: number;
  readonly about: string;
  readonly status: string;
}

/** What the company knows about one employee. */
export class Records {
  readonly #today: () => Epoch;
  readonly #daysOff = new Set<Epoch>();
  readonly #tickets: Ticket[] = [
    { number: 1040, about: "your new badge", status: "ready to be collected at reception" },
  ];
  /** Per year. */
  readonly salary = 62_400;
  readonly #allowance = 25;
  readonly #taken = 13;

  /** `today` tells the time of the call. */
  constructor(today: () => Epoch) {
    this.#today = today;
  }

  get vacationLeft(): number {
    return this.#allowance - this.#taken - this.#daysOff.size;
  }

  /** The days off that are booked, as they are said, in order. */
  get daysOff(): readonly string[] {
    return [...this.#daysOff].sort((a, b) => a - b).map(spokenDate);
  }

  /** Books the next such weekday; the reason when that cannot be. */
  bookDayOff(weekday: string): { readonly date: string } | { readonly refused: string } {
    if (weekday === "Saturday" || weekday === "Sunday") return { refused: `${weekday} is not a working day` };
    if (this.vacationLeft <= 0) return { refused: "there are no vacation days left" };
    const date = this.next(weekday);
    if (this.#daysOff.has(date)) return { refused: `${spokenDate(date)} is booked already` };
    this.#daysOff.add(date);
    return { date: spokenDate(date) };
  }

  /** Gives the days off back that were booked in this call; how many there were. */
  cancelDaysOff(): number {
    const count = this.#daysOff.size;
    this.#daysOff.clear();
    return count;
  }

  openTicket(about: string, status: string): Ticket {
    const ticket = { number: (this.#tickets.at(-1)?.number ?? 1040) + 1, about, status };
    this.#tickets.push(ticket);
    return ticket;
  }

  ticket(number: number): Ticket | undefined {
    return this.#tickets.find((ticket) => ticket.number === number);
  }

  get lastTicket(): Ticket | undefined {
    return this.#tickets.at(-1);
  }

  /** The next such weekday after today. */
  next(weekday: string): Epoch {
    return nextDay(weekday, this.#today());
  }

  /** The working day that is this many working days after today. */
  workingDay(ahead: number): Epoch {
    let date = Math.floor(this.#today() / DAY) * DAY;
    for (let left = ahead; left > 0;) {
      date += DAY;
      const day = new Date(date).getUTCDay();
      if (day !== 0 && day !== 6) left -= 1;
    }
    return date;
  }
}

/** Midnight, UTC, of the next such weekday after the day of `now`. */
export function nextDay(weekday: string, now: Epoch): Epoch {
  const today = Math.floor(now / DAY) * DAY;
  const ahead = (WEEKDAYS.findIndex((day) => day === weekday) - new Date(today).getUTCDay() + 7) % 7;
  return today + (ahead === 0 ? 7 : ahead) * DAY;
}

/** "Monday the 23rd of November". */
export function spokenDate(at: Epoch): string {
  const date = new Date(at);
  return `${WEEKDAYS[date.getUTCDay()] ?? ""} the ${ordinal(date.getUTCDate())} of ${MONTHS[date.getUTCMonth()] ?? ""}`;
}

function ordinal(day: number): string {
  const ending = day > 10 && day < 14 ? "th" : (["th", "st", "nd", "rd"][day % 10] ?? "th");
  return `${day}${ending}`;
}
