/** Why a daemon's life with its lease ends, other than by a signal. */
import type { KeeperEnd } from './lease-keeper.ts';
import { untilAborted } from './side-by-side.ts';

export type Ending =
  /** `why`: somebody else has released the lease, because this machine is on its way out. */
  { readonly how: 'drain'; readonly why?: string } | { readonly how: 'fenced'; readonly why: string };

export const fenced = (why: string): Ending => ({ how: 'fenced', why });

export const lost = ({ how, why }: KeeperEnd): Ending => ({ how: how === 'fenced' ? how : 'drain', why });

/** Rejects with ABORTED when `signal` fires first. */
export const drainAsked = (asked: AbortSignal, signal: AbortSignal): Promise<Ending> =>
  Promise.race([untilAborted(asked).catch((): Ending => ({ how: 'drain' })), untilAborted(signal)]);
