/**
 * Waits for `work`, but no longer than anybody wants it; what comes of it later is nobody's concern.
 * @throws the signal's reason as soon as that is aborted; else what `work` rejects with.
 */
export async function unless<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  // Whoever has left is not told how it ended, which must not count as unhandled.
  work.catch(() => undefined);
  signal?.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal!.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
