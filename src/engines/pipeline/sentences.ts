/*
 * Cuts a growing text into pieces worth speaking: sentences, as soon as they are known to be over. Text is taken one
 * character at a time, so the pieces do not depend on how a model happens to cut its deltas.
 *
 *   "Dr. Smith has 3.5 days left. H"      a candidate is [.!?…]+ with closing marks and white space behind it, or a
 *       ▲                        ▲ ▲      line break; the next character confirms it or, after an abbreviation, an
 *       abbreviation     candidate confirms   initial, a list number or before a lower-case letter, does not
 *
 * `Intl.Segmenter` is not enough: it ends sentences after "Dr.", "1." and initials.
 */

const ABBREVIATIONS: ReadonlySet<string> = new Set(
  (
    "mr mrs ms dr prof sr jr st mt vs etc fig inc ltd co corp dept approx gen rep sen gov capt col sgt rev hon ave blvd " +
    "rd ext tel cf al jan feb mar apr jun jul aug sep sept oct nov dec"
  ).split(" "),
);
const TERMINATED = /([.!?…]+)["'”’)\]»]*$/;
const CLAUSE = /[,;:–](?=\s)/g;

/** The first piece may be cut at a clause when no sentence ended within this many characters. */
const FIRST_WAIT = 60;
/** Words a first piece cut at a clause has at least. */
const FIRST_WORDS = 4;
/** Later sentences are joined until a piece has this many characters: synthesis of crumbs sounds like crumbs. */
const JOIN = 25;
/** No piece is longer: synthesis of one piece cannot be aborted. */
const LONGEST = 220;

/** Splits a text into sentences, in order, nothing lost but the white space between them. */
export class Sentences {
  #open = "";
  /** Where the open text may end: after its last character that is not white space. */
  #candidate: number | undefined;

  /** What has not been confirmed as a sentence yet. */
  get open(): string {
    return this.#open;
  }

  push(delta: string): string[] {
    const done: string[] = [];
    for (let i = 0; i < delta.length; i++) {
      const sentence = this.step(delta.charAt(i));
      if (sentence !== undefined) done.push(sentence);
    }
    return done;
  }

  /** One more character; a sentence when it shows that one has ended. */
  step(ch: string): string | undefined {
    if (isSpace(ch)) {
      if (this.#open === "") return undefined;
      if (this.#candidate === undefined && (ch === "\n" || TERMINATED.test(this.#open)))
        this.#candidate = this.#open.trimEnd().length;
      // One blank says as much as many, and a piece of blanks would be too long for nothing.
      if (!/\s$/.test(this.#open)) this.#open += ch;
      return undefined;
    }
    const candidate = this.#candidate;
    this.#candidate = undefined;
    let sentence: string | undefined;
    if (candidate !== undefined && isBoundary(this.#open.slice(0, candidate), ch)) sentence = this.take(candidate);
    this.#open += ch;
    return sentence;
  }

  /** Nothing came for a while: a sentence that may be over counts as over. */
  pause(): string | undefined {
    const end = this.#candidate ?? (TERMINATED.test(this.#open) ? this.#open.length : undefined);
    return end !== undefined && isBoundary(this.#open.slice(0, end), undefined) ? this.take(end) : undefined;
  }

  /** The text is complete: what is left, or nothing. */
  end(): string | undefined {
    return this.#open.trim() === "" ? undefined : this.take(this.#open.length);
  }

  /** Takes the first `count` characters out, whether they are a sentence or not. */
  take(count: number): string {
    const taken = this.#open.slice(0, count).trim();
    this.#open = this.#open.slice(count).trimStart();
    this.#candidate = undefined;
    return taken;
  }
}

/** Makes sentences into pieces: the first as early as possible, the others not too short, none too long. */
export class Pieces {
  readonly #sentences = new Sentences();
  #joined = "";
  #isFirst = true;

  push(delta: string): string[] {
    const done: string[] = [];
    for (let i = 0; i < delta.length; i++) {
      this.#add(this.#sentences.step(delta.charAt(i)), done);
      this.#limit(done);
    }
    return done;
  }

  /** No delta for 250 ms: speaks what can be spoken. The owner keeps the time. */
  pause(): string[] {
    const done: string[] = [];
    this.#add(this.#sentences.pause(), done);
    this.#flush(done);
    return done;
  }

  end(): string[] {
    const done: string[] = [];
    this.#add(this.#sentences.end(), done);
    this.#flush(done);
    return done;
  }

  #add(sentence: string | undefined, done: string[]): void {
    if (sentence === undefined || sentence === "") return;
    if (this.#joined !== "" && this.#joined.length + 1 + sentence.length > LONGEST) this.#flush(done);
    this.#joined = this.#joined === "" ? sentence : `${this.#joined} ${sentence}`;
    if (this.#isFirst || this.#joined.length >= JOIN) this.#flush(done);
  }

  #limit(done: string[]): void {
    const { open } = this.#sentences;
    if (open.length > LONGEST) {
      this.#flush(done);
      this.#add(this.#sentences.take(longEnd(open)), done);
    } else if (this.#isFirst && open.length >= FIRST_WAIT) {
      const end = clauseEnd(open, FIRST_WORDS);
      if (end !== undefined) this.#add(this.#sentences.take(end), done);
    }
  }

  #flush(done: string[]): void {
    if (this.#joined === "") return;
    done.push(this.#joined);
    this.#joined = "";
    this.#isFirst = false;
  }
}

function isBoundary(sentence: string, next: string | undefined): boolean {
  if (next !== undefined && /\p{Ll}/u.test(next)) return false;
  const body = sentence.replace(/["'”’)\]»]*$/, "");
  if (!/(^|[^.!?…])\.$/.test(body)) return true;
  const word = (/(\S+)\.$/.exec(body)?.[1] ?? "").replace(/^["'“‘([«]+/, "");
  if (/^\d{1,2}$/.test(word) && /^\W*\d{1,2}\.$/.test(body)) return false;
  if (/^\p{L}$/u.test(word)) return word === "I";
  if (/^(\p{L}\.)+\p{L}$/u.test(word)) return /^[ap]\.m$/i.test(word) && (next === undefined || !/\d/.test(next));
  if (word.toLowerCase() === "no") return next !== undefined && !/\d/.test(next);
  return !ABBREVIATIONS.has(word.toLowerCase());
}

/** After the last clause mark that has enough words before it. */
function clauseEnd(text: string, words: number): number | undefined {
  let end: number | undefined;
  for (const match of text.matchAll(CLAUSE)) {
    const to = match.index + 1;
    if (text.slice(0, to).trim().split(/\s+/).length >= words) end = to;
  }
  return end;
}

/** Where a text that is too long is cut: the last clause, else the last space, else anywhere but within a character. */
function longEnd(text: string): number {
  const head = text.slice(0, LONGEST);
  const clause = clauseEnd(head, 1);
  if (clause !== undefined) return clause;
  const space = head.search(/\s\S*$/);
  if (space > 0) return space;
  return /[\uD800-\uDBFF]$/.test(head) ? LONGEST - 1 : LONGEST;
}

function isSpace(ch: string): boolean {
  return /\s/.test(ch);
}
