#!/usr/bin/env node
/*
 * `npx repartee …`. Each command lives in its own file and is loaded only when it is asked for.
 */
import { VoiceError } from "../base/errors.ts";

interface Command {
  readonly usage: string;
  readonly what: string;
  /** Runs with the arguments behind the name; answers the exit code. */
  run(args: readonly string[]): Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  dev: {
    usage: "dev FILE [--port N] [--host ADDRESS]",
    what: "serve the handler that FILE exports, with the page",
    run: async (args) => (await import("./dev.ts")).dev(args),
  },
  bench: {
    usage: "bench [--transport webrtc|websocket|telephone] [--sessions N] [--seconds S] URL",
    what: "put a server under load with real callers, and tell what they saw",
    run: async (args) => (await import("./bench.ts")).bench(args),
  },
  "realtime-server": {
    usage: "realtime-server [--port N] [--host ADDRESS] [--key KEY] [--origin ORIGIN]",
    what: "serve the OpenAI Realtime protocol without a key",
    run: async (args) => (await import("./realtime-server.ts")).realtimeServer(args),
  },
  call: {
    usage: "call [--in q.wav] [--text WORDS] [--out a.wav] URL",
    what: "call a server without a browser: a wav in, a wav out",
    run: async (args) => (await import("./call.ts")).call(args),
  },
};

function help(): string {
  const width = Math.max(...Object.values(commands).map(({ usage }) => usage.length));
  const lines = Object.values(commands).map(({ usage, what }) => `  repartee ${usage.padEnd(width)}  ${what}`);
  return ["Real-time voice agents.", "", ...lines, ""].join("\n");
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    console.log(help());
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    console.error(`There is no command ${name}.\n\n${help()}`);
    return 2;
  }
  return await command.run(args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof VoiceError) console.error(`${error.message}\n${error.cure}`);
  else console.error(error);
  process.exitCode = 1;
}
