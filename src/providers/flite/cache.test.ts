import { describe, expect, it } from "vitest";
import { RecentlyUsed } from "./cache.ts";

describe("the phrase cache", () => {
  it("drops what was used least recently when it is full", () => {
    const cache = new RecentlyUsed<string>(30);
    for (const key of ["a", "b", "c"]) cache.set(key, key, 10);
    cache.get("a");
    cache.set("d", "d", 10);
    expect(["a", "b", "c", "d"].map((key) => cache.get(key))).toEqual(["a", undefined, "c", "d"]);
    expect(cache.bytes).toBe(30);
  });

  it("counts a value that is replaced once", () => {
    const cache = new RecentlyUsed<number>(30);
    cache.set("a", 1, 20);
    cache.set("a", 2, 25);
    expect([cache.get("a"), cache.bytes]).toEqual([2, 25]);
  });

  it("does not keep what is larger than all its room, nor the old value under that key", () => {
    const cache = new RecentlyUsed<number>(30);
    cache.set("a", 1, 20);
    cache.set("a", 2, 31);
    expect([cache.get("a"), cache.bytes]).toEqual([undefined, 0]);
  });
});
