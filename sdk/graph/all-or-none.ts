// Several promises of one kind side by side: files of a model, models of an ensemble.

/** Does the work for all items at once. The first failure stops the others by the signal that they get, and is thrown. */
export async function allOrNone<T, R>(
  items: readonly T[],
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const abort = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.all(items.map((item) => work(item, stop.signal)));
  } catch (error) {
    stop.abort(error);
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
