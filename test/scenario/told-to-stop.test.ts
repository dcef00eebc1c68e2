/* A program that serves a stream, as its supervisor and the person at the keyboard see it. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";

const program = `
  import { serveUntilStopped } from ${JSON.stringify(new URL("../../src/server/serve.ts", import.meta.url).href)};
  import { Stream } from ${JSON.stringify(new URL("../../src/server/stream.ts", import.meta.url).href)};
  const stream = new Stream(() => Promise.resolve(), { detector: () => ({ rate: 16000, window: 512, push: () => 0, reset() {} }) });
  const slow = process.env.SLOW === "1" ? () => new Promise(() => setInterval(() => {}, 1000)) : undefined;
  try {
    process.exitCode = await serveUntilStopped(stream, slow === undefined ? {} : { onClose: slow });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
`;

const children: ReturnType<typeof spawn>[] = [];
afterEach(() => children.splice(0).forEach((child) => child.exitCode ?? child.kill("SIGKILL")));

/** Runs the program; `onText` is told of everything it has said so far. */
function run(
  env: Readonly<Record<string, string>>,
  onText: (text: string, kill: (signal: NodeJS.Signals) => void) => void,
) {
  const args = ["--unhandled-rejections=strict", "--input-type=module", "-e", program];
  const child = spawn(process.execPath, args, { env: { ...process.env, PORT: "0", ...env }, stdio: "pipe" });
  children.push(child);
  let text = "";
  const read = (data: Buffer): void => {
    text += data.toString();
    onText(text, (signal) => void child.kill(signal));
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  return new Promise<{ text: string; code: number | null; signal: string | null }>((resolve) => {
    child.on("close", (code, signal) => resolve({ text, code, signal }));
  });
}

describe("a program that serves", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("ends politely at a %s that comes with its first line", async (signal) => {
    let sent = false;
    const ended = await run({}, (text, kill) => {
      if (!sent && text.includes("is ready at http://127.0.0.1:")) kill(signal);
      sent ||= text.includes("is ready");
    });
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.text).toContain("Hanging up. Press Ctrl-C again to end at once.");
  });

  it("ends at once when it is told twice", async () => {
    let told = 0;
    const ended = await run({ SLOW: "1" }, (text, kill) => {
      if (told === 0 && text.includes("is ready")) told = (kill("SIGINT"), 1);
      if (told === 1 && text.includes("Hanging up")) told = (kill("SIGINT"), 2);
    });
    expect(ended).toMatchObject({ code: 130, signal: null });
  });

  it("says that its port is taken, and ends", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const ended = await run({ PORT: String(port) }, () => {});
    other.close();
    expect(ended).toMatchObject({ code: 1, signal: null });
    expect(ended.text).toContain(`port ${port} on 127.0.0.1 is taken: set PORT to another one`);
    expect(ended.text).not.toContain("    at ");
  });
});
