import { describe, expect, it } from "vitest";
import { isLoopback, mayCome } from "./origins.ts";

describe("a page", () => {
  it.each<[string | undefined, string]>([
    [undefined, "voice.example.org"],
    ["https://voice.example.org", "voice.example.org"],
    ["http://localhost:7860", "localhost:7860"],
    ["http://app.localhost:7860", "app.localhost:7860"],
    ["http://127.0.0.1:7860", "127.0.0.1:7860"],
    ["http://192.168.1.5:7860", "192.168.1.5:7860"],
    ["http://[::1]:7860", "[::1]:7860"],
  ])("of this very server may use it: %s at %s", (origin, host) => {
    expect(mayCome(origin, host, [])).toBe(true);
  });

  it.each<[string, string]>([
    ["http://evil.example", "localhost:7860"],
    ["https://evil.example", "voice.example.org"],
    ["http://localhost:8080", "localhost:7860"],
    ["null", "localhost:7860"],
    ["file://", "localhost:7860"],
    ["", ""],
  ])("of somewhere else may not: %s at %s", (origin, host) => {
    expect(mayCome(origin, host, [])).toBe(false);
  });

  it("may not come under a name that was turned round to this machine, unless it is expected", () => {
    expect(mayCome("http://evil.example:7860", "evil.example:7860", [])).toBe(false);
    expect(mayCome("http://127.0.0.1.evil.example", "127.0.0.1.evil.example", [])).toBe(false);
    expect(mayCome("http://intranet:7860", "intranet:7860", ["http://intranet:7860"])).toBe(true);
  });
});

describe("an address", () => {
  it.each(["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])("is this machine's only: %s", (host) => {
    expect(isLoopback(host)).toBe(true);
  });
  it.each(["0.0.0.0", "::", "192.168.1.5", "example.org", "127.0.0.1.evil.example", ""])(
    "is reached by others: %s",
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});
