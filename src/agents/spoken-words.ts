/*
 * Text as words that are said, so that what was typed, what was recognised and what a phrase says can be compared:
 * lower case, no punctuation, numerals written out, contractions opened.
 */
const UNITS = [
  "zero",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
  "thirteen",
  "fourteen",
  "fifteen",
  "sixteen",
  "seventeen",
  "eighteen",
  "nineteen",
] as const;
const TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"] as const;
const ORDINALS = [
  "",
  "first",
  "second",
  "third",
  "fourth",
  "fifth",
  "sixth",
  "seventh",
  "eighth",
  "ninth",
  "tenth",
  "eleventh",
  "twelfth",
  "thirteenth",
  "fourteenth",
  "fifteenth",
  "sixteenth",
  "seventeenth",
  "eighteenth",
  "nineteenth",
] as const;

const CONTRACTIONS: Readonly<Record<string, string>> = {
  "can't": "can not",
  cannot: "can not",
  "won't": "will not",
  "let's": "let us",
  gonna: "going to",
  wanna: "want to",
  okay: "ok",
  yeah: "yes",
  yep: "yes",
};
/** Only after these does 's stand for "is"; after a noun it is a genitive. */
const WITH_IS = new Set(["what", "where", "who", "how", "when", "that", "there", "here", "it", "he", "she"]);

/** The words of a text, in lower case, without punctuation. Numerals and apostrophes inside words stay. */
export function wordsIn(text: string): readonly string[] {
  const plain = text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .replace(/\$\s?(\d+)(?:\.00)?(?![.\d])/g, "$1 dollars ")
    .replace(/(\d),(?=\d{3}(?!\d))/g, "$1")
    .replace(/%/g, " percent ")
    .replace(/&/g, " and ");
  return (plain.match(/[\p{L}\p{N}\p{M}][\p{L}\p{N}\p{M}']*/gu) ?? []).map((word) => word.replace(/'+$/, ""));
}

/** 0 to 9999 in words; digit by digit above. */
export function cardinalWords(n: number): readonly string[] {
  if (!Number.isInteger(n) || n < 0 || n > 9999) return digitWords(String(n));
  if (n < 20) return [UNITS[n] ?? ""];
  if (n < 100) return [TENS[Math.floor(n / 10)] ?? "", ...(n % 10 === 0 ? [] : cardinalWords(n % 10))];
  const [unit, name] = n < 1000 ? [100, "hundred"] : [1000, "thousand"];
  return [...cardinalWords(Math.floor(n / unit)), name, ...(n % unit === 0 ? [] : cardinalWords(n % unit))];
}

/** 1 to 99 as "first" to "ninety ninth". */
export function ordinalWords(n: number): readonly string[] {
  if (n < 20) return [ORDINALS[n] ?? ""];
  const tens = TENS[Math.floor(n / 10)] ?? "";
  return n % 10 === 0 ? [tens.replace(/y$/, "ieth")] : [tens, ORDINALS[n % 10] ?? ""];
}

/** "42" as "four two". */
export function digitWords(digits: string): readonly string[] {
  return [...digits].flatMap((digit) => UNITS[Number(digit)] ?? []);
}

/**
 * The ways in which one word may be meant, each as words: a numeral as an amount or digit by digit, a contraction
 * opened. The first is the usual one.
 */
export function readingsOf(word: string): readonly (readonly string[])[] {
  if (/^\d{1,4}$/.test(word)) {
    const [amount, digits] = [cardinalWords(Number(word)), digitWords(word)];
    if (word.length === 1) return [amount];
    if (word.startsWith("0")) return [digits];
    const year = /^(1[1-9]|20)[1-9]\d$/.test(word)
      ? [[...cardinalWords(Number(word.slice(0, 2))), ...cardinalWords(Number(word.slice(2)))]]
      : [];
    return [amount, digits, ...year];
  }
  if (/^\d{5,}$/.test(word)) return [digitWords(word)];
  const ordinal = /^(\d{1,2})(?:st|nd|rd|th)$/.exec(word);
  if (ordinal !== null && Number(ordinal[1]) > 0) return [ordinalWords(Number(ordinal[1]))];
  return [plainWords(word)];
}

/** A word with its contraction opened: "what's" as "what is". */
export function plainWords(word: string): readonly string[] {
  const known = Object.hasOwn(CONTRACTIONS, word) ? CONTRACTIONS[word] : undefined;
  if (known !== undefined) return known.split(" ");
  const match = /^(.+)(n't|'m|'re|'ve|'ll|'d|'s)$/.exec(word);
  const [stem = "", ending] = [match?.[1], match?.[2]];
  switch (ending) {
    case "n't":
      return [stem, "not"];
    case "'m":
      return [stem, "am"];
    case "'re":
      return [stem, "are"];
    case "'ve":
      return [stem, "have"];
    case "'ll":
      return [stem, "will"];
    case "'d":
      return [stem, "would"];
    case "'s":
      return WITH_IS.has(stem) ? [stem, "is"] : [word];
    default:
      return [word === "oh" ? "zero" : word];
  }
}

const SMALL = new Map<string, number>([...UNITS.map((word, n) => [word, n] as const), ["oh", 0]]);
const TENS_VALUE = new Map<string, number>(
  TENS.map((word, n) => [word, n * 10] as const).filter(([word]) => word !== ""),
);

/** Digits of "four two seven"; words that are no digits are left out. */
export function digitsFrom(words: readonly string[]): string {
  return words.flatMap((word) => SMALL.get(word) ?? []).join("");
}

/** The amount that "two hundred and five" means; undefined when the words are no amount. */
export function amountFrom(words: readonly string[]): number | undefined {
  let total = 0;
  let part = 0;
  for (const word of words) {
    if (word === "and") continue;
    const value = SMALL.get(word) ?? TENS_VALUE.get(word);
    if (word === "hundred") part = Math.max(1, part) * 100;
    else if (word === "thousand") {
      total += Math.max(1, part) * 1000;
      part = 0;
    } else if (value === undefined) return undefined;
    else part += value;
  }
  return words.length === 0 ? undefined : total + part;
}
