/** How many ICMP errors are sent: enough for traceroute and path MTU discovery, too few to be of use to anybody else. */
import type { IcmpError } from './icmp-error.ts';
import { TokenBucket } from './token-bucket.ts';

const PER_SECOND = 100;
const AT_ONCE = 50;

/** A connection stands still without word of its MTU: whoever asks for addresses that nobody has must not use that up. */
export class ErrorBudget {
  readonly #sizes = new TokenBucket(PER_SECOND, AT_ONCE);
  readonly #rest = new TokenBucket(PER_SECOND, AT_ONCE);

  take({ kind }: IcmpError, nowMs: number): boolean {
    return (kind === 'fragmentation needed' ? this.#sizes : this.#rest).take(nowMs);
  }
}
