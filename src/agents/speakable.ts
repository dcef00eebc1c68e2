/*
 * Makes text fit for a voice: what is markup, decoration or an address for the eye becomes words or goes away. Only
 * what every voice needs is here; how a number or a date is read belongs to the voice. The original text stays in the
 * transcript.
 */

export interface SpeakableOptions {
  /** What to say in place of a block of code. Default: nothing. */
  readonly code?: string;
}

const CURRENCY: Readonly<Record<string, readonly [string, string]>> = {
  "€": ["euro", "euros"],
  "£": ["pound", "pounds"],
  "¥": ["yen", "yen"],
};

const SYMBOLS: readonly (readonly [RegExp, string])[] = [
  [/[\u2018\u2019\u201b\u2032\u02bc]/g, "'"],
  [/[\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033]/g, '"'],
  [/(\d)\s?[\u2012\u2013\u2212]\s?(?=\d)/g, "$1-"],
  [/\s*[\u2013\u2014\u2015]\s*/g, ", "],
  [/[\u2010\u2011\u2012\u2212]/g, "-"],
  [/\u2026/g, "..."],
  [/[\u00a0\u2000-\u200a\u202f\u3000]/g, " "],
  // Zero-width characters and variation selectors.
  [/[\u200b-\u200f\u2060\ufeff\u00ad]|\ufe0e|\ufe0f/g, ""],
  [/\s*&(?:amp;)?\s*/g, " and "],
  [/(\d)\s?[\u00d7](?=\s?\d)/g, "$1 times "],
  [/\s*\u2192\s*/g, " to "],
  [/\s*\u00b1\s*/g, " plus or minus "],
  [/\s?\u00b0C\b/g, " degrees Celsius"],
  [/\s?\u00b0F\b/g, " degrees Fahrenheit"],
  [/\s?\u00b0/g, " degrees"],
  [/(\d)\u00bd/g, "$1 and a half"],
  [/\u00bd/g, "one half"],
  [/(\d)\u00bc/g, "$1 and a quarter"],
  [/\u00bc/g, "one quarter"],
  [/(\d)\u00be/g, "$1 and three quarters"],
  [/\u00be/g, "three quarters"],
  [/\s*[\u2022\u00b7\u25cf\u25aa\u25e6]\s*/g, ", "],
];

/** The words of `text` as one line, without markup. Empty when nothing is left to say. */
export function speakable(text: string, { code = "" }: SpeakableOptions = {}): string {
  let out = withoutBlocks(text, code);
  out = out
    .split("\n")
    .map(plainLine)
    .filter((line) => line !== "")
    .join("\n");
  out = withoutInlineMarkup(out);
  out = spokenAddresses(out);
  out = spokenCurrency(out);
  for (const [pattern, words] of SYMBOLS) out = out.replace(pattern, words);
  // What is left of pictures, arrows, boxes and control characters has no sound.
  out = out.replace(
    /(?!\n)[\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\p{So}\p{Cc}\p{Cs}\p{Co}\p{Cn}]/gu,
    " ",
  );
  return tidy(out);
}

function withoutBlocks(text: string, code: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/\t/g, " ")
    .replace(/^ {0,3}(```|~~~)[^\n]*(?:\n(?!\s{0,3}\1)[^\n]*)*(?:\n {0,3}\1[^\n]*)?/gm, code === "" ? "" : `${code}.`)
    .replace(/<!--[^]*?-->/g, " ");
}

/** Takes the marks off the beginning of a line: heading, quote, list, rule, table. */
function plainLine(line: string): string {
  const text = line.trim();
  if (/^(?:[-*_=] ?){3,}$/.test(text)) return "";
  if (/^\|?[\s:|-]*-[\s:|-]*$/.test(text) && text.includes("|")) return "";
  let out = text
    .replace(/^(?:>\s?)+/, "")
    .replace(/^#{1,6}\s+/, "")
    .replace(/\s+#+$/, "");
  out = out.replace(/^[-*+]\s+(?:\[[ xX]\]\s+)?/, "");
  // A number in front of a list item is not said; a lone "2." may be an answer.
  out = out.replace(/^\d{1,2}[.)]\s+(?=\S)/, "");
  if (/^\|.*\|$/.test(out)) {
    const cells = out
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim())
      .filter((cell) => cell !== "");
    return cells.length === 0 ? "" : `${cells.join(", ")}.`;
  }
  return out;
}

function withoutInlineMarkup(text: string): string {
  return text
    .replace(/!\[([^\]\n]*)\]\([^)\n]*\)/g, "$1")
    .replace(/\[([^\]\n]+)\]\([^)\n]*\)/g, "$1")
    .replace(/\[([^\]\n]+)\]\[[^\]\n]*\]/g, "$1")
    .replace(/<((?:https?:\/\/|mailto:)?[^\s<>]*[.@][^\s<>]*)>/gi, "$1")
    .replace(/<\/?[a-z][^<>\n]{0,200}>/gi, " ")
    .replace(/(`+)([^`\n]+)\1/g, "$2")
    .replace(/(\*{1,3})(?=\S)([^*\n]+?)(?<=\S)\1/g, "$2")
    .replace(/(?<![\p{L}\p{N}_])(_{1,3})(?=\S)([^\n]*?\S)\1(?![\p{L}\p{N}_])/gu, "$2")
    .replace(/~~(?=\S)([^~\n]+)~~/g, "$1")
    .replace(/\\([\\`*_{}[\]()#+.!>~|-])/g, "$1");
}

function spokenAddresses(text: string): string {
  return text
    .replace(
      /\b(?:mailto:)?([\w.+-]{1,64})@((?:[a-z0-9-]{1,63}\.)+[a-z]{2,24})\b/gi,
      (_all, user: string, host: string) => {
        const name = user
          .replace(/\./g, " dot ")
          .replace(/_/g, " underscore ")
          .replace(/\+/g, " plus ")
          .replace(/-/g, " dash ");
        return `${name} at ${dotted(host)}`.replace(/ {2,}/g, " ");
      },
    )
    .replace(
      /\b(?:https?|wss?|ftp):\/\/(?:www\.)?([^\s/:?#"'<>()]+)[^\s"'<>()]*?(?=[.,;:!?]*(?:[\s"'<>()]|$))/gi,
      (_all, host: string) => dotted(host),
    )
    .replace(/\bwww\.([a-z0-9.-]+\.[a-z]{2,24})\b(?:\/[^\s"'<>()]*[\w/])?/gi, (_all, host: string) => dotted(host))
    .replace(
      /\b((?:[a-z0-9-]{1,63}\.)+(?:com|org|net|io|dev|gov|edu))\b(?:\/[^\s"'<>()]*[\w/])?/gi,
      (_all, host: string) => dotted(host),
    );
}

function dotted(host: string): string {
  return host.replace(/\.+$/, "").replace(/\./g, " dot ");
}

function spokenCurrency(text: string): string {
  const named = (amount: string, sign: string) => {
    const [one, many] = CURRENCY[sign] ?? ["", ""];
    return `${amount} ${amount === "1" ? one : many}`;
  };
  return text
    .replace(/([€£¥])\s?(\d+(?:[.,]\d+)*)/g, (_all, sign: string, amount: string) => named(amount, sign))
    .replace(/(\d+(?:[.,]\d+)*)\s?([€£¥])/g, (_all, amount: string, sign: string) => named(amount, sign))
    .replace(/[€£¥]/g, (sign) => ` ${CURRENCY[sign]?.[1] ?? ""} `);
}

/** Lines become sentences or go on; marks are not doubled and no blank stands in front of them. */
function tidy(text: string): string {
  return text
    .replace(/[*`]+/g, " ")
    .replace(/([^\s.,;:!?])[ ]*\n+/g, "$1. ")
    .replace(/\s+/g, " ")
    .replace(/ +(?=[,;:!?]|\.(?!\d))/g, "")
    .replace(/,(?:\s*,)+/g, ",")
    .replace(/([.;:!?])\s*,+/g, "$1")
    .replace(/^[\s,;:]+|[\s,]+$/g, "");
}
