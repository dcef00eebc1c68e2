import type { Labels, MemoryMeters } from "../base/meters.ts";

/** Upper bounds of the buckets that are told, ms: from a frame to a stuck turn. */
const BOUNDS: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 800, 1_000, 2_000, 5_000, 10_000];

/** All meters in Prometheus' text form, version 0.0.4. */
export function prometheus(meters: MemoryMeters): string {
  const lines: string[] = [];
  let last = "";
  for (const one of [...meters.all()].sort((a, b) => a.name.localeCompare(b.name))) {
    if (one.name !== last) lines.push(`# TYPE ${one.name} ${one.kind}`);
    last = one.name;
    if (one.kind !== "histogram") {
      lines.push(`${one.name}${write(one.labels)} ${one.value}`);
      continue;
    }
    for (const bound of BOUNDS)
      lines.push(`${one.name}_bucket${write({ ...one.labels, le: String(bound) })} ${one.histogram.atMost(bound)}`);
    lines.push(
      `${one.name}_bucket${write({ ...one.labels, le: "+Inf" })} ${one.histogram.count}`,
      `${one.name}_sum${write(one.labels)} ${one.histogram.sum}`,
      `${one.name}_count${write(one.labels)} ${one.histogram.count}`,
    );
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** What the process costs, under the names that Prometheus' own clients use. */
export function processFigures(): string {
  const { user, system } = process.cpuUsage();
  return [
    "# TYPE process_cpu_seconds_total counter",
    `process_cpu_seconds_total ${(user + system) / 1e6}`,
    "# TYPE process_resident_memory_bytes gauge",
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    "",
  ].join("\n");
}

function write(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`))}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
