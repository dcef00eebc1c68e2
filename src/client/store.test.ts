import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Store } from "./store.ts";

describe("the store", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("tells a change at once and keeps the value's identity in between", () => {
    const store = new Store({ n: 1 });
    const heard = vi.fn();
    store.subscribe(heard);
    store.update(() => ({ n: 2 }));
    expect(heard).toHaveBeenCalledTimes(1);
    expect(store.value).toBe(store.value);
  });

  it("does not tell what changed nothing", () => {
    const store = new Store({ n: 1 });
    const heard = vi.fn();
    store.subscribe(heard);
    store.update((value) => value);
    expect(heard).not.toHaveBeenCalled();
  });

  it("gathers progress to five updates a second and shows the latest", () => {
    const store = new Store(0);
    const heard = vi.fn();
    store.subscribe(heard);
    for (let ms = 0; ms < 1_000; ms += 20) {
      store.update((n) => n + 1, { soon: true });
      vi.advanceTimersByTime(20);
    }
    expect(heard.mock.calls.length).toBeLessThanOrEqual(5);
    vi.advanceTimersByTime(200);
    expect(store.value).toBe(50);
  });

  it("does not change its value before listeners are told", () => {
    const store = new Store(0);
    store.update(() => 1, { soon: true });
    expect([store.value, store.latest]).toEqual([0, 1]);
  });

  it("takes waiting progress along with a change", () => {
    const store = new Store<readonly string[]>([]);
    const heard = vi.fn();
    store.subscribe(heard);
    store.update((all) => [...all, "progress"], { soon: true });
    store.update((all) => [...all, "change"]);
    vi.advanceTimersByTime(1_000);
    expect(store.value).toEqual(["progress", "change"]);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("removes one of two equal listeners at a time, and all when closed", () => {
    const store = new Store(0);
    const heard = vi.fn();
    const stop = store.subscribe(heard);
    store.subscribe(heard);
    stop();
    stop();
    store.update(() => 1);
    expect(heard).toHaveBeenCalledTimes(1);
    store.update(() => 2, { soon: true });
    store.close();
    vi.advanceTimersByTime(1_000);
    expect(heard).toHaveBeenCalledTimes(1);
  });
});
