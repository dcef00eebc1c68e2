/*
 * The one way a session ends. The first reason wins; every step is bounded, and a step that fails or hangs does not keep
 * the others from running: see docs/closing.md.
 */
import type { Clock, Millis } from "../base/time.ts";
import { VoiceError } from "../base/errors.ts";
import type { EndReason } from "./types.ts";

/** Something that must be let go when a session ends. */
export interface Closing {
  /** For the log, when it hangs. */
  readonly name: string;
  /** How long it may take, ms. */
  readonly boundMs: Millis;
  run(): Promise<void> | void;
}

/** Runs all tasks side by side; reports the ones that throw or take too long, and never rejects. */
export async function closeAll(
  tasks: readonly Closing[],
  clock: Clock,
  report: (name: string, error: unknown) => void,
): Promise<void> {
  await Promise.all(tasks.map((task) => closeOne(task, clock, report)));
}

async function closeOne(task: Closing, clock: Clock, report: (name: string, error: unknown) => void): Promise<void> {
  let cancel: (() => void) | undefined;
  const bound = new Promise<void>((resolve) => {
    cancel = clock.at(clock.now() + task.boundMs, () => {
      report(task.name, new VoiceError("stuck", `${task.name} did not end within ${task.boundMs} ms`));
      resolve();
    });
  });
  try {
    await Promise.race([Promise.resolve(task.run()), bound]);
  } catch (error) {
    report(task.name, error);
  } finally {
    cancel?.();
  }
}

/** What the page is told about the end of a call. */
export function endReasonOf(reason: unknown): { readonly reason: EndReason; readonly message: string } {
  if (reason === undefined || reason === "handler") return { reason: "handler", message: "Stream closed" };
  if (!(reason instanceof VoiceError)) return { reason: "error", message: "The call ended because of a fault." };
  const message = reason.expose ? reason.message : reason.cure;
  switch (reason.code) {
    case "time-limit":
      return { reason: "time_limit", message: "The time for this call is over." };
    case "draining":
      return { reason: "shutdown", message: "The server is shutting down." };
    case "closed":
    case "hung-up":
      return { reason: "kicked", message };
    default:
      return { reason: "error", message };
  }
}
