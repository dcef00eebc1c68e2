/* Lines S of docs/acceptance.md that no other test proves: bounds, floods, the end of the process, what is installed. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { monoFrame } from "../../src/audio/frame.ts";
import { createClock } from "../../src/node/clock.ts";
import type { Handler } from "../../src/session/types.ts";
import { webrtcCaller } from "../../src/testing/caller.ts";
import { SocketCaller } from "../../src/testing/socket-caller.ts";
import { tone } from "../fixtures/lines.ts";
import { serveStream, type StreamServer, until, wait } from "../fixtures/stream-server.ts";
import { librarySources, read, readJson, root } from "../house/sources.ts";

let server: StreamServer | undefined;
let child: ChildProcess | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
  child?.kill("SIGKILL");
  child = undefined;
});

const ws = (base: string): string => `${base.replace("http", "ws")}/websocket/offer`;
const post = (url: string, body: string): Promise<Response> =>
  fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });

describe("bounds", () => {
  it("S2 a body may have 256 KiB, whether its length is said or not", async () => {
    server = await serveStream(wait);
    const url = `${server.base}/input_hook`;
    const large = JSON.stringify({ webrtc_id: "a", text: "x".repeat(256 * 1024) });
    expect((await post(url, large)).status).toBe(413);
    expect((await post(url, JSON.stringify({ webrtc_id: "a", text: "x".repeat(250 * 1024) }))).status).toBe(404);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request(
        url,
        { method: "POST", headers: { "content-type": "application/json", "transfer-encoding": "chunked" } },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      );
      asked.on("error", reject);
      for (let i = 0; i < 40; i++) asked.write("x".repeat(10_000));
      asked.end();
    });
    expect(status).toBe(413);
  });

  it("S2 an SDP, a list of candidates, an id, early posts and messages have bounds of their own", async () => {
    server = await serveStream(wait);
    const offer = `${server.base}/webrtc/offer`;
    const sdp = `v=0\r\n${"a=x\r\n".repeat(20_000)}`;
    expect((await post(offer, JSON.stringify({ v: 1, type: "offer", webrtc_id: "a", sdp }))).status).toBe(413);
    const candidates = Array.from({ length: 65 }, (_, i) => ({
      candidate: `candidate:${i} 1 udp 1 192.0.2.1 4000 typ host`,
      sdpMid: "0",
    }));
    expect((await post(offer, JSON.stringify({ v: 1, type: "ice-candidate", webrtc_id: "a", candidates }))).ok).toBe(
      false,
    );
    const long = await post(offer, JSON.stringify({ type: "offer", webrtc_id: "x".repeat(10_000), sdp: "v=0" }));
    expect(long.ok).toBe(false);
    const caller = await new SocketCaller(ws(server.base)).start();
    caller.socket.send("x".repeat(70_000));
    expect((await caller.closed).code).toBe(1009);
  });

  it("S2 a socket that sends nothing, half a request or headers for ever does not stay", async () => {
    server = await serveStream(wait, { websocket: { startMs: 200 } });
    const idle = await new SocketCaller(ws(server.base)).open();
    expect((await idle.closed).code).toBe(1008);
    const { hostname, port } = new URL(server.base);
    const socket = connect(Number(port), hostname);
    socket.write(`GET /health HTTP/1.1\r\n${"x-filler: y\r\n".repeat(5_000)}`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 431 /);
    socket.destroy();
  });

  it("S2 flooding one session does not slow another", async () => {
    const clock = createClock();
    const echo: Handler = async (session) => {
      if (session.call.parameters["role"] === "victim") session.send(monoFrame(tone(4_000, 24_000), 24_000));
      await until(session);
    };
    server = await serveStream(echo);
    const victim = await new SocketCaller(ws(server.base), {
      start: { metadata: { role: "victim" } },
      prebufferMs: 100,
    }).start();
    const attackers = await Promise.all(
      Array.from({ length: 4 }, () => new SocketCaller(ws(server?.base ?? "")).start()),
    );
    await expect.poll(() => victim.audio.length).toBeGreaterThan(0);
    const end = clock.now() + 2_000;
    const noise = JSON.stringify({ type: "text", data: { text: "y".repeat(500) } });
    const broken = "{".repeat(200);
    let sent = 0;
    const out = new Set<SocketCaller>();
    for (const attacker of attackers) void attacker.closed.then(() => out.add(attacker));
    while (clock.now() < end) {
      for (const attacker of attackers.filter((one) => !out.has(one))) {
        for (let i = 0; i < 20; i++) attacker.socket.send(i % 2 === 0 ? noise : broken);
        sent += 20;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(sent).toBeGreaterThan(100);
    // Those who send nonsense are put out, and the loudspeaker of the other has never run dry.
    await expect.poll(() => out.size, { timeout: 5_000 }).toBe(4);
    expect(victim.speaker.stretches).toBe(1);
    expect(server.sessions.filter(({ state }) => state === "live")).toHaveLength(1);
    await victim.stop();
  });
});

describe("the end of the process", () => {
  it(
    "S3 on SIGTERM new calls are refused, the one that runs is told, and the exit code is 0",
    { timeout: 40_000 },
    async () => {
      child = spawn(process.execPath, ["dist/cli/main.js", "dev", "examples/echo.ts"], {
        cwd: root,
        env: { ...process.env, PORT: "0", HOST: "127.0.0.1" },
        stdio: ["ignore", "pipe", "ignore"],
      });
      let output = "";
      child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
      await expect.poll(() => /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0], { timeout: 20_000 }).toBeDefined();
      const base = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? "";
      const caller = await webrtcCaller(`${base}/`);
      const page = await new SocketCaller(ws(base)).start();
      // One that does not answer the goodbye holds the end up for a moment.
      const deaf = await new SocketCaller(ws(base)).start();
      deaf.socket.pause();
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await page.event("end_stream");
      await expect(webrtcCaller(`${base}/`)).rejects.toMatchObject({ code: "draining" });
      // Also over a connection that was not there before.
      const status = await new Promise<number | undefined>((resolve, reject) => {
        request(`${base}/health`, { agent: false }, (answer) => resolve(answer.resume().statusCode))
          .on("error", reject)
          .end();
      });
      expect(status).toBe(503);
      await Promise.all([caller.ended, page.closed]);
      expect(caller.events.at(-1)).toMatchObject({ type: "end_stream", data: { reason: "shutdown" } });
      expect(page.events.find(({ name }) => name === "end_stream")?.json).toMatchObject({
        data: { reason: "shutdown" },
      });
      expect((await page.closed).code).toBe(1001);
      expect(await exit).toEqual([0, null]);
    },
  );
});

describe("what npm installs", () => {
  interface Locked {
    readonly dev?: boolean;
    readonly peer?: boolean;
    readonly optional?: boolean;
    readonly hasInstallScript?: boolean;
    readonly os?: readonly string[];
  }
  const { packages } = readJson("package-lock.json") as { packages: Readonly<Record<string, Locked>> };
  const manifest = readJson("package.json") as {
    readonly scripts: Readonly<Record<string, string>>;
    readonly dependencies: Readonly<Record<string, string>>;
    readonly optionalDependencies?: unknown;
    readonly peerDependencies: Readonly<Record<string, string>>;
    readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
  };

  it("S5 needs no compiler and downloads nothing after the install: no package that users get has an install script or a binary of its own", () => {
    const installed = Object.entries(packages).filter(
      ([path, { dev, peer }]) => path.startsWith("node_modules/") && dev !== true && peer !== true,
    );
    expect(installed.length).toBeGreaterThanOrEqual(Object.keys(manifest.dependencies).length);
    const offending = installed.filter(([, { hasInstallScript, os }]) => hasInstallScript === true || os !== undefined);
    expect(offending.map(([path]) => path)).toEqual([]);
    for (const script of ["preinstall", "install", "postinstall"]) expect(manifest.scripts).not.toHaveProperty(script);
    expect(manifest.optionalDependencies).toBeUndefined();
    for (const name of Object.keys(manifest.peerDependencies))
      expect(manifest.peerDependenciesMeta[name]?.optional).toBe(true);
  });

  it("S5 the package itself holds nothing to compile, and runs no program of the system", () => {
    const listed = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      maxBuffer: 64 << 20,
    });
    const [packed] = JSON.parse(listed) as { readonly files: readonly { readonly path: string }[] }[];
    const paths = packed?.files.map(({ path }) => path) ?? [];
    expect(paths.length).toBeGreaterThan(100);
    expect(paths.filter((path) => /\.(node|c|cc|cpp|gyp|gypi|so|dylib|dll|py|sh)$/.test(path))).toEqual([]);
    expect(librarySources().filter((path) => /child_process|ffmpeg/.test(read(path)))).toEqual([]);
  });
});
