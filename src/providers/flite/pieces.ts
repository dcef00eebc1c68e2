import { speakable } from "../../agents/speakable.ts";
import { expandForFlite } from "./expand.ts";

/** A stretch of text that is synthesised at once. */
export interface Piece {
  /** As it stands in the transcript. */
  readonly text: string;
  /** As flite has to read it. */
  readonly spoken: string;
}

/** Flite cannot be stopped inside a piece and needs time in proportion to its length. */
const LONGEST = 220;
/** Below this a piece is not cut again, however long its expansion. */
const SHORTEST = 12;

/** What there is to say in `text`, cut into pieces of at most 220 characters. Text without words gives none. */
export function piecesOf(text: string, longest: number = LONGEST): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const part of cut(text.trim(), longest)) {
    const spoken = expandForFlite(speakable(part));
    if (!/[a-z0-9]/i.test(spoken)) continue;
    // Digits and addresses grow when they are written out.
    if (spoken.length > LONGEST && part.length > SHORTEST) pieces.push(...piecesOf(part, Math.ceil(part.length / 2)));
    else pieces.push({ text: part, spoken });
  }
  return pieces;
}

/** Cuts at the last sentence end or clause mark that fits, else at the last blank, else anywhere. */
function cut(text: string, longest: number): readonly string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > longest) {
    const head = rest.slice(0, longest + 1);
    const at =
      lastMatch(head, /[.!?]\s/g) ??
      lastMatch(head, /[,;:\u2013\u2014]\s/g) ??
      lastMatch(head, /\s/g) ??
      whole(head, longest);
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  if (rest !== "") parts.push(rest);
  return parts;
}

function lastMatch(text: string, pattern: RegExp): number | undefined {
  let at: number | undefined;
  for (const match of text.matchAll(pattern)) at = match.index + match[0].length;
  // A cut near the beginning would leave a scrap.
  return at !== undefined && at > text.length / 4 ? at : undefined;
}

/** A place that does not split a surrogate pair. */
function whole(text: string, at: number): number {
  const code = text.charCodeAt(at - 1);
  return code >= 0xd800 && code < 0xdc00 && at > 1 ? at - 1 : at;
}
