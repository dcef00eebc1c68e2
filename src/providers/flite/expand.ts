/*
 * Writes out what flite reads badly: dates in digits, telephone and room numbers, signs. It reads amounts, clock times,
 * ordinals, percentages, years and capitals well, so those stay.
 */

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/\bC\+\+(?!\w)/g, "C plus plus"],
  [/\b([CF])#(?!\w)/g, "$1 sharp"],
  [/#\s?(?=\d)/g, "number "],
  [/(?<![\w)])\+\s?(?=\d)/g, "plus "],
  [/\s\+\s/g, " plus "],
  [/\s=\s/g, " equals "],
  [/\s<\s/g, " is less than "],
  [/\s>\s/g, " is more than "],
  [/\b24\/7\b/g, "twenty four seven"],
  [/\band\/or\b/gi, "and or"],
  [/(\p{L})\/(?=\p{L})/gu, "$1 or "],
  [/@/g, " at "],
  [/[#*_^|\\~{}[\]<>=`]/g, " "],
];

/** Text without markup in, ASCII that flite reads as a person would out. */
export function expandForFlite(text: string): string {
  let out = text
    .replace(/\b(\d{4})-(\d{1,2})-(\d{1,2})\b/g, (all, year: string, month: string, day: string) =>
      date(all, year, month, day),
    )
    .replace(/\b(\d{1,2})\/(\d{1,2})\/(\d{4})\b/g, (all, first: string, second: string, year: string) =>
      Number(first) > 12 ? date(all, year, second, first) : date(all, year, first, second),
    );
  out = telephoneNumbers(out);
  out = out.replace(
    /\b(rooms?|suite|flight|gate|extension|ext\.|apartment|apt\.)\s+([A-Z]{1,3})?[ -]?(\d{2,5})\b(?![.,:/]\d)/gi,
    (_all, what: string, letters: string | undefined, digits: string) =>
      `${what} ${letters === undefined ? "" : `${[...letters].join(" ")} `}${spelled(digits)}`,
  );
  for (const [pattern, words] of SIGNS) out = out.replace(pattern, words);
  return ascii(out).replace(/\s+/g, " ").trim();
}

function date(original: string, year: string, month: string, day: string): string {
  const name = MONTHS[Number(month) - 1];
  const number = Number(day);
  if (name === undefined || number < 1 || number > 31) return original;
  return `${name} ${number}${ordinalEnding(number)}, ${year}`;
}

function ordinalEnding(n: number): string {
  if (n % 100 >= 11 && n % 100 <= 13) return "th";
  return ["th", "st", "nd", "rd"][n % 10] ?? "th";
}

/** Groups of digits that together make 7 to 15 digits, at least two groups, the last with at least 3. */
function telephoneNumbers(text: string): string {
  return text.replace(
    /(?<![\w.,$/-])(\+?\d{1,4}[ .-]?)?\(?\d{2,4}\)?(?:[ .-]\d{2,4}){1,4}(?![\w/]|[.,-]\d)/g,
    (all) => {
      const groups = all.match(/\d+/g) ?? [];
      const digits = groups.reduce((sum, group) => sum + group.length, 0);
      const last = groups.at(-1) ?? "";
      if (digits < 7 || digits > 15 || last.length < 3 || /^\d{4}[ -]\d{4}$/.test(all) === true) return all;
      return `${all.startsWith("+") ? "plus " : ""}${groups.map(spelled).join(", ")}`;
    },
  );
}

/** `302` as "3 oh 2". */
function spelled(digits: string): string {
  return [...digits].map((digit) => (digit === "0" ? "oh" : digit)).join(" ");
}

/** Letters lose their accents; whatever still is no ASCII would be read as garbage. */
function ascii(text: string): string {
  return text
    .replace(/ß/g, "ss")
    .replace(/[æÆ]/g, "ae")
    .replace(/[øØ]/g, "o")
    .replace(/ł/g, "l")
    .replace(/Ł/g, "L")
    .normalize("NFKD")
    .replace(/[^ -~]/g, "");
}
