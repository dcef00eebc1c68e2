/** The deepest nesting of what a peer may send. */
const DEPTH = 32;

/**
 * Whether a value from JSON.parse may be kept and merged into other values: at most 32 levels deep, and no key that names
 * a prototype.
 */
export function isSafe(value: unknown, depth: number = DEPTH): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((one) => isSafe(one, depth - 1));
  return Object.entries(value).every(
    ([key, one]) => key !== "__proto__" && key !== "constructor" && key !== "prototype" && isSafe(one, depth - 1),
  );
}
