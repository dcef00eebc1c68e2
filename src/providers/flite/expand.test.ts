import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expandForFlite } from "./expand.ts";

describe("expandForFlite", () => {
  it.each([
    ["From 2025-03-14 on", "From March 14th, 2025 on"],
    ["On 3/14/2025 or 21/3/2025", "On March 14th, 2025 or March 21st, 2025"],
    ["The 2025-13-40 code", "The 2025-13-40 code"],
    ["Call 555-123-4567 now", "Call 5 5 5, 1 2 3, 4 5 6 7 now"],
    ["Call (555) 123-4567.", "Call 5 5 5, 1 2 3, 4 5 6 7."],
    ["Call +1 800 555 0199", "Call plus 1, 8 oh oh, 5 5 5, oh 1 9 9"],
    ["+44 20 7946 0958", "plus 4 4, 2 oh, 7 9 4 6, oh 9 5 8"],
    ["from 2019-2024 or 1999 2001", "from 2019-2024 or 1999 2001"],
    ["5-10 days, 1,250 and 3.5", "5-10 days, 1,250 and 3.5"],
    ["open 24/7", "open twenty four seven"],
    ["+1 for C++ and C#", "plus 1 for C plus plus and C sharp"],
    ["ticket #5 and #channel", "ticket number 5 and channel"],
    ["room 302, flight BA 117", "room 3 oh 2, flight B A 1 1 7"],
    ["2 + 2 = 4", "2 plus 2 equals 4"],
    ["he/she and/or they", "he or she and or they"],
    ["naïve café Łódź Straße", "naive cafe Lodz Strasse"],
    ["$12.50 at 10:45 a.m., 50% off", "$12.50 at 10:45 a.m., 50% off"],
    ["snake_case", "snake case"],
    ["東京", ""],
  ])("turns %j into %j", (text, wanted) => {
    expect(expandForFlite(text)).toBe(wanted);
  });

  it("gives printable ASCII for every input", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(expandForFlite(text)).toMatch(/^[ -~]*$/);
      }),
    );
  });
});
