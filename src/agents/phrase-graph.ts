/*
 * A phrase as a graph: states joined by arcs that say a word, open or close a slot, or say nothing. Recognisers decode
 * along it, the matcher walks it; neither lists all the sentences it stands for.
 */
import type { PhraseNode, PhraseSlot } from "./phrase-syntax.ts";

export interface PhraseArc {
  readonly to: number;
  /** What is said on the way; nothing without it. */
  readonly word?: string;
  readonly slot?: PhraseSlot;
  /** Whether `slot` begins or ends here. */
  readonly opens?: boolean;
}

export interface PhraseGraph {
  /** The arcs that leave each state, the preferred one first. */
  readonly arcs: readonly (readonly PhraseArc[])[];
  readonly start: number;
  readonly end: number;
}

/** Builds the graph; `sayAs` may replace a word by several, for instance to open contractions. */
export function phraseGraph(
  root: PhraseNode,
  sayAs: (word: string) => readonly string[] = (word) => [word],
): PhraseGraph {
  const arcs: PhraseArc[][] = [[]];
  const state = (): number => arcs.push([]) - 1;
  const join = (from: number, arc: PhraseArc): number => {
    arcs[from]?.push(arc);
    return arc.to;
  };

  /** Adds `node` behind `from` and returns the state after it. */
  const add = (node: PhraseNode, from: number): number => {
    switch (node.kind) {
      case "word":
        return sayAs(node.word).reduce((at, word) => join(at, { to: state(), word }), from);
      case "all":
        return node.of.reduce((at, part) => add(part, at), from);
      case "one": {
        const end = state();
        for (const part of node.of) join(add(part, from), { to: end });
        return end;
      }
      case "optional": {
        // The inside starts at a state of its own, so that a repeat inside cannot lead past this part.
        const end = state();
        join(add(node.node, join(from, { to: state() })), { to: end });
        return join(from, { to: end });
      }
      case "repeat": {
        const begin = join(from, { to: state() });
        const last = add(node.node, begin);
        join(last, { to: begin });
        return join(last, { to: state() });
      }
      case "slot": {
        const inside = add(node.node, join(from, { to: state(), slot: node.slot, opens: true }));
        return join(inside, { to: state(), slot: node.slot, opens: false });
      }
    }
  };
  return { end: add(root, 0), start: 0, arcs };
}
