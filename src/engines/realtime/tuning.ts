import type { RealtimeTurns } from "../../realtime/model.ts";

type ProviderTurns = Extract<RealtimeTurns, { by: "provider" }>;

/**
 * What a page sets during the call, in the names of our own turn policy (`threshold`, `prefixMs`, `silenceMs`,
 * `interrupt`), applied to the provider's detector. What does not fit is ignored; the same value when nothing changes.
 */
export function tuned(turns: ProviderTurns, policy: Readonly<Record<string, unknown>>): ProviderTurns {
  const { interrupt } = policy;
  let next: ProviderTurns = turns;
  if (typeof interrupt === "boolean" && interrupt !== turns.interrupt) next = { ...next, interrupt };
  if (next.detector === "semantic_vad") return next;
  for (const [name, low, high] of bounds) {
    const value = policy[name];
    if (typeof value === "number" && value >= low && value <= high && value !== next[name])
      next = { ...next, [name]: value };
  }
  return next;
}

/** Limits as the provider documents them. */
const bounds = [
  ["threshold", 0, 1],
  ["prefixMs", 0, 5_000],
  ["silenceMs", 0, 10_000],
] as const;
