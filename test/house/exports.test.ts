import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf, librarySources, readJson, root } from "./sources.ts";

const { exports } = readJson("package.json") as {
  exports: Record<string, string | { types: string; default: string }>;
};

/** Subpath and source of every public entry: files directly in `src`, and every `index.ts` below. */
const entries = librarySources().flatMap((path): readonly (readonly [string, string])[] => {
  if (path === "src/index.ts") return [[".", path]];
  const name = /^src\/([\w-]+)\.ts$/.exec(path)?.[1] ?? /\/([\w-]+)\/index\.tsx?$/.exec(path)?.[1];
  return name === undefined ? [] : [[`./${name}`, path]];
});

/** Everything the built file loads or mentions, itself included: files of ours, and names from elsewhere. */
function reachOf(file: string): { readonly files: ReadonlySet<string>; readonly outside: ReadonlySet<string> } {
  const found = new Set<string>();
  const outside = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const { specifier } of importsOf(path)) {
      if (!specifier.startsWith(".")) outside.add(specifier);
      else
        visit(
          posix.join(
            posix.dirname(path),
            path.endsWith(".d.ts") ? specifier.replace(/\.(js|ts)$/, ".d.ts") : specifier,
          ),
        );
    }
  };
  visit(file);
  return { files: found, outside };
}

describe("the exports of the package", () => {
  it("are the public entries, each under the name of its folder", () => {
    const wanted = Object.fromEntries(
      entries.map(([name, path]) => {
        const built = `./dist/${path.slice("src/".length).replace(/\.tsx?$/, "")}`;
        return [name, { types: `${built}.d.ts`, default: `${built}.js` }];
      }),
    );
    expect(exports).toEqual({ ...wanted, "./package.json": "./package.json" });
  });

  it("have one name each", () => {
    expect(new Set(entries.map(([name]) => name)).size).toBe(entries.length);
  });

  it.each(entries)("lead %s to files that were built", (name) => {
    const target = exports[name];
    const targets = typeof target === "string" ? [target] : [target?.types ?? "", target?.default ?? ""];
    expect(targets.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it.each(entries)("show no third-party type in %s", (name) => {
    const target = exports[name];
    const { outside } = reachOf(typeof target === "object" ? posix.normalize(target.types) : "");
    const allowed = (specifier: string): boolean =>
      specifier.startsWith("node:") || (name === "./react" && specifier === "react");
    expect([...outside].filter((specifier) => !allowed(specifier))).toEqual([]);
  });

  it.each(["./client", "./audio"])("load %s in a browser: no Node, no package", (name) => {
    const target = exports[name];
    expect(target).toBeTypeOf("object");
    if (typeof target !== "object") return;
    for (const file of [target.default, target.types]) {
      const { files, outside } = reachOf(posix.normalize(file));
      expect([...outside]).toEqual([]);
      expect(
        [...files].filter(
          (path) => !/^dist\/(client|base|audio|video|protocol)\//.test(path) && path !== posix.normalize(file),
        ),
      ).toEqual([]);
    }
  });
});
