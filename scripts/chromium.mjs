/*
 * Where the browser for the end-to-end tests is, and how to get one. Plain JavaScript: it also runs on the system's Node.
 *
 *   node scripts/chromium.mjs     prints the path, installs a Chromium when there is none
 *
 * Looked for in this order: REPARTEE_CHROMIUM, names on PATH, the cache of Playwright. Then installed: Debian's package when
 * run as root, else Playwright's own build.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const insideCache = [
  "chrome-linux/chrome",
  "chrome-linux64/chrome",
  "chrome-mac/Chromium.app/Contents/MacOS/Chromium",
  "chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing",
  "chrome-win/chrome.exe",
  "chrome-win64/chrome.exe",
];

/** What to tell a person when there is no Chromium and none can be installed. */
export const cure =
  "Install Chromium (Debian: `apt-get install chromium`), or set REPARTEE_CHROMIUM to the path of one, or set REPARTEE_E2E=skip to go without the browser tests.";

const runnable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

function onPath() {
  const suffix = process.platform === "win32" ? ".exe" : "";
  for (const folder of (process.env.PATH ?? "").split(delimiter).filter(Boolean)) {
    const found = names.map((name) => join(folder, name + suffix)).find(runnable);
    if (found !== undefined) return found;
  }
  return undefined;
}

function inPlaywrightCache() {
  const caches = { darwin: "Library/Caches/ms-playwright", win32: "AppData/Local/ms-playwright" };
  const cache =
    process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), caches[process.platform] ?? ".cache/ms-playwright");
  if (!existsSync(cache)) return undefined;
  const builds = readdirSync(cache).filter((name) => /^chromium-\d+$/.test(name));
  builds.sort((a, b) => Number(b.slice(9)) - Number(a.slice(9))); // newest first
  return builds.flatMap((build) => insideCache.map((path) => join(cache, build, path))).find(runnable);
}

/** The path of an installed Chromium, or undefined. Throws when REPARTEE_CHROMIUM names something that cannot be run. */
export function findChromium() {
  const given = process.env.REPARTEE_CHROMIUM;
  if (given) {
    if (runnable(given)) return realpathSync(given);
    throw new Error(`REPARTEE_CHROMIUM must be the path of a browser, got ${given}: there is no program at that path.`);
  }
  return onPath() ?? inPlaywrightCache();
}

function run(command, ...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status } = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 600_000,
  });
  return status === 0;
}

/** As `findChromium`, but installs one when there is none. Undefined when that failed too. */
export function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    // A stale index of one source must not keep Chromium away: the install decides.
    run("apt-get", "update", "-qq");
    if (run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")) return findChromium();
  }
  const playwright = join(root, "node_modules", "playwright-core", "cli.js");
  if (existsSync(playwright)) run(process.execPath, playwright, "install", "chromium");
  return findChromium();
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const path = ensureChromium();
    if (path === undefined) throw new Error(`No Chromium was found and none could be installed. ${cure}`);
    console.log(path);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
