import { describe, expect, it } from "vitest";
import { actions } from "./actions.ts";
import { conditions } from "./conditions.ts";
import { clockNames } from "./memory.ts";
import { clockStates, turnStates, turnTable } from "./table.ts";

describe("the turn table", () => {
  it("uses every condition and every action", () => {
    expect(new Set(turnTable.flatMap((row) => row.when))).toEqual(new Set(Object.keys(conditions)));
    expect(new Set(turnTable.flatMap((row) => row.do))).toEqual(new Set(Object.keys(actions)));
  });

  it("reaches and leaves every state", () => {
    for (const state of Object.keys(turnStates)) {
      expect(state === "idle" || turnTable.some((row) => row.to === state)).toBe(true);
      expect(
        turnTable.some((row) => row.in.some((from) => from === state) && row.to !== undefined && row.to !== state),
      ).toBe(true);
    }
  });

  it("answers every deadline in every state where it may run", () => {
    for (const clock of clockNames) {
      for (const state of clockStates[clock]) {
        expect(
          turnTable.some((row) => row.on === clock && row.in.includes(state)),
          `${clock} in ${state}`,
        ).toBe(true);
      }
    }
  });

  it("has no row that an earlier one hides", () => {
    turnTable.forEach((row, index) => {
      for (const state of row.in) {
        const hidden = turnTable
          .slice(0, index)
          .find(
            (other) =>
              other.on === row.on &&
              other.in.includes(state) &&
              other.when.every((condition) => row.when.includes(condition)),
          );
        expect(hidden, `${state} ${row.on} ${row.when.join(", ")}`).toBeUndefined();
      }
    });
  });
});
