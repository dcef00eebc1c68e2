/*
 * Callers who come and go: each connects, is connected for a moment with an open microphone, and hangs up.
 */
import { answer } from "./child.ts";
import { dial, type LineKind } from "./lines.ts";

export interface VisitJob {
  readonly kind: LineKind;
  readonly url: string;
  readonly calls: number;
  /** How many at once. */
  readonly atOnce: number;
}

/** How long each talks, ms. */
const TALK = 200;

async function visit({ kind, url, calls, atOnce }: VisitJob): Promise<number> {
  let begun = 0;
  let failed = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (begun < calls) {
        begun += 1;
        try {
          const line = await dial(kind, url);
          const noise = Int16Array.from(
            { length: (line.rate * TALK) / 1000 },
            (_, i) => 3_000 * Math.sin(i * i * 0.37),
          );
          await line.say(noise);
          await line.hangUp();
        } catch (error) {
          failed += 1;
          if (failed <= 3) console.error(`a call failed: ${String(error)}`);
        }
      }
    }),
  );
  return failed;
}

answer({ visit: (job) => visit(job as VisitJob) });
