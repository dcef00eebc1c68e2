/*
 * A server in a process of its own, as `npm start` runs it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export interface Started {
  readonly url: string;
  readonly process: ChildProcess;
  /** Everything it has printed. */
  output(): string;
  /** Ends it as Ctrl-C does; answers the exit code. */
  stop(): Promise<number | null>;
}

/** Longest time until the start line, ms: a cold start loads the recogniser and the voice. */
const START = 30_000;

/** Starts a program that prints where it serves; `args` as for node. */
export async function startServer(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const child = spawn(process.execPath, [...args], {
    env: { ...process.env, PORT: "0", HOST: "127.0.0.1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no start line within ${START} ms:\n${output}`)), START);
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const match = /http:\/\/[\d.a-z]+:\d+/.exec(output);
      if (match === null) return;
      clearTimeout(late);
      resolve(match[0]);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
  });
  let asked = false;
  child.once("exit", (code, signal) => {
    if (!asked) process.stderr.write(`the server at ${url} ended by itself with ${code ?? signal}:\n${output}\n`);
  });
  return {
    url,
    process: child,
    output: () => output,
    stop: async () => {
      if (child.exitCode !== null) return child.exitCode;
      asked = true;
      const exit = once(child, "exit");
      child.kill("SIGINT");
      await exit;
      return child.exitCode;
    },
  };
}

/** The demo of this repository, without key and network. */
export function startDemo(env: Readonly<Record<string, string>> = {}): Promise<Started> {
  return startServer(["apps/demo/server/main.ts"], env);
}
