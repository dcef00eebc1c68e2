import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readJson, root } from "./sources.ts";

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

const { exports } = readJson("package.json") as { exports: Record<string, unknown> };
const { packages } = readJson("package-lock.json") as { packages: Record<string, { dev?: boolean }> };

let packed: Packed;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "repartee-pack-"));
  const options = ["--json", "--ignore-scripts", "--pack-destination", folder];
  const output = execFileSync("npm", ["pack", ...options], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 64 << 20,
  });
  const [first] = JSON.parse(output) as Packed[];
  if (first === undefined) throw new Error(`npm pack must describe one package, got ${output.slice(0, 200)}`);
  packed = first;
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An empty project with the packed package and its runtime dependencies only. */
function install(): string {
  const project = join(folder, "project");
  const own = join(project, "node_modules", "repartee");
  mkdirSync(own, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, packed.filename), "-C", own, "--strip-components=1"]);
  for (const [path, { dev }] of Object.entries(packages)) {
    if (dev === true || !/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path)) continue;
    mkdirSync(dirname(join(project, path)), { recursive: true });
    symlinkSync(join(root, path), join(project, path), "junction");
  }
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  return project;
}

describe("the packed package", () => {
  it("contains what runs, and the weights", () => {
    const paths = packed.files.map(({ path }) => path);
    for (const path of [
      "dist/index.js",
      "dist/index.d.ts",
      "dist/cli/main.js",
      "dist/silero-v6-16k.bin",
      "dist/silero-v6-8k.bin",
    ])
      expect(paths).toContain(path);
    for (const path of ["LICENSE", "NOTICE", "README.md", "CHANGELOG.md"]) expect(paths).toContain(path);
  });

  it("contains no tests, no notes of the compiler, nothing of the workshop", () => {
    const strays = packed.files
      .map(({ path }) => path)
      .filter((path) => /\.test\.|tsbuildinfo|\/\.|^(test|scripts|bench|e2e|apps|examples|docs)\//.test(path));
    expect(strays).toEqual([]);
  });

  it("contains a source for every built file, so that maps and stack traces lead somewhere", () => {
    const paths = new Set(packed.files.map(({ path }) => path));
    const built = [...paths].filter((path) => /^dist\/(?!ui\/|browser\/).*\.js$/.test(path));
    expect(built.length).toBeGreaterThan(20);
    const source = (path: string): string => path.replace(/^dist\//, "src/").replace(/\.js$/, "");
    expect(built.filter((path) => !paths.has(`${source(path)}.ts`) && !paths.has(`${source(path)}.tsx`))).toEqual([]);
  });

  it("stays small: under 4 MB to fetch and 12 MB on disk", () => {
    expect(packed.size).toBeGreaterThan(1_000_000); // the weights alone
    expect(packed.size).toBeLessThan(4_000_000);
    expect(packed.unpackedSize).toBeLessThan(12_000_000);
  });

  it("can be imported by every subpath in an empty project, without optional peers", () => {
    const project = install();
    const names = Object.keys(exports).filter((name) => name !== "./package.json" && name !== "./client");
    const program = names.map((name) => `await import(${JSON.stringify(`repartee${name.slice(1)}`)});`).join("\n");
    writeFileSync(join(project, "all.mjs"), `${program}\nconsole.log("imported ${names.length}");\n`);
    expect(execFileSync(process.execPath, ["all.mjs"], { cwd: project, encoding: "utf8" })).toBe(
      `imported ${names.length}\n`,
    );
  }, 60_000);

  it("brings a command that says what it can do", () => {
    const project = join(folder, "project");
    const output = execFileSync(process.execPath, ["node_modules/repartee/dist/cli/main.js", "--help"], {
      cwd: project,
      encoding: "utf8",
    });
    expect(output).toMatch(/^ +repartee dev /m);
  });
});
