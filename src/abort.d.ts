/*
 * The two platform names that floors 3 and 4 may use. Everything else from outside (timers, sockets, URL, text encoding,
 * randomness) reaches the core through `Platform`, so that a decision can be replayed. Compatible with the declarations
 * of both Node and the DOM.
 */
interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: any; // as in every platform
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
  throwIfAborted(): void;
}
interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
declare var AbortController: { new (): AbortController };
