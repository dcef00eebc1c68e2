/*
 * The lines of a conversation. They stand in the order of turns, not of arrival: what the caller said may be recognised
 * after the agent has begun to answer it, and still belongs above the answer. Pure; unchanged lists keep their identity.
 */
import type { Epoch } from "../base/time.ts";
import type { PageEvent } from "../protocol/page.ts";
import type { Line } from "./types.ts";

type DataOf<Type extends PageEvent["type"]> = Extract<PageEvent, { readonly type: Type }>["data"];
type Said = Extract<Line, { readonly kind: "said" }>;

/** Adds a line or replaces the one with the same id. */
export function addTranscript(lines: readonly Line[], data: DataOf<"transcript">, now: Epoch): readonly Line[] {
  if (data.role === "system") return addNotice(lines, "info", data.text, now);
  const index = lines.findIndex((line) => line.id === data.id);
  const old = lines[index];
  const said = toSaid(data, old?.kind === "said" ? old : undefined, now);
  if (old !== undefined) return replace(lines, index, said);
  // A recogniser that heard nothing after all leaves no empty bubble.
  if (said.text === "" && !said.rejected) return lines;
  return said.who === "caller" ? insertBeforeAnswer(lines, said) : [...lines, said];
}

/** Marks how far an utterance was heard before the caller took the floor. */
export function addInterruption(lines: readonly Line[], data: DataOf<"interrupted">): readonly Line[] {
  const index = lines.findLastIndex((line) =>
    data.itemId === undefined ? line.kind === "said" && line.who === "agent" : line.id === data.itemId,
  );
  const line = lines[index];
  if (line?.kind !== "said" || line.who !== "agent") return lines;
  return replace(lines, index, {
    ...line,
    final: true,
    heardChars: heardLength(line.text, data.heardText),
    interrupted: { atMs: Math.max(0, Math.round(data.heardMs)) },
  });
}

/** Adds a tool call or brings it up to date. */
export function addTool(lines: readonly Line[], data: DataOf<"tool">, now: Epoch): readonly Line[] {
  const index = lines.findIndex((line) => line.id === data.callId);
  const old = lines[index];
  const line: Line = {
    kind: "tool",
    id: data.callId,
    at: old?.at ?? now,
    turnId: old?.turnId ?? latestTurn(lines),
    name: data.name,
    agent: data.agentId,
    status: data.status,
    args: data.args,
    result: data.result,
    progress: data.progress,
    ms: data.ms === undefined ? undefined : Math.round(data.ms),
  };
  return old === undefined ? [...lines, line] : replace(lines, index, line);
}

export function addHandoff(lines: readonly Line[], { from, to }: DataOf<"handoff">, now: Epoch): readonly Line[] {
  return [...lines, { kind: "handoff", id: nextId("handoff", lines), at: now, turnId: latestTurn(lines), from, to }];
}

/** Adds a line of the page's or the server's own. The same words twice in a row are said once. */
export function addNotice(
  lines: readonly Line[],
  level: "info" | "warning" | "error",
  text: string,
  now: Epoch,
): readonly Line[] {
  const last = lines.at(-1);
  if (text === "" || (last?.kind === "notice" && last.text === text)) return lines;
  return [...lines, { kind: "notice", id: nextId("notice", lines), at: now, turnId: latestTurn(lines), level, text }];
}

function toSaid(data: DataOf<"transcript">, old: Said | undefined, now: Epoch): Said {
  const line: Said = {
    kind: "said",
    id: data.id,
    at: old?.at ?? now,
    // A line stays in the turn in which it began: what the caller says over it belongs below.
    turnId: old === undefined ? data.turnId : old.turnId,
    who: data.role === "user" ? "caller" : "agent",
    agent: data.agentId ?? old?.agent,
    text: data.text,
    final: data.final,
    rejected: data.rejected ?? false,
    heardChars: data.heardChars ?? old?.heardChars,
    interrupted: undefined,
  };
  return old?.interrupted === undefined ? line : keepCut(line, old);
}

/** After an interruption the server may shorten the line to what was heard; the page goes on showing what was cut. */
function keepCut(line: Said, old: Said): Said {
  const shortened = old.text.startsWith(line.text);
  return {
    ...line,
    final: true,
    text: shortened ? old.text : line.text,
    heardChars: shortened ? Math.min(old.heardChars ?? old.text.length, line.text.length) : line.heardChars,
    interrupted: old.interrupted,
  };
}

/** A caller's line goes above everything that answers the same turn. */
function insertBeforeAnswer(lines: readonly Line[], said: Said): readonly Line[] {
  if (said.turnId === undefined) return [...lines, said];
  const answer = lines.findIndex(
    (line) => line.turnId === said.turnId && !(line.kind === "said" && line.who === "caller"),
  );
  return answer === -1 ? [...lines, said] : lines.toSpliced(answer, 0, said);
}

/**
 * How many characters of `text` the words that were heard cover. They should be its beginning; where white space differs
 * the words are walked along it, and where they do not match at all their length has to do.
 */
export function heardLength(text: string, heard: string): number {
  if (text.startsWith(heard)) return heard.length;
  let at = 0;
  for (const char of heard) {
    if (/\s/.test(char)) continue;
    while (at < text.length && /\s/.test(text[at] ?? "")) at += 1;
    if (!text.startsWith(char, at)) return Math.min(text.length, heard.length);
    at += char.length;
  }
  return at;
}

function replace(lines: readonly Line[], index: number, line: Line): readonly Line[] {
  return same(lines[index], line) ? lines : lines.with(index, line);
}

/** Lines are flat but for `interrupted`, which is only ever replaced as a whole. */
function same(a: Line | undefined, b: Line): boolean {
  if (a === undefined) return false;
  const keys = Object.keys(b);
  return keys.length === Object.keys(a).length && keys.every((key) => Reflect.get(a, key) === Reflect.get(b, key));
}

const latestTurn = (lines: readonly Line[]): string | undefined =>
  lines.findLast((line) => line.turnId !== undefined)?.turnId;
const nextId = (kind: string, lines: readonly Line[]): string => `${kind}-${lines.length}`;
