import { expect, it } from "vitest";
import { silentLog } from "../base/log.ts";
import { nodePlatform } from "./platform.ts";

it("logs what a timed task throws and goes on", async () => {
  const errors: unknown[] = [];
  const platform = nodePlatform({ log: { ...silentLog, error: (_, fields) => errors.push(fields?.["error"]) } });
  const { clock } = platform;
  clock.at(clock.now(), () => {
    throw new Error("broken");
  });
  await new Promise<void>((resolve) => clock.at(clock.now() + 5, resolve));
  expect(errors).toEqual([new Error("broken")]);
});

it("draws different bytes each time, as many as asked for", () => {
  const platform = nodePlatform({ log: silentLog });
  expect(platform.random(16)).toHaveLength(16);
  expect(platform.random(16)).not.toEqual(platform.random(16));
});
