/*
 * The syntax of phrases:
 *
 *   how (many|much) vacation days do I have [left]      words, (one|of these), [may be left out]
 *   my number is <digits>                               a slot of a known kind: digits number weekday month ordinal
 *   book <day:Monday|Tuesday|the day after>             a slot of your own
 *   from <start:weekday> to <end:weekday>               a known kind under a name of your own
 */
import { VoiceError } from "../base/errors.ts";
import { readingsOf, wordsIn } from "./spoken-words.ts";

export type PhraseNode =
  | { readonly kind: "word"; readonly word: string }
  | { readonly kind: "all" | "one"; readonly of: readonly PhraseNode[] }
  | { readonly kind: "optional" | "repeat"; readonly node: PhraseNode }
  | { readonly kind: "slot"; readonly slot: PhraseSlot; readonly node: PhraseNode };

/** A part whose words are wanted. */
export interface PhraseSlot {
  readonly name: string;
  /** What the words mean: a row of digits, an amount, or one of `items`. */
  readonly means: "digits" | "amount" | "item";
  /** As they are written. */
  readonly items: readonly string[];
}

const ONE_TO_NINE = "one|two|three|four|five|six|seven|eight|nine";
const TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen";
const TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety";
const BELOW_100 = `(${ONE_TO_NINE}|${TEENS}|(${TENS}) [(${ONE_TO_NINE})])`;
const ORDINAL_ITEMS =
  "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|" +
  "seventeenth|eighteenth|nineteenth|twentieth|twenty first|twenty second|twenty third|twenty fourth|twenty fifth|twenty sixth|" +
  "twenty seventh|twenty eighth|twenty ninth|thirtieth|thirty first";

interface SlotKind {
  readonly means: PhraseSlot["means"];
  readonly source: string;
  readonly repeat?: boolean;
}

const KINDS: Readonly<Record<string, SlotKind>> = {
  digits: { means: "digits", source: `(zero|oh|${ONE_TO_NINE})`, repeat: true },
  number: { means: "amount", source: `(zero|${BELOW_100}|(${ONE_TO_NINE}) hundred [[and] ${BELOW_100}])` },
  weekday: { means: "item", source: "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday" },
  month: {
    means: "item",
    source: "January|February|March|April|May|June|July|August|September|October|November|December",
  },
  ordinal: { means: "item", source: ORDINAL_ITEMS },
};

const CLOSING: Readonly<Record<string, string>> = { "[": "]", "(": ")", "<": ">" };

/** Reads one phrase. Throws VoiceError `config` that names the phrase, the place and what was expected. */
export function parsePhraseSyntax(text: string): PhraseNode {
  return new Reader(text).phrase();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  phrase(): PhraseNode {
    const node = this.#alternatives();
    if (this.#at < this.#text.length) throw this.#fault(`no "${this.#text[this.#at]}" here`);
    return node;
  }

  /** One or more sequences with `|` between them, up to a closing mark or the end. */
  #alternatives(): PhraseNode {
    const of = [this.#sequence()];
    while (this.#text[this.#at] === "|") {
      this.#at += 1;
      of.push(this.#sequence());
    }
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind: "one", of };
  }

  #sequence(): PhraseNode {
    const of: PhraseNode[] = [];
    while (this.#at < this.#text.length) {
      const mark = this.#text[this.#at] ?? "";
      if ("])|>".includes(mark)) break;
      if (mark === "[") of.push({ kind: "optional", node: this.#enclosed("[") });
      else if (mark === "(") of.push(this.#enclosed("("));
      else if (mark === "<") of.push(this.#slot());
      else of.push(...this.#words());
    }
    if (of.length === 0) throw this.#fault("words");
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind: "all", of };
  }

  #enclosed(opening: "[" | "("): PhraseNode {
    this.#at += 1;
    const node = this.#alternatives();
    this.#close(opening);
    return node;
  }

  #words(): readonly PhraseNode[] {
    const from = this.#at;
    while (this.#at < this.#text.length && !"[]()<>|".includes(this.#text[this.#at] ?? "")) this.#at += 1;
    return wordsIn(this.#text.slice(from, this.#at)).map(wordNode);
  }

  #slot(): PhraseNode {
    const from = this.#at;
    const end = this.#text.indexOf(">", from);
    if (end < 0) throw this.#fault('a closing ">"');
    const [, name = "", source] = /^\s*([\w-]+)\s*(?::(.*))?$/s.exec(this.#text.slice(from + 1, end)) ?? [];
    if (name === "") throw this.#fault("a slot such as <digits> or <day:Monday|Tuesday>");
    const key = (source ?? name).trim();
    const kind = Object.hasOwn(KINDS, key) ? KINDS[key] : undefined;
    if (kind === undefined && source === undefined) {
      throw this.#fault(
        `<${name}> to be one of ${Object.keys(KINDS).join(", ")}, or to have its items as in <${name}:one|another>`,
      );
    }
    const body = kind?.source ?? key;
    const node = new Reader(body).phrase();
    const items = kind === undefined || kind.means === "item" ? body.split("|").map((item) => item.trim()) : [];
    this.#at = end + 1;
    return {
      kind: "slot",
      slot: { name, means: kind?.means ?? "item", items },
      node: kind?.repeat === true ? { kind: "repeat", node } : node,
    };
  }

  #close(opening: "[" | "("): void {
    const closing = CLOSING[opening] ?? "";
    if (this.#text[this.#at] !== closing) throw this.#fault(`a closing "${closing}"`);
    this.#at += 1;
  }

  #fault(expected: string): VoiceError {
    return new VoiceError("config", `phrase "${this.#text}": expected ${expected} at character ${this.#at + 1}`);
  }
}

/** A word as it is written, or a numeral in each of the ways in which it is said. */
function wordNode(word: string): PhraseNode {
  const said = (one: string): PhraseNode => ({ kind: "word", word: one });
  if (!/^\d+(?:st|nd|rd|th)?$/.test(word)) return said(word);
  return { kind: "one", of: readingsOf(word).map((words) => ({ kind: "all", of: words.map(said) })) };
}
