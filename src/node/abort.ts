/** A promise that resolves with undefined when the signal aborts, to race against; `undo` stops listening. */
export function abortOf(signal: AbortSignal): { readonly promise: Promise<undefined>; undo(): void } {
  let resolve: (value: undefined) => void = () => {};
  const promise = new Promise<undefined>((done) => {
    resolve = done;
  });
  const onAbort = (): void => resolve(undefined);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return { promise, undo: () => signal.removeEventListener("abort", onAbort) };
}
