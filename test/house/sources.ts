/*
 * The repository as the house tests see it: which files there are, and what each one imports. Found by pattern, not by a
 * parser: our imports are written one way.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const read = (path: string): string => readFileSync(join(root, path), "utf8");

export const readJson = (path: string): unknown => JSON.parse(read(path));

/** Every file of the repository, with `/` in its path: tracked, or new and not ignored. */
export function files(): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  const present = (path: string): boolean => statSync(join(root, path), { throwIfNoEntry: false })?.isFile() ?? false;
  return [...new Set(listed.split("\n"))].filter((path) => path !== "" && present(path)).sort();
}

/** Sources of the library: no tests, no declarations. */
export const librarySources = (): readonly string[] =>
  files().filter((path) => /^src\/.*\.tsx?$/.test(path) && !/\.(test|d)\.tsx?$/.test(path));

export interface Import {
  readonly from: string;
  /** As it is written. */
  readonly specifier: string;
  /** The file it names when it is relative, else undefined. */
  readonly to: string | undefined;
  /** `import type`, or a type looked up with `import("…")`: gone after compiling. */
  readonly typeOnly: boolean;
}

const patterns = [
  /^\s*(?:import|export)\s+(type\s)?[^;"'`]*?\bfrom\s+["']([^"']+)["']/gm,
  /^\s*import\s+()["']([^"']+)["']/gm,
  /\bimport\(\s*()["']([^"']+)["']\s*\)/g,
  /\bnew URL\(\s*()["'](\.[^"']+\.[tj]sx?)["'],\s*import\.meta\.url\s*\)/g,
];

/** What a file imports: statements, `import()`, and `new URL("./x.ts", import.meta.url)`, which
 * starts workers. */
export function importsOf(path: string, text: string = read(path)): readonly Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  return patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, type, specifier = ""]) => ({
      from: path,
      specifier,
      to: specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : undefined,
      typeOnly: Boolean(type),
    })),
  );
}
