/*
 * Arithmetic on counters that wrap, RFC 1982: a 16-bit RTP sequence number, a 32-bit RTP timestamp. Plain comparison is
 * wrong at the wrap; the sign of the wrapped difference is right while both are less than half the range apart.
 */

/** `a - b` on 16-bit counters, from -32768 to 32767. */
export function difference16(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** `a - b` on 32-bit counters, from -2^31 to 2^31 - 1. */
export function difference32(a: number, b: number): number {
  return (a - b) | 0;
}

/** `a + by`, wrapped to 16 bits. */
export function add16(a: number, by: number): number {
  return (a + by) & 0xffff;
}

/** `a + by`, wrapped to 32 bits, unsigned. */
export function add32(a: number, by: number): number {
  return (a + by) >>> 0;
}
