/*
 * What `npm test` runs: every check of the repository, one after the other, all of them even when one fails. The last line
 * counts the tests of all runners: `tests: N passed, N failed, N skipped`. Ends non-zero when any step failed.
 *
 *   npm test                      everything
 *   npm test -- lint unit         only these steps
 *   npm run check                 everything but the browser
 *   REPARTEE_E2E=skip npm test    without the browser tests, said loudly
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cure, findChromium } from "./chromium.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const minutes = 60_000;

const steps = [
  { name: "build", run: () => node("scripts/setup.mjs") },
  { name: "types", run: () => tool("typescript/bin/tsc", "-b") },
  { name: "lint", run: () => tool("oxlint/bin/oxlint", "--type-aware") },
  { name: "format", run: () => tool("oxfmt/bin/oxfmt", "--check") },
  { name: "unit", run: () => vitest("unit") },
  { name: "sockets", run: () => vitest("sockets") },
  { name: "e2e", run: browserTests },
  { name: "docs", run: () => node("scripts/docs.mjs", "--check"), needs: "scripts/docs.mjs" },
  { name: "package", run: () => tool("publint/src/cli.js", "--strict") },
  { name: "unused", run: () => tool("knip/bin/knip.js", "--no-progress", "--no-config-hints") },
];

const count = { passed: 0, failed: 0, skipped: 0 };

function run(command, ...args) {
  const path = `${at("node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`;
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, PATH: path },
    stdio: ["ignore", "inherit", "inherit"],
    timeout: 25 * minutes, // a hang is a failure, not a reason to wait for the CI's own limit
  });
  if (error || signal) console.error(`${command} ${args.join(" ")}: ${error?.message ?? `ended by ${signal}`}`);
  return status === 0;
}

// The Node of the repository, also when this script was started by an older one.
const ownNode = at("node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
const node = (...args) => run(existsSync(ownNode) ? ownNode : process.execPath, ...args);
const tool = (path, ...args) => node(at("node_modules", ...path.split("/")), ...args);

function vitest(project) {
  const report = at(".cache", "tests", `${project}.json`);
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true }); // an old report must not stand in for a runner that crashed
  const ok = tool(
    "vitest/vitest.mjs",
    "run",
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  );
  const failed = addReport(report);
  // Unhandled errors and crashes fail the run without failing a test: they count as one.
  if (!ok && failed === 0) count.failed += 1;
  return ok && failed === 0;
}

/** Adds one runner's figures to the count and returns how many failed. A file that does not load is one failed test. */
function addReport(path) {
  if (!existsSync(path)) return 0;
  const { testResults, numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(path, "utf8"),
  );
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  ).length;
  count.passed += numPassedTests;
  count.failed += numFailedTests + broken;
  count.skipped += numPendingTests + numTodoTests;
  return numFailedTests + broken;
}

function browserTests() {
  if (process.env.REPARTEE_E2E === "skip") {
    console.warn("\n!!! REPARTEE_E2E=skip: the browser tests were NOT run. !!!\n");
    return true;
  }
  try {
    if (findChromium() !== undefined) return vitest("e2e");
    console.error(`No Chromium was found. ${cure}`);
  } catch (error) {
    console.error(error.message);
  }
  count.failed += 1;
  return false;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`steps must be among ${steps.map(({ name }) => name).join(", ")}, got ${unknown.join(", ")}`);
  process.exit(2);
}

const results = [];
for (const { name, run: task, needs } of steps) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  if (needs !== undefined && !existsSync(at(needs))) continue;
  console.log(`\n--- ${name}`);
  const from = performance.now();
  const ok = task();
  results.push({ name, ok, seconds: (performance.now() - from) / 1000 });
  console.log(`--- ${name} ${ok ? "passed" : "FAILED"} in ${results.at(-1).seconds.toFixed(1)} s`);
}

const failed = results.filter(({ ok }) => !ok);
console.log(
  `\n${results.map(({ name, ok, seconds }) => `${ok ? "  ok  " : "FAILED"} ${name.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s`).join("\n")}`,
);
for (const { name } of failed) console.log(`to repeat ${name} alone: npm test -- ${name}`);
process.exitCode = failed.length > 0 || count.failed > 0 ? 1 : 0;
console.log(`tests: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
