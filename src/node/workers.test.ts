import { afterEach, describe, expect, it } from "vitest";
import type { PoolJob } from "../../test/fixtures/pool-worker.ts";
import { siblingModule, WorkerPool } from "./workers.ts";

const module = new URL("../../test/fixtures/pool-worker.ts", import.meta.url);
const pools: WorkerPool<PoolJob, unknown>[] = [];

function pool(options: { size?: number; timeoutMs?: number; data?: unknown } = {}): WorkerPool<PoolJob, unknown> {
  const made = new WorkerPool<PoolJob, unknown>(module, { name: "test", ...options });
  pools.push(made);
  return made;
}

/** A job that runs until it is opened. */
function gated() {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const open = () => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
  };
  return { job: { do: "wait", gate } as const, open };
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((one) => one.close()));
});

describe("a worker pool", () => {
  it("starts no worker before there is work", async () => {
    const one = pool({ size: 2 });
    expect(one.workers).toBe(0);
    expect(await one.run({ do: "add", a: 2, b: 3 })).toBe(5);
    expect(one.workers).toBe(1);
  });

  it("hands its data to every worker", async () => {
    expect(await pool({ data: { path: "x" } }).run({ do: "data" })).toEqual({ path: "x" });
  });

  it("uses every worker when there is enough work", async () => {
    const one = pool({ size: 2 });
    const first = gated();
    const second = gated();
    const results = [one.run(first.job), one.run(second.job)];
    expect(one.workers).toBe(2);
    expect(one.waiting).toBe(0);
    first.open();
    second.open();
    expect(await Promise.all(results)).toEqual(["waited", "waited"]);
  });

  it("takes urgent jobs first and keeps the order of the others", async () => {
    const one = pool();
    const gate = gated();
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    const all = [
      one.run(gate.job).then(note("running")),
      one.run({ do: "who" }).then(note("a")),
      one.run({ do: "who" }).then(note("b")),
      one.run({ do: "who" }, { urgent: true }).then(note("urgent")),
    ];
    gate.open();
    await Promise.all(all);
    expect(order).toEqual(["running", "urgent", "a", "b"]);
  });

  it("brings an error of the worker over with its code and meta, and the worker lives on", async () => {
    const one = pool();
    const before = await one.run({ do: "who" });
    await expect(one.run({ do: "fail" })).rejects.toMatchObject({
      code: "config",
      message: "this setting is wrong",
      meta: { key: "x" },
    });
    expect(await one.run({ do: "who" })).toBe(before);
  });

  it.each(["crash", "exit"] as const)("fails the job of a worker that %ss, then starts a new one", async (how) => {
    const one = pool();
    const before = await one.run({ do: "who" });
    const lost = one.run({ do: how });
    const next = one.run({ do: "who" });
    await expect(lost).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(await next).not.toBe(before);
  });

  it("ends a worker that needs too long", async () => {
    const one = pool({ timeoutMs: 300 });
    await one.run({ do: "who" });
    await expect(one.run({ do: "spin" })).rejects.toThrow("needed more than 300 ms");
    expect(await one.run({ do: "add", a: 1, b: 1 })).toBe(2);
  });

  it("drops a job that is aborted while it waits", async () => {
    const one = pool();
    const gate = gated();
    const stop = new AbortController();
    const running = one.run(gate.job);
    const waiting = one.run({ do: "who" }, { signal: stop.signal });
    expect(one.waiting).toBe(1);
    stop.abort(new Error("enough"));
    expect(one.waiting).toBe(0);
    await expect(waiting).rejects.toThrow("enough");
    gate.open();
    expect(await running).toBe("waited");
  });

  it("rejects at once when a running job is aborted, and goes on with the next one afterwards", async () => {
    const one = pool();
    const gate = gated();
    const stop = new AbortController();
    const running = one.run(gate.job, { signal: stop.signal });
    const next = one.run({ do: "add", a: 1, b: 2 });
    stop.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    gate.open();
    expect(await next).toBe(3);
  });

  it("does not take a job whose signal is aborted already", async () => {
    const one = pool();
    await expect(one.run({ do: "who" }, { signal: AbortSignal.abort(new Error("late")) })).rejects.toThrow("late");
    expect(one.workers).toBe(0);
  });

  it("moves buffers that are to be transferred", async () => {
    const samples = new Int16Array(100);
    expect(await pool().run({ do: "length", samples }, { transfer: [samples.buffer] })).toBe(100);
    expect(samples.length).toBe(0);
  });

  it("rejects a job that cannot be posted and goes on", async () => {
    const one = pool();
    const broken = { do: "data", extra: () => {} } as const;
    await expect(one.run(broken)).rejects.toMatchObject({ code: "bug" });
    expect(await one.run({ do: "add", a: 1, b: 2 })).toBe(3);
  });

  it("keeps a lane on one worker, spreads lanes, and loses a lane with its worker", async () => {
    const one = pool({ size: 2 });
    const first = one.lane();
    const second = one.lane();
    const [a, b] = [await first.run({ do: "who" }), await second.run({ do: "who" })];
    expect(a).not.toBe(b);
    expect(await first.run({ do: "who" })).toBe(a);
    await expect(first.run({ do: "exit" })).rejects.toMatchObject({ code: "provider-unavailable" });
    expect([first.lost, second.lost]).toEqual([true, false]);
    await expect(first.run({ do: "who" })).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(await second.run({ do: "who" })).toBe(b);
    first.release();
    first.release();
    expect(await one.lane().run({ do: "who" })).not.toBe(a);
  });

  it("rejects everything with `closed` once it is closed", async () => {
    const one = pool();
    const gate = gated();
    const all = [one.run(gate.job), one.run({ do: "who" })];
    const ended = Promise.allSettled(all);
    await one.close();
    for (const result of await ended) expect(result).toMatchObject({ status: "rejected", reason: { code: "closed" } });
    await expect(one.run({ do: "who" })).rejects.toMatchObject({ code: "closed" });
    expect(one.workers).toBe(0);
  });

  it("refuses a size that is no positive integer", () => {
    expect(() => pool({ size: 0 })).toThrow(RangeError);
    expect(() => pool({ size: 1.5 })).toThrow(RangeError);
  });
});

describe("siblingModule", () => {
  it("follows the ending of the module that asks", () => {
    expect(siblingModule("file:///a/src/index.ts", "./worker").href).toBe("file:///a/src/worker.ts");
    expect(siblingModule("file:///a/dist/index.js", "./worker").href).toBe("file:///a/dist/worker.js");
  });
});
