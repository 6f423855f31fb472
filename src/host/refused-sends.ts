/** Whether the kernel has refused the user-space tunnel's datagrams lately, and why: a number that grows says it to nobody. */
import type { Finding } from '../core/finding.ts';
import { EPERM, errnoName } from '../native/kernel-error.ts';
import type { Refusals } from './packet-engine.ts';

/** Longer than from one look to the next. */
const LATELY_MS = 60_000;

export class RefusedSends {
  #count = 0;
  #atMs = -Infinity;

  /** @returns what to tell of them, with no number in it: it is one trouble for as long as it goes on */
  look({ count, errno }: Refusals, nowMs: number): readonly Finding[] {
    if (count !== this.#count) this.#atMs = nowMs;
    this.#count = count;
    if (nowMs - this.#atMs >= LATELY_MS) return [];
    const why = errno === EPERM ? 'EPERM (a packet filter of this host drops them)' : errnoName(errno);
    return [{ code: 'KERNEL_REFUSED', message: `the kernel does not send datagrams of the user-space tunnel: ${why}` }];
  }
}
