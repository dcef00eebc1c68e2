/* The list itself: docs/acceptance.md names every line, and every test it names is there. */
import { describe, expect, it } from "vitest";
import { files, read } from "../house/sources.ts";

const groups = { T: 14, A: 8, W: 17, L: 9, I: 7, V: 3, P: 6, S: 5 } as const;
const lines = Object.entries(groups).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, i) => `${group}${i + 1}`),
);
/** What waits for video, and for sign-in. */
const later = ["I2", "I3", "S1", "V1", "V2", "V3"];

const rows = read("docs/acceptance.md")
  .split("\n")
  .flatMap((line) => {
    const [, id = "", claim = "", original = "", proof = ""] =
      /^\| ([A-Z]\d+) \| (.*) \| (.*) \| (.*) \|$/.exec(line) ?? [];
    return id === "" ? [] : [{ id, claim, original, proof }];
  });
const named = rows.flatMap(({ id, proof }) =>
  [...proof.matchAll(/`([^`]+\.test\.ts)`: "(.+?)"(?=<br>|$)/g)].map(([, path = "", name = ""]) => ({
    id,
    path,
    name,
  })),
);

describe("the acceptance list", () => {
  it("has every line once, with a claim and what FastRTC does", () => {
    expect(rows.map(({ id }) => id)).toEqual(lines);
    for (const { claim, original } of rows) expect([claim, original]).not.toContain("");
  });

  it("has a test for every line but those that wait for video or sign-in, which say so", () => {
    const proved = new Set(named.map(({ id }) => id));
    expect(lines.filter((id) => !proved.has(id)).sort()).toEqual(later);
    for (const { id, proof } of rows) if (later.includes(id)) expect(proof).toMatch(/^later: (video|sign-in)$/);
  });

  it.each(named)("$id: $path has the test it names", ({ path, name }) => {
    const text = read(path);
    // Whole files in the message of a failure help nobody.
    expect(text.includes(JSON.stringify(name))).toBe(true);
    expect(/\b(it|describe)\.(skip|todo|only)\b/.test(text)).toBe(false);
  });

  it("leaves out none of the tests that are named after a line", () => {
    const there = files()
      .filter((path) => /^test\/acceptance\/.*\.test\.ts$/.test(path))
      .flatMap((path) =>
        [...read(path).matchAll(/"((?:[TAWLIVPS]\d+ )+[^"]+)"/g)].map(([, name = ""]) => ({ path, name })),
      );
    expect(there.length).toBeGreaterThan(30);
    const told = new Set(named.map(({ path, name }) => `${path}: ${name}`));
    expect(there.filter(({ path, name }) => !told.has(`${path}: ${name}`))).toEqual([]);
    for (const { name } of there) expect(name.split(" ").some((id) => lines.includes(id))).toBe(true);
  });
});
