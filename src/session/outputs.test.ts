import { describe, expect, it } from "vitest";
import type { Queue } from "../base/queue.ts";
import { type Numbered, Outputs } from "./outputs.ts";

const message = (data: unknown) => ({ kind: "message" as const, name: "out", data });

async function all(queue: Queue<Numbered>): Promise<unknown[]> {
  const got: unknown[] = [];
  for await (const { message: one } of queue) got.push(one.data);
  return got;
}

describe("the outputs of a session", () => {
  it("gives every subscriber every message", async () => {
    const outputs = new Outputs();
    const one = outputs.subscribe();
    const two = outputs.subscribe();
    for (const data of [1, 2, 3]) outputs.push(message(data));
    outputs.end();
    expect(await all(one)).toEqual([1, 2, 3]);
    expect(await all(two)).toEqual([1, 2, 3]);
  });

  it("keeps the last 256 messages for the first subscriber only", async () => {
    const outputs = new Outputs();
    for (let i = 1; i <= 300; i++) outputs.push(message(i));
    const first = outputs.subscribe();
    const second = outputs.subscribe();
    outputs.end();
    const got = await all(first);
    expect([got.length, got[0], got.at(-1)]).toEqual([256, 45, 300]);
    expect(await all(second)).toEqual([]);
  });

  it("goes on behind the place a subscriber names", async () => {
    const outputs = new Outputs();
    for (const data of ["a", "b", "c"]) outputs.push(message(data));
    await outputs.subscribe().next();
    const back = outputs.subscribe(1);
    outputs.end();
    expect(await all(back)).toEqual(["b", "c"]);
  });

  it("ends a subscriber who comes after the end with what is kept", async () => {
    const outputs = new Outputs();
    outputs.push(message("late"));
    outputs.end();
    expect(await all(outputs.subscribe())).toEqual(["late"]);
  });

  it("forgets a subscriber who leaves", async () => {
    const outputs = new Outputs();
    const queue = outputs.subscribe();
    await queue[Symbol.asyncIterator]().return?.();
    outputs.push(message(1));
    expect(queue.size).toBe(0);
  });
});
