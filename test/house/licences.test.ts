import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { read, readJson, root } from "./sources.ts";

const permissive = new Set([
  "MIT",
  "ISC",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "Unlicense",
  "CC0-1.0",
  "BlueOak-1.0.0",
]);

/** Packages on the way to users whose licence asks for more; each has its reason in docs/dependencies.md. */
const exceptions: Readonly<Record<string, string>> = { mediabunny: "MPL-2.0" };

interface Locked {
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
}
interface Manifest {
  readonly license?: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}

const { packages } = readJson("package-lock.json") as { packages: Record<string, Locked> };
const manifest = readJson("package.json") as Manifest;

/** Everything that `npm install repartee` brings along, with its licence. */
const shipped = Object.entries(packages)
  .filter(([path, { dev }]) => path !== "" && dev !== true)
  .map(([path, { license }]) => ({
    path,
    name: path.split("node_modules/").at(-1) ?? path,
    licence: license ?? ownLicence(path),
  }));

function ownLicence(path: string): string | undefined {
  const file = join(path, "package.json");
  return existsSync(join(root, file)) ? (readJson(file) as Manifest).license : undefined;
}

/** The rows of the tables of docs/dependencies.md, by package. */
const rows = new Map(
  read("docs/dependencies.md")
    .split("\n")
    .flatMap((line) => {
      const name = /^\|\s*`([^`]+)`/.exec(line)?.[1];
      return name === undefined ? [] : [[name, line] as const];
    }),
);

describe("the dependencies", () => {
  it("reach users only under permissive licences, or under a named exception", () => {
    expect(shipped.length).toBeGreaterThan(20);
    const others = shipped.filter(
      ({ name, licence }) => !permissive.has(licence ?? "") && exceptions[name] !== licence,
    );
    expect(others).toEqual([]);
  });

  it("keep no exception that is no longer needed", () => {
    const names = new Set(shipped.map(({ name }) => name));
    expect(Object.keys(exceptions).filter((name) => !names.has(name) || !rows.has(name))).toEqual([]);
  });

  it.each(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.devDependencies }))(
    "explain %s in docs/dependencies.md",
    (name) => {
      const cells = rows.get(name)?.split("|").slice(1, -1) ?? [];
      expect(cells.length).toBeGreaterThanOrEqual(4);
      expect(cells.map((cell) => cell.trim()).filter((cell) => cell === "")).toEqual([]);
      const licence = (readJson(`node_modules/${name}/package.json`) as Manifest).license;
      expect(cells.at(-1)).toContain(licence);
    },
  );

  it("are explained only while they are there", () => {
    const named = new Set([
      ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.devDependencies }),
      ...Object.keys(exceptions),
    ]);
    expect([...rows.keys()].filter((name) => !named.has(name))).toEqual([]);
  });

  it("name every voice, model and peer in NOTICE", () => {
    const notice = read("NOTICE");
    for (const name of ["Silero VAD", ...Object.keys(manifest.peerDependencies ?? {})]) expect(notice).toContain(name);
  });
});
