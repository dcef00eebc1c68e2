/*
 * The demo as a server under test: what `npm start` runs, and figures of this process for its parent.
 */
import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Stream } from "repartee/server";
import { openDemo } from "../../apps/demo/server/demo.ts";
import { silentLog } from "../../src/base/log.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { answer } from "./child.ts";

export interface TeamFigures {
  readonly rssMb: number;
  /** Live after a collection: the heap and what lies outside of it. */
  readonly heapMb: number;
  /** Open file descriptors: sockets above all. */
  readonly files: number;
  /** What keeps the process alive, by kind. */
  readonly resources: Readonly<Record<string, number>>;
  readonly sessions: number;
}

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
const { handler, detector, page, warmUp } = await openDemo();
await warmUp();
const stream = new Stream(handler, { detector, page, platform: nodePlatform({ log: silentLog }) });
const { url } = await stream.launch({ port: 0, host: "127.0.0.1" });

answer({
  url: () => url,
  /** CPU time of this process with all its threads, ms. */
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  figures: (): TeamFigures => {
    collect();
    collect();
    const { heapUsed, external, rss } = process.memoryUsage();
    const resources: Record<string, number> = {};
    for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
    return {
      rssMb: rss / 1e6,
      heapMb: (heapUsed + external) / 1e6,
      files: readdirSync("/proc/self/fd").length,
      resources,
      sessions: stream.sessions.size,
    };
  },
});
