/** How many more routes each table takes now. What has a place by plan may have to wait until something else is gone. */
import type { RouteQuota } from '../contracts/cloud-inventory.ts';
import type { CloudTable } from '../core/cloud-route.ts';
import type { RouteStep } from './cloud-plan.ts';
import type { StepHold } from './cloud-scope.ts';

export class RoomInTables {
  readonly #left = new Map<string, number>();
  readonly #freed: ReadonlySet<string>;

  /** @param freed removals that are made in the same round */
  constructor(tables: readonly CloudTable[], quotas: ReadonlyMap<string, RouteQuota>, freed: readonly RouteStep[]) {
    for (const { id, occupied } of tables) {
      const quota = quotas.get(id);
      if (quota !== undefined) this.#left.set(id, quota.limit - occupied);
    }
    this.#freed = new Set(freed.map(({ row }) => row.table));
  }

  /** Undefined: there is room, and it is taken. */
  take(table: string): StepHold | undefined {
    const left = this.#left.get(table) ?? Infinity;
    this.#left.set(table, left - 1);
    if (left > 0) return undefined;
    if (this.#freed.has(table)) return { result: 'held', why: `${table} is full until others are gone from it` };
    return {
      result: 'refused',
      code: 'ROUTE_TABLE_FULL',
      why: `${table} is full, until routes that nobody needs any more are gone from it`,
      hint: 'It is tried again by itself.',
      published: true,
    };
  }
}
