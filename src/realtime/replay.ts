/*
 * What a new connection is told of the conversation so far: text only, oldest first, within a budget of tokens. Calls go
 * together with their results; a call that still runs is held back until its result is in. A reply that was cut short is
 * told as far as it was heard. At the end stands where the conversation is, so that the model neither greets nor repeats.
 */
import type { LedgerEntry } from "./conversation.ts";
import type { RealtimeItem } from "./model.ts";

/** Why there is a new connection. */
export type ReplayReason =
  /** The old one is about to end. */
  | "renewal"
  /** The old one broke. */
  | "loss"
  /** Somebody else speaks, or an earlier conversation goes on. */
  | "takeover";

export interface ReplayOptions {
  readonly reason: ReplayReason;
  /** Id of the note at the end. */
  readonly noteId: string;
  /** The most tokens told, estimated. Default 8000: a quarter of the smallest context. */
  readonly budget?: number;
  /** The words after which our voice broke off, to be gone on from. */
  readonly brokeOff?: string | undefined;
}

/** Characters to a token, and tokens around each item: what English takes. */
const TOKEN = 4;
const FRAME = 8;
/** The last words by which a model finds where it broke off. */
const TAIL = 240;

const notes: Readonly<Record<ReplayReason, string>> = {
  renewal:
    "The conversation continues where it is. Do not greet, do not repeat anything; wait for what the caller says next.",
  loss: "The line was interrupted for a moment and the conversation continues where it is. Do not greet, do not repeat anything and do not mention the interruption.",
  takeover:
    "The conversation above has already taken place and continues now. Do not greet as if the call had just begun.",
};

/** The items to tell, and the note at the end. Nothing at all when nothing was said. */
export function replayOf(entries: readonly LedgerEntry[], options: ReplayOptions): readonly RealtimeItem[] {
  const units = unitsOf(entries);
  if (units.length === 0) return [];
  const kept: RealtimeItem[][] = [];
  let left = options.budget ?? 8_000;
  let isCut = false;
  for (const unit of units.toReversed()) {
    left -= unit.reduce((sum, item) => sum + tokensOf(item), 0);
    if (left < 0 && kept.length > 0) {
      isCut = true;
      break;
    }
    kept.unshift(unit);
  }
  const items = kept.flat();
  const omission: RealtimeItem[] = isCut
    ? [
        {
          id: `${options.noteId}_cut`,
          kind: "message",
          who: "system",
          text: "The beginning of the conversation is left out here.",
        },
      ]
    : [];
  return [...omission, ...items, { id: options.noteId, kind: "message", who: "system", text: noteOf(options) }];
}

/** A line as a model is told it; undefined when there is nothing to tell. */
export function itemOf(entry: LedgerEntry): RealtimeItem | undefined {
  const { id, kind, who, text, call, name, args } = entry;
  switch (kind) {
    case "message":
      return text.trim() === "" ? undefined : { id, kind, who, text };
    case "image":
      return { id, kind, url: text };
    case "call":
      return { id, kind, call, name, args };
    case "result":
      return { id, kind, call, output: text };
  }
}

/** Items that may not be separated, in order: lines by themselves, calls with their results. */
function unitsOf(entries: readonly LedgerEntry[]): RealtimeItem[][] {
  const results = new Map(entries.flatMap((entry) => (entry.kind === "result" ? [[entry.call, entry] as const] : [])));
  // Pictures are dear: a model is shown the last one again.
  const lastImage = entries.findLast((entry) => entry.kind === "image");
  const units: RealtimeItem[][] = [];
  for (const entry of entries) {
    const item = itemOf(entry);
    if (item === undefined || entry.kind === "result" || (entry.kind === "image" && entry !== lastImage)) continue;
    const result = entry.kind === "call" ? results.get(entry.call) : undefined;
    const answer = result === undefined ? undefined : itemOf(result);
    if (entry.kind === "call" && answer === undefined) continue;
    units.push(answer === undefined ? [item] : [item, answer]);
  }
  return units;
}

function noteOf({ reason, brokeOff }: ReplayOptions): string {
  if (brokeOff === undefined) return notes[reason];
  const tail = brokeOff.length > TAIL ? `…${brokeOff.slice(-TAIL)}` : brokeOff;
  return `The line broke while you were speaking. The caller has heard everything up to these words of yours: "${tail}" Go on from exactly there, in the middle of the sentence if need be. Do not greet, do not repeat and do not mention the interruption.`;
}

function tokensOf(item: RealtimeItem): number {
  switch (item.kind) {
    case "message":
      return FRAME + item.text.length / TOKEN;
    case "image":
      // What a picture of usual size costs at the published rates.
      return 1_000;
    case "call":
      return FRAME + (item.name.length + item.args.length) / TOKEN;
    case "result":
      return FRAME + item.output.length / TOKEN;
  }
}
