/*
 * The loop of the small benchmarks: warm up, then batches of calls; the median batch is the figure, the fastest one says
 * how much the machine was disturbed.
 */

export interface Measurement {
  readonly name: string;
  /** Microseconds per call: median and minimum over the batches. */
  readonly us: number;
  readonly least: number;
}

export interface MeasureOptions {
  /** Ms per batch. Default 20. */
  readonly batchMs?: number;
  /** Default 25. */
  readonly batches?: number;
}

/** Times `call`, prints one line and answers the figures. What `call` returns is summed up, so that it cannot be left out. */
export function measure(
  name: string,
  call: () => number,
  { batchMs = 20, batches = 25 }: MeasureOptions = {},
): Measurement {
  let sum = 0;
  let calls = 1;
  for (let spent = 0; spent < batchMs;) {
    const from = performance.now();
    for (let i = 0; i < calls; i++) sum += call();
    spent = performance.now() - from;
    if (spent < batchMs) calls = Math.max(calls + 1, Math.ceil((calls * batchMs * 1.1) / Math.max(spent, 0.01)));
  }
  const times = Array.from({ length: batches }, () => {
    const from = performance.now();
    for (let i = 0; i < calls; i++) sum += call();
    return ((performance.now() - from) * 1000) / calls;
  }).sort((a, b) => a - b);
  if (Number.isNaN(sum)) throw new Error(`${name} answered NaN`);
  const us = times[times.length >> 1] ?? Number.NaN;
  const least = times[0] ?? Number.NaN;
  console.log(`${name.padEnd(44)} ${us.toFixed(2).padStart(9)} µs   least ${least.toFixed(2)} µs`);
  return { name, us, least };
}

/** The last line of a benchmark: one JSON object with the median of each measurement, in µs. */
export function report(
  bench: string,
  measurements: readonly Measurement[],
  extra: Readonly<Record<string, number>> = {},
): void {
  const us = Object.fromEntries(measurements.map(({ name, us: median }) => [name, Number(median.toFixed(3))]));
  console.log(JSON.stringify({ bench, node: process.versions.node, us, ...extra }));
}
