import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { files, read, root } from "./sources.ts";

/*
 * Programs in documents are compiled against the built package, so that a reader can copy them. A block fenced as
 * `ts fragment` shows a line or two and is left alone; it is allowed in docs/ only.
 */
const documents = files().filter((path) =>
  /^(README|ARCHITECTURE|CONTRIBUTING|SECURITY)\.md$|^docs\/.*\.md$/.test(path),
);

const blocks = documents.flatMap((path) =>
  [...read(path).matchAll(/^```(ts|tsx|typescript)([^\n]*)\n([\s\S]*?)^```/gm)].map(
    ([, language, words = "", code = ""], index) => ({
      path,
      name: `${path.replace(/[^\w]+/g, "-")}-${index + 1}.${language === "tsx" ? "tsx" : "ts"}`,
      fragment: words.trim() === "fragment",
      code,
    }),
  ),
);

const folder = join("dist", ".checked", "documents");

describe("the programs in the documents", () => {
  it("are there", () => {
    expect(blocks.filter(({ path, fragment }) => path === "README.md" && !fragment).length).toBeGreaterThanOrEqual(2);
    expect(blocks.filter(({ path, fragment }) => fragment && !path.startsWith("docs/"))).toEqual([]);
  });

  it("type-check against the package", () => {
    rmSync(join(root, folder), { recursive: true, force: true });
    mkdirSync(join(root, folder), { recursive: true });
    const compilerOptions = {
      target: "ES2024",
      module: "NodeNext",
      lib: ["ES2024", "ESNext.Disposable", "DOM"],
      types: ["node"],
      jsx: "react-jsx",
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
      noEmit: true,
    };
    writeFileSync(join(root, folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts", "*.tsx"] }));
    for (const { name, code } of blocks.filter(({ fragment }) => !fragment))
      writeFileSync(join(root, folder, name), `${code}\nexport {};\n`);
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), "-p", folder],
      { cwd: root, encoding: "utf8" },
    );
    expect(stdout + stderr).toBe("");
  }, 60_000);
});

describe("the links in the documents", () => {
  it("lead to files of the repository", () => {
    const own = new Set(files());
    const dead = documents.flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?\)/g)]
        .map(([, target = ""]) => join(path, "..", target).replaceAll("\\", "/").replace(/\/$/, ""))
        .filter((target) => !own.has(target) && ![...own].some((file) => file.startsWith(`${target}/`)))
        .map((target) => `${path}: ${target}`),
    );
    expect(dead).toEqual([]);
  });
});
