import { describe, expect, it } from "vitest";
import { VoiceError } from "../base/errors.ts";
import { Pii } from "../base/log.ts";
import { createLog, type LogOptions } from "./log.ts";

function logged(options: LogOptions, use: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  use(createLog({ pretty: false, ...options, write: (line) => lines.push(line) }));
  return lines;
}

describe("the log", () => {
  it("writes one JSON line with message, level and fields", () => {
    const [line] = logged({}, (log) => log.info("session opened", { session: "ses_1" }));
    expect(JSON.parse(line ?? "")).toMatchObject({ level: 30, msg: "session opened", session: "ses_1" });
    expect(line?.endsWith("\n")).toBe(true);
  });

  it("keeps personal values back wherever they stand, also on a child", () => {
    const lines = logged({}, (log) =>
      log.with({ caller: new Pii("Ada") }).info("said", { words: [{ text: new Pii("secret words") }] }),
    );
    expect(lines.join()).not.toMatch(/Ada|secret/);
    expect(lines.join()).toContain("[personal]");
  });

  it("shows personal values when told to", () => {
    expect(
      logged({ personal: "show" }, (log) => log.info("said", { words: new Pii({ text: "hello" }) })).join(),
    ).toContain("hello");
  });

  it("writes nothing below its level and says so", () => {
    const lines = logged({ level: "warn" }, (log) => {
      expect(log.on("info")).toBe(false);
      expect(log.on("error")).toBe(true);
      log.info("quiet");
      log.error("loud");
    });
    expect(lines).toHaveLength(1);
  });

  it("writes an error with code, side and cause", () => {
    const error = new VoiceError("provider-limit", "too many requests", {
      cause: new Error("429"),
      meta: { retryAfterMs: 5 },
    });
    const [line] = logged({}, (log) => log.warn("reply failed", { error }));
    expect(JSON.parse(line ?? "").error).toMatchObject({
      code: "provider-limit",
      side: "provider",
      meta: { retryAfterMs: 5 },
      cause: { message: "429" },
    });
  });

  it("survives cycles, big integers and bytes in the fields", () => {
    const cycle: Record<string, unknown> = { big: 12n, bytes: new Uint8Array(3) };
    cycle["self"] = cycle;
    expect(logged({}, (log) => log.info("odd", cycle)).join()).toContain("3 bytes");
  });

  it("is readable on a terminal", () => {
    const [line] = logged({ pretty: true }, (log) => log.warn("link lost", { session: "ses_1", ms: 12 }));
    expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}link lost session=ses_1 ms=12\n$/);
  });
});
