import type { Item } from "../../agents/types.ts";

/** A result nobody has told the caller yet. */
export interface NewResult {
  /** The tool's name. */
  readonly name: string;
  /** What the caller had said when it was called. */
  readonly question: string | undefined;
  readonly output: string;
  readonly failed: boolean;
}

export interface News {
  readonly results: readonly NewResult[];
  /** What the caller said and nobody has acted on. */
  readonly question: string | undefined;
  /** The caller was just passed on to the present agent. */
  readonly isArrival: boolean;
}

/** What has come in since an agent last spoke: what a model reads out of the conversation by itself. */
export function whatIsNew(items: readonly Item[]): News {
  const spoke = items.findLastIndex((item) => item.kind === "message" && item.who === "agent");
  const passed = items.findLastIndex((item) => item.kind === "handoff");
  const isArrival = passed >= 0 && !items.slice(passed).some((item) => item.kind === "message");
  if (isArrival) return { results: [], question: questionBefore(items, passed), isArrival };
  const results: NewResult[] = [];
  let question: string | undefined;
  for (const [i, item] of items.entries()) {
    if (i <= spoke || i < passed) continue;
    if (item.kind === "message" && item.who === "caller") question = item.text;
    else if (item.kind === "call") question = undefined;
    else if (item.kind === "result") results.push(...resultAt(items, item));
  }
  return { results, question, isArrival };
}

function resultAt(
  items: readonly Item[],
  { call, output, failed }: Extract<Item, { kind: "result" }>,
): readonly NewResult[] {
  const at = items.findIndex((item) => item.kind === "call" && item.id === call);
  const asked = items[at];
  return asked?.kind === "call" ? [{ name: asked.name, question: questionBefore(items, at), output, failed }] : [];
}

function questionBefore(items: readonly Item[], index: number): string | undefined {
  const item = items.findLast((one, i) => i < index && one.kind === "message" && one.who === "caller");
  return item?.kind === "message" ? item.text : undefined;
}
