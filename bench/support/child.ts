/*
 * Processes of a benchmark: the server under test has a core of its own, the callers another one, so that a figure of the
 * server is not one of its callers. Parent and child exchange values over Node's channel; see `answer`.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";

/** The core of the server, and that of the callers. */
export const SERVER_CORE = 0;
export const CALLER_CORE = 1;

/** Longest time for an answer, ms. */
const PATIENCE = 180_000;

/** A child process that answers questions. */
export interface Child {
  /** Asks the child; rejects when it ends instead. */
  ask(question: string, value?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

const pins: boolean = spawnSync("taskset", ["-c", "0", "true"]).status === 0 && cpus().length > 1;

/** Starts a program of this folder on one core, where the machine has `taskset` and more than one. */
export function start(program: string, args: readonly string[], core: number): Child {
  const command = [process.execPath, new URL(program, import.meta.url).pathname, ...args];
  const [file = "", ...rest] = pins ? ["taskset", "-c", String(core), ...command] : command;
  const child: ChildProcess = spawn(file, rest, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  let count = 0;
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  child.on("message", ({ id, value, error }: { id: number; value: unknown; error?: string }) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(error));
  });
  child.on("exit", (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${program} ended with ${code}`));
    waiting.clear();
  });
  return {
    ask: (question, value) =>
      new Promise((resolve, reject) => {
        count += 1;
        const id = count;
        const late = setTimeout(() => reject(new Error(`${program} did not answer ${question}`)), PATIENCE);
        waiting.set(id, {
          resolve: (found) => (clearTimeout(late), resolve(found)),
          reject: (error) => (clearTimeout(late), reject(error)),
        });
        child.send({ id, question, value });
      }),
    stop: async () => {
      if (child.exitCode !== null) return;
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

/** In the child: what it answers. Ends with its parent. */
export function answer(questions: Readonly<Record<string, (value: unknown) => unknown>>): void {
  process.on("disconnect", () => process.exit(0));
  process.on("message", (message: { id: number; question: string; value: unknown }) => {
    const reply = async (): Promise<unknown> => await questions[message.question]?.(message.value);
    reply().then(
      (value) => process.send?.({ id: message.id, value }),
      (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
    );
  });
}

/** How busy the whole machine was between two looks: cores in use, ours and those of everybody else. */
export class MachineLoad {
  #before = ticks();

  /** Cores in use since the last call. */
  take(): number {
    const now = ticks();
    const busy = ((now.busy - this.#before.busy) / Math.max(1, now.all - this.#before.all)) * cpus().length;
    this.#before = now;
    return busy;
  }
}

function ticks(): { readonly busy: number; readonly all: number } {
  const [, ...times] = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").split(/\s+/).map(Number);
  const all = times.slice(0, 8).reduce((sum, time) => sum + time, 0);
  return { all, busy: all - (times[3] ?? 0) - (times[4] ?? 0) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** The load average of the last minute. */
export function loadAverage(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

/** Measures again when something went wrong, twice at most: a machine that stood still loses calls. Says so. */
export async function again<T>(measure: () => Promise<T>): Promise<T> {
  for (let left = 2; ; left -= 1) {
    try {
      return await measure();
    } catch (error) {
      if (left === 0) throw error;
      console.error(`measuring again: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
