/*
 * Knows what our voice has said at which moment of which item, so that a position in ms becomes a position in the text.
 *
 *   item   0 ms ─────────────── 1 480 ─────────────────── 3 900 ms
 *          "You have 12 days."   "Shall I book one?"                 pieces, told by the audio that begins them
 *
 * Exact where the synthesiser tells when each word is spoken; else words are spread over their piece by length, which is
 * right to about one word; an engine that tells no pieces at all has its text spread over all of its audio.
 */
import { durationOf } from "../audio/frame.ts";
import type { Millis } from "../base/time.ts";
import type { Heard } from "../session/types.ts";
import type { Spoken } from "./types.ts";

/** A word that ends this soon after the position counts as heard, ms: the ear completes it. */
const GRACE: Millis = 80;
/** Lines remembered; more than could ever wait to be heard. */
const LIMIT = 32;

interface Piece {
  readonly text: string;
  readonly from: Millis;
  readonly words: Spoken["words"];
}

/** One item of ours while it is made and heard. */
export class SpokenLine {
  readonly id: string;
  readonly agent: string;
  /** The engine has nothing to add to its text. */
  complete = false;
  #text = "";
  #produced: Millis = 0;
  readonly #pieces: Piece[] = [];

  constructor(id: string, agent: string) {
    this.id = id;
    this.agent = agent;
  }

  /** Everything it says so far, heard or not. */
  get text(): string {
    return this.#text === "" ? this.#pieces.map((piece) => piece.text).join(" ") : this.#text;
  }
  set text(text: string) {
    this.#text = text;
  }

  /** Ms of audio made so far. */
  get produced(): Millis {
    return this.#produced;
  }

  /** Audio of this item, in order. */
  audio(frame: Spoken): void {
    if (frame.text !== undefined) this.#pieces.push({ text: frame.text, from: this.#produced, words: frame.words });
    this.#produced += durationOf(frame);
  }

  /** How many characters of `text` were heard when this much of the item was played. */
  heardChars(played: Millis): number {
    const { text } = this;
    if (played <= 0) return 0;
    if (this.#pieces.length === 0) return this.#produced <= 0 ? 0 : wholeWords(text, (played + GRACE) / this.#produced);
    let cursor = 0;
    for (const [i, piece] of this.#pieces.entries()) {
      const start = text.indexOf(piece.text, cursor);
      // The engine's words are not made of the pieces it speaks: all that is left is proportion.
      if (start < 0) return wholeWords(text, (played + GRACE) / this.#produced);
      const to = this.#pieces[i + 1]?.from ?? this.#produced;
      if (to > played + GRACE) {
        const within = heardInPiece(piece, played - piece.from, to - piece.from);
        return within === 0 ? cursor : start + within;
      }
      cursor = start + piece.text.length;
    }
    return cursor;
  }
}

/** A line of which not everything was heard. */
export interface Cut {
  readonly id: string;
  readonly agent: string;
  readonly heard: string;
  readonly unheard: string;
}

/** The lines that may still have something to be heard, in the order in which they are heard. */
export class SpokenLines {
  readonly #lines: SpokenLine[] = [];

  /** The line of an item, begun if there is none. */
  line(id: string, agent: string): SpokenLine {
    let line = this.find(id);
    if (line === undefined) {
      line = new SpokenLine(id, agent);
      this.#lines.push(line);
      if (this.#lines.length > LIMIT) this.#lines.shift();
    }
    return line;
  }

  find(id: string): SpokenLine | undefined {
    return this.#lines.find((line) => line.id === id);
  }

  /** Takes back what was not heard: lines before the one being heard were heard, lines after it were not at all. */
  cut(heard: Heard): readonly Cut[] {
    const current = this.#lines.findIndex((line) => line.id === heard.item);
    const cuts: Cut[] = [];
    for (const [i, line] of this.#lines.entries()) {
      if (i < current || (current < 0 && line.produced > 0 && heard.dropped <= 0)) continue;
      const chars = i === current ? charsOf(line, heard) : 0;
      const { text } = line;
      if (chars >= text.length && text !== "") continue;
      cuts.push({
        id: line.id,
        agent: line.agent,
        heard: text.slice(0, chars).trim(),
        unheard: text.slice(chars).trim(),
      });
    }
    this.#lines.length = 0;
    return cuts;
  }

  /** Everything was heard. */
  clear(): void {
    this.#lines.length = 0;
  }
}

function charsOf(line: SpokenLine, { played, dropped }: Heard): number {
  // Nothing was taken back and all that was made has been heard: text without audio yet was not.
  return dropped <= 0 && played >= line.produced - GRACE ? line.heardChars(line.produced) : line.heardChars(played);
}

function heardInPiece({ text, words }: Piece, played: Millis, length: Millis): number {
  if (words === undefined) return length <= 0 ? 0 : wholeWords(text, (played + GRACE) / length);
  let cursor = 0;
  for (const word of words) {
    if (word.to > played + GRACE) break;
    const found = text.indexOf(word.text, cursor);
    if (found >= 0) cursor = found + word.text.length;
  }
  return cursor;
}

/** The longest run of whole words within this share of a text. */
function wholeWords(text: string, share: number): number {
  if (share >= 1) return text.length;
  const end = Math.floor(text.length * Math.max(0, share));
  if (end === 0 || /\s/.test(text.charAt(end))) return end;
  const space = text.slice(0, end).search(/\s\S*$/);
  return Math.max(0, space);
}
