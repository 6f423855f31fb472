/**
 * Is a machine one of the network's? EC2 tells of every instance of the account, and a run takes seconds, one at a time: what concerns nobody here must not
 * wait before what does. Of a machine that has no lease any more the next run by the clock takes what is left.
 */
import type { LeaseStore } from '../src/contracts/lease-store.ts';

export async function isKnownMachine(
  store: Pick<LeaseStore, 'watch'>,
  instance: string,
  signal: AbortSignal,
): Promise<boolean> {
  const enough = new AbortController();
  let trouble: unknown;
  const failed = (error: unknown): void => {
    trouble = error;
    if (error !== undefined) enough.abort();
  };
  try {
    for await (const { view } of store.watch(AbortSignal.any([signal, enough.signal]), failed))
      return [...view.leases.values()].some(({ attributes }) => attributes.weft?.node === instance);
  } finally {
    enough.abort();
  }
  throw trouble ?? signal.reason;
}
