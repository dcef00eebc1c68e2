/**
 * The same values, until the signal aborts: then it ends at once, also when the source is waiting for something, and the
 * source is told to stop. It is not waited for: a generator that awaits something which never comes would never return.
 */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  if (signal.aborted) return;
  const iterator = source[Symbol.asyncIterator]();
  let isOver = false;
  let stop = (): void => {};
  const aborted = new Promise<undefined>((resolve) => {
    stop = (): void => {
      // Told from within the abort: the source must not go on working until somebody asks for its next value.
      if (!isOver) letGo(iterator);
      isOver = true;
      resolve(undefined);
    };
  });
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next === undefined || signal.aborted) return;
      if (next.done === true) {
        isOver = true;
        return;
      }
      yield next.value;
    }
  } catch (error) {
    isOver = true;
    // What a source throws because it was aborted is not news.
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    if (!isOver) letGo(iterator);
  }
}

function letGo(iterator: AsyncIterator<unknown>): void {
  try {
    iterator.return?.()?.catch(() => {});
  } catch {
    // A source whose return throws has let go of us all the same.
  }
}
