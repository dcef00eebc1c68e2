/*
 * All phrases of an agent as one finite-state grammar, the way the recogniser wants it: states by number, transitions
 * that each say one word. Graphs of phrases have arcs that say nothing; the recogniser follows only one of those in a
 * row, so they are worked out here, and only those into the final state stay.
 */
import type { PhraseGraph } from "../../agents/phrase-graph.ts";
import type { Phrase } from "../../agents/phrase.ts";

export interface Transition {
  readonly from: number;
  readonly to: number;
  /** Natural logarithm of the probability, at most 0. */
  readonly logp: number;
  /** "" says nothing. */
  readonly word: string;
}

export interface Grammar {
  readonly start: number;
  readonly end: number;
  readonly numStates: number;
  readonly transitions: readonly Transition[];
}

/** The grammar of any one of these phrases, each as likely as the others, as are the branches inside a phrase. */
export function grammarOf(phrases: readonly Phrase[]): Grammar {
  const start = 0;
  const end = 1;
  let numStates = 2;
  const transitions: Transition[] = [];
  for (const { graph } of phrases) {
    const base = numStates;
    numStates += graph.arcs.length;
    const prior = Math.log(1 / phrases.length);
    for (const [state] of graph.arcs.entries()) {
      for (const { at, logp } of silentReach(graph, state)) {
        for (const arc of graph.arcs[at] ?? []) {
          if (arc.word === undefined) continue;
          const arrival = { to: base + arc.to, logp: logp + share(graph, at), word: arc.word };
          transitions.push({ from: base + state, ...arrival });
          if (state === graph.start) transitions.push({ ...arrival, from: start, logp: arrival.logp + prior });
        }
        if (at === graph.end) transitions.push({ from: base + state, to: end, logp, word: "" });
      }
    }
  }
  return { start, end, numStates, transitions: reachable(transitions, start) };
}

/** The states reached from `from` without a word, with the best probability of the way there. */
function silentReach(graph: PhraseGraph, from: number): readonly { readonly at: number; readonly logp: number }[] {
  const best = new Map([[from, 0]]);
  // A map may grow while it is walked: what is added is visited too.
  for (const [at, logp] of best) {
    for (const { to, word } of graph.arcs[at] ?? []) {
      if (word === undefined && !best.has(to)) best.set(to, logp + share(graph, at));
    }
  }
  return [...best].map(([at, logp]) => ({ at, logp }));
}

function share(graph: PhraseGraph, state: number): number {
  return -Math.log(Math.max(1, graph.arcs[state]?.length ?? 1));
}

/** Without the transitions of states that only silence led to. */
function reachable(all: readonly Transition[], start: number): readonly Transition[] {
  const leaving = new Map<number, Transition[]>();
  for (const one of all) {
    const list = leaving.get(one.from);
    if (list === undefined) leaving.set(one.from, [one]);
    else list.push(one);
  }
  const seen = new Set([start]);
  for (const state of seen) for (const { to } of leaving.get(state) ?? []) seen.add(to);
  return all.filter(({ from }) => seen.has(from));
}
