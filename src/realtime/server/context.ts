/*
 * How much of a long conversation a response may read. The oldest lines go first, and a call never goes without its
 * result.
 */
import type { Truncation } from "../../protocol/openai/session.ts";
import type { Entry } from "./conversation.ts";
import { tokensOf, totalOf } from "./usage.ts";

/** What `gpt-realtime` can read: 32 768 tokens less 4 096 of its own. */
export const CONTEXT_TOKENS = 28_672;

/** The newest lines that fit; undefined when they may not be cut and do not fit. `fixed`: instructions and tools. */
export function contextOf(
  entries: readonly Entry[],
  truncation: Truncation,
  fixed: number,
  limit: number = CONTEXT_TOKENS,
): readonly Entry[] | undefined {
  const costs = entries.map((entry) => totalOf(tokensOf(entry)));
  const total = costs.reduce((sum, cost) => sum + cost, fixed);
  const most = Math.min(limit, capOf(truncation) + fixed);
  if (total <= most) return entries;
  if (truncation === "disabled") return undefined;
  // Cutting a little more at once keeps what the provider has cached useful for longer.
  const target = typeof truncation === "object" ? most * truncation.retention_ratio : most;
  let left = total;
  let first = 0;
  while (left > target && first < entries.length) {
    left -= costs[first] ?? 0;
    first += 1;
  }
  const kept = entries.slice(first);
  const calls = new Set(kept.flatMap(({ item }) => (item.type === "function_call" ? [item.call_id] : [])));
  return kept.filter(({ item }) => item.type !== "function_call_output" || calls.has(item.call_id));
}

function capOf(truncation: Truncation): number {
  const cap = typeof truncation === "object" ? truncation.token_limits?.post_instructions : undefined;
  return cap ?? Number.POSITIVE_INFINITY;
}
