/** How many routes a table may hold: a quota of the account, the same for each of its tables. */
import type { RouteQuota } from '../../src/contracts/cloud-inventory.ts';
import { repeating, type RepeatOptions } from './attempts.ts';
import { cloudError } from './aws-errors.ts';
import type { QuotaApi } from './quota-client.ts';

export interface QuotaParts extends Omit<RepeatOptions, 'doing'> {
  quotas(signal: AbortSignal): Promise<QuotaApi>;
}

/** "Routes per route table", as published: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
const QUOTA = { ServiceCode: 'vpc', QuotaCode: 'L-93826ACB' };
const PUBLISHED: RouteQuota = { limit: 500, source: 'default' };

/** A quota changes a few times in an account's life; a right, or a way to the service, may be given at any time. */
const KEPT_MS = 10 * 60_000;
const KEPT_WITHOUT_ANSWER_MS = 60_000;

export class QuotaReader {
  readonly #parts: QuotaParts;
  #last: { readonly quota: RouteQuota; readonly untilMs: number } | undefined;

  constructor(parts: QuotaParts) {
    this.#parts = parts;
  }

  /** Rejects with ABORTED alone: a reconciler that is cut off from this service still keeps routes true. */
  async read(signal: AbortSignal): Promise<RouteQuota> {
    const { clock } = this.#parts;
    if (this.#last !== undefined && clock.now() < this.#last.untilMs) return this.#last.quota;
    const { quota, keptMs } = await this.#ask(signal);
    this.#last = { quota, untilMs: clock.now() + keptMs };
    return quota;
  }

  async #ask(signal: AbortSignal): Promise<{ readonly quota: RouteQuota; readonly keptMs: number }> {
    const doing = 'read the quota of routes in a table';
    try {
      const api = await this.#parts.quotas(signal);
      const limit = await repeating({ ...this.#parts, doing }, signal, async () => {
        const value = (await api.GetServiceQuota(QUOTA, signal)).Quota?.Value;
        if (value === undefined || !Number.isInteger(value) || value < 1) throw new Error('the answer holds no quota');
        return value;
      });
      return { quota: { limit, source: 'live' }, keptMs: KEPT_MS };
    } catch (error) {
      const { code } = cloudError(error, doing, signal);
      if (code === 'ABORTED') throw error;
      // A quota is lowered more seldom than a service fails: what was read last stands, but for whoever is told that he may not know.
      const last = code === 'CLOUD_DENIED' ? undefined : this.#last?.quota;
      return { quota: last ?? PUBLISHED, keptMs: KEPT_WITHOUT_ANSWER_MS };
    }
  }
}
