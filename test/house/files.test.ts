import { describe, expect, it } from "vitest";
import { files, read, readJson } from "./sources.ts";

const isText = (path: string): boolean => !/\.(png|jpe?g|gif|ico|wav|bin|wasm|woff2?|onnx|gz)$/.test(path);
const isCode = (path: string): boolean => /\.(ts|tsx|mts|mjs|js|css)$/.test(path);

/** What ties the repository to one machine or one network. */
const machineBound: readonly (readonly [string, RegExp])[] = [
  ["a path of somebody's machine", /(?<![\w.~:])\/(?:work|root|home|Users)\/(?!\.\.\.)[\w.-]+/],
  ["a path of somebody's machine", /\b[A-Z]:\\Users\\/],
  ["a package registry's address", /https?:\/\/[\w.-]*(?:registry|npmjs|yarnpkg|pypi|artifactory|nexus|jfrog)[\w.-]*/],
];

/** How many places of a text tie it to a machine. */
const machineBoundIn = (text: string): readonly string[] =>
  machineBound.flatMap(([what, pattern]) => {
    const found = pattern.exec(text);
    return found ? [`${what}: ${found[0]}`] : [];
  });

describe("the files of the repository", () => {
  it.each([
    ["source", 500, (path: string): boolean => !/\.test\.tsx?$/.test(path)],
    ["test", 800, (path: string): boolean => /\.test\.tsx?$/.test(path)],
  ] as const)("keeps every %s at %i lines or fewer", (_kind, most, isKind) => {
    const long = files()
      .filter((path) => isCode(path) && isKind(path))
      .map((path) => ({ path, lines: read(path).trimEnd().split("\n").length }))
      .filter(({ lines }) => lines > most);
    expect(long).toEqual([]);
  });

  it("names no machine and no registry", () => {
    const found = files()
      .filter(isText)
      .flatMap((path) => machineBoundIn(read(path)).map((what) => `${path}: ${what}`));
    expect(found).toEqual([]);
  });

  // Put together from pieces, so that this file passes its own test.
  it.each([
    ["", "home", "somebody", "x"].join("/"),
    `"${["", "root", ".cache"].join("/")}"`,
    ["C:", "Users", "me"].join("\\"),
    `https://${"registry"}.example.org/ws`,
  ])("would notice %s", (text) => {
    expect(machineBoundIn(text)).toHaveLength(1);
  });

  it("takes no ordinary path for a machine's", () => {
    expect(machineBoundIn("GET /home, src/work/x.ts, ./root/x, https://example.org/home/page")).toEqual([]);
  });

  it("locks packages by content, not by where they were fetched", () => {
    const { packages } = readJson("package-lock.json") as {
      packages: Record<string, { version?: string; resolved?: string; integrity?: string }>;
    };
    const names = Object.keys(packages).filter((name) => name !== "");
    expect(names.length).toBeGreaterThan(50);
    expect(names.filter((name) => packages[name]?.resolved !== undefined)).toEqual([]);
    expect(names.filter((name) => packages[name]?.integrity === undefined)).toEqual([]);
  });

  it("commits nothing that is built", () => {
    expect(files().filter((path) => /^(dist|node_modules)\/|\.tsbuildinfo$/.test(path))).toEqual([]);
  });
});
