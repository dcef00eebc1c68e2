/*
 * CPU-heavy work off the main thread. A pool starts workers of one module when there is work for them and gives each
 * one job at a time, so that an urgent job never waits behind more than what is being done right now.
 *
 *   pool.run(job) ──▶ urgent, then normal ──▶ whichever worker is free
 *   lane.run(job) ──▶ in order ─────────────▶ always the same worker, for state that lives there
 *
 * A worker that dies takes its job and its lanes with it; the next job starts a new one. An idle pool does not keep
 * the process alive.
 */
import { isMainThread, parentPort, Worker, type Transferable } from "node:worker_threads";
import type { Code } from "../base/codes.ts";
import { asVoiceError, VoiceError } from "../base/errors.ts";

export interface WorkerPoolOptions {
  /** For messages and thread names. */
  readonly name: string;
  /** The most workers at a time, at least 1. Default 1. */
  readonly size?: number;
  /** What every worker gets as `workerData`. */
  readonly data?: unknown;
  /** A worker that is busy with one job for longer is ended and the job fails. Default 15 000. */
  readonly timeoutMs?: number;
}

export interface JobOptions {
  /** Goes before all jobs that are not urgent. Default false. */
  readonly urgent?: boolean;
  /** A job that waits is dropped, the result of one that runs is thrown away; either way `run` rejects at once. */
  readonly signal?: AbortSignal;
  /** Buffers inside the job that move to the worker instead of being copied. */
  readonly transfer?: readonly Transferable[];
}

/** Jobs that must meet the same worker, in order. */
export interface Lane<Job, Result> {
  run(job: Job, options?: Omit<JobOptions, "urgent">): Promise<Result>;
  /** Its worker died: every further job is rejected. Take a new lane. */
  readonly lost: boolean;
  /** Lets the pool count the worker as less loaded. Idempotent. */
  release(): void;
}

interface Pending<Job, Result> {
  readonly job: Job;
  readonly transfer: readonly Transferable[];
  resolve(result: Result): void;
  reject(error: unknown): void;
  settled: boolean;
}

interface Seat<Job, Result> {
  worker: Worker | undefined;
  busy: Pending<Job, Result> | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  waiting: Pending<Job, Result>[];
  lanes: number;
  /** Counts the workers that sat here, so that a lane knows when its own is gone. */
  generation: number;
}

type Answer<Result> =
  | { readonly result: Result }
  | {
      readonly error: {
        readonly code: Code;
        readonly message: string;
        readonly meta: Readonly<Record<string, unknown>>;
      };
    };

/** Runs jobs in worker threads. Rejections are VoiceErrors, except for an abort, which rejects with the signal's reason. */
export class WorkerPool<Job, Result> {
  readonly #module: URL;
  readonly #name: string;
  readonly #data: unknown;
  readonly #timeoutMs: number;
  readonly #seats: Seat<Job, Result>[] = [];
  readonly #urgent: Pending<Job, Result>[] = [];
  readonly #normal: Pending<Job, Result>[] = [];
  #closed = false;

  constructor(module: URL, { name, size = 1, data, timeoutMs = 15_000 }: WorkerPoolOptions) {
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`size must be an integer of at least 1, got ${size}`);
    this.#module = module;
    this.#name = name;
    this.#data = data;
    this.#timeoutMs = timeoutMs;
    for (let i = 0; i < size; i++) {
      this.#seats.push({ worker: undefined, busy: undefined, timer: undefined, waiting: [], lanes: 0, generation: 0 });
    }
  }

  /** Jobs that wait for a worker. */
  get waiting(): number {
    return this.#seats.reduce((sum, seat) => sum + seat.waiting.length, this.#urgent.length + this.#normal.length);
  }

  /** Workers that are alive. */
  get workers(): number {
    return this.#seats.filter((seat) => seat.worker !== undefined).length;
  }

  run(job: Job, { urgent = false, signal, transfer = [] }: JobOptions = {}): Promise<Result> {
    return this.#enqueue(urgent ? this.#urgent : this.#normal, job, transfer, signal);
  }

  /** Binds a series of jobs to the worker with the fewest lanes. */
  lane(): Lane<Job, Result> {
    const seat = this.#seats.reduce((best, one) => (one.lanes < best.lanes ? one : best));
    const generation = seat.generation;
    let released = false;
    seat.lanes += 1;
    return {
      get lost() {
        return seat.generation !== generation;
      },
      run: (job, { signal, transfer = [] } = {}) =>
        seat.generation === generation
          ? this.#enqueue(seat.waiting, job, transfer, signal)
          : Promise.reject(new VoiceError("provider-unavailable", `the ${this.#name} worker of this lane has died`)),
      release() {
        if (released) return;
        released = true;
        seat.lanes -= 1;
      },
    };
  }

  /** Ends the workers. Jobs that wait or run are rejected with `closed`. */
  async close(): Promise<void> {
    this.#closed = true;
    const gone = () => new VoiceError("closed", `the ${this.#name} workers are closed`);
    const ends: Promise<unknown>[] = [];
    for (const list of [this.#urgent, this.#normal]) for (const pending of list.splice(0)) pending.reject(gone());
    for (const seat of this.#seats) {
      const worker = seat.worker;
      this.#vacate(seat, gone);
      if (worker !== undefined) ends.push(worker.terminate());
    }
    await Promise.all(ends);
  }

  #enqueue(
    list: Pending<Job, Result>[],
    job: Job,
    transfer: readonly Transferable[],
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    if (this.#closed) return Promise.reject(new VoiceError("closed", `the ${this.#name} workers are closed`));
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const settle =
        <T>(to: (value: T) => void) =>
        (value: T) => {
          if (pending.settled) return;
          pending.settled = true;
          signal?.removeEventListener("abort", onAbort);
          to(value);
        };
      const pending: Pending<Job, Result> = {
        job,
        transfer,
        settled: false,
        resolve: settle(resolve),
        reject: settle(reject),
      };
      const onAbort = () => {
        const index = list.indexOf(pending);
        if (index >= 0) list.splice(index, 1);
        pending.reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      list.push(pending);
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (const seat of this.#seats) {
      if (seat.busy !== undefined) continue;
      const next = seat.waiting.shift() ?? this.#urgent.shift() ?? this.#normal.shift();
      if (next !== undefined) this.#begin(seat, next);
    }
  }

  #begin(seat: Seat<Job, Result>, pending: Pending<Job, Result>): void {
    seat.busy = pending;
    try {
      const worker = seat.worker ?? this.#start(seat);
      // A pending job keeps the process alive, an idle worker does not.
      worker.ref();
      seat.timer = setTimeout(
        () => this.#lose(seat, worker, `needed more than ${this.#timeoutMs} ms`),
        this.#timeoutMs,
      );
      worker.postMessage(pending.job, pending.transfer);
    } catch (error) {
      this.#finish(seat);
      pending.reject(asVoiceError(error, "bug"));
      this.#dispatch();
    }
  }

  #start(seat: Seat<Job, Result>): Worker {
    // No flags are inherited: a test runner's loaders or an inspector must not end up in every worker.
    const worker = new Worker(this.#module, { name: this.#name, workerData: this.#data, execArgv: [] });
    seat.worker = worker;
    worker.on("message", (answer: Answer<Result>) => {
      const pending = seat.busy;
      if (seat.worker !== worker || pending === undefined) return;
      this.#finish(seat);
      if ("error" in answer)
        pending.reject(new VoiceError(answer.error.code, answer.error.message, { meta: answer.error.meta }));
      else pending.resolve(answer.result);
      this.#dispatch();
    });
    worker.on("error", (error) => this.#lose(seat, worker, "crashed", error));
    worker.on("exit", (code) => this.#lose(seat, worker, `ended with code ${code}`));
    return worker;
  }

  #finish(seat: Seat<Job, Result>): void {
    clearTimeout(seat.timer);
    seat.timer = undefined;
    seat.busy = undefined;
    seat.worker?.unref();
  }

  #lose(seat: Seat<Job, Result>, worker: Worker, what: string, cause?: unknown): void {
    if (seat.worker !== worker) return;
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    this.#vacate(
      seat,
      () => new VoiceError("provider-unavailable", `the ${this.#name} worker ${what}${why}`, { cause }),
    );
    void worker.terminate().catch(() => {});
    if (!this.#closed) this.#dispatch();
  }

  #vacate(seat: Seat<Job, Result>, error: () => VoiceError): void {
    const lost = [...(seat.busy === undefined ? [] : [seat.busy]), ...seat.waiting.splice(0)];
    this.#finish(seat);
    seat.worker = undefined;
    seat.generation += 1;
    for (const pending of lost) pending.reject(error());
  }
}

/**
 * The worker's half: answers every job with what `handle` returns or throws. `transferOf` names the buffers of a result
 * that move instead of being copied.
 */
export function serveJobs<Job, Result>(
  handle: (job: Job) => Result | Promise<Result>,
  transferOf: (result: Result) => readonly Transferable[] = () => [],
): void {
  const port = parentPort;
  if (isMainThread || port === null)
    throw new TypeError("serveJobs must be called in a worker thread, got the main thread");
  const answer = async (job: Job): Promise<void> => {
    try {
      const result = await handle(job);
      port.postMessage({ result } satisfies Answer<Result>, transferOf(result));
    } catch (error) {
      const { code, message, meta } = asVoiceError(error, "bug");
      port.postMessage({ error: { code, message, meta } } satisfies Answer<Result>);
    }
  };
  port.on("message", (job: Job) => void answer(job));
}

/**
 * The address of a module beside this one, written without its ending: `.ts` when this runs from source, `.js` when it
 * was built. TypeScript rewrites import paths, not strings.
 */
export function siblingModule(here: string, path: string): URL {
  return new URL(`${path}${/\.ts(\?|$)/.test(here) ? ".ts" : ".js"}`, here);
}
