import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { codes } from "../../src/base/codes.ts";
import { policyFields } from "../../src/turn/policy.ts";
import { turnStates } from "../../src/turn/table.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");

describe("generated documents", () => {
  it("are what the code says now", () => {
    const { status, stderr } = spawnSync(process.execPath, ["scripts/docs.mjs", "--check"], {
      cwd: root,
      encoding: "utf8",
    });
    expect(stderr.replaceAll(/.*Warning.*\n?/g, "")).toBe("");
    expect(status).toBe(0);
  });

  it("name every error code, every state and every option", () => {
    const errors = read("docs/errors.md");
    for (const code of Object.keys(codes)) expect(errors).toContain(`| \`${code}\` `);
    const turns = read("docs/turns.md");
    for (const name of [...Object.keys(turnStates), ...Object.keys(policyFields)])
      expect(turns).toContain(`| \`${name}\` `);
  });
});
