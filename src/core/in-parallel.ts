/**
 * Works on items some at a time, in their order. After a failure nothing more is begun; what is under way is waited for, then the first failure is thrown.
 * Each that goes at the same time waits by a signal of its own: Node warns of more than ten who listen to one.
 */
export async function inParallel<T>(
  items: readonly T[],
  most: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const line = async (): Promise<void> => {
    const own = AbortSignal.any([signal]);
    while (next < items.length && failure === undefined) {
      const item = items[next++];
      try {
        if (item !== undefined) await work(item, own);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, line));
  if (failure !== undefined) throw failure.error;
}
