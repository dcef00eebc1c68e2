/*
 * How long the caller waited: from the last voiced sample of the microphone to the first audible sample of the answer.
 * Both are seen in the page, so no clocks have to be compared. The server adds where the time went.
 *
 *   microphone  ▂▅▇▅▂▁ ─────────────────────────────── from: last voiced sample before "ended"
 *   server             ······ turn ended ·············
 *   agent                                    ▂▅▇▅▂     to: first loud sample after it        total = to − from
 */
import type { Millis } from "../base/time.ts";
import type { PageEvent, TurnParts } from "../protocol/page.ts";
import type { LatencyPart, LatencyView, TurnLatency } from "./types.ts";

/** Longest a turn's end is waited for after the last voiced sample: the turn policy's longest pause, and some slack. */
const LONGEST_ENDPOINTING: Millis = 4_000;

/** An answer later than this is not one: the turn was dropped and something else began to speak. */
const LONGEST_ANSWER: Millis = 30_000;

/** How much less than the server the page may measure before it is taken to have missed the true end of speech. */
const TOLERANCE: Millis = 40;

const KEPT_TURNS = 200;

export const noTurns: LatencyView = { turns: [] };

const partNames: readonly (keyof TurnParts)[] = ["endpointing", "stt", "llm", "tool", "tts", "framework"];

/** Pairs what the page hears of both sides with what the server says of turns. Times are of one monotonic clock. */
export class LatencyMeter {
  #lastVoiced: Millis | undefined;
  #waiting: { readonly turnId: string; readonly from: Millis } | undefined;

  /** The microphone was voiced until `at`. */
  voiced(at: Millis): void {
    if (this.#lastVoiced === undefined || at > this.#lastVoiced) this.#lastVoiced = at;
  }

  /** The caller sent a typed line. */
  typed(at: Millis): void {
    this.#lastVoiced = at;
  }

  /** The server takes the turn as finished, possibly once more after it had been resumed. */
  ended(turnId: string, now: Millis): void {
    const from = this.#lastVoiced;
    this.#waiting = from === undefined || now - from > LONGEST_ENDPOINTING ? undefined : { turnId, from };
  }

  /** The turn goes on, or leads to nothing. */
  dropped(): void {
    this.#waiting = undefined;
  }

  /** Samples of one side were missed: an end or an onset may lie among them. */
  spoiled(): void {
    this.#waiting = undefined;
    this.#lastVoiced = undefined;
  }

  /** The agent became audible at `at`. Returns the turn this answers, with how long it took. */
  audible(at: Millis): { readonly turnId: string; readonly totalMs: number } | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined || at <= waiting.from) return undefined;
    this.#waiting = undefined;
    if (at - waiting.from > LONGEST_ANSWER) return undefined;
    return { turnId: waiting.turnId, totalMs: Math.round(at - waiting.from) };
  }
}

/** Takes what the page measured into the view. */
export function addMeasured(view: LatencyView, turnId: string, totalMs: number): LatencyView {
  const old = view.turns.find((turn) => turn.turnId === turnId);
  if (old?.measuredBy === "page") return view; // only the first sample of an answer ends the wait
  const server = serverTotal(old);
  if (old !== undefined && server !== undefined && totalMs < server - TOLERANCE) return view;
  return put(view, { turnId, measuredBy: "page", ...withNetwork(totalMs, old?.parts ?? {}) });
}

/** Takes what the server says of a turn into the view. */
export function addServerParts(
  view: LatencyView,
  data: Extract<PageEvent, { readonly type: "turn" }>["data"],
): LatencyView {
  if (data.phase !== "answered" || data.parts === undefined) return view;
  const parts: Partial<Record<LatencyPart, number>> = {};
  let sum = 0;
  for (const name of partNames) {
    const ms = Math.max(0, Math.round(data.parts[name]));
    parts[name] = ms;
    sum += ms;
  }
  const server = data.totalMs === undefined ? sum : Math.max(0, Math.round(data.totalMs));
  const page = view.turns.find((turn) => turn.turnId === data.turnId && turn.measuredBy === "page")?.totalMs;
  // Noise after the true end of speech makes the page's figure too small; the server's detector knows better.
  if (page === undefined || page < server - TOLERANCE) {
    return put(view, { turnId: data.turnId, totalMs: server, measuredBy: "server", parts });
  }
  return put(view, { turnId: data.turnId, measuredBy: "page", ...withNetwork(page, parts) });
}

/** The value below which the share `p` of all values lies, by nearest rank; undefined when empty. */
export function percentile(values: readonly number[], p: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)];
}

function put(view: LatencyView, turn: TurnLatency): LatencyView {
  const index = view.turns.findIndex(({ turnId }) => turnId === turn.turnId);
  const turns = index === -1 ? [...view.turns, turn].slice(-KEPT_TURNS) : view.turns.with(index, turn);
  const totals = turns.map(({ totalMs }) => totalMs);
  const medianMs = percentile(totals, 0.5);
  const p95Ms = percentile(totals, 0.95);
  return { turns, ...(medianMs !== undefined && { medianMs }), ...(p95Ms !== undefined && { p95Ms }) };
}

/** What the server's parts leave over of the page's total. Without parts nothing can be said of it. */
function withNetwork(totalMs: number, parts: TurnLatency["parts"]): Pick<TurnLatency, "totalMs" | "parts"> {
  const known = Object.values(parts);
  if (known.length === 0) return { totalMs, parts };
  const sum = known.reduce((all, ms) => all + ms, 0);
  return { totalMs, parts: { ...parts, network: Math.max(0, totalMs - sum) } };
}

const serverTotal = (turn: TurnLatency | undefined): number | undefined =>
  turn?.measuredBy === "server" ? turn.totalMs : undefined;
