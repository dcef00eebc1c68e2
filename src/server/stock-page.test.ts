import { describe, expect, it } from "vitest";
import { withRtcConfiguration } from "./stock-page.ts";

describe("a stock page", () => {
  it("gets its configuration at every place", () => {
    const page = "<script>const a = __RTC_CONFIGURATION__; const b = __RTC_CONFIGURATION__;</script>";
    const json = '{"iceServers":[{"urls":"turn:a"}]}';
    expect(withRtcConfiguration(page, { iceServers: [{ urls: "turn:a" }] })).toBe(
      `<script>const a = ${json}; const b = ${json};</script>`,
    );
  });

  it("gets null when there is none", () => {
    expect(withRtcConfiguration("__RTC_CONFIGURATION__", undefined)).toBe("null");
  });

  it("cannot be broken out of by a value", () => {
    const filled = withRtcConfiguration("__RTC_CONFIGURATION__", { credential: "</script><script>alert(1)//$&$'" });
    expect(filled).not.toContain("<");
    expect(JSON.parse(filled)).toEqual({ credential: "</script><script>alert(1)//$&$'" });
  });
});
