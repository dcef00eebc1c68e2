/*
 * Runs what the model asks for: off the event path, side by side, each within its own time. Every call gets exactly one
 * result; a throw, a timeout, a name nobody knows, arguments that do not fit and a caller who says no are results too.
 */
import { deferred } from "../base/deferred.ts";
import { asVoiceError, VoiceError } from "../base/errors.ts";
import type { Millis } from "../base/time.ts";
import type { PageEvent } from "../protocol/page.ts";
import type { Session } from "../session/types.ts";
import { isHandoff } from "./handoff.ts";
import { isQuiet } from "./quiet.ts";
import { readArgs } from "./tool.ts";
import type { Handoff, Item, Tool, ToolContext } from "./types.ts";

/** How long the caller may think about a call that needs approval, ms. */
const APPROVAL: Millis = 60_000;
/** A model reads results of this size; longer ones are cut, characters. */
const OUTPUT_LIMIT = 16_000;

export interface CallRequest {
  readonly id: string;
  readonly name: string;
  /** JSON as the model wrote it. */
  readonly args: string;
}

export interface CallResult {
  readonly call: CallRequest;
  readonly output: string;
  readonly failed: boolean;
  readonly ms: Millis;
  /** The tool passes the caller on. */
  readonly handoff?: Handoff;
  /** The tool asks for no answer. */
  readonly quiet: boolean;
}

export interface ToolboxEvents {
  /** Exactly once per call that was not withdrawn. */
  onResult(result: CallResult): void;
  onReport(report: Extract<PageEvent, { type: "tool" }>["data"]): void;
  /** What a tool threw, for the log. */
  onFault(error: VoiceError): void;
  /** The conversation as it stands. */
  items(): readonly Item[];
}

interface Running {
  readonly request: CallRequest;
  readonly tool: Tool | undefined;
  readonly agent: string;
  readonly startedAt: Millis;
  readonly abort: AbortController;
  readonly approved: ReturnType<typeof deferred<boolean>>;
}

/** The calls of one session. */
export class Toolbox {
  readonly #session: Session;
  readonly #events: ToolboxEvents;
  readonly #running = new Map<string, Running>();

  constructor(session: Session, events: ToolboxEvents) {
    this.#session = session;
    this.#events = events;
  }

  /** How many calls are under way. */
  get size(): number {
    return this.#running.size;
  }

  /** Starts a call for an agent; `tool` is undefined when the agent has none of that name. Returns at once. */
  run(request: CallRequest, agent: string, tool: Tool | undefined): void {
    // A model that repeats an id gets one result for it.
    if (this.#running.has(request.id)) return;
    const running: Running = {
      request,
      tool,
      agent,
      startedAt: this.#session.clock.now(),
      abort: new AbortController(),
      approved: deferred<boolean>(),
    };
    this.#running.set(request.id, running);
    void this.#work(running);
  }

  /** The caller's word on a call that needs it. */
  approve(call: string, ok: boolean): void {
    this.#running.get(call)?.approved.resolve(ok);
  }

  /** The caller took the floor: calls that do not go on are cancelled, and say so. */
  interrupt(): void {
    for (const running of this.#running.values()) {
      if (running.tool?.onInterrupt === "cancel") this.#cancel(running, "interrupted", "the caller interrupted");
    }
  }

  /** The model takes a call back: it is aborted and gets no result. */
  withdraw(call: string): void {
    const running = this.#running.get(call);
    if (running === undefined) return;
    this.#running.delete(call);
    running.abort.abort(new VoiceError("interrupted", "the call was withdrawn"));
    this.#report(running, "error", "withdrawn");
  }

  /** Aborts everything without results: the call is over, or the conversation starts anew. */
  close(reason: unknown): void {
    for (const running of this.#running.values()) running.abort.abort(reason);
    this.#running.clear();
  }

  async #work(running: Running): Promise<void> {
    const { request, tool, abort } = running;
    try {
      const { enabled, approval } = tool ?? {};
      const isOpen = enabled === undefined || (await this.#within(running, () => enabled(this.#session)));
      if (tool === undefined || !isOpen)
        throw new VoiceError("bad-message", `there is no tool called ${request.name}`, { expose: true });
      const args = tool.parse(readArgs(request.args));
      const context = this.#context(running);
      const asks =
        typeof approval === "function" ? await this.#within(running, () => approval(args, context)) : approval;
      if (asks !== false && !(await this.#ask(running))) {
        throw new VoiceError("forbidden", "the caller did not allow this", { expose: true });
      }
      this.#report(running, "running");
      this.#finish(running, await this.#within(running, () => tool.execute(args, context)), false);
    } catch (error) {
      const wrapped = asVoiceError(error, "tool-failed");
      if (wrapped.code === "tool-failed" && !abort.signal.aborted) this.#events.onFault(wrapped);
      this.#finish(running, wrapped.expose ? wrapped.message : "The tool failed.", true);
    }
  }

  #context(running: Running): ToolContext {
    const { request, abort } = running;
    const { items } = this.#events;
    return {
      call: request.id,
      session: this.#session,
      get items() {
        return items();
      },
      signal: abort.signal,
      progress: (text) => {
        if (this.#running.get(request.id) === running) this.#report(running, "running", undefined, text);
      },
    };
  }

  /** Races work of the tool's against its time and its cancellation: a tool that ignores the signal still gets its answer. */
  async #within<T>(running: Running, work: () => T | Promise<T>): Promise<T> {
    const { abort, tool } = running;
    const { clock } = this.#session;
    const timeoutMs = tool?.timeoutMs ?? 0;
    const cut = deferred<never>();
    abort.signal.addEventListener("abort", () => cut.reject(abort.signal.reason), { once: true });
    if (abort.signal.aborted) cut.reject(abort.signal.reason);
    const cancelTimer = clock.at(clock.now() + timeoutMs, () => {
      abort.abort(new VoiceError("tool-timeout", `timed out after ${timeoutMs} ms`, { expose: true }));
    });
    const run = async (): Promise<T> => await work();
    try {
      return await Promise.race([run(), cut.promise]);
    } finally {
      cancelTimer();
    }
  }

  async #ask(running: Running): Promise<boolean> {
    const { clock } = this.#session;
    const { abort, approved } = running;
    this.#report(running, "needs-approval");
    const cancelTimer = clock.at(clock.now() + APPROVAL, () => approved.resolve(false));
    abort.signal.addEventListener("abort", () => approved.reject(abort.signal.reason), { once: true });
    try {
      return await approved.promise;
    } finally {
      cancelTimer();
    }
  }

  #cancel(running: Running, code: "interrupted", why: string): void {
    running.abort.abort(new VoiceError(code, `cancelled: ${why}`, { expose: true }));
  }

  #finish(running: Running, value: unknown, failed: boolean): void {
    const { request, startedAt } = running;
    if (this.#running.get(request.id) !== running) return;
    const passedOn = isHandoff(value) ? value : undefined;
    const isSilent = isQuiet(value);
    const output = passedOn === undefined ? toOutput(isSilent ? value.output : value) : "passed on";
    this.#running.delete(request.id);
    const ms = this.#session.clock.now() - startedAt;
    this.#report(running, failed ? "error" : "ok", output, undefined, ms);
    this.#events.onResult({
      call: request,
      output,
      failed,
      ms,
      quiet: isSilent,
      ...(passedOn !== undefined && { handoff: passedOn }),
    });
  }

  #report(
    { request, agent }: Running,
    status: "running" | "needs-approval" | "ok" | "error",
    result?: string,
    progress?: string,
    ms?: Millis,
  ): void {
    this.#events.onReport({
      callId: request.id,
      name: request.name,
      agentId: agent,
      status,
      args: request.args,
      ...(result !== undefined && { result }),
      ...(progress !== undefined && { progress }),
      ...(ms !== undefined && { ms: Math.round(ms) }),
    });
  }
}

/** What the model reads: strings as they are, anything else as JSON. */
function toOutput(value: unknown): string {
  const text = typeof value === "string" ? value : toJson(value);
  return text.length > OUTPUT_LIMIT ? `${text.slice(0, OUTPUT_LIMIT)} … (cut)` : text;
}

function toJson(value: unknown): string {
  try {
    // Functions and symbols have no JSON.
    return JSON.stringify(value) ?? "done";
  } catch (cause) {
    throw new VoiceError("tool-failed", "the tool answered with something that cannot be written as JSON", { cause });
  }
}
