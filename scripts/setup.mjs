/*
 * Makes a checkout ready: installs when the lock file asks for something else than node_modules holds, and builds what is
 * older than its sources. Runs before `npm start` and `npm test`, on whatever Node the machine has (18 or newer), so it is
 * plain JavaScript without dependencies. With nothing to do it only compares: well under 0.3 s.
 *
 *   node scripts/setup.mjs           install, build
 *   node scripts/setup.mjs --test    install, and see that there is a Chromium; the build is the first step of the tests
 *
 * "Changed" is told by content of the lock file and by path, size and time of every source, not by comparing two times:
 * so a deleted source and an older file brought back by git are noticed too.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const bin = at("node_modules", ".bin");
const windows = process.platform === "win32";
const stampFile = at("dist", ".setup.json");

/** What is built, in order. `from`: files and folders it is made of. `makes`: what must exist afterwards. */
const builds = [
  {
    name: "library",
    from: [
      "src",
      "tsconfig.base.json",
      "tsconfig.pure.json",
      "tsconfig.core.json",
      "tsconfig.node.json",
      "tsconfig.browser.json",
      "package-lock.json",
    ],
    makes: "dist/index.js",
    run() {
      dropOrphans(at("dist"));
      // The compiler trusts its own notes: when its output was deleted under it, it has to be told.
      const force = existsSync(at("dist", "index.js")) ? [] : ["--force"];
      return tool("typescript/bin/tsc", "-b", "tsconfig.node.json", "tsconfig.browser.json", ...force);
    },
    cure: "Correct the type errors above; `npm run types` repeats the check.",
  },
  {
    name: "voice detector weights",
    from: ["scripts/silero.mjs", "package-lock.json"],
    makes: "dist/silero-v6-16k.bin",
    run: () => node("scripts/silero.mjs"),
    cure: "Run `npm ci`: the weights come from a development dependency.",
  },
  {
    name: "browser bundles",
    from: [
      "scripts/browser.mjs",
      "src/client",
      "src/base",
      "src/audio",
      "src/video",
      "src/protocol",
      "package-lock.json",
    ],
    run: () => node("scripts/browser.mjs"),
    cure: "Correct the errors above; `node scripts/browser.mjs` repeats the step.",
  },
  {
    name: "page",
    needs: "apps/demo/web/index.html",
    from: [
      "apps/demo/web",
      "src/client",
      "src/react",
      "src/base",
      "src/audio",
      "src/video",
      "src/protocol",
      "package-lock.json",
    ],
    makes: "dist/ui/index.html",
    run: () =>
      tool(
        "vite/bin/vite.js",
        "build",
        "apps/demo/web",
        "--outDir",
        at("dist", "ui"),
        "--emptyOutDir",
        "--logLevel",
        "warn",
      ),
    cure: "Correct the errors above; `npm run build` repeats the step.",
  },
];

/** Stops with what went wrong and what to do about it. */
function fail(what, cure) {
  console.error(`\nsetup: ${what}\n       ${cure}`);
  process.exit(1);
}

function step(name, task) {
  const from = Date.now();
  console.log(`setup: ${name} ...`);
  const done = task();
  console.log(`setup: ${name} ${done ? "done" : "FAILED"} in ${((Date.now() - from) / 1000).toFixed(1)} s`);
  return done;
}

function run(command, ...args) {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: ["ignore", "inherit", "inherit"],
    shell: windows,
  });
  if (error) console.error(`setup: ${command} could not be started: ${error.message}`);
  return status === 0;
}

/** Runs a script on the Node of the repository when it is there, else on this one. */
function node(...args) {
  return run(ownNodeVersion() ? ownNode() : process.execPath, ...args);
}

const tool = (path, ...args) => node(at("node_modules", ...path.split("/")), ...args);

const ownNode = () => at("node_modules", "node", "bin", windows ? "node.exe" : "node");

function ownNodeVersion() {
  if (!existsSync(ownNode())) return undefined;
  const { status, stdout } = spawnSync(ownNode(), ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim().slice(1) : undefined;
}

/** Whether node_modules holds exactly what the lock file says; packages for other systems may be missing. */
function installed() {
  const hidden = at("node_modules", ".package-lock.json");
  if (!existsSync(hidden)) return false;
  const wanted = JSON.parse(readFileSync(at("package-lock.json"), "utf8")).packages;
  const present = JSON.parse(readFileSync(hidden, "utf8")).packages;
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (path === "" || link) return true;
    return present[path] ? present[path].version === version : optional === true;
  });
}

function install() {
  const [major] = process.versions.node.split(".");
  if (Number(major) < 18)
    fail(
      `Node ${process.version} is too old to set up.`,
      "Install Node 22.13 or newer (18 is enough for the set-up itself).",
    );
  if (!existsSync(at("package-lock.json")))
    fail("package-lock.json is missing.", "Restore it from the repository: `git checkout package-lock.json`.");
  if (
    !installed() &&
    !step("install packages (a minute or two the first time)", () =>
      run("npm", "ci", "--no-progress", "--loglevel=error"),
    )
  )
    fail(
      "the packages could not be installed.",
      "npm said why above. Most often it cannot reach its registry: see `npm ping`, then run the same command again.",
    );
  if (existsSync(ownNode())) return;
  // Scripts of packages may be blocked (`ignore-scripts`, a policy). The binary is then asked for explicitly.
  const got = step(
    "place the repository's own Node",
    () => run("npm", "rebuild", "node", "--ignore-scripts=false", "--loglevel=error") && existsSync(ownNode()),
  );
  if (got) return;
  const [, minor] = process.versions.node.split(".");
  if (Number(major) > 22 || (Number(major) === 22 && Number(minor) >= 13))
    return console.log(`setup: going on with the system's Node ${process.version}`);
  fail(
    `the system's Node is ${process.version}, and the repository's own Node 24 could not be placed.`,
    "Allow the install script of the package `node` (`npm rebuild node`), or install Node 22.13 or newer and run the same command again.",
  );
}

/** A short name for the present state of files and folders. Tests are left out: they are not built. */
function fingerprint(paths) {
  const hash = createHash("sha256");
  const visit = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name));
    else if (path.endsWith("package-lock.json")) hash.update(readFileSync(path));
    else if (!/\.test\.tsx?$/.test(path)) hash.update(`${relative(root, path)} ${stat.size} ${stat.mtimeMs}\n`);
  };
  for (const path of paths) visit(at(path));
  return hash.digest("base64url");
}

/** Builds whatever is stale, goes on after a failure, and tells all failures at the end. */
function build() {
  const stamps = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, "utf8")) : {};
  const failures = [];
  for (const { name, needs, from, makes, run: make, cure } of builds) {
    if (!existsSync(at(needs ?? from[0]))) continue;
    const now = fingerprint(from);
    const made = () => makes === undefined || existsSync(at(makes));
    if (stamps[name] === now && made()) continue;
    if (step(`build ${name}`, make) && made()) {
      stamps[name] = now;
      mkdirSync(dirname(stampFile), { recursive: true });
      writeFileSync(stampFile, JSON.stringify(stamps, null, 2));
    } else failures.push(`${name}: ${cure}`);
  }
  if (failures.length > 0) fail("not everything could be built.", failures.join("\n       "));
}

/** Removes what the compiler wrote for sources that are gone, so that it is neither imported nor published. */
function dropOrphans(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const source = at("src", relative(at("dist"), path));
    if (entry.isDirectory()) {
      if (!entry.name.startsWith(".") && path !== at("dist", "ui") && path !== at("dist", "browser")) dropOrphans(path);
    } else if (/\.(js|d\.ts)(\.map)?$/.test(entry.name)) {
      const stem = source.replace(/\.(js|d\.ts)(\.map)?$/, "");
      if (!existsSync(`${stem}.ts`) && !existsSync(`${stem}.tsx`)) rmSync(path);
    }
  }
}

install();
if (!process.argv.includes("--test")) build();
else if (process.env.REPARTEE_E2E !== "skip") await prepareBrowser();

/** A missing browser stops nothing here: the step e2e of the test run fails and says how to get one. */
async function prepareBrowser() {
  const { ensureChromium, findChromium } = await import("./chromium.mjs");
  try {
    if (findChromium() === undefined) step("install a Chromium", () => ensureChromium() !== undefined);
  } catch (error) {
    console.error(`setup: ${error.message}`);
  }
}
