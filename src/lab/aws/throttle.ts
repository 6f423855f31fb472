/**
 * Request throttling as AWS publishes it (CLOUD.md 1.4): a token bucket for each action, of the account and the Region, whoever calls.
 */
import type { LabClock } from './timeline.ts';

interface BucketPlan {
  readonly burst: number;
  readonly perSecond: number;
}

export const BUCKETS = {
  mutating: { burst: 50, perSecond: 5 },
  reading: { burst: 100, perSecond: 20 },
  /** DescribeInstances and DescribeNetworkInterfaces without filter and without paging. */
  unfiltered: { burst: 50, perSecond: 10 },
  special: { burst: 100, perSecond: 5 },
  /** GetServiceQuota: https://docs.aws.amazon.com/servicequotas/latest/userguide/reference_limits.html */
  quota: { burst: 10, perSecond: 5 },
} as const satisfies Record<string, BucketPlan>;

export type BucketClass = keyof typeof BUCKETS;

interface Bucket {
  tokens: number;
  at: number;
}

export class Throttle {
  readonly #clock: LabClock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: LabClock) {
    this.#clock = clock;
  }

  /** Takes a token; false: there is none, and the call is refused. */
  take(action: string, kind: BucketClass): boolean {
    const { burst, perSecond } = BUCKETS[kind];
    const key = `${action} ${kind}`;
    const now = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    const granted = tokens >= 1;
    this.#buckets.set(key, { tokens: granted ? tokens - 1 : tokens, at: now });
    return granted;
  }

  /** As if others of the account had used up all tokens of an action. */
  drain(action: string): void {
    for (const kind of Object.keys(BUCKETS))
      this.#buckets.set(`${action} ${kind}`, { tokens: 0, at: this.#clock.now() });
  }
}
