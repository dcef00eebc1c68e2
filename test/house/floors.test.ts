import { describe, expect, it } from "vitest";
import { files, type Import, importsOf, librarySources } from "./sources.ts";

/** Folder of `src` and its floor. Imports go down only; folders of one floor never meet. */
const floors: Readonly<Record<string, number>> = {
  base: 0,
  audio: 1,
  video: 1,
  vad: 2,
  turn: 2,
  protocol: 2,
  session: 3,
  realtime: 3,
  agents: 4,
  node: 5,
  config: 5,
  transports: 6,
  engines: 6,
  providers: 6,
  stores: 6,
  cluster: 6,
  integrations: 6,
  server: 7,
  "realtime-server": 7,
  local: 7,
  cli: 8,
};

/** Beside the house: what each folder may reach. */
const beside: Readonly<Record<string, (folder: string) => boolean>> = {
  client: (folder) => ["base", "audio", "video", "protocol"].includes(folder),
  react: (folder) => folder === "client",
  element: (folder) => folder === "client",
  testing: (folder) => (floors[folder] ?? 99) <= 7,
};

const folderOf = (path: string): string => (path.split("/").length > 2 ? (path.split("/")[1] ?? "") : "");

/** On floor 6 each implementation is a room of its own: `transports/webrtc`. */
const roomOf = (path: string): string =>
  floors[folderOf(path)] === 6 ? path.split("/").slice(1, 3).join("/").replace(/\.ts$/, "") : folderOf(path);

/** Why this import is not allowed, or undefined. */
export function faultOf({ from, to, specifier }: Import): string | undefined {
  const folder = folderOf(from);
  if (to === undefined) {
    const pure = (floors[folder] ?? 99) <= 4 || folder === "client";
    return pure ? `floors 0 to 4 and the client have no dependencies, not even Node: ${specifier}` : undefined;
  }
  if (!/\.(ts|tsx|css|bin|wasm|json)$/.test(specifier)) return `a relative import ends in .ts: ${specifier}`;
  if (!to.startsWith("src/")) return to.endsWith("package.json") ? undefined : `leaves src: ${specifier}`;
  const target = folderOf(to);
  if (target === "")
    return folder === "" ? undefined : `the public entries are for users, not for ${folder}: ${specifier}`;
  if (folder === "") return (floors[target] ?? 99) <= 7 ? undefined : `an entry may not reach ${target}`;
  if (target === folder)
    return roomOf(from) === roomOf(to)
      ? undefined
      : `${roomOf(from)} and ${roomOf(to)} are two rooms: what both need moves down`;
  const allowed = beside[folder];
  if (allowed !== undefined) return allowed(target) ? undefined : `${folder} may not reach ${target}`;
  const own = floors[folder];
  const other = floors[target];
  if (own === undefined) return `${folder} has no floor: add it to the table of the design`;
  // The commands that place calls are callers themselves.
  if (folder === "cli" && target === "testing") return undefined;
  if (other === undefined) return `${folder} may not reach ${target}, which stands beside the house`;
  if (other === own) return `${folder} and ${target} are on the same floor and never meet`;
  return other < own ? undefined : `${target} (floor ${other}) is above ${folder} (floor ${own})`;
}

describe("the floors", () => {
  it("lets imports go down only", () => {
    const sources = librarySources();
    expect(sources.length).toBeGreaterThan(20);
    const faults = sources
      .flatMap((path) => importsOf(path))
      .flatMap((one) => faultOf(one)?.concat(` (${one.from})`) ?? []);
    expect(faults).toEqual([]);
  });

  it.each([
    ["src/base/time.ts", "../audio/frame.ts", /above base/],
    ["src/audio/frame.ts", "../video/frame.ts", /same floor/],
    ["src/session/session.ts", "node:timers", /no dependencies/],
    ["src/client/client.ts", "ws", /no dependencies/],
    ["src/client/client.ts", "../session/types.ts", /may not reach session/],
    ["src/transports/webrtc/index.ts", "../websocket/codecs.ts", /two rooms/],
    ["src/transports/webrtc/index.ts", "../../providers/silero/index.ts", /same floor/],
    ["src/server/stream.ts", "../cli/main.ts", /above server/],
    ["src/server/stream.ts", "../client/client.ts", /beside the house/],
    ["src/agents/agent.ts", "../index.ts", /public entries/],
    ["src/agents/agent.ts", "./tool.js", /ends in \.ts/],
    ["src/index.ts", "./cli/main.ts", /may not reach cli/],
    ["src/misc/thing.ts", "../base/time.ts", /no floor/],
  ])("refuses %s importing %s", (from, specifier, why) => {
    const [found] = importsOf(from, `import { x } from "${specifier}";`);
    expect(found).toBeDefined();
    expect(found && faultOf(found)).toMatch(why);
  });

  it.each([
    ["src/session/session.ts", "../base/time.ts"],
    ["src/transports/webrtc/index.ts", "./media/mux.ts"],
    ["src/transports/webrtc/peer.ts", "werift"],
    ["src/testing/call.ts", "../server/stream.ts"],
    ["src/index.ts", "./server/stream.ts"],
    ["src/react/provider.tsx", "../client/client.ts"],
  ])("allows %s importing %s", (from, specifier) => {
    const [found] = importsOf(from, `import type { x } from "${specifier}";`);
    expect(found && faultOf(found)).toBeUndefined();
  });

  it("shows users only the public subpaths: the demo's server and the examples import nothing else of ours", () => {
    const programs = files().filter(
      (path) => /^(examples|apps\/demo\/server)\/.*\.ts$/.test(path) && !path.endsWith(".test.ts"),
    );
    expect(programs.length).toBeGreaterThan(0);
    // Besides, a second copy of a class, from `src` beside the one in `dist`, is another class.
    const inside = programs
      .flatMap((path) => importsOf(path))
      .filter(({ to }) => to !== undefined && /^(src|dist)\//.test(to));
    expect(inside.map(({ from, specifier }) => `${from}: ${specifier}`)).toEqual([]);
  });

  it("sees every way to import", () => {
    const text = `
      import { a } from "./a.ts";
      import type { B } from "./b.ts";
      import {
        c,
      } from "./c.ts";
      export { d } from "./d.ts";
      import "./e.ts";
      const f = await import("./f.ts");
      new Worker(new URL("./g.ts", import.meta.url));
      /** import { no } from "./comment.ts"; */
      // import "./remark.ts"
    `;
    const found = importsOf("src/x/y.ts", text).map(({ specifier }) => specifier);
    expect(found.sort()).toEqual(["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts", "./g.ts"]);
  });
});
